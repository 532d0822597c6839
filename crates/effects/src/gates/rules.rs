//! The rules of a comparison of responses as people write them, as the comparison takes them.

use tidegate_domain::files::{FieldPattern, HeaderName, NormaliseAs, ShadowFile};
use tidegate_evidence::shadow::{Normaliser, Pattern, Rules, Tolerance};

/// # Errors
/// A path of a field that the comparison cannot read, in words.
pub fn rules(file: &ShadowFile) -> Result<Rules, String> {
    let normalised = file.normalise.iter().map(|normalised| {
        let normaliser = match normalised.form {
            NormaliseAs::Timestamp => Normaliser::Timestamp,
            NormaliseAs::Uuid => Normaliser::Uuid,
            NormaliseAs::Anything => Normaliser::Anything,
        };
        Ok((pattern(&normalised.field)?, normaliser))
    });
    Ok(Rules {
        ignored_headers: names(&file.ignore.headers),
        ignored_fields: patterns(&file.ignore.fields)?,
        normalised: normalised.collect::<Result<_, String>>()?,
        unordered: patterns(&file.unordered)?,
        redacted_headers: names(&file.redact.headers),
        redacted_fields: patterns(&file.redact.fields)?,
        hides_values: file.redact.everything,
        tolerance: Tolerance {
            absolute: file.tolerance.absolute,
            relative: file.tolerance.relative,
        },
        endpoints: Vec::new(),
    })
}

pub(super) fn names(names: &[HeaderName]) -> Vec<String> {
    names.iter().map(|name| name.as_str().to_ascii_lowercase()).collect()
}

fn patterns(fields: &[FieldPattern]) -> Result<Vec<Pattern>, String> {
    fields.iter().map(pattern).collect()
}

/// Both sides read one form; where they come apart, that is said and not guessed.
fn pattern(field: &FieldPattern) -> Result<Pattern, String> {
    Pattern::read(field.as_str()).ok_or_else(|| format!("`{field}` is no path of a field"))
}
