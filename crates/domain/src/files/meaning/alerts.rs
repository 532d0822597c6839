//! Who is told has to be there, and what tells them, too.

use std::collections::BTreeSet;

use super::known::Known;
use super::{calendars, check_known};
use crate::files::AlertWatch;
use crate::files::diagnostic::{Code, Finding, Report, shown};
use crate::files::tree::Node;
use crate::time::Duration;

pub(super) fn check(report: &mut Report<'_>, tree: &Node, service: Option<&Node>, known: Option<&Known<'_>>) {
    check_times(report, tree);
    let entries = tree.entries_of("channels").iter();
    let channels: BTreeSet<&str> = entries.map(|entry| entry.key.as_str()).collect();
    let roles = tree.entries_of("roles").iter().map(|role| &role.value);
    for place in roles.chain(tree.items_of("escalate")) {
        for channel in place.items_of("channels") {
            check_known(report, channel, "channel", &channels);
        }
    }
    if let Some(channel) = tree.field("heartbeat").and_then(|beat| beat.field("channel")) {
        check_known(report, channel, "channel", &channels);
    }
    let cells = service.map(calendars::cells);
    for route in tree.items_of("routes") {
        check_role(report, tree, route);
        if let (Some(cell), Some(cells)) = (route.field("cell"), &cells) {
            check_known(report, cell, "cell", cells);
        }
        if let (Some(tenant), Some(known)) = (route.field("tenant"), known) {
            check_known(report, tenant, "tenant", known.tenants());
        }
    }
}

/// A route to nobody would be silence.
fn check_role(report: &mut Report<'_>, tree: &Node, route: &Node) {
    let Some(role) = route.field("role") else { return };
    let Some(name) = role.text() else { return };
    let is_there = tree.entries_of("roles").iter().any(|entry| entry.key == name);
    if !is_there && ["developers", "support"].contains(&name) {
        let message = format!("nobody is told: `roles` does not say where {} is reached", shown(name));
        let help = format!("add `{name}:` with its `channels` to `roles`");
        report.push(Finding::error(Code::UnknownName, &role.span, message).help(help));
    }
}

fn check_times(report: &mut Report<'_>, tree: &Node) {
    let interval = tree.field("watch").and_then(|watch| watch.field("interval"));
    let (least, most) = (AlertWatch::INTERVAL_LEAST, AlertWatch::INTERVAL_MOST);
    let is_out = |length: Duration| length < least || length > most || length.as_millis() % 1_000 != 0;
    if let Some(node) = interval.filter(|node| duration(node).is_some_and(is_out)) {
        let message = format!("requests are added up over whole seconds, from {least} to {most}");
        report.push(Finding::error(Code::Conflict, &node.span, message).help("write a time such as `5m`"));
    }
    let heartbeat = tree.field("heartbeat").and_then(|beat| beat.field("every"));
    if let Some(node) = heartbeat.filter(|node| duration(node).is_some_and(|every| every < least)) {
        let message = format!("a heartbeat is sent every {least} at the most");
        report.push(Finding::error(Code::Conflict, &node.span, message).help("write a time such as `1m`"));
    }
}

fn duration(node: &Node) -> Option<Duration> {
    node.text()?.parse().ok()
}
