//! The differences of two recorded responses.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use super::body::Walk;
use super::field::{Field, Kind};
use super::json::Json;
use super::record::Record;
use super::rules::Rules;

/// Longer values are cut where they are shown.
const SHOWN_CHARACTERS: usize = 80;
/// Differences of one pair of responses beyond these are not told apart: bodies that have nothing in common differ anyway.
const FIELDS_MAX: usize = 1_000;

/// A value as people may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Shown(String);

/// What differs in one pair, each field and kind once, with its first example.
#[derive(Debug, Default)]
pub struct Differences(pub BTreeMap<(Field, Kind), (Shown, Shown)>);

impl Shown {
    pub fn words(words: &str) -> Self {
        Self(words.to_owned())
    }

    pub fn text(text: &str, hides: bool) -> Self {
        if hides {
            return Self::words("(redacted)");
        }
        let mut shown: String = text
            .chars()
            .take(SHOWN_CHARACTERS)
            .flat_map(char::escape_debug)
            .collect();
        if text.chars().nth(SHOWN_CHARACTERS).is_some() {
            shown.push('…');
        }
        Self(shown)
    }

    pub fn json(value: &Json<'_>, hides: bool) -> Self {
        match value {
            Json::Null => Self::words("null"),
            Json::Object(members) => Self(format!("object of {}", members.len())),
            Json::Array(elements) => Self(format!("array of {}", elements.len())),
            Json::Bool(_) | Json::Number(_) | Json::Text(_) if hides => {
                Self(format!("(redacted {})", value.type_name()))
            }
            Json::Bool(value) => Self(value.to_string()),
            Json::Number(digits) => Self::text(digits, false),
            Json::Text(text) => Self(format!("\"{}\"", Self::text(text, false).0)),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Differences {
    /// Of a response to one request by two versions.
    pub fn between(old: &Record, new: &Record, rules: &Rules) -> Self {
        let mut found = Self::default();
        found.status(old.status, new.status);
        found.headers(old, new, rules);
        found.bodies(old, new, rules);
        found
    }

    pub fn add(&mut self, field: Field, kind: Kind, shown: impl FnOnce() -> (Shown, Shown)) {
        if self.0.len() < FIELDS_MAX {
            self.0.entry((field, kind)).or_insert_with(shown);
        }
    }

    fn status(&mut self, old: u16, new: u16) {
        if old != new {
            let kind = if old / 100 == new / 100 {
                Kind::Value
            } else {
                Kind::Class
            };
            self.add(Field::Status, kind, || (Shown(old.to_string()), Shown(new.to_string())));
        }
    }

    fn headers(&mut self, old: &Record, new: &Record, rules: &Rules) {
        let names = old
            .headers
            .keys()
            .chain(new.headers.keys().filter(|name| !old.headers.contains_key(*name)));
        for name in names.filter(|name| !rules.ignores_header(name)) {
            let values = (old.headers.get(name), new.headers.get(name));
            let kind = match values {
                (Some(old), Some(new)) if old == new => continue,
                (Some(_), Some(_)) => Kind::Value,
                (Some(_), None) => Kind::Missing,
                (None, _) => Kind::Added,
            };
            let show = |values: Option<&Vec<String>>| match values {
                Some(values) => Shown::text(&values.join(", "), rules.hides_header(name)),
                None => Shown::words("absent"),
            };
            self.add(Field::Header(name.clone()), kind, || (show(values.0), show(values.1)));
        }
    }

    /// As JSON where both are, else by bytes.
    fn bodies(&mut self, old: &Record, new: &Record, rules: &Rules) {
        if old.body == new.body {
            return;
        }
        let texts = (std::str::from_utf8(&old.body).ok(), std::str::from_utf8(&new.body).ok());
        match (texts.0.and_then(document), texts.1.and_then(document)) {
            (Some(old), Some(new)) => Walk::new(rules, self).compare(&old, &new),
            (None, None) => self.add(Field::Body, Kind::Value, || (size(&old.body), size(&new.body))),
            (old_document, _) => {
                let show = |is_json: bool, body: &[u8]| {
                    let what = if is_json { "JSON" } else { "no JSON" };
                    Shown(format!("{what}, {}", size(body).0))
                };
                let is_json = old_document.is_some();
                self.add(Field::Body, Kind::Type, || {
                    (show(is_json, &old.body), show(!is_json, &new.body))
                });
            }
        }
    }
}

fn document(text: &str) -> Option<Json<'_>> {
    Json::read(text).ok()
}

fn size(body: &[u8]) -> Shown {
    Shown(format!("{} bytes", body.len()))
}
