//! Places where one of several shapes is possible: words, or mappings that are told apart by their fields.

use super::kind::{Kind, mismatch};
use super::schema::Schema;
use super::{Part, Shape};
use crate::files::diagnostic::{Code, Finding, listed, shown};
use crate::files::nearest::nearest;
use crate::files::tree::{Node, Value};

pub(super) fn unknown_word(node: &Node, text: &str, words: &[String]) -> Option<Finding> {
    if words.iter().any(|word| word == text) {
        return None;
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
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
        alternatives: &[Schema],
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
            .filter(|part| Kind::is_admitted(&part.schema.kinds, &node.value))
            .collect();
        if let Value::Text(text) = &node.value {
            let words: Option<Vec<&[String]>> = admitting.iter().map(|part| part.schema.words.as_deref()).collect();
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
            for kind in parts.iter().flat_map(|part| &part.schema.kinds) {
                if !kinds.contains(kind) {
                    kinds.push(*kind);
                }
            }
            let words: Vec<&str> = parts
                .iter()
                .flat_map(|part| part.schema.words.iter().flatten())
                .map(String::as_str)
                .collect();
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
    let there = |part: &Part<'_>| part.schema.fields().filter(|field| node.entry(field).is_some()).count();
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
        for field in &part.schema.required {
            if !fields.contains(&field.as_str()) {
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
    let common = |field: &&str| outcomes.iter().all(|(part, _)| part.schema.property(field).is_some());
    let mut written = entries
        .iter()
        .filter(|entry| fields.iter().any(|field| *field == entry.key && !common(field)));
    let (first, second) = (written.next()?, written.next()?);
    let together = outcomes
        .iter()
        .any(|(part, _)| part.schema.property(&first.key).is_some() && part.schema.property(&second.key).is_some());
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
