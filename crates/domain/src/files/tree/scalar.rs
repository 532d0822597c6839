//! What a plain scalar is, and what the parser's errors mean.

use std::ops::Range;

use granit_parser::{ErrorKind, ScanError};

use super::Value;
use crate::files::diagnostic::{Code, Finding, shown};

/// A number that readers of YAML disagree about.
#[derive(Debug)]
pub(super) struct Ambiguous(String);

impl Ambiguous {
    pub(super) fn at(self, span: &Range<usize>) -> Finding {
        let message = format!("{} is not the same number to every reader of YAML", shown(&self.0));
        Finding::error(Code::Yaml, span, message).help(format!(
            "write a plain decimal number, or text in quotes: \"{}\"",
            self.0
        ))
    }
}

/// The value of text without quotes, by the core rules of YAML 1.2 as far as YAML 1.1 and JSON agree with them.
pub(super) fn resolve(text: &str) -> Result<Value, Ambiguous> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Boolean(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Boolean(false)),
        _ => {}
    }
    // Nearly all text ends here: no number begins otherwise.
    let begins_as_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    if !begins_as_number(text) || !is_core_number(text) {
        return Ok(Value::Text(text.to_owned()));
    }
    // JSON's numbers are the ones all readers agree on.
    serde_json::from_str(text)
        .map(Value::Number)
        .map_err(|_| Ambiguous(text.to_owned()))
}

fn is_core_number(text: &str) -> bool {
    let digits = |part: &str, radix| !part.is_empty() && part.chars().all(|c| c.is_digit(radix));
    if let Some(hex) = text.strip_prefix("0x") {
        return digits(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent_fits =
        exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent), 10));
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction, 10),
        Some((whole, fraction)) => digits(whole, 10) && fraction.bytes().all(|b| b.is_ascii_digit()),
        None => digits(mantissa, 10),
    };
    exponent_fits && mantissa_fits
}

/// The parser's error as a finding with a remedy.
pub(super) fn explain(error: &ScanError, text: &str) -> Finding {
    let start = error.marker().byte_offset().unwrap_or(text.len());
    let width = text
        .get(start..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, char::len_utf8);
    let (code, help) = remedy(error.kind());
    Finding::error(
        code,
        &(start..start + width),
        format!("this is not YAML: {}", error.info()),
    )
    .help(help)
}

fn remedy(kind: &ErrorKind) -> (Code, &'static str) {
    if matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
    ) {
        return (Code::Yaml, "indent with spaces: YAML does not allow tabs there");
    }
    if matches!(
        kind,
        ErrorKind::UnexpectedEofFlowSequence
            | ErrorKind::UnexpectedEofFlowMapping
            | ErrorKind::ExpectedFlowMappingSeparator
            | ErrorKind::ExpectedFlowSequenceSeparator
            | ErrorKind::UnclosedFlowCollection { .. }
    ) {
        return (Code::Yaml, "close the bracket, and put a comma between entries");
    }
    if matches!(kind, ErrorKind::DirectiveDisallowed) {
        return (Code::Yaml, "remove the line that starts with `%`");
    }
    if matches!(
        kind,
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent
    ) {
        return (Code::Yaml, "close the quotes that were opened above");
    }
    if matches!(kind, ErrorKind::RecursionLimitExceeded) {
        return (Code::Limit, "use fewer lists and mappings inside each other");
    }
    (
        Code::Yaml,
        "check the indentation and the `:` of this line and the one above; text with `: `, `#`, `{`, `[`, `*` or `&` needs quotes",
    )
}
