//! The differences of two JSON bodies, by path.

#[cfg(test)]
mod tests;

use super::array::{Pairing, pair};
use super::difference::{Differences, Shown};
use super::field::{Field, Kind, Step, written};
use super::json::Json;
use super::rules::{Normaliser, Rules};

/// Walks two documents side by side.
#[derive(Debug)]
pub struct Walk<'a, 'r> {
    rules: &'r Rules,
    path: Vec<Step<'a>>,
    found: &'r mut Differences,
}

impl<'a, 'r> Walk<'a, 'r> {
    pub fn new(rules: &'r Rules, found: &'r mut Differences) -> Self {
        Self {
            rules,
            path: Vec::new(),
            found,
        }
    }

    pub fn compare(&mut self, old: &'a Json<'a>, new: &'a Json<'a>) {
        let equal = match (old, new) {
            (Json::Object(_), Json::Object(_)) => return self.objects(old, new),
            (Json::Array(old), Json::Array(new)) => return self.arrays(old, new),
            (Json::Number(old), Json::Number(new)) => {
                self.rules.tolerance.equal(old, new) || self.normaliser() == Some(Normaliser::Anything)
            }
            (Json::Text(old), Json::Text(new)) => {
                old == new || self.normaliser().is_some_and(|normaliser| normaliser.equal(old, new))
            }
            (Json::Bool(old), Json::Bool(new)) => old == new || self.normaliser() == Some(Normaliser::Anything),
            (Json::Null, Json::Null) => true,
            (Json::Null, _) | (_, Json::Null) => return self.found(Kind::Null, Some(old), Some(new)),
            (_, _) => return self.found(Kind::Type, Some(old), Some(new)),
        };
        if !equal {
            self.found(Kind::Value, Some(old), Some(new));
        }
    }

    fn objects(&mut self, old: &'a Json<'a>, new: &'a Json<'a>) {
        let (Json::Object(old), Json::Object(new)) = (old, new) else {
            return;
        };
        for (key, value) in old {
            self.path.push(Step::Key(key));
            match new.get(key) {
                Some(other) => self.compare(value, other),
                None => self.found(lone(value, Kind::Missing), Some(value), None),
            }
            self.path.pop();
        }
        for (key, value) in new {
            if !old.contains_key(key) {
                self.path.push(Step::Key(key));
                self.found(lone(value, Kind::Added), None, Some(value));
                self.path.pop();
            }
        }
    }

    fn arrays(&mut self, old: &'a [Json<'a>], new: &'a [Json<'a>]) {
        // What is equal as a whole needs neither rules nor pairs.
        if old == new || self.rules.ignores(&self.path) {
            return;
        }
        self.path.push(Step::Element);
        let pairing = pair(old, new, |element| {
            let mut text = String::new();
            self.write_canonical(element, &mut text);
            text
        });
        let Pairing {
            pairs,
            only_old,
            only_new,
            is_reordered,
        } = pairing;
        for (old_index, new_index) in pairs {
            self.compare(&old[old_index], &new[new_index]);
        }
        for index in only_old {
            self.found(Kind::Missing, Some(&old[index]), None);
        }
        for index in only_new {
            self.found(Kind::Added, None, Some(&new[index]));
        }
        self.path.pop();
        if is_reordered && !self.rules.is_unordered(&self.path) {
            let shown = (
                Shown::words("elements in one order"),
                Shown::words("elements in another"),
            );
            self.found.add(Field::Json(written(&self.path)), Kind::Order, || shown);
        }
    }

    fn normaliser(&self) -> Option<Normaliser> {
        self.rules.normaliser(&self.path)
    }

    fn found(&mut self, kind: Kind, old: Option<&Json<'_>>, new: Option<&Json<'_>>) {
        if self.rules.ignores(&self.path) {
            return;
        }
        let hides = self.rules.hides(&self.path);
        let show =
            |value: Option<&Json<'_>>| value.map_or_else(|| Shown::words("absent"), |value| Shown::json(value, hides));
        self.found
            .add(Field::Json(written(&self.path)), kind, || (show(old), show(new)));
    }

    /// A text that is the same for elements that the rules take for equal, but for tolerance.
    fn write_canonical(&mut self, value: &'a Json<'a>, text: &mut String) {
        if self.rules.ignores(&self.path) {
            return;
        }
        match value {
            Json::Null => text.push('n'),
            Json::Bool(value) => text.push(if *value { 't' } else { 'f' }),
            Json::Number(digits) => {
                text.push('#');
                text.push_str(digits);
            }
            Json::Text(value) => {
                text.push('"');
                match self.normaliser() {
                    Some(normaliser) => text.push_str(&normaliser.apply(value)),
                    None => text.push_str(value),
                }
                text.push('"');
            }
            Json::Array(elements) => {
                self.path.push(Step::Element);
                text.push('[');
                for element in elements {
                    self.write_canonical(element, text);
                    text.push(',');
                }
                text.push(']');
                self.path.pop();
            }
            Json::Object(members) => {
                text.push('{');
                for (key, value) in members {
                    self.path.push(Step::Key(key));
                    text.push_str(key);
                    text.push(':');
                    self.write_canonical(value, text);
                    text.push(',');
                    self.path.pop();
                }
                text.push('}');
            }
        }
    }
}

/// How a field is missing whose other side has `value`.
fn lone(value: &Json<'_>, kind: Kind) -> Kind {
    match value {
        Json::Null => Kind::NullOrAbsent,
        Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Array(_) | Json::Object(_) => kind,
    }
}
