use std::collections::{BTreeMap, BTreeSet};

use super::{check_known, check_unique, jobs, names, retention, secrets};
use crate::files::Address;
use crate::files::diagnostic::{Code, Finding, Report, shown};
use crate::files::tree::Node;

pub(super) fn check(report: &mut Report<'_>, tree: &Node) {
    check_unique(report, tree, "cells", "name", "cell");
    check_unique(report, tree, "components", "name", "component");
    // A kind that is left out is `http`, unless it is left out because of a slip that is reported already.
    let default_kind = (!report.has_errors()).then_some("http");
    for component in tree.items_of("components") {
        if let Some(kind) = component.field("kind").map_or(default_kind, Node::text) {
            check_kind(report, component, kind);
            check_ready(report, component, kind);
            if kind == "job" && !report.has_errors_in(&component.span) {
                jobs::check(report, component);
            }
        }
    }
    if default_kind.is_some() {
        check_matches(report, tree);
    }
    check_after(report, tree);
    check_cycle(report, tree.items_of("components"));
    check_listeners(report, tree);
    secrets::check(report, tree, &names(tree, "cells"));
    retention::check(report, tree);
}

pub(super) fn check_playbook(report: &mut Report<'_>, tree: &Node, playbooks: &[Option<&Node>]) {
    // Names of playbooks that can not be read are not known: then nothing is said.
    let known: Option<BTreeSet<&str>> = playbooks
        .iter()
        .map(|playbook| playbook.as_ref()?.text_of("name"))
        .collect();
    let known = known.filter(|known| !known.is_empty());
    if let (Some(name), Some(known)) = (tree.field("playbook"), known) {
        check_known(report, name, "playbook", &known);
    }
}

/// Fields that only some kinds of component have, with those kinds.
const FIELDS_OF_KINDS: [(&str, &[&str]); 11] = [
    ("match", &["http"]),
    ("ownership", &["worker"]),
    ("ready", &["http", "worker"]),
    ("instances", &["http", "worker"]),
    ("drain", &["http", "worker"]),
    ("after", &["http", "worker"]),
    ("memory", &["http", "worker"]),
    ("per", &["job"]),
    ("schedule", &["job"]),
    ("missed", &["job"]),
    ("timeout", &["job"]),
];

fn check_kind(report: &mut Report<'_>, component: &Node, kind: &str) {
    if !matches!(kind, "http" | "worker" | "job") {
        return;
    }
    for (field, kinds) in FIELDS_OF_KINDS {
        let Some(entry) = component.entry(field).filter(|_| !kinds.contains(&kind)) else {
            continue;
        };
        let message = format!("a component of `kind: {kind}` has no `{field}`");
        report.push(
            Finding::error(Code::Conflict, &entry.key_span, message)
                .label(format!("only for `kind: {}`", kinds.join("` and `kind: ")))
                .help("remove the field, or correct the kind"),
        );
    }
}

/// A switch goes to instances that are ready, so a server that is only started must not count as ready.
fn check_ready(report: &mut Report<'_>, component: &Node, kind: &str) {
    if kind == "http" && component.entry("ready").is_none() {
        let message = "this component is taken for ready as soon as it runs".to_owned();
        report.push(
            Finding::warning(Code::Doubtful, &component.first_span(), message)
                .help("add `ready: {path: /healthz}` with a path that is answered once it can serve"),
        );
    }
}

fn check_after(report: &mut Report<'_>, tree: &Node) {
    let known = names(tree, "components");
    for component in tree.items_of("components") {
        let own_name = component.text_of("name");
        for name in component.items_of("after") {
            if name.text().is_some() && name.text() == own_name {
                let message = "a component can not come after itself".to_owned();
                let finding = Finding::error(Code::Conflict, &name.span, message);
                report.push(finding.label("remove this"));
            } else if is_job(tree, name) {
                let message = "a job is never ready: nothing of it runs between two runs".to_owned();
                let finding = Finding::error(Code::Conflict, &name.span, message);
                report.push(finding.label("remove this"));
            } else {
                check_known(report, name, "component", &known);
            }
        }
    }
}

fn is_job(tree: &Node, name: &Node) -> bool {
    let component = name.text().and_then(|name| named(tree.items_of("components"), name));
    component.is_some_and(|component| component.text_of("kind") == Some("job"))
}

/// The components that `component` comes after, besides itself.
fn earlier(component: &Node) -> impl Iterator<Item = &str> {
    let own_name = component.text_of("name");
    let after = component.items_of("after").iter().filter_map(Node::text);
    after.filter(move |name| Some(*name) != own_name)
}

/// Takes away, again and again, what comes after nothing that is left; what stays stands in a cycle, or waits for one.
fn check_cycle(report: &mut Report<'_>, components: &[Node]) {
    let mut left: BTreeSet<&str> = components
        .iter()
        .filter_map(|component| component.text_of("name"))
        .collect();
    loop {
        let waiting: BTreeSet<&str> = components
            .iter()
            .filter(|component| earlier(component).any(|name| left.contains(name)))
            .filter_map(|component| component.text_of("name"))
            .filter(|name| left.contains(name))
            .collect();
        if waiting.len() == left.len() {
            break;
        }
        left = waiting;
    }
    let is_left = |component: &&Node| component.text_of("name").is_some_and(|name| left.contains(name));
    let Some(start) = components.iter().find(is_left) else {
        return;
    };
    let ring = ring(components, start, &left);
    let last = ring.first().and_then(|name| named(components, name));
    if let Some(entry) = last.and_then(|component| component.entry("after")) {
        let message = format!("components wait for each other: {}", ring.join(" after "));
        let finding = Finding::error(Code::Conflict, &entry.key_span, message);
        report.push(finding.help("remove one of these `after`"));
    }
}

fn named<'n>(components: &'n [Node], name: &str) -> Option<&'n Node> {
    components
        .iter()
        .find(|component| component.text_of("name") == Some(name))
}

/// A cycle among `left`, each of which waits for another of them.
fn ring<'n>(components: &'n [Node], start: &'n Node, left: &BTreeSet<&str>) -> Vec<&'n str> {
    let mut path: Vec<&str> = Vec::new();
    let mut at = start.text_of("name");
    while let Some(name) = at {
        if let Some(seen) = path.iter().position(|before| *before == name) {
            path.push(name);
            return path.split_off(seen);
        }
        path.push(name);
        at = named(components, name).and_then(|component| earlier(component).find(|name| left.contains(name)));
    }
    path
}

fn check_matches(report: &mut Report<'_>, tree: &Node) {
    let mut first: BTreeMap<(Option<&str>, &str), &str> = BTreeMap::new();
    for component in tree.items_of("components") {
        let kind = component.text_of("kind").unwrap_or("http");
        let Some(name) = component.text_of("name").filter(|_| kind == "http") else {
            continue;
        };
        let rule = component.field("match");
        let host = rule.and_then(|rule| rule.text_of("host"));
        let path = rule.and_then(|rule| rule.text_of("path")).unwrap_or("/");
        let Some(other) = first.insert((host, path), name).filter(|other| *other != name) else {
            continue;
        };
        let message = format!("{} and {} match the same requests", shown(other), shown(name));
        let span = rule.unwrap_or(component).first_span();
        report.push(
            Finding::error(Code::Conflict, &span, message)
                .help("give one of the two another `match: {host: .., path: ..}`"),
        );
    }
}

fn check_listeners(report: &mut Report<'_>, tree: &Node) {
    let mut first: BTreeMap<Address, &str> = BTreeMap::new();
    for entry in tree.entries_of("gateway") {
        let field = entry.key.as_str();
        let value = match field {
            "listen" | "internal" | "admin" => Some(&entry.value),
            "tls" => entry.value.field("listen"),
            _ => None,
        };
        let Some(value) = value else { continue };
        let address = value.text().and_then(|text| text.parse::<Address>().ok());
        // Port 0 is any free port, so two of them differ.
        let Some(address) = address.filter(|address| address.0.port() != 0) else {
            continue;
        };
        if let Some(other) = first.insert(address, field) {
            let message = format!("`{field}` and `{other}` have the same address");
            let finding = Finding::error(Code::Conflict, &value.span, message);
            report.push(finding.label("choose another port"));
        }
    }
}
