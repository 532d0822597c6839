//! What a targeting can come to, as far as it can be read off.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// The names a rule can come to, and whether it can come to others: computed ones, or nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Results {
    pub names: BTreeSet<String>,
    /// A name is computed from the context.
    pub computed: bool,
    /// It can come to nothing: the default variant.
    pub nothing: bool,
}

impl Results {
    /// The loader has bounded the depth of `rule`.
    pub fn of(rule: &Json) -> Self {
        let mut results = Self::default();
        results.add(rule);
        results
    }

    fn add(&mut self, rule: &Json) {
        match rule {
            Json::Null => self.nothing = true,
            Json::Bool(truth) => {
                self.names.insert(truth.to_string());
            }
            Json::String(name) => {
                self.names.insert(name.clone());
            }
            Json::Number(_) | Json::Array(_) => self.computed = true,
            Json::Object(map) => match map.iter().next() {
                Some((name, values)) if map.len() == 1 => self.add_operator(name, values),
                Some(_) | None => self.computed = true,
            },
        }
    }

    fn add_operator(&mut self, name: &str, values: &Json) {
        match (name, values.as_array()) {
            ("if" | "?:", Some(list)) => {
                for pair in list.chunks(2) {
                    self.add(pair.last().unwrap_or(&Json::Null));
                }
                self.nothing |= list.len() % 2 == 0;
            }
            ("or" | "and", Some(list)) => list.iter().for_each(|one| self.add(one)),
            ("fractional", Some(list)) => {
                for bucket in list.iter().filter_map(Json::as_array) {
                    self.add(bucket.first().unwrap_or(&Json::Null));
                }
                // Without a targeting key there is no bucket.
                self.nothing = true;
            }
            (
                "==" | "!=" | "===" | "!==" | "<" | "<=" | ">" | ">=" | "!" | "!!" | "in" | "all" | "some" | "none",
                _,
            ) => {
                self.names.extend(["true".to_owned(), "false".to_owned()]);
            }
            ("starts_with" | "ends_with" | "sem_ver", _) => {
                self.names.extend(["true".to_owned(), "false".to_owned()]);
                self.nothing = true;
            }
            _ => self.computed = true,
        }
    }
}

/// Whether an operator stands anywhere in a rule.
pub fn names_operator(rule: &Json, operator: &str) -> bool {
    match rule {
        Json::Object(map) => map
            .iter()
            .any(|(name, values)| name == operator || names_operator(values, operator)),
        Json::Array(list) => list.iter().any(|one| names_operator(one, operator)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}
