//! What a schema can not say: names that must exist, names that must differ, fields that exclude each other, and what can
//! never have an effect.
//!
//! These checks walk the trees rather than the structs, so that one field of the wrong shape does not hide them. Whatever
//! has the wrong shape is passed over: that is reported already.

use std::collections::{BTreeMap, BTreeSet};

use self::known::Known;
use super::diagnostic::{Code, Finding, Report, listed, shown};
use super::nearest::nearest;
use super::tree::Node;
use super::{Document, Files, Project};

mod alerts;
pub(super) mod calendars;
mod customers;
mod gates;
mod jobs;
mod known;
mod labels;
mod playbook;
mod release;
mod retention;
pub(super) mod secrets;
mod service;
mod tenants;

/// Checks the documents of a project, each by itself and against the others.
pub(super) fn check_project(files: &Files, documents: &mut BTreeMap<usize, Document<'_>>) {
    // The trees are taken out, so that a report can be written while the trees of all files are read.
    let mut trees: BTreeMap<usize, Node> = BTreeMap::new();
    for (index, document) in documents.iter_mut() {
        trees.extend(document.tree.take().map(|tree| (*index, tree)));
    }
    let service = files.service.and_then(|index| trees.get(&index));
    let tenants = files.tenants.and_then(|index| trees.get(&index));
    let known = tenants.map(Known::of);
    let templates = gates::Templates::of(files, documents, &trees);
    let playbooks: Vec<Option<&Node>> = files.playbooks.iter().map(|index| trees.get(index)).collect();
    let tenants_are_right = files
        .tenants
        .and_then(|index| documents.get(&index))
        .is_some_and(|document| !document.report.has_errors());
    for (index, document) in documents.iter_mut() {
        let (Some(tree), report) = (trees.get(index), &mut document.report) else {
            continue;
        };
        if files.service == Some(*index) {
            service::check(report, tree);
            service::check_playbook(report, tree, &playbooks);
            calendars::check(report, tree, known.as_ref(), Some(&calendars::cells(tree)));
        } else if files.tenants == Some(*index) {
            tenants::check(report, tree, service);
        } else if files.customers == Some(*index) {
            customers::check(report, tree);
        } else if files.gates.contains(index) {
            templates.check(report, tree);
        } else if files.alerts == Some(*index) {
            alerts::check(report, tree, service, known.as_ref());
        } else {
            playbook::check(report, tree, service, known.as_ref());
            let places = tree.items_of("waves").iter().chain(tree.field("hotfix"));
            places.for_each(|place| templates.check_used(report, place));
            if let Some(tenants) = tenants.filter(|_| tenants_are_right && !report.has_errors()) {
                playbook::check_reach(report, tree, tenants, service);
            }
        }
    }
    for (index, tree) in trees {
        documents.entry(index).and_modify(|document| document.tree = Some(tree));
    }
}

/// Checks what two documents say of time, where nothing else of them is looked at.
pub(super) fn check_calendars(service: &mut Document<'_>, tenants: &mut Document<'_>) {
    if let Some(tree) = &service.tree {
        let known = tenants.tree.as_ref().map(Known::of);
        calendars::check(&mut service.report, tree, known.as_ref(), None);
    }
    if let Some(tree) = &tenants.tree {
        check_unique(&mut tenants.report, tree, "tenants", "id", "tenant");
        if let Some(service) = &service.tree {
            calendars::check_tenants(&mut tenants.report, tree, service);
        }
    }
}

pub(super) fn check_release(document: &mut Document<'_>, project: &Project) {
    if let Some(tree) = &document.tree {
        release::check(&mut document.report, tree, project);
    }
}

/// The names of the entries of a list.
fn names<'n>(tree: &'n Node, list: &str) -> BTreeSet<&'n str> {
    texts(tree, list, "name")
}

/// The texts that one field of the entries of a list has.
fn texts<'n>(tree: &'n Node, list: &str, field: &str) -> BTreeSet<&'n str> {
    let items = tree.items_of(list).iter();
    items.filter_map(|item| item.text_of(field)).collect()
}

/// A finding for each entry of a list whose name (or id, as `field` says) an earlier one has.
fn check_unique(report: &mut Report<'_>, tree: &Node, list: &str, field: &str, what: &str) {
    let names = tree.items_of(list).iter().filter_map(|item| item.field(field));
    let mut names: Vec<(&str, &Node)> = names.filter_map(|name| Some((name.text()?, name))).collect();
    // Equal ones come to stand together, in the order of the file.
    names.sort_by_key(|(text, _)| *text);
    let equal = names.chunk_by(|(a, _), (b, _)| a == b).filter_map(<[_]>::split_first);
    let twice = equal.flat_map(|((_, first), later)| later.iter().map(|(text, name)| (*text, *name, first.span.start)));
    let mut twice: Vec<(&str, &Node, usize)> = twice.collect();
    twice.sort_by_key(|(_, name, _)| name.span.start);
    for (text, name, earlier) in twice {
        let message = format!("there are two {what}s named {}", shown(text));
        let finding = Finding::error(Code::DuplicateName, &name.span, message);
        report.push(finding.first_at(earlier));
    }
}

/// A finding for a name that is not among `known`.
fn check_known(report: &mut Report<'_>, name: &Node, what: &str, known: &BTreeSet<&str>) {
    if report.is_full() {
        return;
    }
    if let Some(text) = name.text().filter(|text| !known.contains(text)) {
        report.push(unknown_name(what, text, &name.span, known));
    }
}

pub(super) fn unknown_name(what: &str, name: &str, span: &std::ops::Range<usize>, known: &BTreeSet<&str>) -> Finding {
    let message = format!("there is no {what} {}", shown(name));
    let finding = Finding::error(Code::UnknownName, span, message);
    match nearest(name, known.iter().copied()) {
        Some(candidate) => finding.label(format!("did you mean `{candidate}`?")),
        None if known.is_empty() => finding.help(format!("there are no {what}s at all")),
        None => finding.help(format!("the {what}s are {}", listed(known.iter().copied(), "and"))),
    }
}
