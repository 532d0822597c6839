//! What a rule computes with: borrowed from the rule or the context wherever it can be.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::number;

/// A rule that cannot be computed for this context: flagd answers `PARSE_ERROR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault;

#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// An array or an object, as it stands in the context or in the rule.
    Json(&'a Json),
    List(Vec<Value<'a>>),
    /// The context as a whole: an object that is never empty and that no operator looks into.
    Whole,
}

impl<'a> From<&'a Json> for Value<'a> {
    fn from(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            // A number of JSON always has a nearest f64; flagd knows no other numbers.
            Json::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Self::Text(Cow::Borrowed(text)),
            Json::Array(_) | Json::Object(_) => Self::Json(json),
        }
    }
}

impl<'a> Value<'a> {
    pub fn text(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn is_scalar(&self) -> bool {
        matches!(self, Self::Bool(_) | Self::Number(_) | Self::Text(_))
    }

    pub fn is_list(&self) -> bool {
        matches!(self, Self::List(_) | Self::Json(Json::Array(_)))
    }

    pub fn is_object(&self) -> bool {
        matches!(self, Self::Whole | Self::Json(Json::Object(_)))
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Json(_) | Self::List(_) | Self::Whole => None,
        }
    }

    /// `[]`, `{}`, `""`, 0, false and null are not true; everything else is.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(truth) => *truth,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Json(Json::Array(list)) => !list.is_empty(),
            Self::Json(Json::Object(map)) => !map.is_empty(),
            Self::Json(_) | Self::Whole => true,
            Self::List(list) => !list.is_empty(),
        }
    }

    /// As a comparison sees it; NaN is equal to nothing and neither more nor less than anything.
    pub fn compared(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(truth) => f64::from(u8::from(*truth)),
            Self::Number(number) => *number,
            Self::Text(text) => number::compared(text),
            Self::Json(_) | Self::List(_) | Self::Whole => f64::NAN,
        }
    }

    /// As arithmetic sees it: numbers and texts only.
    pub fn calculated(&self) -> Result<f64, Fault> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => Ok(number::calculated(text)),
            Self::Null | Self::Bool(_) | Self::Json(_) | Self::List(_) | Self::Whole => Err(Fault),
        }
    }

    /// As `cat` and `substr` see it: texts, numbers, and null as nothing.
    pub fn joined(&self) -> Result<Cow<'_, str>, Fault> {
        match self {
            Self::Null => Ok(Cow::Borrowed("")),
            Self::Number(number) => Ok(Cow::Owned(number::plain(*number))),
            Self::Text(text) => Ok(Cow::Borrowed(text)),
            Self::Bool(_) | Self::Json(_) | Self::List(_) | Self::Whole => Err(Fault),
        }
    }

    /// The element at `place`, of a list that is long enough.
    pub fn element(&self, place: usize) -> Option<Value<'a>> {
        match self {
            Self::List(list) => list.get(place).cloned(),
            Self::Json(Json::Array(list)) => list.get(place).map(Value::from),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Json(_) | Self::Whole => None,
        }
    }

    /// How many elements a list has; `None` for what is no list.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::List(list) => Some(list.len()),
            Self::Json(Json::Array(list)) => Some(list.len()),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Json(_) | Self::Whole => None,
        }
    }

    /// The elements of a list, one by one.
    pub fn elements(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.length().unwrap_or(0)).filter_map(|place| self.element(place))
    }
}

/// The arguments of an operator, all computed. Up to four need no memory of their own.
#[derive(Debug)]
pub enum Arguments<'a> {
    Few([Value<'a>; 4], usize),
    Many(Vec<Value<'a>>),
}

impl<'a> std::ops::Deref for Arguments<'a> {
    type Target = [Value<'a>];

    fn deref(&self) -> &[Value<'a>] {
        match self {
            Self::Few(values, count) => &values[..*count],
            Self::Many(values) => values,
        }
    }
}

/// What stands behind an operator, computed: its list of arguments, or one value that is no list.
#[derive(Debug)]
pub enum Operands<'a> {
    Several(Arguments<'a>),
    One(Value<'a>),
}

impl<'a> Operands<'a> {
    /// Operators that insist on a list cannot be computed from anything else.
    pub fn list(self) -> Result<Arguments<'a>, Fault> {
        match self {
            Self::Several(arguments) => Ok(arguments),
            Self::One(_) => Err(Fault),
        }
    }
}

/// The value as a document; `None` where JSON cannot write it.
#[cfg(test)]
pub fn document(value: &Value<'_>, request: &super::Request<'_>) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Number(number) => serde_json::Number::from_f64(*number).map(Json::Number)?,
        Value::Text(text) => Json::String(text.to_string()),
        Value::Json(json) => (*json).clone(),
        Value::List(list) => Json::Array(
            list.iter()
                .map(|value| document(value, request))
                .collect::<Option<_>>()?,
        ),
        Value::Whole => Json::Object(request.context.clone()),
    })
}
