//! A flag's targeting, compiled once when the flag is loaded and computed without touching its text again.
//!
//! What an operator does with which values is what flagd's own server does, which differs from other evaluators of
//! JsonLogic in places. `docs/flags.md` lists where this one differs from flagd.

mod calculate;
mod compare;
mod compile;
mod iterate;
mod list;
mod number;
mod operator;
mod path;
mod run;
mod scope;
#[cfg(test)]
mod tests;
mod value;

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::bucket::{HashVersion, Shares};
use crate::version::Relation;

use compare::Comparison;
pub use compile::compile;
pub use operator::Operator;
use path::Path;
pub use scope::Request;
use scope::Scope;
pub use value::{Fault, Value};

/// A rule, ready to be computed for any number of contexts.
#[derive(Debug)]
pub struct Rule {
    root: Node,
}

/// The name a rule comes to.
#[derive(Debug, PartialEq)]
pub enum Choice<'a> {
    /// Null: the default variant.
    Nothing,
    Variant(Cow<'a, str>),
    /// A list or an object: never the name of a variant.
    Structure,
}

impl Rule {
    /// Computes the rule.
    ///
    /// # Errors
    /// An operator cannot be computed from what it is given, or the rule costs more than an evaluation may.
    pub fn choose<'a>(&'a self, request: &Request<'a>) -> Result<Choice<'a>, Fault> {
        let budget = std::cell::Cell::new(crate::limits::EVALUATION_STEPS);
        let value = run::run(&self.root, &Scope::root(request, &budget))?;
        choice(value)
    }

    /// What the rule comes to, as a document; `None` where it cannot be computed.
    #[cfg(test)]
    pub fn result(&self, request: &Request<'_>) -> Option<Json> {
        let budget = std::cell::Cell::new(crate::limits::EVALUATION_STEPS);
        value::document(&run::run(&self.root, &Scope::root(request, &budget)).ok()?, request)
    }
}

fn choice(value: Value<'_>) -> Result<Choice<'_>, Fault> {
    match value {
        Value::Null => Ok(Choice::Nothing),
        Value::Bool(truth) => Ok(Choice::Variant(Cow::Borrowed(if truth { "true" } else { "false" }))),
        Value::Number(number) => number::written(number)
            .map(|name| Choice::Variant(Cow::Owned(name)))
            .ok_or(Fault),
        Value::Text(name) => Ok(Choice::Variant(name)),
        Value::List(list) => {
            // A list with a number that JSON cannot write is a fault, like the number alone.
            for element in list {
                choice(element)?;
            }
            Ok(Choice::Structure)
        }
        Value::Json(_) | Value::Whole => Ok(Choice::Structure),
    }
}

/// A part of a rule.
#[derive(Debug)]
enum Node {
    /// Null, true, false, a number, a text.
    Constant(Constant),
    /// A list of constants, or an object that is no operator.
    Literal(Json),
    List(Box<[Node]>),
    Variable(Box<Variable>),
    And(Box<[Node]>),
    Or(Box<[Node]>),
    /// Conditions and results by turns, and what holds else.
    If(Box<[Node]>),
    Iteration(Box<Iteration>),
    Fold(Box<Fold>),
    /// A comparison of two: what most conditions are.
    Relation(Comparison, Box<[Node; 2]>),
    /// `in` with a list of texts, sorted.
    Among(Box<Among>),
    /// `sem_ver` with a version and a relation that are written in the rule.
    Version(Box<VersionTest>),
    /// `fractional` with names and weights that are written in the rule.
    Fractional(Box<FractionalNode>),
    Apply(Operator, Box<Node>),
    /// What cannot be computed, whatever the context.
    Faulty,
}

#[derive(Debug)]
enum Constant {
    Null,
    Bool(bool),
    Number(f64),
    Text(Box<str>),
}

#[derive(Debug)]
struct Variable {
    key: Key,
    /// What stands in for an absent or null value.
    default: Node,
}

#[derive(Debug)]
enum Key {
    Fixed(Path),
    /// Computed: a text, a number, or a list that starts with a text.
    Computed(Node),
    /// `{"var": null}`: what is at hand, where that is a single value.
    Scalar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Map,
    Filter,
    All,
    Some,
    None,
}

#[derive(Debug)]
struct Iteration {
    turn: Turn,
    subject: Node,
    body: Node,
}

#[derive(Debug)]
struct Fold {
    subject: Node,
    body: Node,
    start: Node,
}

#[derive(Debug)]
struct Among {
    needle: Node,
    sorted: Box<[Box<str>]>,
}

#[derive(Debug)]
struct VersionTest {
    actual: Node,
    relation: Relation,
    /// Major, minor, patch of the version that is compared with.
    release: (u64, u64, u64),
    prerelease: Box<str>,
}

#[derive(Debug)]
struct FractionalNode {
    hash: HashVersion,
    /// What is bucketed, without it the flag's key and the targeting key; and all arguments, since what comes to a list is the
    /// first bucket.
    by: Option<(Node, Node)>,
    names: Box<[Constant]>,
    shares: Shares,
}
