//! Paths into a context: `customer.plan`, `items.0.price`.

use serde_json::Value as Json;

use super::number::{self, Reading};

/// A path, taken apart once.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    steps: Box<[Step]>,
    /// Empty, or with a dot in front: it always means what is at hand, never what surrounds it.
    pub inward: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Step {
    name: Box<str>,
    /// The place in a list that the name means.
    place: Option<usize>,
}

impl Path {
    pub fn parse(text: &str) -> Self {
        let steps = text.split('.').filter(|name| !name.is_empty()).map(|name| Step {
            name: name.into(),
            place: place(name),
        });
        Self {
            steps: steps.collect(),
            inward: text.is_empty() || text.starts_with('.'),
        }
    }

    /// The same, as it is meant in brackets: what surrounds it counts.
    pub fn outward(self) -> Self {
        Self { inward: false, ..self }
    }

    pub fn first(&self) -> Option<&str> {
        self.steps.first().map(|step| &*step.name)
    }

    /// The path without its first step.
    pub fn rest(&self) -> Steps<'_> {
        Steps(self.steps.get(1..).unwrap_or_default())
    }

    pub fn all(&self) -> Steps<'_> {
        Steps(&self.steps)
    }
}

/// Some steps of a path, to the end.
#[derive(Clone, Copy)]
pub struct Steps<'p>(&'p [Step]);

impl<'p> Steps<'p> {
    /// Where the steps lead from `json`; null is nowhere.
    pub fn walk(self, json: &Json) -> Option<&Json> {
        let mut at = json;
        for step in self.0 {
            at = match at {
                Json::Object(map) => map.get(&*step.name)?,
                Json::Array(list) => list.get(step.place?)?,
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => return None,
            };
        }
        (!at.is_null()).then_some(at)
    }

    /// The first step and those after it.
    pub fn split(self) -> Option<((&'p str, Option<usize>), Steps<'p>)> {
        let (first, rest) = self.0.split_first()?;
        Some(((&first.name, first.place), Steps(rest)))
    }
}

/// A name that is no number means the first element, as in flagd's server.
fn place(name: &str) -> Option<usize> {
    match number::read(name) {
        Reading::Number(number) if number.is_finite() => usize::try_from(number::whole(number)).ok(),
        Reading::Number(_) | Reading::OutOfRange(_) => None,
        Reading::NoNumber => Some(0),
    }
}
