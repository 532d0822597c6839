//! What a release consists of, in a form in which two can be compared: not how its file is written, but what it says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tidegate_domain::change::Change;
use tidegate_domain::files::ReleaseFile;
use tidegate_domain::id::{ChangeId, ComponentName, Digest};

/// More differences than this are counted only.
const DIFFERENCES_MAX: usize = 20;

/// A value that is longer is cut, in characters.
const VALUE_CHARS_MAX: usize = 80;

/// The release file as it was understood, with the digest in place of each artifact's path, and the changes it lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(Value);

impl Content {
    #[must_use]
    pub fn of(
        release: &ReleaseFile,
        digests: &BTreeMap<ComponentName, Digest>,
        changes: &BTreeMap<ChangeId, Change>,
    ) -> Self {
        let mut release_value = json!(release);
        for (name, component) in release_value["components"].as_object_mut().into_iter().flatten() {
            if let Some(component) = component.as_object_mut() {
                component.remove("artifact");
                component.insert("sha256".to_owned(), json!(digests.get(name.as_str())));
            }
        }
        // In which order a build lists its commits says nothing.
        if let Some(commits) = release_value["commits"].as_array_mut() {
            commits.sort_by_key(ToString::to_string);
        }
        let listed: BTreeMap<_, _> = changes.iter().filter(|(id, _)| release.changes.contains(*id)).collect();
        if let Some(object) = release_value.as_object_mut() {
            object.insert("changes".to_owned(), json!(listed));
        }
        without_nothing(&mut release_value);
        Self(release_value)
    }

    /// Where `now` differs from what was handed in before, in words, one place each.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        compare(&mut String::new(), &self.0, &now.0, &mut differences);
        let more = differences.len().saturating_sub(DIFFERENCES_MAX);
        if more > 0 {
            differences.truncate(DIFFERENCES_MAX);
            differences.push(format!("{more} more places differ"));
        }
        differences
    }
}

/// A field that is not there and one that says nothing are the same, also when a later version of this program knows more fields.
fn without_nothing(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(without_nothing);
            fields.retain(|_, value| !says_nothing(value));
        }
        Value::Array(items) => items.iter_mut().for_each(without_nothing),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn compare(path: &mut String, before: &Value, now: &Value, differences: &mut Vec<String>) {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => compare_fields(path, before, now, differences),
        (before, now) if before == now => {}
        (before, now) => {
            let text = match (before, now) {
                (Value::Null, now) => format!("`{path}` was not there, and is {} now", shown(now)),
                (before, Value::Null) => format!("`{path}` was {}, and is not there now", shown(before)),
                (before, now) => format!("`{path}` was {}, and is {} now", shown(before), shown(now)),
            };
            differences.push(text);
        }
    }
}

fn compare_fields(
    path: &mut String,
    before: &Map<String, Value>,
    now: &Map<String, Value>,
    differences: &mut Vec<String>,
) {
    let added = now.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        let length = path.len();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
        let of = |fields: &Map<String, Value>| fields.get(key).cloned().unwrap_or_default();
        compare(path, &of(before), &of(now), differences);
        path.truncate(length);
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    let cut: String = text.chars().take(VALUE_CHARS_MAX).collect();
    let end = if cut.len() < text.len() { "..." } else { "" };
    format!("`{cut}{end}`")
}
