//! What a change of definitions changes, and for whom: asked before it is made.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::bucket::HashVersion;
use crate::limits;
use crate::outcome::Outcome;
use crate::problem::Notes;
use crate::rule::compile;
use crate::snapshot::{Body, Flag, Snapshot};

/// Somebody who is asked what a flag gives them: a tenant, or a user.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    pub name: &'a str,
    pub context: &'a Map<String, Json>,
}

/// How a comparison is made.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub members: &'a [Member<'a>],
    /// Seconds since 1970-01-01 UTC, on both sides.
    pub timestamp: i64,
    /// How many members are named for a flag; all are counted.
    pub names: usize,
}

/// One member whose answer changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    pub member: String,
    pub before: String,
    pub after: String,
}

/// Whose answer changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moves {
    pub asked: usize,
    pub moved: usize,
    /// The first of them, in the order they were given.
    pub named: Vec<Move>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Added,
    Removed,
    Changed,
}

/// One flag that differs between two sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlagChange {
    pub flag: String,
    pub kind: Kind,
    /// The hash versions before and after, where they differ: members move between buckets although no share changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_versions: Option<(u8, u8)>,
    pub moves: Moves,
}

/// Compares two versions of a flag.
pub fn moves(before: &Flag, after: &Flag, question: &Question<'_>) -> Moves {
    compare(Some(before), Some(after), question)
}

/// Every flag that differs, in the order of the keys. A flag that is the same on both sides is not evaluated; the work is the
/// number of members times the number of flags that differ.
pub fn diff(before: &Snapshot, after: &Snapshot, question: &Question<'_>) -> Vec<FlagChange> {
    let mut changes = Vec::new();
    let (mut old, mut new) = (before.flags().iter().peekable(), after.flags().iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return changes,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(old), Some(new)) => old.key().cmp(new.key()),
        };
        let old = if order.is_le() { old.next() } else { None };
        let new = if order.is_ge() { new.next() } else { None };
        changes.extend(change(old.map(|flag| &**flag), new.map(|flag| &**flag), question));
    }
}

fn change(before: Option<&Flag>, after: Option<&Flag>, question: &Question<'_>) -> Option<FlagChange> {
    let (flag, kind) = match (before, after) {
        (Some(before), Some(after)) if is_same(before, after) => return None,
        (Some(_), Some(after)) => (after, Kind::Changed),
        (None, after) => (after?, Kind::Added),
        (Some(before), None) => (before, Kind::Removed),
    };
    let versions = before
        .zip(after)
        .map(|(before, after)| (before.hash_version(), after.hash_version()));
    Some(FlagChange {
        flag: flag.key().to_owned(),
        kind,
        hash_versions: versions
            .filter(|(before, after)| before != after)
            .map(|(a, b)| (a.number(), b.number())),
        moves: compare(before, after, question),
    })
}

fn is_same(before: &Flag, after: &Flag) -> bool {
    before.definition_text() == after.definition_text()
        && before.metadata() == after.metadata()
        && before.is_unreadable() == after.is_unreadable()
}

fn compare(before: Option<&Flag>, after: Option<&Flag>, question: &Question<'_>) -> Moves {
    let mut moves = Moves {
        asked: question.members.len(),
        moved: 0,
        named: Vec::new(),
    };
    for member in question.members {
        let answer = |flag: Option<&Flag>| {
            flag.map_or_else(
                || "no flag".to_owned(),
                |flag| told(&flag.evaluate(member.context, question.timestamp)),
            )
        };
        let is_moved = match (before, after) {
            (Some(before), Some(after)) => {
                let (before, after) = (
                    before.evaluate(member.context, question.timestamp),
                    after.evaluate(member.context, question.timestamp),
                );
                !is_same_answer(&before, &after)
            }
            (Some(_), None) | (None, Some(_)) => true,
            (None, None) => false,
        };
        if is_moved {
            moves.moved += 1;
            if moves.named.len() < question.names {
                moves.named.push(Move {
                    member: member.name.to_owned(),
                    before: answer(before),
                    after: answer(after),
                });
            }
        }
    }
    moves
}

/// The same variant with the same value, or no value for the same reason. Why a variant is served does not matter to who gets it.
fn is_same_answer(before: &Outcome<'_>, after: &Outcome<'_>) -> bool {
    match (before.variant(), after.variant()) {
        (Some(before), Some(after)) => before == after,
        (None, None) => before == after,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn told(outcome: &Outcome<'_>) -> String {
    match outcome {
        Outcome::Resolved { variant, .. } => variant.name.to_string(),
        Outcome::CallersDefault(_) => "the caller's default".to_owned(),
        Outcome::Failed(code) => code.as_str().to_owned(),
    }
}

impl Flag {
    /// The same flag under another hash version: what [`moves`] between the two are is what the change would do.
    #[must_use]
    pub fn with_hash_version(&self, hash_version: HashVersion) -> Self {
        let mut flag = self.copied();
        flag.hash_version = hash_version;
        flag.metadata
            .insert("hashVersion".to_owned(), hash_version.number().into());
        if let Body::Sound {
            disabled,
            variants,
            default,
            rule: Some(_),
        } = &*self.body
        {
            let definition = self.definition();
            let mut nodes = limits::RULE_NODES;
            let targeting = definition.get("targeting").unwrap_or(&Json::Null);
            flag.body = Arc::new(Body::Sound {
                disabled: *disabled,
                variants: variants.clone(),
                default: *default,
                rule: Some(compile(targeting, hash_version, &mut nodes, &mut Notes::of_set())),
            });
        }
        flag
    }
}
