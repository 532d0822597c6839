//! The kinds of values, in the words of people.

use serde_json::Value as Json;

use crate::files::diagnostic::{Code, Finding, shown};
use crate::files::tree::{Node, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only where a schema says nothing of the type.
    Nothing,
    Boolean,
    Integer,
    Number,
    Text,
    List,
    Map,
}

impl Kind {
    /// Every number is one, whole or not.
    pub(super) const ALL: [Self; 6] = [
        Self::Nothing,
        Self::Boolean,
        Self::Number,
        Self::Text,
        Self::List,
        Self::Map,
    ];

    /// The kinds that a schema admits by its `type`; all of them where it has none.
    pub(super) fn admitted(kind: Option<&Json>) -> Vec<Self> {
        match kind {
            Some(Json::String(word)) => Self::of(word).into_iter().collect(),
            Some(Json::Array(words)) => words.iter().filter_map(|word| Self::of(word.as_str()?)).collect(),
            Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_)) | None => Self::ALL.to_vec(),
        }
    }

    pub(super) fn is_admitted(kinds: &[Self], value: &Value) -> bool {
        kinds.iter().any(|kind| kind.admits(value))
    }

    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::Text,
            "array" => Self::List,
            "object" => Self::Map,
            _ => return None,
        })
    }

    pub(super) fn admits(self, value: &Value) -> bool {
        match value {
            Value::Boolean(_) => self == Self::Boolean,
            Value::Number(number) => {
                self == Self::Number || (self == Self::Integer && (number.is_u64() || number.is_i64()))
            }
            Value::Text(_) => self == Self::Text,
            Value::List(_) => self == Self::List,
            Value::Map(_) => self == Self::Map,
            Value::Null => self == Self::Nothing,
            Value::Refused => false,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Boolean => "`true` or `false`",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Map => "a mapping (`key: value`)",
        }
    }
}

/// The finding for a value of another kind than those.
pub(super) fn mismatch(node: &Node, kinds: &[Kind]) -> Finding {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.words()).collect();
    let expected = match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "left out".to_owned(),
    };
    let found = match &node.value {
        Value::Null => return no_value(node, &expected),
        Value::Refused => "something that is reported already".to_owned(),
        Value::Boolean(boolean) => format!("`{boolean}`"),
        Value::Number(number) => format!("the number `{number}`"),
        Value::Text(text) => format!("the text {}", shown(text)),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
    };
    let message = format!("this must be {expected}, but it is {found}");
    Finding::error(Code::WrongType, &node.first_span(), message).help_if(remedy(node, kinds))
}

fn no_value(node: &Node, expected: &str) -> Finding {
    Finding::error(Code::WrongType, &node.span, "this field has no value".to_owned())
        .label(format!("write {expected} here"))
        .help("to use the default, remove the field")
}

fn remedy(node: &Node, kinds: &[Kind]) -> Option<String> {
    let wants = |kind| kinds.contains(&kind);
    match &node.value {
        Value::Number(_) | Value::Boolean(_) if wants(Kind::Text) => {
            Some("put it in quotes to make it text".to_owned())
        }
        Value::Number(_) if wants(Kind::Boolean) => Some("write `true` or `false`".to_owned()),
        Value::Text(text) if wants(Kind::Boolean) => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" => Some("write `true`".to_owned()),
            "no" | "off" | "n" => Some("write `false`".to_owned()),
            _ => None,
        },
        Value::Text(text) if wants(Kind::Integer) || wants(Kind::Number) => text
            .parse::<i64>()
            .ok()
            .map(|number| format!("remove the quotes: `{number}`")),
        Value::Text(text) if wants(Kind::List) => Some(format!("write a list: `[{text}]`")),
        Value::Map(_) if wants(Kind::List) => Some("begin each entry with `- `".to_owned()),
        Value::List(_) if wants(Kind::Map) => Some("remove the `- `".to_owned()),
        Value::Null
        | Value::Boolean(_)
        | Value::Number(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Refused => None,
    }
}
