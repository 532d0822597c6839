//! Two versions of an API side by side.
//!
//! Operations, parameters, bodies and responses are paired and what differs is told by rules. Pairs of schemas are walked
//! together; how bad a change within them is follows from the question whether the enclosing schemas are included in each other
//! the way the message goes. A pair is walked once, however many operations use it.

mod alternative;
mod body;
mod facet;
mod member;
mod operation;
mod pair;
mod parameter;
mod security;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::change::{Breaks, Change, Comparison, Direction, Witness};
use crate::document::{Documents, Located};
use crate::judge::{Flow, Judge};
use crate::problem::{Place, Problem};
use crate::rule::Rule;
use crate::schema::Model;

/// Compares two versions. The level of a change depends on the policy that it is asked for; see [`Change::level`].
pub fn compare(old: &Documents, new: &Documents) -> Result<Comparison, Problem> {
    let judge = Judge::new(Model::new(old, new)?);
    let mut comparer = Comparer {
        old,
        new,
        judge,
        changes: Vec::new(),
        known: BTreeMap::new(),
        pairs: BTreeMap::new(),
        walked: Vec::new(),
        roots: Vec::new(),
    };
    comparer.servers();
    comparer.operations()?;
    comparer.finish();
    Ok(Comparison {
        changes: comparer.changes,
    })
}

/// The operation that is being compared.
#[derive(Debug, Clone)]
struct Scope {
    /// `POST /v2/sessions`.
    operation: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Webhook,
    Callback,
}

/// One end of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Request,
    Response,
}

impl Scope {
    /// Webhooks and callbacks are requests of the server.
    fn flow(&self, part: Part) -> Flow {
        match (self.kind, part) {
            (Kind::Plain, Part::Request) | (Kind::Webhook | Kind::Callback, Part::Response) => Flow::ToServer,
            (Kind::Plain, Part::Response) | (Kind::Webhook | Kind::Callback, Part::Request) => Flow::FromServer,
        }
    }

    fn direction(&self, part: Part) -> Direction {
        match (self.kind, part) {
            (Kind::Plain, Part::Request) => Direction::Request,
            (Kind::Plain, Part::Response) => Direction::Response,
            (Kind::Webhook, Part::Request | Part::Response) => Direction::Webhook,
            (Kind::Callback, Part::Request | Part::Response) => Direction::Callback,
        }
    }
}

/// One thing in both versions.
#[derive(Debug, Clone)]
struct Both<'d> {
    old: Located<'d>,
    new: Located<'d>,
}

/// What is about to be told.
struct Finding {
    rule: Rule,
    direction: Direction,
    breaks: Breaks,
    path: String,
    message: String,
    witness: Option<Witness>,
    old: Option<Place>,
    new: Option<Place>,
}

impl Finding {
    fn new(rule: Rule, direction: Direction, breaks: Breaks, path: &str, message: impl Into<String>) -> Self {
        Self {
            rule,
            direction,
            breaks,
            path: path.to_owned(),
            message: message.into(),
            witness: None,
            old: None,
            new: None,
        }
    }

    fn at(mut self, old: Option<&Located<'_>>, new: Option<&Located<'_>>) -> Self {
        self.old = old.map(|at| at.place.clone());
        self.new = new.map(|at| at.place.clone());
        self
    }
}

/// Changes of one root cause fall together: the same rule about the same places.
type Cause = (Rule, Direction, Breaks, Option<Place>, Option<Place>, String);

struct Comparer<'d> {
    old: &'d Documents,
    new: &'d Documents,
    judge: Judge<'d>,
    changes: Vec<Change>,
    known: BTreeMap<Cause, usize>,
    pairs: BTreeMap<pair::Key, usize>,
    walked: Vec<pair::Walked>,
    /// The pairs that an operation begins with.
    roots: Vec<(String, usize)>,
}

impl<'d> Comparer<'d> {
    /// Tells a change, for one operation or for the API.
    fn tell(&mut self, operation: Option<&str>, finding: Finding) {
        let change = self.keep(finding);
        self.changes[change].operations.extend(operation.map(str::to_owned));
    }

    /// The number of the change.
    fn keep(&mut self, finding: Finding) -> usize {
        let Finding {
            rule,
            direction,
            breaks,
            path,
            message,
            witness,
            old,
            new,
        } = finding;
        let cause = (rule, direction, breaks, old.clone(), new.clone(), message.clone());
        let changes = &mut self.changes;
        *self.known.entry(cause).or_insert_with(|| {
            let operations = std::collections::BTreeSet::new();
            changes.push(Change {
                rule,
                direction,
                breaks,
                path,
                message,
                witness,
                old,
                new,
                operations,
            });
            changes.len() - 1
        })
    }

    fn same(&self, both: &Both<'d>) -> bool {
        self.judge.model.sameness.same(&both.old, &both.new)
    }

    fn servers(&mut self) {
        let urls = |documents: &'d Documents| -> BTreeMap<&'d str, Located<'d>> {
            let servers = documents.root().get("servers");
            let entries: Vec<_> = servers.iter().flat_map(Located::entries).collect();
            entries
                .into_iter()
                .filter_map(|server| Some((server.text("url")?, server)))
                .collect()
        };
        let (old, new) = (urls(self.old), urls(self.new));
        for (url, at) in old.iter().filter(|(url, _)| !new.contains_key(*url)) {
            let breaks = Breaks::From(crate::change::Policy::Contract);
            let finding = Finding::new(
                Rule::ServerRemoved,
                Direction::Request,
                breaks,
                "",
                format!("the server `{url}` is gone"),
            );
            self.tell(None, finding.at(Some(at), None));
        }
        for (url, at) in new.iter().filter(|(url, _)| !old.contains_key(*url)) {
            let finding = Finding::new(
                Rule::ServerAdded,
                Direction::Request,
                Breaks::Nobody,
                "",
                format!("the server `{url}` is new"),
            );
            self.tell(None, finding.at(None, Some(at)));
        }
    }
}
