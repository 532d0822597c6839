//! From flagd's definition format to a [`Snapshot`].
//!
//! The format: `flags` as a map, or as a list with a `key` each; `$evaluators`, replaced where a rule says
//! `{"$ref": "name"}`; `metadata` of the set. A mistake in one flag is that flag's alone.

mod definition;
mod reference;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::limits;
use crate::problem::{Notes, Problem};
use crate::snapshot::{Flag, Snapshot};
use reference::Evaluators;

/// Reads a definition from JSON. What cannot be read as a whole leaves `previous` in place.
pub fn load(previous: &Snapshot, text: &str) -> (Snapshot, Vec<Problem>) {
    let mut notes = Notes::of_set();
    if text.len() > limits::TEXT_BYTES {
        notes.refuse(
            format!(
                "the definition has {} bytes, more than {}",
                text.len(),
                limits::TEXT_BYTES
            ),
            "split it into several sets",
        );
        return (previous.clone(), notes.found);
    }
    match serde_json::from_str(text) {
        Ok(document) => load_document(previous, &document),
        Err(error) => {
            notes.refuse(
                format!("the definition is not JSON: {error}"),
                "repair it there; until then the flags stay as they were",
            );
            (previous.clone(), notes.found)
        }
    }
}

/// The same from a document, whatever text it was read from.
pub fn load_document(previous: &Snapshot, document: &Json) -> (Snapshot, Vec<Problem>) {
    let mut notes = Notes::of_set();
    let Some(metadata) = set_metadata(document, &mut notes) else {
        return (previous.clone(), notes.found);
    };
    let evaluators = Evaluators::read(document.get("$evaluators"), &mut notes);
    let Some(entries) = entries(document.get("flags"), &mut notes) else {
        return (previous.clone(), notes.found);
    };
    let mut nodes = limits::SET_NODES;
    let mut flags = Vec::with_capacity(entries.len());
    for (key, (place, definition)) in entries {
        let mut of_flag = Notes::of_flag(&key, &place);
        let flag = definition::read(&key, definition, &metadata, &evaluators, &mut nodes, &mut of_flag);
        flags.push(settle(flag, of_flag.refused(), previous));
        let room = limits::PROBLEMS.saturating_sub(notes.found.len());
        notes.found.extend(of_flag.found.into_iter().take(room));
    }
    (Snapshot::new(flags, metadata), notes.found)
}

/// The new version of a flag, or its last good one where the new one was refused.
fn settle(flag: Flag, refused: bool, previous: &Snapshot) -> Arc<Flag> {
    let last = previous.place(&flag.key).map(|place| &previous.flags()[place]);
    match last {
        Some(last) if refused && last.outdated => Arc::clone(last),
        Some(last) if refused && !last.is_unreadable() => {
            let mut last = last.copied();
            last.outdated = true;
            Arc::new(last)
        }
        Some(_) | None => Arc::new(flag),
    }
}

fn set_metadata(document: &Json, notes: &mut Notes) -> Option<Map<String, Json>> {
    let Some(document) = document.as_object() else {
        notes.refuse("the definition is not an object", "write `{\"flags\": {…}}`");
        return None;
    };
    match document.get("metadata") {
        None | Some(Json::Null) => Some(Map::new()),
        Some(Json::Object(metadata)) => Some(metadata.clone()),
        Some(_) => {
            notes.path("metadata".to_owned());
            notes.refuse(
                "the metadata of the set is not an object",
                "write names and values: `{\"flagSetId\": \"shop\"}`",
            );
            None
        }
    }
}

type Entries<'d> = BTreeMap<String, (String, &'d Json)>;

/// The definitions by key, each with its place in the document.
fn entries<'d>(flags: Option<&'d Json>, notes: &mut Notes) -> Option<Entries<'d>> {
    notes.path("flags".to_owned());
    let mut entries = Entries::new();
    match flags {
        None | Some(Json::Null) => {
            notes.doubt("the definition has no flags", "write `\"flags\": {…}`");
        }
        Some(Json::Object(map)) if map.len() <= limits::FLAGS => {
            for (key, definition) in map {
                add(key, format!("flags.{key}"), definition, &mut entries, notes);
            }
        }
        Some(Json::Array(list)) if list.len() <= limits::FLAGS => {
            for (place, definition) in list.iter().enumerate() {
                match definition.get("key").and_then(Json::as_str) {
                    Some(key) => add(key, format!("flags[{place}]"), definition, &mut entries, notes),
                    None => notes.refuse(
                        format!("flag {place} of the list has no key"),
                        "write `\"key\": \"new-checkout\"`",
                    ),
                }
            }
        }
        Some(Json::Object(_) | Json::Array(_)) => {
            notes.refuse(
                format!("the set has more than {} flags", limits::FLAGS),
                "split it into several sets",
            );
            return None;
        }
        Some(_) => {
            notes.refuse(
                "the flags are neither a map nor a list",
                "write `{\"new-checkout\": {…}}`",
            );
            return None;
        }
    }
    notes.back();
    Some(entries)
}

fn add<'d>(key: &str, place: String, definition: &'d Json, entries: &mut Entries<'d>, notes: &mut Notes) {
    if key.len() > limits::KEY_BYTES {
        notes.refuse(
            format!("the key of `{place}` has more than {} bytes", limits::KEY_BYTES),
            "give the flag a shorter key",
        );
        return;
    }
    if entries.insert(key.to_owned(), (place, definition)).is_some() {
        notes.doubt(
            format!("the flag `{key}` is defined twice; the later one counts"),
            "remove one of the two",
        );
    }
}
