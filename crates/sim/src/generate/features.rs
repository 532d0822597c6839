//! What not every project uses: releases that patch another one, customers who report, tenants that choose when they move, and
//! planned downtime. Drawn from a stream of its own: projects with it and without it are otherwise the same.

use std::collections::BTreeSet;

use tidegate_domain::id::{CustomerName, TenantName, Version};
use tidegate_domain::service::{MigrationState, ReportOutcome, Selection, Waived};
use tidegate_domain::time::Duration;

use crate::random::Random;
use crate::script::{Action, Command, GatewayMood, Script};

pub const STREAM: u64 = 0x5ca1_ab1e_0000_0003;

/// Of a hundred releases.
const PATCHES: u32 = 35;
/// Of a hundred waves.
const ONLY_WHEN_PATCHED: u32 = 12;
/// Of a hundred waves after the first.
const VALIDATED: u32 = 80;
/// Of a hundred projects.
const RESERVING: u32 = 40;
const WITH_DOWNTIME: u32 = 40;
const MIGRATING: u32 = 50;
/// Of a hundred releases of such projects.
const PLANNING_DOWNTIME: u32 = 60;

const HOUR: u32 = 3_600;
const DAY: u32 = 24 * HOUR;

/// What a release of `version` patches: more often than not the one before it, which may still be on its way.
pub fn patches(random: &mut Random, version: &Version, all: &[Version]) -> String {
    let place = all.iter().position(|other| other == version).unwrap_or(0);
    let patched = match &all[..place] {
        [] => return String::new(),
        earlier if random.percent(25) => random.pick(earlier),
        [.., last] => last,
    };
    if random.percent(PATCHES) {
        format!("patches: {patched}\n")
    } else {
        String::new()
    }
}

/// A wave that only releases have which patch another one.
pub fn only_when(random: &mut Random) -> &'static str {
    if random.percent(ONLY_WHEN_PATCHED) {
        ", only_when: patched"
    } else {
        ""
    }
}

/// A wave whose tenants wait for what their customers report of an earlier one.
pub fn validation(random: &mut Random, index: u32) -> String {
    let of = random.between(1, index);
    let silent = *random.pick(&["", "", ", when_silent: move"]);
    if random.percent(VALIDATED) {
        format!(", validation: {{of: w{of}{silent}}}")
    } else {
        String::new()
    }
}

/// How long customers take who are asked to try a release.
pub fn report_habit(random: &mut Random) -> Option<Duration> {
    let after = *random.pick(&[60, DAY, 4 * DAY, 8 * DAY]);
    random.percent(60).then(|| Duration::from_secs(after))
}

/// Tenants that a breaking change would break are left or waited for.
pub fn on_unmigrated(random: &mut Random) -> &'static str {
    let rule = *random.pick(&["on_unmigrated: leave-behind\n", "on_unmigrated: block-wave\n"]);
    if random.percent(MIGRATING) { rule } else { "" }
}

/// How long tenants take that are asked to migrate.
pub fn migrate_habit(random: &mut Random) -> Option<Duration> {
    let after = *random.pick(&[60, 6 * HOUR, DAY, 6 * DAY]);
    random.percent(50).then(|| Duration::from_secs(after))
}

/// Tenants choose when they move, few of them at one time.
pub fn reservations(random: &mut Random) -> String {
    let capacity = random.between(1, 2);
    let stretch = *random.pick(&["1h", "6h", "1d"]);
    let within = *random.pick(&["7 days", "7 days", "36 hours", "3 working days"]);
    if random.percent(RESERVING) {
        format!("reservations: {{capacity: {capacity}, stretch: {stretch}, within: {within}}}\n")
    } else {
        String::new()
    }
}

/// The downtime that releases may plan.
pub fn downtime(random: &mut Random) -> String {
    let overrun = *random.pick(&["0s", "10m", "10m"]);
    let announce = *random.pick(&["1m", "2m", "4m"]);
    if random.percent(WITH_DOWNTIME) {
        format!("downtime: {{longest: 10m, overrun: {overrun}, undo: 2m, announce: {announce}}}\n")
    } else {
        String::new()
    }
}

pub fn planned_downtime(random: &mut Random) -> &'static str {
    let line = *random.pick(&["downtime: 5m\n", "downtime: 10m\n"]);
    if random.percent(PLANNING_DOWNTIME) { line } else { "" }
}

/// What people do about it at their own time, and gateways that are not heard for longer than a switch takes.
pub fn of_weeks(random: &mut Random, script: &mut Script, tenants: &[TenantName]) {
    let versions = script.versions();
    let customers: Vec<CustomerName> = ["c1", "c1", "c2"].iter().filter_map(|name| name.parse().ok()).collect();
    for _ in 0..random.below(4) {
        let outcome = *random.pick(&[ReportOutcome::Works, ReportOutcome::Trouble]);
        let (version, customer) = (random.pick(&versions).clone(), random.pick(&customers).clone());
        let report = Command::Report(version, customer, outcome);
        put(random, script, report);
    }
    let reserves = script.files.values().any(|text| text.contains("reservations:"));
    for _ in 0..if reserves { random.between(2, 8) } else { 0 } {
        let (version, tenant) = (random.pick(&versions).clone(), random.pick(tenants).clone());
        let after = *random.pick(&[10, 2 * HOUR, 11 * HOUR, DAY, 2 * DAY, 5 * DAY]);
        let after = random.percent(90).then(|| Duration::from_secs(after));
        put(random, script, Command::Reserve(version, tenant, after));
    }
    if script.files.values().any(|text| text.contains("on_unmigrated:")) {
        migrations(random, script, tenants);
    }
    if script.files.values().any(|text| text.contains("downtime:")) {
        silences(random, script);
    }
}

/// What is said of tenants, also what is taken back later, and of whom nobody waits for it.
fn migrations(random: &mut Random, script: &mut Script, tenants: &[TenantName]) {
    for _ in 0..random.between(1, 5) {
        let state = *random.pick(&[
            MigrationState::Contacted,
            MigrationState::Migrated,
            MigrationState::Migrated,
            MigrationState::NotAffected,
        ]);
        let some = tenants
            .iter()
            .filter(|_| random.percent(40))
            .cloned()
            .collect::<BTreeSet<_>>();
        if !some.is_empty() {
            put(random, script, Command::Migrate(state, some));
        }
    }
    if random.percent(30) {
        let versions = script.versions();
        let (version, length) = (
            random.pick(&versions).clone(),
            Duration::from_secs(*random.pick(&[HOUR, 2 * DAY])),
        );
        let waive = Command::Waive(version, Waived::Migration, length, Selection::Everybody);
        put(random, script, waive);
    }
}

/// Gateways that are not heard for minutes, in which nobody can be switched.
fn silences(random: &mut Random, script: &mut Script) {
    for _ in 0..random.below(4) {
        let name = random.pick(&script.gateways).clone();
        let (second, length) = (moment(random, script), random.between(30, 1_800));
        let lapses = Action::Gateway(name.clone(), GatewayMood::Lapses);
        let returns = Action::Gateway(name, GatewayMood::Returns);
        script.actions.push((Duration::from_secs(second), lapses));
        script.actions.push((Duration::from_secs(second + length), returns));
    }
}

fn put(random: &mut Random, script: &mut Script, command: Command) {
    let at = Duration::from_secs(moment(random, script));
    script.actions.push((at, Action::Person(command)));
}

/// Within two days of a release more often than not.
fn moment(random: &mut Random, script: &Script) -> u32 {
    let applies = script.actions.iter();
    let applies = applies.filter(|(_, action)| matches!(action, Action::Person(Command::Apply(_))));
    let applies: Vec<i64> = applies.map(|(at, _)| at.as_millis() / 1_000).collect();
    let longest = *random.pick(&[60, HOUR, 2 * DAY]);
    if random.percent(70) {
        u32::try_from(*random.pick(&applies)).unwrap_or(0) + random.below(longest)
    } else {
        random.between(HOUR, 20 * DAY)
    }
}
