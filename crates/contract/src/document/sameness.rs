//! What is word for word the same in both versions, references included. Most of two consecutive documents is, and what
//! is the same is neither read nor judged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Documents, Located, absolute};
use crate::limits;
use crate::problem::{Place, Problem};

/// Words for people: a change of them changes no contract.
const WORDS: &[&str] = &[
    "$comment",
    "description",
    "example",
    "examples",
    "externalDocs",
    "summary",
    "tags",
    "title",
];

/// Keywords whose members have names that people chose.
const MAPS: &[&str] = &[
    "$defs",
    "callbacks",
    "content",
    "definitions",
    "dependentSchemas",
    "headers",
    "links",
    "mapping",
    "parameters",
    "pathItems",
    "paths",
    "patternProperties",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "scopes",
    "securitySchemes",
    "variables",
    "webhooks",
];

/// Keywords whose value is an instance, not a part of the document.
const INSTANCES: &[&str] = &["const", "default", "enum", "example", "examples"];

/// Knows which targets of references differ between two versions.
#[derive(Debug, Default)]
pub(crate) struct Sameness {
    /// Targets that differ themselves or by what they refer to.
    differing: BTreeSet<Place>,
    /// The same words mean something else in another dialect.
    dialects_differ: bool,
}

impl Sameness {
    pub fn of(old: &Documents, new: &Documents) -> Result<Self, Problem> {
        let targets = references(old)?;
        let mut users: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
        let mut queue: Vec<Place> = Vec::new();
        let mut differing = BTreeSet::new();
        let mut here = Self::default();
        for place in targets.union(&references(new)?) {
            let (before, after) = (at(old, place), at(new, place));
            let same = match (before, after) {
                // Nothing is known to differ yet, so references count by their text.
                (Some(before), Some(after)) => {
                    for inner in inner(&before) {
                        users.entry(inner).or_default().push(place.clone());
                    }
                    here.same(&before, &after)
                }
                (Some(_), None) | (None, Some(_) | None) => false,
            };
            if !same && differing.insert(place.clone()) {
                queue.push(place.clone());
            }
        }
        while let Some(place) = queue.pop() {
            for user in users.get(&place).into_iter().flatten() {
                if differing.insert(user.clone()) {
                    queue.push(user.clone());
                }
            }
        }
        here.differing = differing;
        here.dialects_differ = old.dialect()? != new.dialect()?;
        Ok(here)
    }

    /// Whether both say the same about every message. Never true where they do not.
    pub fn same(&self, old: &Located<'_>, new: &Located<'_>) -> bool {
        !self.dialects_differ
            && old.place.document == new.place.document
            && self.equal(&old.place.document, old.value, new.value, false)
    }

    fn equal(&self, document: &str, old: &Value, new: &Value, names: bool) -> bool {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                let counts = |map: &Map<String, Value>| map.keys().filter(|key| names || !is_word(key)).count();
                counts(old) == counts(new)
                    && old.iter().all(|(key, before)| {
                        if !names && is_word(key) {
                            return true;
                        }
                        let Some(after) = new.get(key) else {
                            return false;
                        };
                        if !names && INSTANCES.contains(&key.as_str()) {
                            return before == after;
                        }
                        if let (false, "$ref", Some(reference)) = (names, key.as_str(), before.as_str()) {
                            return before == after && !self.differs(document, reference);
                        }
                        self.equal(document, before, after, !names && MAPS.contains(&key.as_str()))
                    })
            }
            (Value::Array(old), Value::Array(new)) => {
                old.len() == new.len()
                    && old
                        .iter()
                        .zip(new)
                        .all(|(before, after)| self.equal(document, before, after, false))
            }
            _ => old == new,
        }
    }

    fn differs(&self, document: &str, reference: &str) -> bool {
        absolute(document, reference).is_none_or(|place| self.differing.contains(&place))
    }
}

fn is_word(key: &str) -> bool {
    WORDS.contains(&key)
}

fn at<'d>(documents: &'d Documents, place: &Place) -> Option<Located<'d>> {
    let from = Place {
        document: place.document.clone(),
        pointer: String::new(),
    };
    let root = documents.target(&from, "#")?;
    let value = root.value.pointer(&place.pointer)?;
    Some(Located {
        place: place.clone(),
        value,
    })
}

/// Every target of a reference in any of the documents.
fn references(documents: &Documents) -> Result<BTreeSet<Place>, Problem> {
    let mut found = BTreeSet::new();
    for document in documents.all() {
        let mut walk = Walk { found: BTreeSet::new() };
        if !walk.value(document.value, false, limits::NESTING) {
            return Err(Problem::TooDeep {
                place: document.place,
                limit: limits::NESTING,
            });
        }
        for reference in walk.found {
            let target = documents
                .target(&document.place, reference)
                .ok_or_else(|| Problem::NoTarget {
                    place: document.place.clone(),
                    reference: reference.to_owned(),
                })?;
            found.insert(target.place);
        }
    }
    Ok(found)
}

/// The targets that one value refers to itself.
fn inner(located: &Located<'_>) -> Vec<Place> {
    let mut walk = Walk { found: BTreeSet::new() };
    // Whole documents were found to be shallow enough before.
    walk.value(located.value, false, limits::NESTING);
    let from = &located.place.document;
    walk.found
        .iter()
        .filter_map(|reference| absolute(from, reference))
        .collect()
}

/// Collects references.
struct Walk<'d> {
    found: BTreeSet<&'d str>,
}

impl<'d> Walk<'d> {
    /// False where the value is too deep.
    fn value(&mut self, value: &'d Value, names: bool, left: usize) -> bool {
        let Some(left) = left.checked_sub(1) else {
            return false;
        };
        match value {
            Value::Object(members) => members.iter().all(|(key, member)| {
                if let (false, "$ref", Some(reference)) = (names, key.as_str(), member.as_str()) {
                    self.found.insert(reference);
                    return true;
                }
                // An example may hold anything that looks like a reference.
                if !names && INSTANCES.contains(&key.as_str()) {
                    return true;
                }
                self.value(member, !names && MAPS.contains(&key.as_str()), left)
            }),
            Value::Array(entries) => entries.iter().all(|entry| self.value(entry, false, left)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        }
    }
}
