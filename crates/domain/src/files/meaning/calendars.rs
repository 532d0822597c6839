use std::collections::BTreeSet;

use super::known::Known;
use super::{check_known, check_unique, labels, names};
use crate::calendar::{Subject, Window, WrittenWindow};
use crate::files::calendars::typed;
use crate::files::diagnostic::{Code, Finding, Report, shown};
use crate::files::nearest::nearest;
use crate::files::tree::Node;

/// Checks the windows of a service file. `cells` are absent where the file need not name any.
pub(super) fn check(report: &mut Report<'_>, tree: &Node, known: Option<&Known<'_>>, cells: Option<&BTreeSet<&str>>) {
    check_unique(report, tree, "windows", "name", "window");
    for window in tree.items_of("windows") {
        if !report.has_errors_in(&window.span) {
            check_parts(report, window);
        }
        let Some(selector) = window.field("tenants") else {
            continue;
        };
        if let (Some(cell), Some(cells)) = (selector.field("cell"), cells) {
            check_known(report, cell, "cell", cells);
        }
        if let Some(known) = known {
            check_selector(report, selector, known);
        }
    }
}

/// Checks that the calendars which tenants name are there.
pub(super) fn check_tenants(report: &mut Report<'_>, tenants: &Node, service: &Node) {
    let known = names_of_calendars(service);
    for tenant in tenants.items_of("tenants") {
        if let Some(calendar) = tenant.field("calendar") {
            check_known(report, calendar, "calendar", &known);
        }
    }
}

pub(super) fn names_of_calendars(service: &Node) -> BTreeSet<&str> {
    let calendars = service.entries_of("calendars").iter();
    calendars.map(|calendar| calendar.key.as_str()).collect()
}

/// What the parts of a window say together.
fn check_parts(report: &mut Report<'_>, window: &Node) {
    let Some(written) = typed::<WrittenWindow>(window) else {
        return;
    };
    let Err(error) = Window::try_from(written) else { return };
    let span = match window.entry(error.field()) {
        Some(entry) => entry.value.first_span(),
        None => window.first_span(),
    };
    let text = error.to_string();
    let (message, rest) = text.split_once(": ").unwrap_or((&text, ""));
    let finding = Finding::error(Code::Conflict, &span, message.replacen("it ", "this window ", 1));
    report.push(if message == "it never opens" {
        finding.label(rest).help("correct it, or remove the window")
    } else {
        finding.help_if((!rest.is_empty()).then(|| rest.to_owned()))
    });
}

/// Tenants come and go, so a tag, label or customer that none has is no error.
fn check_selector(report: &mut Report<'_>, selector: &Node, known: &Known<'_>) {
    for tenant in selector.items_of("tenants") {
        check_known(report, tenant, "tenant", known.tenants());
    }
    if let Some((node, tag)) = selector.field("tag").and_then(|node| Some((node, node.text()?))) {
        let place = (&node.span, &node.span);
        labels::check(report, tag, "true", place, known.labels());
    }
    for label in selector.entries_of("labels") {
        labels::check_entry(report, label, known.labels());
    }
    let customer = selector.field("customer").and_then(|node| Some((node, node.text()?)));
    if let Some((node, customer)) = customer.filter(|(_, customer)| !known.customers().contains(customer)) {
        let message = format!("no tenant belongs to the customer {}", shown(customer));
        let finding = Finding::warning(Code::NoEffect, &node.span, message);
        report.push(finding.meant(nearest(customer, known.customers().iter().copied())));
    }
}

/// Warns of windows that are for nobody. Of both files no part is wrong here.
pub(in crate::files) fn check_reach<'t, T>(
    report: &mut Report<'_>,
    tree: &Node,
    windows: &[WrittenWindow],
    tenants: &'t [T],
) where
    Subject<'t>: From<&'t T>,
{
    for (node, window) in tree.items_of("windows").iter().zip(windows) {
        let Some(selector) = node.entry("tenants") else {
            continue;
        };
        let selects = |tenant: &'t T| window.tenants.selects(Subject::from(tenant));
        if !tenants.is_empty() && !report.says_in(&selector.value.span) && !tenants.iter().any(selects) {
            let message = "no tenant is all of this, so the window has no effect".to_owned();
            report.push(Finding::warning(Code::NoEffect, &selector.value.first_span(), message));
        }
    }
}

/// The cells of a service file.
pub(super) fn cells(service: &Node) -> BTreeSet<&str> {
    names(service, "cells")
}
