//! A set of flags as it is evaluated: immutable, replaced as a whole by whoever holds it.

mod index;

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::bucket::HashVersion;
use crate::outcome::{ErrorCode, Outcome, Reason};
use crate::rule::{Choice, Request, Rule};
use index::Index;

/// All flags, found by key and listed in the order of their keys.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    flags: Box<[Arc<Flag>]>,
    index: Index,
    metadata: Map<String, Json>,
}

/// One flag, ready to be evaluated.
#[derive(Debug)]
pub struct Flag {
    pub(crate) key: Box<str>,
    pub(crate) body: Arc<Body>,
    /// That of the set, with the flag's own on top.
    pub(crate) metadata: Map<String, Json>,
    /// As written, references replaced. Text: a tree of it would be most of a snapshot's memory.
    pub(crate) definition: Box<str>,
    pub(crate) hash_version: HashVersion,
    /// The last good version: its newer definition was refused.
    pub(crate) outdated: bool,
}

#[derive(Debug)]
pub(crate) enum Body {
    Sound {
        disabled: bool,
        variants: Box<[Variant]>,
        default: Option<usize>,
        rule: Option<Rule>,
    },
    /// Refused, and there was no good version before.
    Unreadable,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    pub name: Box<str>,
    pub value: Json,
}

/// Counts evaluations; the caller keeps the numbers.
pub trait Count {
    /// `flag` is the flag's place in [`Snapshot::flags`], `variant` its place in [`Flag::variants`]. `None`: no variant was served.
    fn count(&self, flag: usize, variant: Option<usize>);
}

/// Counts nothing.
impl Count for () {
    fn count(&self, _flag: usize, _variant: Option<usize>) {}
}

impl Snapshot {
    pub(crate) fn new(mut flags: Vec<Arc<Flag>>, metadata: Map<String, Json>) -> Self {
        flags.sort_by(|a, b| a.key.cmp(&b.key));
        Self {
            index: Index::new(flags.iter().map(|flag| &*flag.key)),
            flags: flags.into(),
            metadata,
        }
    }

    /// In the order of their keys.
    pub fn flags(&self) -> &[Arc<Flag>] {
        &self.flags
    }

    /// The place of a flag in [`Snapshot::flags`].
    pub fn place(&self, key: &str) -> Option<usize> {
        self.index.find(key, |place| &self.flags[place].key)
    }

    pub fn flag(&self, key: &str) -> Option<&Flag> {
        self.place(key).map(|place| &*self.flags[place])
    }

    /// Of the set.
    pub fn metadata(&self) -> &Map<String, Json> {
        &self.metadata
    }

    /// Evaluates one flag. `timestamp` is in seconds since 1970-01-01 UTC.
    pub fn evaluate(&self, key: &str, context: &Map<String, Json>, timestamp: i64, count: &impl Count) -> Outcome<'_> {
        match self.place(key) {
            Some(place) => self.evaluate_at(place, context, timestamp, count),
            None => Outcome::Failed(ErrorCode::FlagNotFound),
        }
    }

    /// Evaluates every flag, in the order of their keys. Disabled ones are told as such.
    pub fn evaluate_all<'s>(
        &'s self,
        context: &'s Map<String, Json>,
        timestamp: i64,
        count: &'s impl Count,
    ) -> impl Iterator<Item = (&'s Flag, Outcome<'s>)> {
        let evaluate =
            move |(place, flag): (usize, &'s Arc<Flag>)| (&**flag, self.evaluate_at(place, context, timestamp, count));
        self.flags.iter().enumerate().map(evaluate)
    }

    fn evaluate_at(
        &self,
        place: usize,
        context: &Map<String, Json>,
        timestamp: i64,
        count: &impl Count,
    ) -> Outcome<'_> {
        let flag = &self.flags[place];
        let (variant, outcome) = flag.resolve(context, timestamp);
        count.count(place, variant);
        outcome
    }
}

impl Flag {
    pub fn key(&self) -> &str {
        &self.key
    }

    /// In the order of their names; none of a flag that cannot be read.
    pub fn variants(&self) -> &[Variant] {
        match &*self.body {
            Body::Sound { variants, .. } => variants,
            Body::Unreadable => &[],
        }
    }

    pub fn default_variant(&self) -> Option<&Variant> {
        match &*self.body {
            Body::Sound { variants, default, .. } => default.and_then(|place| variants.get(place)),
            Body::Unreadable => None,
        }
    }

    /// That of the set, with the flag's own on top.
    pub fn metadata(&self) -> &Map<String, Json> {
        &self.metadata
    }

    /// As it was written, with its references replaced; the names in order.
    pub fn definition_text(&self) -> &str {
        &self.definition
    }

    /// The same, read.
    pub fn definition(&self) -> Json {
        serde_json::from_str(&self.definition).unwrap_or_default()
    }

    pub fn hash_version(&self) -> HashVersion {
        self.hash_version
    }

    /// Whether this is the last good version of a flag whose newer definition was refused.
    pub fn is_outdated(&self) -> bool {
        self.outdated
    }

    pub(crate) fn copied(&self) -> Self {
        Self {
            key: self.key.clone(),
            body: Arc::clone(&self.body),
            metadata: self.metadata.clone(),
            definition: self.definition.clone(),
            hash_version: self.hash_version,
            outdated: self.outdated,
        }
    }

    /// Whether it was refused and has no good version.
    pub fn is_unreadable(&self) -> bool {
        matches!(*self.body, Body::Unreadable)
    }

    pub fn is_disabled(&self) -> bool {
        matches!(*self.body, Body::Sound { disabled: true, .. })
    }

    /// The answer that no context changes: of a disabled flag, one without targeting, one that cannot be read. It can be
    /// rendered once for a snapshot.
    pub fn fixed(&self) -> Option<Outcome<'_>> {
        match &*self.body {
            Body::Sound {
                disabled: false,
                rule: Some(_),
                ..
            } => None,
            Body::Sound { .. } | Body::Unreadable => Some(self.resolve(&Map::new(), 0).1),
        }
    }

    /// Evaluates the flag. `timestamp` is in seconds since 1970-01-01 UTC.
    pub fn evaluate(&self, context: &Map<String, Json>, timestamp: i64) -> Outcome<'_> {
        self.resolve(context, timestamp).1
    }

    fn resolve(&self, context: &Map<String, Json>, timestamp: i64) -> (Option<usize>, Outcome<'_>) {
        let Body::Sound {
            disabled,
            variants,
            default,
            rule,
        } = &*self.body
        else {
            return (None, Outcome::Failed(ErrorCode::ParseError));
        };
        if *disabled {
            return (None, Outcome::CallersDefault(Reason::Disabled));
        }
        let resolved = |place: usize, reason| {
            let variant = &variants[place];
            (Some(place), Outcome::Resolved { variant, reason })
        };
        let otherwise = |reason| match default {
            Some(place) => resolved(*place, reason),
            None => (None, Outcome::CallersDefault(Reason::Default)),
        };
        let Some(rule) = rule else {
            return otherwise(Reason::Static);
        };
        let request = Request {
            flag: &self.key,
            context,
            timestamp,
        };
        let found = match rule.choose(&request) {
            Err(_) => return (None, Outcome::Failed(ErrorCode::ParseError)),
            Ok(Choice::Nothing) => return otherwise(Reason::Default),
            Ok(Choice::Variant(name)) => variants.iter().position(|variant| *variant.name == *name),
            Ok(Choice::Structure) => None,
        };
        match found {
            Some(place) => resolved(place, Reason::TargetingMatch),
            None => (None, Outcome::Failed(ErrorCode::General)),
        }
    }
}
