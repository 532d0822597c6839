//! What is left out of a comparison, what counts as equal, and what is never shown.

#[cfg(test)]
mod tests;

use super::field::{Pattern, Step};

/// Headers that differ from one answer to the next whatever the version, or that the connection makes.
pub const IGNORED_HEADERS: &[&str] = &[
    "age",
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server-timing",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "via",
    "x-request-id",
];

/// Parts of names whose values are never shown.
pub const REDACTED_NAMES: &[&str] = &[
    "auth",
    "card",
    "cookie",
    "credential",
    "cvv",
    "email",
    "iban",
    "key",
    "passw",
    "phone",
    "secret",
    "session",
    "signature",
    "ssn",
    "token",
];

/// The rules of a comparison. The default ones leave out [`IGNORED_HEADERS`] and hide [`REDACTED_NAMES`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// By lower-case name, beside [`IGNORED_HEADERS`].
    pub ignored_headers: Vec<String>,
    pub ignored_fields: Vec<Pattern>,
    pub normalised: Vec<(Pattern, Normaliser)>,
    /// Arrays whose order says nothing.
    pub unordered: Vec<Pattern>,
    /// By lower-case name, beside those that [`REDACTED_NAMES`] finds.
    pub redacted_headers: Vec<String>,
    pub redacted_fields: Vec<Pattern>,
    /// No value is shown at all.
    pub hides_values: bool,
    pub tolerance: Tolerance,
    /// Paths of requests that are one endpoint each: a `*` stands for one step that identifies a thing, a `**` at the end for all that
    /// follow. The first that fits counts; without one, what looks like an identifier is.
    pub endpoints: Vec<String>,
}

/// What two strings are read as before they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normaliser {
    /// Instants within the string, as RFC 3339 writes them, are equal.
    Timestamp,
    /// UUIDs within the string are equal (RFC 9562).
    Uuid,
    /// All values of one type are equal.
    Anything,
}

/// Numbers are equal where they differ by at most `absolute + relative * max(|old|, |new|)`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tolerance {
    pub absolute: f64,
    pub relative: f64,
}

impl Rules {
    pub fn ignores_header(&self, name: &str) -> bool {
        IGNORED_HEADERS.contains(&name) || self.ignored_headers.iter().any(|ignored| ignored == name)
    }

    pub fn ignores(&self, path: &[Step<'_>]) -> bool {
        self.ignored_fields.iter().any(|pattern| pattern.covers(path))
    }

    pub fn normaliser(&self, path: &[Step<'_>]) -> Option<Normaliser> {
        let found = self.normalised.iter().find(|(pattern, _)| pattern.covers(path));
        found.map(|(_, normaliser)| *normaliser)
    }

    pub fn is_unordered(&self, path: &[Step<'_>]) -> bool {
        self.unordered.iter().any(|pattern| pattern.covers(path))
    }

    pub fn hides_header(&self, name: &str) -> bool {
        self.hides_values || is_secret(name) || self.redacted_headers.iter().any(|redacted| redacted == name)
    }

    pub fn hides(&self, path: &[Step<'_>]) -> bool {
        let names_a_secret = path.iter().any(|step| match step {
            Step::Key(key) => is_secret(key),
            Step::Element => false,
        });
        self.hides_values || names_a_secret || self.redacted_fields.iter().any(|pattern| pattern.covers(path))
    }
}

impl Tolerance {
    /// Whether two numbers are one, by their digits. Whole numbers are compared exactly, others as 64-bit floating point.
    pub fn equal(self, old: &str, new: &str) -> bool {
        if old == new {
            return true;
        }
        let has_none = self.absolute == 0.0 && self.relative == 0.0;
        if let (true, Ok(old), Ok(new)) = (has_none, old.parse::<i128>(), new.parse::<i128>()) {
            return old == new;
        }
        match (old.parse::<f64>(), new.parse::<f64>()) {
            // Too large for a number: only the digits can tell.
            (Ok(old), Ok(new)) if old.is_finite() && new.is_finite() => {
                let allowed = self.absolute + self.relative * old.abs().max(new.abs());
                old == new || (old - new).abs() <= allowed
            }
            _ => false,
        }
    }
}

impl Normaliser {
    /// Whether two strings are equal but for what this takes out.
    pub fn equal(self, old: &str, new: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Timestamp => without(old, timestamp_length) == without(new, timestamp_length),
            Self::Uuid => without(old, uuid_length) == without(new, uuid_length),
        }
    }

    /// The string as it is compared.
    pub fn apply(self, text: &str) -> String {
        match self {
            Self::Anything => String::new(),
            Self::Timestamp => without(text, timestamp_length),
            Self::Uuid => without(text, uuid_length),
        }
    }
}

/// `text` with a zero byte for each part whose length `length_at` gives.
fn without(text: &str, length_at: impl Fn(&[u8]) -> Option<usize>) -> String {
    let (mut rest, mut kept) = (text, String::with_capacity(text.len()));
    while let Some(first) = rest.chars().next() {
        // Both forms are of ASCII characters, so their ends are those of characters.
        let length = length_at(rest.as_bytes()).unwrap_or(0);
        if length > 0 {
            kept.push('\0');
            rest = &rest[length..];
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}

fn fits(bytes: &[u8], form: &[u8]) -> bool {
    bytes.len() >= form.len()
        && form.iter().zip(bytes).all(|(form, byte)| match form {
            b'0' => byte.is_ascii_digit(),
            b'f' => byte.is_ascii_hexdigit(),
            b'T' => matches!(byte, b'T' | b't' | b' '),
            form => form == byte,
        })
}

fn uuid_length(bytes: &[u8]) -> Option<usize> {
    const FORM: &[u8] = b"ffffffff-ffff-ffff-ffff-ffffffffffff";
    fits(bytes, FORM).then_some(FORM.len())
}

/// A date, a time, a fraction of a second and an offset; the last two where they are there.
fn timestamp_length(bytes: &[u8]) -> Option<usize> {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    const OFFSET: &[u8] = b"00:00";
    if !fits(bytes, FORM) {
        return None;
    }
    let mut length = FORM.len();
    if bytes.get(length) == Some(&b'.') {
        let digits = bytes[length + 1..].iter().take_while(|byte| byte.is_ascii_digit());
        length += 1 + digits.count();
    }
    match bytes.get(length) {
        Some(b'Z' | b'z') => length += 1,
        Some(b'+' | b'-') if fits(&bytes[length + 1..], OFFSET) => length += 1 + OFFSET.len(),
        Some(_) | None => {}
    }
    Some(length)
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    REDACTED_NAMES.iter().any(|part| name.contains(part))
}
