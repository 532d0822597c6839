//! The rules as people write them, as the comparison takes them.

use std::path::Path;

use tidegate_domain::files::{FieldPattern, HeaderName, NormaliseAs, ShadowFile};
use tidegate_evidence::shadow::{Normaliser, Pattern, Rules, Tolerance};

use crate::context::Context;
use crate::error::CliError;
use crate::project;

pub fn read(path: &Path, context: &Context) -> Result<Rules, CliError> {
    rules(&project::shadow(path, context)?)
}

fn rules(file: &ShadowFile) -> Result<Rules, CliError> {
    let names = |names: &[_]| {
        names
            .iter()
            .map(|name: &HeaderName| name.as_str().to_ascii_lowercase())
            .collect()
    };
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
        normalised: normalised.collect::<Result<_, CliError>>()?,
        unordered: patterns(&file.unordered)?,
        redacted_headers: names(&file.redact.headers),
        redacted_fields: patterns(&file.redact.fields)?,
        hides_values: file.redact.everything,
        tolerance: Tolerance {
            absolute: file.tolerance.absolute,
            relative: file.tolerance.relative,
        },
    })
}

fn patterns(fields: &[FieldPattern]) -> Result<Vec<Pattern>, CliError> {
    fields.iter().map(pattern).collect()
}

/// Both sides read one form; where they come apart, that is said and not guessed.
fn pattern(field: &FieldPattern) -> Result<Pattern, CliError> {
    Pattern::read(field.as_str()).ok_or_else(|| {
        CliError::new(format!("`{field}` is no path of a field")).help("write a path such as `$.items[].price`")
    })
}
