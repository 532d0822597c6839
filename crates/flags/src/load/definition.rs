//! One flag of a set.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::reference::Evaluators;
use crate::bucket::HashVersion;
use crate::limits;
use crate::problem::Notes;
use crate::rule::{Rule, compile};
use crate::snapshot::{Body, Flag, Variant};

/// Reads a flag. What is refused is told in `notes`; the flag is then as much of it as flagd would take, or unreadable.
pub fn read(
    key: &str,
    definition: &Json,
    of_set: &Map<String, Json>,
    evaluators: &Evaluators<'_>,
    nodes: &mut usize,
    notes: &mut Notes,
) -> Flag {
    let mut flag = Flag {
        key: key.into(),
        body: Arc::new(Body::Unreadable),
        metadata: of_set.clone(),
        definition: definition.to_string().into(),
        hash_version: HashVersion::default(),
        outdated: false,
    };
    let Some(fields) = definition.as_object() else {
        notes.refuse(
            "the flag is not an object",
            "write `{\"state\": \"ENABLED\", \"variants\": {…}, \"defaultVariant\": …}`",
        );
        return flag;
    };
    let metadata_is_read = merge_metadata(fields.get("metadata"), &mut flag.metadata, notes);
    flag.hash_version = hash_version(&flag.metadata, notes);
    let disabled = state(fields.get("state"), notes);
    let variants = variants(fields.get("variants"), notes);
    let default = variants
        .as_deref()
        .and_then(|variants| default(fields.get("defaultVariant"), variants, notes));
    let targeting = fields.get("targeting").map(|written| {
        notes.path(".targeting".to_owned());
        let targeting = evaluators.replace(written, notes);
        notes.back();
        targeting
    });
    let rule = targeting
        .as_ref()
        .and_then(|targeting| rule(targeting, flag.hash_version, nodes, notes));
    if let Some(targeting) = targeting {
        let mut replaced = fields.clone();
        replaced.insert("targeting".to_owned(), targeting);
        flag.definition = Json::Object(replaced).to_string().into();
    }
    if let (Some(variants), Some(default), true) = (variants, default, metadata_is_read) {
        flag.body = Arc::new(Body::Sound {
            disabled,
            variants,
            default,
            rule,
        });
    }
    flag
}

fn merge_metadata(json: Option<&Json>, metadata: &mut Map<String, Json>, notes: &mut Notes) -> bool {
    match json {
        None | Some(Json::Null) => true,
        Some(Json::Object(own)) => {
            let stated = own.iter().filter(|(_, value)| !value.is_null());
            metadata.extend(stated.map(|(name, value)| (name.clone(), value.clone())));
            true
        }
        Some(_) => {
            notes.path(".metadata".to_owned());
            notes.refuse(
                "the metadata is not an object",
                "write names and values: `{\"owner\": \"checkout-team\"}`",
            );
            notes.back();
            false
        }
    }
}

fn hash_version(metadata: &Map<String, Json>, notes: &mut Notes) -> HashVersion {
    let Some(json) = metadata.get("hashVersion") else {
        return HashVersion::default();
    };
    json.as_i64().and_then(HashVersion::parse).unwrap_or_else(|| {
        notes.path(".metadata.hashVersion".to_owned());
        notes.refuse(
            format!("there is no hash version {json}"),
            "write 2 or 3, or leave it out: then it is 2",
        );
        notes.back();
        HashVersion::default()
    })
}

/// Whether it is disabled. flagd takes every other word for enabled.
fn state(json: Option<&Json>, notes: &mut Notes) -> bool {
    match json.and_then(Json::as_str) {
        Some("DISABLED") => true,
        Some("ENABLED") => false,
        Some(_) | None => {
            notes.path(".state".to_owned());
            let remedy = "write `ENABLED` or `DISABLED`";
            match json {
                None | Some(Json::Null) => notes.doubt("the state is not said; the flag is enabled", remedy),
                Some(Json::String(word)) => {
                    notes.doubt(format!("there is no state `{word}`; the flag is enabled"), remedy);
                }
                Some(_) => notes.refuse("the state is not a word", remedy),
            }
            notes.back();
            false
        }
    }
}

fn variants(json: Option<&Json>, notes: &mut Notes) -> Option<Box<[Variant]>> {
    let named = |(name, value): (&String, &Json)| Variant {
        name: name.as_str().into(),
        value: value.clone(),
    };
    notes.path(".variants".to_owned());
    let remedy = "write names and values: `{\"on\": true, \"off\": false}`";
    let variants = match json {
        None | Some(Json::Null) => {
            notes.doubt("the flag has no variants", remedy);
            Some(Box::default())
        }
        Some(Json::Object(map)) if map.len() <= limits::VARIANTS => Some(map.iter().map(named).collect()),
        Some(Json::Object(map)) => {
            notes.refuse(
                format!("the flag has {} variants, more than {}", map.len(), limits::VARIANTS),
                "keep large tables in the service, and its choice in the flag",
            );
            None
        }
        Some(_) => {
            notes.refuse("the variants are not an object", remedy);
            None
        }
    };
    notes.back();
    variants
}

/// `Some(None)`: the flag has none, and the caller's default holds.
fn default(json: Option<&Json>, variants: &[Variant], notes: &mut Notes) -> Option<Option<usize>> {
    notes.path(".defaultVariant".to_owned());
    let default = match json {
        None | Some(Json::Null) => Some(None),
        Some(Json::String(name)) if name.is_empty() => Some(None),
        Some(Json::String(name)) => match variants.iter().position(|variant| *variant.name == **name) {
            Some(place) => Some(Some(place)),
            None => {
                notes.refuse(
                    format!("the flag has no variant `{name}`"),
                    "name one of its variants, or write `null`",
                );
                None
            }
        },
        Some(_) => {
            notes.refuse(
                "the default variant is not a name",
                "name one of the flag's variants as a text, or write `null`",
            );
            None
        }
    };
    notes.back();
    default
}

/// `None`: the flag has no targeting. Null is a targeting that comes to nothing, as in flagd.
fn rule(targeting: &Json, hash: HashVersion, nodes: &mut usize, notes: &mut Notes) -> Option<Rule> {
    if targeting.as_object().is_some_and(Map::is_empty) {
        return None;
    }
    notes.path(".targeting".to_owned());
    let granted = limits::RULE_NODES.min(*nodes);
    let mut left = granted;
    let rule = compile(targeting, hash, &mut left, notes);
    *nodes -= granted - left;
    notes.back();
    Some(rule)
}
