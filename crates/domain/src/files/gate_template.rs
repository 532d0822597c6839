//! `gates/*.yaml`: templates, which say once how a gate is used, and with which arguments.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text::GateName;
use crate::id::{InvalidName, text_newtype};
use crate::policy::Disposition;

/// What stands before the name of an argument, and after it. What gates themselves fill in begins with `${` and a letter, or with `{`.
pub(super) const OPENS: &str = "${{";
const CLOSES: &str = "}}";

text_newtype!(
    /// The name of an argument.
    ArgumentName, "argument name", is_argument,
    "1 to 63 of lower-case letters, digits and `_`, the first a letter",
    "^[a-z][a-z0-9_]{0,62}$"
);

fn is_argument(text: &str) -> bool {
    let may = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(may)
}

/// A gate with its arguments left open. Its name is that of the file, without `.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "GateFile")]
pub struct GateTemplate {
    /// What playbooks have to tell it, or may. In `with` an argument stands as `${{ name }}`.
    #[serde(default)]
    pub arguments: BTreeMap<ArgumentName, Argument>,
    /// The name of the gate.
    pub uses: GateName,
    /// What the gate is told. A text that is nothing but `${{ name }}` becomes the argument itself: a number stays one.
    #[serde(default)]
    pub with: Value,
    /// What becomes of the verdict `no_data`, where a playbook does not say. Left out, `hold`.
    pub on_no_data: Option<Disposition>,
    /// What becomes of the verdict `inconclusive`, where a playbook does not say. Left out, `hold`.
    pub on_inconclusive: Option<Disposition>,
    /// Whether it is only tried, where a playbook does not say: judged and shown, and never obeyed. Left out, `false`.
    pub dry_run: Option<bool>,
}

/// One thing that a template is told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "GateArgument")]
pub struct Argument {
    /// What it is, for those who use the template.
    pub description: Option<String>,
    /// What it is where a playbook does not say. Left out, it has to.
    pub default: Option<ArgumentValue>,
}

/// Text, a number, or `true` or `false`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ArgumentValue {
    Boolean(bool),
    Number(serde_json::Number),
    Text(String),
}

impl JsonSchema for ArgumentValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ArgumentValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number", "boolean"],
            "description": "text, a number, or `true` or `false`",
        })
    }
}

impl ArgumentValue {
    fn value(&self) -> Value {
        match self {
            Self::Boolean(boolean) => Value::Bool(*boolean),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone()),
        }
    }
}

/// A part of a text of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    Argument(&'t str),
}

/// The parts of a text. `Err`: what opens there is not the name of an argument.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, opened)) = rest.split_once(OPENS) {
        let Some((name, after)) = opened.split_once(CLOSES) else {
            return Err(format!("`{OPENS}` has no `{CLOSES}` after it"));
        };
        if !is_argument(name.trim()) {
            return Err(format!("`{OPENS}{name}{CLOSES}` does not hold the name of an argument"));
        }
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Argument(name.trim()));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

impl GateTemplate {
    /// What the gate is told with these arguments. Arguments are not looked into: what stands in one is never taken for another.
    #[must_use]
    pub fn told(&self, given: &BTreeMap<ArgumentName, ArgumentValue>) -> Value {
        let defaults = self.arguments.iter();
        let defaults =
            defaults.filter_map(|(name, argument)| Some((name.as_str(), argument.default.as_ref()?.value())));
        let given = given.iter().map(|(name, value)| (name.as_str(), value.value()));
        filled(&self.with, &defaults.chain(given).collect())
    }
}

fn filled(value: &Value, arguments: &BTreeMap<&str, Value>) -> Value {
    match value {
        Value::String(text) => filled_text(text, arguments),
        Value::Array(items) => items.iter().map(|item| filled(item, arguments)).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), filled(value, arguments)));
            Value::Object(fields.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// What is no text of a template stays as it is: its mistake is told elsewhere.
fn filled_text(text: &str, arguments: &BTreeMap<&str, Value>) -> Value {
    let as_written = || Value::String(text.to_owned());
    let Ok(pieces) = pieces(text) else {
        return as_written();
    };
    if let [Piece::Argument(name)] = pieces.as_slice()
        && let Some(value) = arguments.get(name)
    {
        return value.clone();
    }
    let mut whole = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => whole.push_str(text),
            Piece::Argument(name) => match arguments.get(name) {
                Some(Value::String(text)) => whole.push_str(text),
                Some(value) => {
                    let _ = write!(whole, "{value}");
                }
                None => return as_written(),
            },
        }
    }
    Value::String(whole)
}

#[cfg(test)]
mod tests;
