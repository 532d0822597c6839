//! `$evaluators`: rules that several flags share, put in wherever `{"$ref": "name"}` stands.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use crate::limits;
use crate::problem::Notes;

#[derive(Default)]
pub struct Evaluators<'d> {
    by_name: BTreeMap<&'d str, &'d Json>,
}

impl<'d> Evaluators<'d> {
    pub fn read(json: Option<&'d Json>, notes: &mut Notes) -> Self {
        notes.path("$evaluators".to_owned());
        let by_name = match json {
            None | Some(Json::Null) => BTreeMap::new(),
            Some(Json::Object(map)) => map.iter().map(|(name, rule)| (name.as_str(), rule)).collect(),
            Some(_) => {
                notes.refuse(
                    "the evaluators are not an object",
                    "write names and rules: `{\"is-trial\": {…}}`",
                );
                BTreeMap::new()
            }
        };
        notes.back();
        Self { by_name }
    }

    /// `json` with every reference replaced, also those inside of evaluators. What it cannot replace it leaves: such a rule fails when
    /// it is computed.
    pub fn replace(&self, json: &Json, notes: &mut Notes) -> Json {
        let mut replacement = Replacement {
            evaluators: self,
            open: Vec::new(),
            nodes: limits::RULE_NODES,
            depth: 0,
            exhausted: false,
            told: BTreeSet::new(),
            notes,
        };
        replacement.copy(json)
    }
}

struct Replacement<'r, 'd> {
    evaluators: &'r Evaluators<'d>,
    /// The references that are being replaced, outermost first.
    open: Vec<String>,
    nodes: usize,
    depth: usize,
    /// The limits are reached: what is left is left out.
    exhausted: bool,
    /// The names that were told to be wrong, each once.
    told: BTreeSet<String>,
    notes: &'r mut Notes,
}

impl Replacement<'_, '_> {
    fn copy(&mut self, json: &Json) -> Json {
        if self.exhausted {
            return Json::Null;
        }
        if self.nodes == 0 || self.depth == limits::RULE_DEPTH * 2 {
            self.exhausted = true;
            self.notes.refuse(
                format!(
                    "the rule with its references has more than {} values or nests too deep",
                    limits::RULE_NODES
                ),
                "refer to fewer evaluators, or to smaller ones",
            );
            return Json::Null;
        }
        self.nodes -= 1;
        self.depth += 1;
        let copy = match json {
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
            Json::Array(list) => Json::Array(list.iter().map(|element| self.copy(element)).collect()),
            Json::Object(map) => match reference(map) {
                Some(name) => self.refer(name, json),
                None => Json::Object(
                    map.iter()
                        .map(|(name, value)| (name.clone(), self.copy(value)))
                        .collect(),
                ),
            },
        };
        self.depth -= 1;
        copy
    }

    fn refer(&mut self, name: &str, json: &Json) -> Json {
        if self.open.iter().any(|open| open == name) {
            let chain = self.open.join("` → `");
            let what = format!("the evaluator `{name}` refers to itself: `{chain}` → `{name}`");
            return self.leave(name, json, what, "break the circle");
        }
        let Some(rule) = self.evaluators.by_name.get(name) else {
            let what = format!("there is no evaluator `{name}`");
            return self.leave(name, json, what, "define it in `$evaluators`, or name one of those");
        };
        self.open.push(name.to_owned());
        let copy = self.copy(rule);
        self.open.pop();
        copy
    }

    fn leave(&mut self, name: &str, json: &Json, what: String, remedy: &str) -> Json {
        if self.told.insert(name.to_owned()) {
            self.notes.refuse(what, remedy);
        }
        json.clone()
    }
}

/// The name in `{"$ref": "name"}`.
fn reference(map: &Map<String, Json>) -> Option<&str> {
    let name = map.get("$ref")?.as_str()?;
    (map.len() == 1).then_some(name)
}
