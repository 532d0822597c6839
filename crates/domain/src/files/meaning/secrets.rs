//! A variable is a secret or stands in clear, never both: which of the two an instance got would not be plain to see.

use std::collections::BTreeSet;

use super::release::check_keys;
use crate::files::diagnostic::{Code, Finding, Report, shown};
use crate::files::tree::{Entry, Node, Value};
use crate::files::{AbsolutePath, Component, CredentialName, Project, VariableName};

/// Hides what stands where a secret's reference belongs and is none: it may be the secret. Of the components of `tidegate.yaml`.
pub(in crate::files) fn hide(report: &mut Report<'_>, tree: &Node) {
    for component in tree.items_of("components") {
        let of_places = ["environments", "cells"].into_iter();
        let of_places = of_places
            .flat_map(|field| component.entries_of(field))
            .map(|it| &it.value);
        for place in of_places.chain([component]) {
            let Some(secrets) = place.field("secrets") else {
                continue;
            };
            hide_text(report, secrets);
            for variable in secrets.entries() {
                hide_text(report, &variable.value);
                let parts = variable.value.entries().iter();
                parts
                    .filter(|part| !is_reference(part))
                    .for_each(|part| hide_all(report, &part.value));
            }
        }
    }
}

fn hide_text(report: &mut Report<'_>, node: &Node) {
    match &node.value {
        Value::Text(text) => report.hide(&node.span, text),
        Value::Number(number) => report.hide(&node.span, &number.to_string()),
        Value::List(items) => items.iter().for_each(|item| hide_all(report, item)),
        Value::Null | Value::Boolean(_) | Value::Map(_) | Value::Refused => {}
    }
}

/// With all that is written below it.
fn hide_all(report: &mut Report<'_>, node: &Node) {
    hide_text(report, node);
    node.entries().iter().for_each(|entry| hide_all(report, &entry.value));
}

fn is_reference(part: &Entry) -> bool {
    if part.key == "version" {
        return part.value.items().is_empty() && part.value.entries().is_empty();
    }
    let Some(text) = part.value.text() else { return false };
    match part.key.as_str() {
        "file" => text.parse::<AbsolutePath>().is_ok(),
        "environment" => text.parse::<VariableName>().is_ok(),
        "credential" => text.parse::<CredentialName>().is_ok(),
        _ => false,
    }
}

/// Of the components of `tidegate.yaml`.
pub(super) fn check(report: &mut Report<'_>, tree: &Node, cells: &BTreeSet<&str>) {
    for component in tree.items_of("components") {
        let plain: BTreeSet<&str> = component
            .entries_of("environment")
            .iter()
            .map(|it| it.key.as_str())
            .collect();
        check_keys(report, component.entries_of("cells"), "cell", cells);
        check_environments(report, component, |environment| {
            let mut cells = tree.items_of("cells").iter();
            cells.any(|cell| cell.text_of("environment").unwrap_or("production") == environment)
        });
        let places = component
            .entries_of("environments")
            .iter()
            .chain(component.entries_of("cells"));
        let of_places = places.flat_map(|place| place.value.entries_of("secrets"));
        let secrets = component.entries_of("secrets").iter().chain(of_places);
        for secret in secrets.filter(|secret| plain.contains(secret.key.as_str())) {
            report.push(both(secret, "the `environment` of this component gives it in clear"));
        }
    }
}

/// Of what a release says of the components of a project.
pub(super) fn check_release(report: &mut Report<'_>, tree: &Node, project: &Project) {
    for entry in tree.entries_of("components") {
        check_environments(report, &entry.value, |environment| {
            let mut cells = project.service.cells.iter();
            cells.any(|cell| cell.environment.as_str() == environment)
        });
        let mut components = project.service.components.iter();
        let Some(component) = components.find(|component| component.name.as_str() == entry.key) else {
            continue;
        };
        let secrets = secrets_of(component);
        let places = ["environments", "cells", "tenants"].into_iter();
        let places = places.flat_map(|field| entry.value.entries_of(field));
        let of_places = places.flat_map(|place| place.value.entries());
        let plain = entry.value.entries_of("configuration").iter().chain(of_places);
        for variable in plain.filter(|variable| secrets.contains(variable.key.as_str())) {
            report.push(both(
                variable,
                "tidegate.yaml lists it among the `secrets` of this component",
            ));
        }
    }
}

fn secrets_of(component: &Component) -> BTreeSet<&str> {
    let environments = [&component.environments.test, &component.environments.production];
    let places = environments.into_iter().chain(component.cells.values());
    let secrets = component
        .secrets
        .keys()
        .chain(places.flat_map(|place| place.secrets.keys()));
    secrets.map(VariableName::as_str).collect()
}

fn both(variable: &Entry, where_else: &str) -> Finding {
    let message = format!("{} is a secret and is given in clear as well", shown(&variable.key));
    Finding::error(Code::Conflict, &variable.key_span, message)
        .label(where_else.to_owned())
        .help("keep one of the two")
}

/// Of an environment that no cell has, nothing comes about.
fn check_environments(report: &mut Report<'_>, component: &Node, is_there: impl Fn(&str) -> bool) {
    // What a cell is for is not known where its environment is the mistake.
    if report.has_errors() {
        return;
    }
    for entry in component.entries_of("environments") {
        if matches!(entry.key.as_str(), "test" | "production") && !is_there(&entry.key) {
            let message = format!("no cell has the environment {}", shown(&entry.key));
            let finding = Finding::warning(Code::NoEffect, &entry.key_span, message);
            report.push(finding.help("give a cell of tidegate.yaml this `environment`, or remove this"));
        }
    }
}
