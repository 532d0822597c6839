//! Templates of gates, and the gates of playbooks that use them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Document, Files, check_unique, unknown_name};
use crate::files::GateName;
use crate::files::diagnostic::{Code, Finding, Place, Report, shown};
use crate::files::gate_template::{OPENS, Piece, pieces};
use crate::files::gates::name_of;
use crate::files::nearest::nearest;
use crate::files::tree::{Entry, Node, Value};

/// The templates of a project, by their names.
#[derive(Default)]
pub(super) struct Templates<'n>(BTreeMap<&'n str, Template<'n>>);

struct Template<'n> {
    path: &'n str,
    text: &'n str,
    tree: &'n Node,
}

impl<'n> Templates<'n> {
    pub(super) fn of(
        files: &Files,
        documents: &BTreeMap<usize, Document<'n>>,
        trees: &'n BTreeMap<usize, Node>,
    ) -> Self {
        let templates = files.gates.iter().filter_map(|index| {
            let source = documents.get(index)?.report.source();
            let template = Template {
                path: &source.path,
                text: &source.text,
                tree: trees.get(index)?,
            };
            Some((name_of(&source.path), template))
        });
        Self(templates.collect())
    }

    fn names(&self) -> BTreeSet<&str> {
        self.0.keys().copied().collect()
    }

    /// A template by itself.
    pub(super) fn check(&self, report: &mut Report<'_>, tree: &Node) {
        let name = name_of(&report.source().path);
        if let Err(wrong) = GateName::new(name) {
            report.push(Finding::of_file(Code::InvalidText, wrong.to_string()).help("rename the file"));
        }
        if let Some(uses) = tree.field("uses")
            && let Some(text) = uses.text().filter(|text| *text != name && self.0.contains_key(text))
        {
            let message = format!("{} is a template, and a template uses a gate", shown(text));
            report.push(Finding::error(Code::Conflict, &uses.span, message).help("name the gate that it uses"));
        }
        let mut asked = BTreeSet::new();
        if let Some(with) = tree.field("with") {
            check_texts(report, tree, with, &mut asked);
        }
        for entry in tree.entries_of("arguments") {
            if !asked.contains(entry.key.as_str()) {
                let message = format!("argument {} stands nowhere in `with`", shown(&entry.key));
                let finding = Finding::error(Code::NoEffect, &entry.key_span, message);
                report.push(finding.help(format!(
                    "write `{OPENS} {} }}}}` where it belongs, or remove it",
                    entry.key
                )));
            }
        }
    }

    /// The gates that stand in a wave or another place of a playbook.
    pub(super) fn check_used(&self, report: &mut Report<'_>, place: &Node) {
        check_unique(report, place, "gates", "name", "gate");
        for gate in place.items_of("gates") {
            let Some(uses) = gate.field("uses") else { continue };
            let Some(text) = uses.text() else { continue };
            match (self.0.get(text), gate.entry("arguments")) {
                (Some(template), arguments) => template.check_used(report, gate, uses, arguments),
                (None, Some(_)) => report.push(unknown_name("template", text, &uses.span, &self.names())),
                (None, None) => {}
            }
        }
    }
}

/// Each argument that a text asks for is one that the template has.
fn check_texts<'n>(report: &mut Report<'_>, template: &Node, node: &'n Node, asked: &mut BTreeSet<&'n str>) {
    match &node.value {
        Value::Text(text) => match pieces(text) {
            Ok(pieces) => {
                for piece in pieces {
                    let Piece::Argument(name) = piece else { continue };
                    asked.insert(name);
                    let known: BTreeSet<&str> = names_of_arguments(template);
                    if !known.contains(name) {
                        report.push(unknown_name("argument", name, &node.span, &known));
                    }
                }
            }
            Err(message) => {
                let finding = Finding::error(Code::InvalidText, &node.span, message);
                report.push(finding.help(format!("an argument stands as `{OPENS} name }}}}`")));
            }
        },
        Value::List(items) => {
            for item in items {
                check_texts(report, template, item, asked);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                check_key(report, entry);
                check_texts(report, template, &entry.value, asked);
            }
        }
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Refused => {}
    }
}

fn check_key(report: &mut Report<'_>, entry: &Entry) {
    if entry.key.contains(OPENS) {
        let message = "an argument stands in the name of a field".to_owned();
        let finding = Finding::error(Code::InvalidText, &entry.key_span, message);
        report.push(finding.help("arguments are filled in where values stand"));
    }
}

fn names_of_arguments(template: &Node) -> BTreeSet<&str> {
    let arguments = template.entries_of("arguments").iter();
    arguments.map(|entry| entry.key.as_str()).collect()
}

impl Template<'_> {
    /// `file:line`.
    fn place(&self, entry: &Entry) -> String {
        format!("{}:{}", self.path, Place::of(&entry.key_span, self.text).line)
    }

    fn check_used(&self, report: &mut Report<'_>, gate: &Node, uses: &Node, arguments: Option<&Entry>) {
        let name = uses.text().unwrap_or_default();
        if let Some(with) = gate.entry("with") {
            let message = format!("`with` stands in the template {}", shown(name));
            let finding = Finding::error(Code::Conflict, &with.key_span, message);
            report.push(finding.help(format!("write `arguments` here, or change {}", self.path)));
        }
        let known = names_of_arguments(self.tree);
        let given = arguments.map_or(&[][..], |arguments| arguments.value.entries());
        for entry in given.iter().filter(|entry| !known.contains(entry.key.as_str())) {
            let message = format!("template {} has no argument {}", shown(name), shown(&entry.key));
            let finding = Finding::error(Code::UnknownName, &entry.key_span, message);
            let finding = finding.meant(nearest(&entry.key, known.iter().copied()));
            report.push(finding.help(format!("its arguments are declared in {}", self.path)));
        }
        for declared in self.tree.entries_of("arguments") {
            let has = given.iter().any(|entry| entry.key == declared.key) || declared.value.field("default").is_some();
            if !has {
                let message = format!(
                    "argument {} of template {} is missing",
                    shown(&declared.key),
                    shown(name)
                );
                let span = arguments.map_or_else(|| uses.span.clone(), |arguments| arguments.key_span.clone());
                let what = declared.value.text_of("description");
                let what = what.map_or_else(String::new, |what| format!(": {}", shown(what)));
                let help = format!("it is declared in {}{what}", self.place(declared));
                report.push(Finding::error(Code::MissingField, &span, message).help(help));
            }
        }
    }
}
