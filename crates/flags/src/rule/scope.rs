//! What a part of a rule can see: the context, or the element an iteration is at.

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::{Map, Value as Json};

use super::Turn;
use super::path::{Path, Steps};
use super::value::{Fault, Value};

/// What an evaluation is asked with.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub flag: &'a str,
    pub context: &'a Map<String, Json>,
    /// Seconds since 1970-01-01 UTC.
    pub timestamp: i64,
}

/// The surroundings of a part of a rule.
pub struct Scope<'s, 'a> {
    data: Data<'s, 'a>,
    /// The scope around an iteration's body, and whether its values beat those at hand.
    around: Option<(&'s Scope<'s, 'a>, bool)>,
    /// Whether the values at hand beat those of iterations inside.
    beats_inner: bool,
    budget: &'s Cell<u32>,
}

enum Data<'s, 'a> {
    Context(&'s Request<'a>),
    Element(&'s Value<'a>),
    Fold {
        current: &'s Value<'a>,
        accumulator: &'s Value<'a>,
    },
}

const PROPERTIES: &str = "$flagd";

impl<'s, 'a> Scope<'s, 'a> {
    pub fn root(request: &'s Request<'a>, budget: &'s Cell<u32>) -> Self {
        Self {
            data: Data::Context(request),
            around: None,
            beats_inner: false,
            budget,
        }
    }

    /// The scope of one element.
    ///
    /// flagd's server puts values it knows into a body before it computes the body, and so into iterations inside of it: those of
    /// the surroundings for `filter`, `some` and `none`, those of the element for `all` and `some`. What was put in beats what an
    /// inner element has under the same name.
    pub fn element<'t>(&'t self, element: &'t Value<'a>, turn: Turn) -> Scope<'t, 'a> {
        let around_beats = matches!(turn, Turn::Filter | Turn::Some | Turn::None);
        Scope {
            data: Data::Element(element),
            around: Some((self, around_beats || self.beats_inner)),
            beats_inner: matches!(turn, Turn::All | Turn::Some),
            budget: self.budget,
        }
    }

    pub fn fold<'t>(&'t self, current: &'t Value<'a>, accumulator: &'t Value<'a>) -> Scope<'t, 'a> {
        Scope {
            data: Data::Fold { current, accumulator },
            around: Some((self, self.beats_inner)),
            beats_inner: false,
            budget: self.budget,
        }
    }

    /// Whether it is the scope of an element.
    pub fn is_inside(&self) -> bool {
        self.around.is_some()
    }

    pub fn beats_inner(&self) -> bool {
        self.beats_inner
    }

    pub fn spend(&self, steps: usize) -> Result<(), Fault> {
        let steps = u32::try_from(steps).map_err(|_| Fault)?;
        self.budget.set(self.budget.get().checked_sub(steps).ok_or(Fault)?);
        Ok(())
    }

    /// What `path`, or else `default`, comes to around, where that beats what is at hand; outermost first.
    pub fn beaten(&self, path: &Path, default: &Value<'a>) -> Option<Value<'a>> {
        self.around?;
        if path.inward {
            return None;
        }
        self.beaten_by(&|scope| {
            scope
                .find(path)
                .or_else(|| (!default.is_null()).then(|| default.clone()))
        })
    }

    /// What `look` finds around, outermost first.
    pub fn beaten_by(&self, look: &dyn Fn(&Scope<'_, 'a>) -> Option<Value<'a>>) -> Option<Value<'a>> {
        let (around, beats) = self.around?;
        around
            .beaten_by(look)
            .or_else(|| if beats { look(around) } else { None })
    }

    /// What `path` leads to from what is at hand; `None` where that is nothing or null.
    pub fn find(&self, path: &Path) -> Option<Value<'a>> {
        match &self.data {
            Data::Context(request) => {
                let Some(first) = path.first() else {
                    return Some(Value::Whole);
                };
                if first == PROPERTIES {
                    return property(request, path.rest());
                }
                path.rest().walk(request.context.get(first)?).map(Value::from)
            }
            Data::Element(element) => walk(element, path.all()),
            Data::Fold { current, accumulator } => match path.first() {
                None => Some(Value::Whole),
                Some("current") => walk(current, path.rest()),
                Some("accumulator") => walk(accumulator, path.rest()),
                Some("valueType") if path.rest().split().is_none() => {
                    Some(Value::Text(Cow::Borrowed(match accumulator {
                        Value::Bool(_) => "bool",
                        Value::Number(_) => "number",
                        Value::Null | Value::Text(_) | Value::Json(_) | Value::List(_) | Value::Whole => "string",
                    })))
                }
                Some(_) => None,
            },
        }
    }

    /// What is at hand, where that is a single value.
    pub fn scalar(&self) -> Value<'a> {
        match &self.data {
            Data::Element(element) if element.is_scalar() => (*element).clone(),
            Data::Context(_) | Data::Element(_) | Data::Fold { .. } => Value::Null,
        }
    }

    /// The flag's key and the targeting key of what is at hand. `None` where that is no object.
    pub fn identity(&self) -> Option<(&'a str, Option<Value<'a>>)> {
        match &self.data {
            Data::Context(request) => Some((request.flag, request.context.get("targetingKey").map(Value::from))),
            Data::Element(Value::Json(Json::Object(map))) => Some(("", map.get("targetingKey").map(Value::from))),
            Data::Element(_) => None,
            Data::Fold { .. } => Some(("", None)),
        }
    }
}

fn property<'a>(request: &Request<'a>, rest: Steps<'_>) -> Option<Value<'a>> {
    let Some(((name, _), rest)) = rest.split() else {
        return Some(Value::Whole);
    };
    if rest.split().is_some() {
        return None;
    }
    match name {
        "flagKey" => Some(Value::Text(Cow::Borrowed(request.flag))),
        // Exact until the year 285 million.
        "timestamp" => Some(Value::Number(request.timestamp as f64)),
        _ => None,
    }
}

fn walk<'a>(value: &Value<'a>, steps: Steps<'_>) -> Option<Value<'a>> {
    if let Value::Json(json) = value {
        return steps.walk(json).map(Value::from);
    }
    let Some(((_, place), rest)) = steps.split() else {
        return (!value.is_null()).then(|| value.clone());
    };
    match value {
        Value::List(list) => walk(list.get(place?)?, rest),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Json(_) | Value::Whole => None,
    }
}
