//! The rules of a comparison of responses: what is left out, what counts as equal, what is never shown.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::text::HeaderName;
use crate::id::{InvalidName, text_newtype};

/// The rules of a comparison of responses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShadowFile {
    /// What is not compared.
    pub ignore: LeftOut,
    /// What is compared in another form.
    pub normalise: Vec<Normalised>,
    /// Arrays whose order says nothing.
    pub unordered: Vec<FieldPattern>,
    /// What is compared and never shown, beside the names that are never shown anyway.
    pub redact: Hidden,
    /// How far numbers may be apart.
    pub tolerance: NumberTolerance,
}

/// What is not compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeftOut {
    /// Headers, beside those that differ from one answer to the next anyway.
    pub headers: Vec<HeaderName>,
    /// Fields of JSON bodies, with what lies below them.
    pub fields: Vec<FieldPattern>,
}

/// A field that is compared in another form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalised {
    /// The field.
    pub field: FieldPattern,
    /// What it is taken for.
    #[serde(rename = "as")]
    pub form: NormaliseAs,
}

/// What a value is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NormaliseAs {
    /// Timestamps within it, as RFC 3339 writes them, are equal.
    Timestamp,
    /// UUIDs within it are equal.
    Uuid,
    /// All values of one type are equal.
    Anything,
}

/// What is compared and never shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hidden {
    /// Headers.
    pub headers: Vec<HeaderName>,
    /// Fields of JSON bodies, with what lies below them.
    pub fields: Vec<FieldPattern>,
    /// No value of any header or body is shown.
    pub everything: bool,
}

/// How far numbers may be apart and still be equal: by `absolute`, and by `relative` of the larger one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NumberTolerance {
    /// In the unit of the number.
    #[schemars(range(min = 0))]
    pub absolute: f64,
    /// As a share, such as `0.001`.
    #[schemars(range(min = 0, max = 1))]
    pub relative: f64,
}

fn is_field_pattern(text: &str) -> bool {
    let Some(mut rest) = text.strip_prefix('$') else {
        return false;
    };
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix("[]") {
            rest = behind;
            continue;
        }
        let Some(name) = rest.strip_prefix('.') else {
            return false;
        };
        let end = name.find(['.', '[']).unwrap_or(name.len());
        if end == 0 || name[..end].contains([' ', ']']) {
            return false;
        }
        rest = &name[end..];
    }
    true
}

text_newtype!(
    /// Fields of JSON bodies by path.
    FieldPattern, "path of a field", is_field_pattern,
    "`$` and steps such as `.total` and `[]` for all elements; `.*` is any one step, `.**` any number of them: `$.items[].price`",
    r"^\$(\[\]|\.[^.\[\] ]+)*$"
);
