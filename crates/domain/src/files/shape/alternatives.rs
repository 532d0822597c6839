//! Places where one of several shapes is possible: words, or mappings that are told apart by their fields.

use serde_json::Value as Json;

use super::kind::{Kind, mismatch};
use super::{Part, Shape, known_fields};
use crate::files::diagnostic::{Code, Finding, listed, shown};
use crate::files::nearest::nearest;
use crate::files::tree::{Node, Value};

pub(super) fn of(schema: &Json) -> Option<&Vec<Json>> {
    schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array())
}

/// The words that a schema of an enumeration admits.
pub(super) fn words(schema: &Json) -> Option<Vec<&str>> {
    if let Some(word) = schema["const"].as_str() {
        return Some(vec![word]);
    }
    schema["enum"]
        .as_array()
        .map(|words| words.iter().filter_map(Json::as_str).collect())
}

pub(super) fn unknown_word(node: &Node, text: &str, words: &[&str]) -> Option<Finding> {
    if words.contains(&text) {
        return None;
    }
    let message = format!("{} is not possible here", shown(text));
    let finding = Finding::error(Code::UnknownWord, &node.span, message);
    Some(match nearest(text, words.iter().copied()) {
        Some(word) => finding.label(format!("did you mean `{word}`?")),
        None => finding.help(format!("write {}", listed(words.iter().copied(), "or"))),
    })
}

impl Shape {
    pub(super) fn alternatives(
        &self,
        node: &Node,
        alternatives: &[Json],
        whole: Part<'_>,
        findings: &mut Vec<Finding>,
    ) {
        let parts: Vec<Part<'_>> = alternatives
            .iter()
            .map(|schema| self.part(schema, whole.name))
            .collect();
        let admitting: Vec<Part<'_>> = parts
            .iter()
            .copied()
            .filter(|part| Kind::is_admitted(part.schema, &node.value))
            .collect();
        if let Value::Text(text) = &node.value {
            let words: Option<Vec<Vec<&str>>> = admitting.iter().map(|part| words(part.schema)).collect();
            if let Some(words) = words.filter(|words| !words.is_empty()) {
                findings.extend(unknown_word(node, text, &words.concat()));
                return;
            }
        }
        let mut outcomes: Vec<(Part<'_>, Vec<Finding>)> = Vec::new();
        for part in admitting {
            let mut outcome = Vec::new();
            self.node(node, part, &mut outcome);
            if outcome.is_empty() {
                return;
            }
            outcomes.push((part, outcome));
        }
        if outcomes.is_empty() {
            let mut kinds: Vec<Kind> = Vec::new();
            for kind in parts.iter().flat_map(|part| Kind::admitted(part.schema)) {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            let words: Vec<&str> = parts.iter().filter_map(|part| words(part.schema)).flatten().collect();
            let finding = mismatch(node, &kinds);
            findings.push(match words.as_slice() {
                [] => finding,
                words => finding.help(format!("write {}", listed(words.iter().copied(), "or"))),
            });
        } else {
            findings.extend(meant(node, outcomes));
        }
    }
}

/// The mistakes of the alternative that was most likely meant: the one with most of its fields there.
fn meant(node: &Node, mut outcomes: Vec<(Part<'_>, Vec<Finding>)>) -> Vec<Finding> {
    let there = |part: &Part<'_>| {
        known_fields(part.schema)
            .into_iter()
            .filter(|field| node.entry(field).is_some())
            .count()
    };
    let likeness: Vec<usize> = outcomes.iter().map(|(part, _)| there(part)).collect();
    let most = likeness.iter().copied().max().unwrap_or(0);
    if outcomes.len() > 1 && most == 0 {
        return vec![none_meant(node, &outcomes)];
    }
    if let Some(finding) = mixed(node, &outcomes, most) {
        return vec![finding];
    }
    let first = likeness.iter().position(|likeness| *likeness == most).unwrap_or(0);
    outcomes.swap_remove(first).1
}

/// The fields that tell alternatives apart: those that an alternative requires.
fn telling<'s>(outcomes: &[(Part<'s>, Vec<Finding>)]) -> Vec<&'s str> {
    let mut fields: Vec<&str> = Vec::new();
    for (part, _) in outcomes {
        for field in part.schema["required"].as_array().into_iter().flatten() {
            let field = field.as_str().unwrap_or_default();
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
    }
    fields
}

fn none_meant(node: &Node, outcomes: &[(Part<'_>, Vec<Finding>)]) -> Finding {
    let fields = telling(outcomes);
    let written = match &node.value {
        Value::Map(entries) => entries.first().map(|entry| entry.key.as_str()),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Refused => None,
    };
    let finding = match written {
        Some(key) => {
            let message = format!("{} is not possible here", shown(key));
            Finding::error(Code::UnknownField, &node.first_span(), message)
        }
        None => Finding::error(Code::MissingField, &node.span, "this is empty".to_owned()),
    };
    match written.and_then(|key| nearest(key, fields.iter().copied())) {
        Some(field) => finding.label(format!("did you mean `{field}`?")),
        None => finding.help(format!("write one of {}", listed(fields, "or"))),
    }
}

/// The finding for fields of several alternatives in one mapping, such as `host` and `path`.
fn mixed(node: &Node, outcomes: &[(Part<'_>, Vec<Finding>)], most: usize) -> Option<Finding> {
    let Value::Map(entries) = &node.value else { return None };
    let fields = telling(outcomes);
    let common = |field: &&str| {
        outcomes
            .iter()
            .all(|(part, _)| known_fields(part.schema).contains(field))
    };
    let mut written = entries
        .iter()
        .filter(|entry| fields.iter().any(|field| *field == entry.key && !common(field)));
    let (first, second) = (written.next()?, written.next()?);
    let together = outcomes.iter().any(|(part, _)| {
        let known = known_fields(part.schema);
        known.contains(&first.key.as_str()) && known.contains(&second.key.as_str())
    });
    if together || most == 0 {
        return None;
    }
    let message = format!("`{}` and `{}` do not go together", first.key, second.key);
    let finding = Finding::error(Code::Conflict, &second.key_span, message);
    Some(
        finding
            .label(format!("beside the `{}` above", first.key))
            .help("keep one of the two"),
    )
}
