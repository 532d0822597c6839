//! What a comparison finds.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::problem::Place;
use crate::rule::Rule;

/// How much counts as breaking. Each takes in the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// A message that was right is not any more.
    Wire,
    /// Also: a field, parameter, header or callback that may be used is gone, or behaves in another way.
    Contract,
    /// Also: code that is generated from the document changes its names.
    Sdk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Compatible,
    /// It could not be decided, and counts as breaking.
    Unknown,
    Breaking,
}

/// What is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// What is sent to the server, and how it is called.
    Request,
    Response,
    /// What the server sends to a webhook, and what it is answered.
    Webhook,
    Callback,
}

/// Whom a change breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breaks {
    Nobody,
    /// Under this policy and the stricter ones.
    From(Policy),
    Unknown,
}

/// A value that one version says may be sent, and that the other does not accept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Witness {
    /// Where in the message the value stands.
    pub path: String,
    pub value: Value,
}

/// One change. A change of a schema that several operations share is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub rule: Rule,
    pub direction: Direction,
    pub breaks: Breaks,
    /// Where in the messages: `request.cart.items[].price`, `response.200.total`. Of the first operation.
    pub path: String,
    pub message: String,
    /// A value that was right and is not any more.
    pub witness: Option<Witness>,
    /// Where the old and the new document say it.
    pub old: Option<Place>,
    pub new: Option<Place>,
    /// `POST /v2/sessions`. Empty where the whole API is meant.
    pub operations: BTreeSet<String>,
}

impl Change {
    pub fn level(&self, policy: Policy) -> Level {
        match self.breaks {
            Breaks::From(from) if from <= policy => Level::Breaking,
            Breaks::From(_) | Breaks::Nobody => Level::Compatible,
            Breaks::Unknown => Level::Unknown,
        }
    }
}

/// Everything that differs, in an order that depends on the documents alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    pub changes: Vec<Change>,
}

impl Comparison {
    /// Whether something breaks or may break under this policy.
    pub fn is_breaking(&self, policy: Policy) -> bool {
        self.level(policy) != Level::Compatible
    }

    /// The worst level of all changes.
    pub fn level(&self, policy: Policy) -> Level {
        let levels = self.changes.iter().map(|change| change.level(policy));
        levels.max().unwrap_or(Level::Compatible)
    }
}
