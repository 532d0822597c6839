mod environments;

use std::collections::{BTreeMap, BTreeSet};

use self::environments::Environments;
use super::known::Known;
use super::{calendars, check_known, check_unique, labels, names};
use crate::calendar::Period;
use crate::files::diagnostic::{Code, Finding, Report, shown};
use crate::files::tree::{Node, Value};
use crate::policy::{Bake, Canary, Downtime};
use crate::time::Duration;

pub(super) fn check(report: &mut Report<'_>, tree: &Node, service: Option<&Node>, known: Option<&Known<'_>>) {
    check_file_name(report, tree);
    check_unique(report, tree, "waves", "name", "wave");
    environments::check(report, tree);
    let cells = service.map(|service| names(service, "cells"));
    check_named_waves(report, tree);
    check_validations(report, tree);
    check_named_twice(report, tree);
    check_downtime(report, tree);
    check_notices(report, tree);
    if let Some(service) = service {
        check_times(report, tree, service);
    }
    for wave in tree.items_of("waves") {
        check_watch(report, wave);
        for conditions in conditions(wave) {
            if let (Some(cell), Some(cells)) = (conditions.field("cell"), &cells) {
                check_known(report, cell, "cell", cells);
            }
            let Some(known) = known else { continue };
            for tenant in conditions.items_of("tenants") {
                check_known(report, tenant, "tenant", known.tenants());
            }
            for label in conditions.entries_of("labels") {
                labels::check_entry(report, label, known.labels());
            }
        }
    }
}

/// A playbook names windows, freezes and a calendar of the service.
fn check_times(report: &mut Report<'_>, tree: &Node, service: &Node) {
    if let Some(calendar) = tree.field("calendar") {
        check_known(report, calendar, "calendar", &calendars::names_of_calendars(service));
    }
    let windows = Windows::of(service);
    for named in tree.items_of("freezes") {
        windows.check(report, named, "freeze");
    }
    let of_waves = tree.items_of("waves").iter().flat_map(|wave| wave.items_of("windows"));
    for named in tree.items_of("windows").iter().chain(of_waves) {
        windows.check(report, named, "window");
    }
}

/// The names of a service's windows, by what they do.
struct Windows<'n> {
    allow: BTreeSet<&'n str>,
    freeze: BTreeSet<&'n str>,
}

impl<'n> Windows<'n> {
    fn of(service: &'n Node) -> Self {
        let of_kind = |kind: &str| {
            let windows = service.items_of("windows").iter();
            let windows = windows.filter(|window| window.text_of("kind") == Some(kind));
            windows.filter_map(|window| window.text_of("name")).collect()
        };
        Self {
            allow: of_kind("allow"),
            freeze: of_kind("freeze"),
        }
    }

    fn check(&self, report: &mut Report<'_>, named: &Node, what: &str) {
        let (known, other, field) = if what == "freeze" {
            (&self.freeze, &self.allow, "windows")
        } else {
            (&self.allow, &self.freeze, "freezes")
        };
        let Some(text) = named
            .text()
            .filter(|text| other.contains(text) && !known.contains(text))
        else {
            return check_known(report, named, what, known);
        };
        let is = if what == "freeze" {
            "allows moving"
        } else {
            "is a freeze"
        };
        let finding = Finding::error(Code::Conflict, &named.span, format!("{} {is}", shown(text)));
        report.push(finding.help(format!(
            "name it under `{field}`, or correct its `kind` in tidegate.yaml"
        )));
    }
}

/// Notices that can never be sent when they should be.
fn check_notices(report: &mut Report<'_>, tree: &Node) {
    for notice in tree.items_of("notices") {
        let period = |field: &str| notice.text_of(field)?.parse::<Period>().ok();
        let (Some(least), Some(most)) = (period("at_least"), period("at_most")) else {
            continue;
        };
        let Some(entry) = notice.entry("at_most").filter(|_| is_surely_shorter(most, least)) else {
            continue;
        };
        let message =
            format!("this is sent at most {most} before the start, and has to be sent at least {least} before it");
        let finding = Finding::error(Code::Conflict, &entry.value.span, message);
        report.push(finding.help("make `at_most` the longer of the two"));
    }
}

/// Whatever the day, and whatever is a working day. What depends on them is told by the plan.
fn is_surely_shorter(most: Period, least: Period) -> bool {
    // Clocks change by three hours at the most.
    const DAY: i64 = 24 * 3_600_000;
    const CHANGE: i64 = 3 * 3_600_000;
    let longest = match most {
        Period::Elapsed(duration) => duration.as_millis(),
        Period::Days(days) => i64::from(days) * DAY + CHANGE,
        Period::Weeks(weeks) => i64::from(weeks) * 7 * DAY + CHANGE,
        Period::WorkingDays(most) => return matches!(least, Period::WorkingDays(least) if most < least),
    };
    let shortest = match least {
        Period::Elapsed(duration) => duration.as_millis(),
        Period::Days(days) | Period::WorkingDays(days) => i64::from(days) * DAY - CHANGE,
        Period::Weeks(weeks) => i64::from(weeks) * 7 * DAY - CHANGE,
    };
    longest < shortest
}

/// Notices, approvals and validations name waves of this playbook.
fn check_named_waves(report: &mut Report<'_>, tree: &Node) {
    let waves = names(tree, "waves");
    let notices = tree
        .items_of("notices")
        .iter()
        .flat_map(|notice| notice.items_of("waves"));
    let approvals = tree
        .items_of("approvals")
        .iter()
        .filter_map(|approval| approval.field("before")?.field("wave"));
    let validations = tree
        .items_of("waves")
        .iter()
        .filter_map(|wave| wave.field("validation")?.field("of"));
    for named in notices.chain(approvals).chain(validations) {
        check_known(report, named, "wave", &waves);
    }
}

/// A wave waits for reports of one that comes before it, or for ever.
fn check_validations(report: &mut Report<'_>, tree: &Node) {
    let waves = tree.items_of("waves");
    for (place, wave) in waves.iter().enumerate() {
        let Some(of) = wave.field("validation").and_then(|validation| validation.field("of")) else {
            continue;
        };
        let mut later = waves[place..].iter().filter_map(|wave| wave.text_of("name"));
        if let Some(text) = of.text().filter(|text| later.any(|name| name == *text)) {
            let message = format!("wave {} does not come before this one", shown(text));
            report.push(Finding::error(Code::Conflict, &of.span, message).help("name an earlier wave"));
        }
    }
}

/// A tenant that is named in two waves moves with the first: the second name says something else than what happens.
fn check_named_twice(report: &mut Report<'_>, tree: &Node) {
    let mut first: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for wave in tree
        .items_of("waves")
        .iter()
        .filter(|wave| wave.field("only_when").is_none())
    {
        let name = wave.text_of("name").unwrap_or_default();
        for tenant in conditions(wave).flat_map(|conditions| conditions.items_of("tenants")) {
            let Some(text) = tenant.text() else { continue };
            match first.get(text) {
                Some((other, at)) if *other != name => {
                    let message = format!("tenant {} is in two waves, `{other}` and `{name}`", shown(text));
                    let finding = Finding::error(Code::DuplicateName, &tenant.span, message).first_at(*at);
                    report.push(finding.help(format!("remove it from one of them; it would move with `{other}`")));
                }
                Some(_) => {}
                None => {
                    first.insert(text, (name, tenant.span.start));
                }
            }
        }
    }
}

/// The conditions of a wave, written as a list or alone.
fn conditions(wave: &Node) -> impl Iterator<Item = &Node> {
    let select = wave.field("select");
    let alone = select.filter(|select| matches!(select.value, Value::Map(_)));
    alone.into_iter().chain(select.map_or(&[][..], Node::items))
}

fn check_file_name(report: &mut Report<'_>, tree: &Node) {
    let path = report.source().path.as_str();
    let file = path.rsplit_once('/').map_or(path, |(_, file)| file);
    let stem = file.strip_suffix(".yaml").unwrap_or(file);
    let Some(name) = tree.field("name") else { return };
    if let Some(text) = name.text().filter(|text| *text != stem) {
        let message = format!("the playbook {} stands in {}", shown(text), shown(file));
        report.push(
            Finding::error(Code::Conflict, &name.span, message)
                .help(format!("rename the file to `{text}.yaml`, or correct the name")),
        );
    }
}

/// What is watched has bounds that fit together.
fn check_watch(report: &mut Report<'_>, wave: &Node) {
    let bake = Bake::default();
    check_bounds(report, wave, ("bake", "least"), (bake.least, bake.longest));
    let canary = Canary::default();
    check_bounds(report, wave, ("canary", "least"), (canary.least, canary.longest));
    check_bounds(report, wave, ("canary", "warm_up"), (canary.warm_up, canary.longest));
}

/// `least` and `longest` are what they are where nothing is written.
fn check_bounds(
    report: &mut Report<'_>,
    wave: &Node,
    (what, shorter): (&str, &str),
    (least, longest): (Duration, Duration),
) {
    let Some(entry) = wave.entry(what) else { return };
    let length = |field: &str, default: Duration| match entry.value.field(field) {
        Some(node) => node.text()?.parse::<Duration>().ok(),
        None => Some(default),
    };
    let bounds = (length(shorter, least), length("longest", longest));
    let (Some(least), Some(most)) = bounds else { return };
    if least <= most {
        return;
    }
    let message = match shorter {
        "warm_up" => format!("the {what} judges nothing before {least} and lasts at most {most}"),
        _ => format!("the {what} lasts at least {least} and at most {most}"),
    };
    let help = format!("make `longest` the longer of the two; left out, it is {longest}");
    report.push(Finding::error(Code::Conflict, &entry.value.first_span(), message).help(help));
}

/// Undoing and announcing fit into the downtime that they are about.
fn check_downtime(report: &mut Report<'_>, tree: &Node) {
    let Some(entry) = tree.entry("downtime") else { return };
    let default = Downtime::default();
    let length = |field: &str, default: Duration| match entry.value.field(field) {
        Some(node) => node.text()?.parse::<Duration>().ok(),
        None => Some(default),
    };
    let (Some(longest), Some(overrun)) = (length("longest", default.longest), length("overrun", default.overrun))
    else {
        return;
    };
    let fits = [
        ("undo", default.undo, longest + overrun, "the whole downtime"),
        ("announce", default.announce, longest, "what is promised"),
    ];
    for (field, default, most, what) in fits {
        let Some(length) = length(field, default).filter(|length| *length >= most) else {
            continue;
        };
        let message = format!("`{field}` is {length}, {what} is {most}");
        let help = format!("write a shorter `{field}` in `downtime`, or make it longer");
        report.push(Finding::error(Code::Conflict, &entry.value.first_span(), message).help(help));
    }
}

/// Warns of waves that select nobody, and of tenants that no wave selects. Both files are free of errors here.
pub(super) fn check_reach(report: &mut Report<'_>, tree: &Node, tenants: &Node, service: Option<&Node>) {
    let environments = Environments::of(service);
    let mut left: Vec<&Node> = tenants.items_of("tenants").iter().collect();
    let nobody_at_all = left.is_empty();
    let mut rest_is_taken = false;
    for wave in tree.items_of("waves") {
        let Some(select) = wave.entry("select") else { continue };
        if rest_is_taken {
            let message = "nobody is left for this wave".to_owned();
            let finding = Finding::warning(Code::NoEffect, &select.key_span, message);
            report.push(finding.label("an earlier wave takes the rest"));
            continue;
        }
        let selectors: Vec<Selector<'_>> = conditions(wave).map(|it| Selector::new(it, &environments)).collect();
        let selects = |tenant: &&Node| selectors.iter().any(|selector| selector.admits(tenant));
        rest_is_taken = conditions(wave).any(is_rest) || environments.are_all_taken(waves_until(tree, wave));
        if !rest_is_taken && !nobody_at_all && !left.iter().any(selects) {
            let message = "this wave selects no tenant".to_owned();
            report.push(Finding::warning(Code::NoEffect, &select.key_span, message));
        }
        // Which tenants a share is made of is the planner's decision.
        let certain: Vec<&Selector<'_>> = selectors.iter().filter(|selector| !selector.takes_a_share()).collect();
        left.retain(|tenant| !certain.iter().any(|selector| selector.admits(tenant)));
    }
    if rest_is_taken {
        return;
    }
    let Some(waves) = tree.entry("waves") else { return };
    let label = match left.as_slice() {
        [] => "new tenants would be in no wave".to_owned(),
        [tenant] => format!("{} would stay behind", shown(tenant.text_of("id").unwrap_or_default())),
        more => format!("{} tenants would stay behind", more.len()),
    };
    report.push(
        Finding::warning(Code::Doubtful, &waves.key_span, "no wave takes the rest".to_owned())
            .label(label)
            .help("end with a wave that has `select: {rest: true}`"),
    );
}

/// A wave and those before it.
fn waves_until<'n>(tree: &'n Node, last: &Node) -> &'n [Node] {
    let waves = tree.items_of("waves");
    let place = waves.iter().position(|wave| std::ptr::eq(wave, last));
    &waves[..place.map_or(waves.len(), |place| place + 1)]
}

fn is_rest(conditions: &Node) -> bool {
    conditions.entries().len() == 1 && conditions.field("rest").is_some()
}

/// Conditions, ready to be asked of many tenants.
struct Selector<'n> {
    conditions: &'n Node,
    tenants: BTreeSet<&'n str>,
    environments: &'n Environments<'n>,
}

impl<'n> Selector<'n> {
    fn new(conditions: &'n Node, environments: &'n Environments<'n>) -> Self {
        let tenants = conditions.items_of("tenants").iter().filter_map(Node::text).collect();
        Self {
            conditions,
            tenants,
            environments,
        }
    }

    fn takes_a_share(&self) -> bool {
        self.conditions.field("percentage").is_some()
    }

    fn admits(&self, tenant: &Node) -> bool {
        self.conditions
            .entries()
            .iter()
            .all(|condition| match condition.key.as_str() {
                "labels" => condition
                    .value
                    .entries()
                    .iter()
                    .all(|label| labels::of_tenant(tenant, &label.key) == labels::scalar(&label.value)),
                "opt_in" => {
                    let opted_in = tenant.field("opt_in").map(|node| &node.value);
                    opted_in.unwrap_or(&Value::Boolean(false)) == &condition.value.value
                }
                "environment" => self.environments.of_tenant(tenant) == condition.value.text(),
                "cell" => tenant.text_of("cell") == condition.value.text(),
                "tenants" => tenant.text_of("id").is_some_and(|id| self.tenants.contains(id)),
                // `percentage` is not known here; `rest` is true of everybody who is still looked at.
                _ => true,
            })
    }
}
