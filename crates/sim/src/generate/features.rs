//! What not every project uses: releases that patch another one, customers who report, and tenants that choose when they move.
//! Drawn from a stream of its own: projects with it and without it are otherwise the same.

use tidegate_domain::id::{CustomerName, TenantName, Version};
use tidegate_domain::service::ReportOutcome;
use tidegate_domain::time::Duration;

use crate::random::Random;
use crate::script::{Action, Command, Script};

pub const STREAM: u64 = 0x5ca1_ab1e_0000_0003;

/// Of a hundred releases.
const PATCHES: u32 = 35;
/// Of a hundred waves.
const ONLY_WHEN_PATCHED: u32 = 12;
/// Of a hundred waves after the first.
const VALIDATED: u32 = 40;
/// Of a hundred projects.
const RESERVING: u32 = 40;

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
    let after = *random.pick(&[60, HOUR, 9 * HOUR, 2 * DAY]);
    random.percent(75).then(|| Duration::from_secs(after))
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

/// What people do about it at their own time.
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
}

/// Within two days of a release more often than not.
fn put(random: &mut Random, script: &mut Script, command: Command) {
    let applies = script.actions.iter();
    let applies = applies.filter(|(_, action)| matches!(action, Action::Person(Command::Apply(_))));
    let applies: Vec<i64> = applies.map(|(at, _)| at.as_millis() / 1_000).collect();
    let second = if random.percent(70) {
        u32::try_from(*random.pick(&applies)).unwrap_or(0) + random.below(2 * DAY)
    } else {
        random.between(HOUR, 20 * DAY)
    };
    let at = Duration::from_secs(second);
    script.actions.push((at, Action::Person(command)));
}
