//! Instances that are made up: small ones, with what is demanded and nothing else.

use serde_json::Value;

use super::{All, Judge, Role, Shape, number};
use crate::limits;
use crate::schema::{Count, Types};

/// Levels of members that are looked at for one that cannot be.
const LEVELS: usize = 4;

/// Strings say most to people, and objects and lists cost most.
const ORDER: [Types; 7] = [
    Types::STRING,
    Types::WHOLE,
    Types::FRACTION,
    Types::BOOLEAN,
    Types::OBJECT,
    Types::ARRAY,
    Types::NULL,
];

impl<'d> Judge<'d> {
    /// A valid instance, where one is found.
    pub(crate) fn sample(&mut self, all: &All) -> Option<Value> {
        let key = (self.flow, all.clone());
        if let Some(known) = self.samples.get(&key) {
            return known.clone();
        }
        // A smallest instance does not hold another of its own kind.
        if self.sampling.contains(all) || self.sampling.len() >= limits::WITNESS_DEPTH {
            return None;
        }
        self.sampling.push(all.clone());
        let sample = self.made(all);
        self.sampling.pop();
        // What was not found inside of another search may be found by itself.
        if sample.is_some() || self.sampling.is_empty() {
            self.samples.insert(key, sample.clone());
        }
        sample
    }

    fn made(&mut self, all: &All) -> Option<Value> {
        let shapes = self.shapes(all).ok()?;
        for shape in shapes.iter() {
            for kind in ORDER {
                if shape.types.has(kind)
                    && let Some(value) = self.sample_of(shape, kind, all)
                {
                    return Some(value);
                }
            }
        }
        None
    }

    /// A valid instance of one kind.
    pub(super) fn sample_of(&mut self, shape: &Shape<'d>, kind: Types, all: &All) -> Option<Value> {
        let candidates = self.candidates(shape, kind);
        self.first_fitting(all, candidates)
    }

    pub(super) fn first_fitting(&mut self, all: &All, candidates: Vec<Value>) -> Option<Value> {
        candidates
            .into_iter()
            .find(|value| self.accepts(all, value, Role::Sends) == Some(true))
    }

    pub(super) fn candidates(&mut self, shape: &Shape<'d>, kind: Types) -> Vec<Value> {
        if let Some(values) = &shape.values {
            return values
                .iter()
                .filter(|value| kind.has(Types::of(value)))
                .cloned()
                .collect();
        }
        match kind {
            Types::STRING => self.strings(shape),
            Types::WHOLE | Types::FRACTION => number::candidates(shape, shape, kind),
            Types::BOOLEAN => vec![Value::Bool(true), Value::Bool(false)],
            Types::NULL => vec![Value::Null],
            Types::ARRAY => self.list(shape, shape.entries.least, None).into_iter().collect(),
            Types::OBJECT => self.object(shape, None, shape.size.least).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// All values of one kind, where they are few.
    pub(super) fn listed(&self, shape: &Shape<'d>, kind: Types) -> Option<Vec<Value>> {
        if let Some(values) = &shape.values {
            return Some(
                values
                    .iter()
                    .filter(|value| kind.has(Types::of(value)))
                    .cloned()
                    .collect(),
            );
        }
        match kind {
            Types::NULL => Some(vec![Value::Null]),
            Types::BOOLEAN => Some(vec![Value::Bool(false), Value::Bool(true)]),
            Types::WHOLE => number::listed(shape),
            _ => None,
        }
    }

    /// Whether there is plainly no instance of one kind.
    pub(super) fn is_empty(&mut self, shape: &Shape<'d>, kind: Types) -> bool {
        self.is_empty_below(shape, kind, LEVELS)
    }

    fn is_empty_below(&mut self, shape: &Shape<'d>, kind: Types, levels: usize) -> bool {
        let none = |count: Count| count.most.is_some_and(|most| count.least > most);
        match kind {
            Types::STRING => none(shape.length),
            Types::WHOLE | Types::FRACTION => number::is_empty(shape, kind),
            Types::ARRAY => {
                none(shape.entries) || shape.entries.least > 0 && self.is_void(&self.entry(shape, 0), levels)
            }
            Types::OBJECT => none(shape.size) || self.lacks(shape, levels),
            _ => false,
        }
    }

    /// Whether an object has to have a member that it cannot have.
    fn lacks(&mut self, shape: &Shape<'d>, levels: usize) -> bool {
        let demanded = self.demanded(shape, Role::Sends).unwrap_or_default();
        demanded.iter().any(|name| match self.sent(shape, name) {
            Ok(None) => true,
            Ok(Some(all)) => self.is_void(&all, levels),
            Err(_) => false,
        })
    }

    fn is_void(&mut self, all: &All, levels: usize) -> bool {
        let Some(levels) = levels.checked_sub(1) else {
            return false;
        };
        let Ok(shapes) = self.shapes(all) else {
            return false;
        };
        shapes.iter().all(|shape| {
            let kinds = Types::EACH.into_iter().filter(|kind| shape.types.has(*kind));
            kinds.into_iter().all(|kind| self.is_empty_below(shape, kind, levels))
        })
    }
}
