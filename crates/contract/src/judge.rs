//! Whether every message that one side may send is one that the other side accepts.
//!
//! The question is inclusion of sets of JSON values. A schema is multiplied out to [`Shape`](shape::Shape)s without
//! alternatives; each shape of what is sent, one kind of value at a time, has to lie within what is accepted. Recursive
//! schemas are taken as included while they are looked at: an instance is finite, and each turn goes one level into it.
//!
//! The answer is never [`Answer::Included`] where it is not so. Where it is not, the answer has an instance as a
//! witness, which was valid and invalid by [`accept`] before it is handed out. All the rest is [`Answer::Unknown`].

mod accept;
mod array;
mod disjoint;
mod include;
mod number;
mod object;
mod sample;
mod shape;
mod split;
mod string;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use crate::limits;
use crate::pattern::Pattern;
use crate::schema::{Model, SchemaId};

pub(crate) use shape::{Rest, Shape};

/// Which way a message goes. Who sends by the old document meets a new server and the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flow {
    /// Requests, and answers to webhooks and callbacks.
    ToServer,
    /// Responses, and what webhooks and callbacks carry.
    FromServer,
}

/// A schema is read by who sends and by who accepts.
///
/// Names that the sender's document does not declare are not sent. In what comes from the server, names that the
/// accepting side's document does not declare are ignored by it, whatever `additionalProperties` says, and so `oneOf`
/// cannot hold alternatives apart by what is absent: it is read as `anyOf` there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Sends,
    Accepts,
}

/// Schemas that hold all at once, sorted.
pub(crate) type All = Vec<SchemaId>;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Included,
    /// With a value that may be sent and is not accepted.
    Not(Value),
    /// With what stands in the way of knowing.
    Unknown(&'static str),
}

/// What could not be shown to lie within, and instances that may show that it does not.
#[derive(Debug, Clone)]
struct Failing {
    reason: &'static str,
    candidates: Vec<Value>,
}

impl Failing {
    fn new(reason: &'static str) -> Self {
        Self {
            reason,
            candidates: Vec::new(),
        }
    }

    fn with(reason: &'static str, candidates: impl IntoIterator<Item = Value>) -> Self {
        Self {
            reason,
            candidates: candidates.into_iter().collect(),
        }
    }
}

/// Collects what fails, so that a later check may find the witness an earlier one did not.
fn gather(results: impl IntoIterator<Item = Result<(), Failing>>) -> Result<(), Failing> {
    let mut all: Option<Failing> = None;
    for failing in results.into_iter().filter_map(Result::err) {
        match &mut all {
            Some(all) => all.candidates.extend(failing.candidates),
            None => all = Some(failing),
        }
    }
    all.map_or(Ok(()), Err)
}

type Question = (Flow, All, All);

#[derive(Debug)]
pub(crate) struct Judge<'d> {
    pub model: Model<'d>,
    flow: Flow,
    patterns: BTreeMap<String, Option<Pattern>>,
    shapes: BTreeMap<All, Result<Rc<Vec<Shape<'d>>>, &'static str>>,
    answers: BTreeMap<Question, Answer>,
    /// Taken as included, in the order in which they were asked.
    assumed: BTreeMap<Question, usize>,
    trail: Vec<Question>,
    /// The earliest assumption that was made use of.
    earliest: usize,
    samples: BTreeMap<(Flow, All), Option<Value>>,
    sampling: Vec<All>,
    steps: usize,
    depth: usize,
}

impl<'d> Judge<'d> {
    pub fn new(model: Model<'d>) -> Self {
        Self {
            model,
            flow: Flow::ToServer,
            patterns: BTreeMap::new(),
            shapes: BTreeMap::new(),
            answers: BTreeMap::new(),
            assumed: BTreeMap::new(),
            trail: Vec::new(),
            earliest: usize::MAX,
            samples: BTreeMap::new(),
            sampling: Vec::new(),
            steps: 0,
            depth: 0,
        }
    }

    /// Whether all that `sent` says may go this way is accepted by `accepted`.
    pub fn included(&mut self, flow: Flow, sent: &All, accepted: &All) -> Answer {
        self.face(flow);
        self.steps = limits::STEPS;
        self.include(sent, accepted)
    }

    /// Turns to messages that go this way.
    pub fn face(&mut self, flow: Flow) {
        self.flow = flow;
    }

    fn pattern(&mut self, text: &str) -> Option<Pattern> {
        if let Some(known) = self.patterns.get(text) {
            return known.clone();
        }
        let pattern = Pattern::new(text);
        self.patterns.insert(text.to_owned(), pattern.clone());
        pattern
    }

    /// Whether the accepting side ignores what it does not know.
    fn open(&self, role: Role) -> bool {
        role == Role::Accepts && self.flow == Flow::FromServer
    }
}
