//! Whoever cannot move is left behind by name, and stands in nobody else's way.

use super::super::*;
use super::when::{TENANTS, input, planned, starts};

const PLAIN: &str = "
name: plain
waves: [{name: all, select: {rest: true}}]
notices: [{kind: notice, at_least: 5 working days}]
";

/// Planned with one part of tenants.yaml changed: the one tenant that stays, and the problem that says why.
fn left(from: &str, to: &str, playbook: &str, now: &str) -> (TenantName, LeftBehind, Problem) {
    assert!(TENANTS.contains(from), "{from}");
    let tenants = TENANTS.replacen(from, to, 1);
    let (plan, report) = planned(&input("plain", playbook, &tenants, "", now));
    assert_eq!(plan.moves(), 3, "{:?}", plan.left_behind);
    let (name, left) = plan.left_behind.into_iter().next().unwrap();
    let excluded = report.problems.into_iter().find(|it| it.severity == Severity::Excludes);
    (name, left, excluded.unwrap())
}

const NOW: &str = "2026-11-19T10:00:00Z";

#[test]
fn a_tenant_in_an_unknown_zone_stays_with_its_mistake_and_the_others_move() {
    let (name, left, problem) = left("America/New_York", "America/New_Yrok", PLAIN, NOW);
    assert_eq!(name.as_str(), "globex");
    assert_eq!(left.cell.as_str(), "controlled");
    assert_eq!(left.on.unwrap().as_str(), "1.0.0");
    assert!(left.because.contains("tenants.yaml:5:"), "{}", left.because);
    assert_eq!(problem.kind, ProblemKind::Tenant);
    assert_eq!(problem.about, Some(About::Tenant(name)));
    assert!(
        problem.message.contains("`America/New_Yrok` is not a time zone"),
        "{problem:?}"
    );
}

#[test]
fn a_tenant_of_an_unknown_calendar_stays_and_the_others_move() {
    let (name, left, _) = left("acme-corp, calendar: eu}", "acme-corp, calendar: ue}", PLAIN, NOW);
    assert_eq!(name.as_str(), "acme-2");
    assert!(left.because.contains("there is no calendar `ue`"), "{}", left.because);
}

#[test]
fn a_tenant_with_a_mistake_is_moved_by_no_wave_that_names_it() {
    let named = PLAIN.replace("{rest: true}", "[{tenants: [globex]}, {rest: true}]");
    let (name, ..) = left("America/New_York", "EST", &named, NOW);
    assert_eq!(name.as_str(), "globex");
}

#[test]
fn the_release_leaves_on_its_day_with_the_second_wave_where_nobody_of_the_first_can_move() {
    let playbook = "
name: plain
cadence: {every: 1 week, on: tuesday}
waves: [{name: first, select: {tenants: [globex]}}, {name: all, select: {rest: true}}]
notices: [{kind: notice, at_least: 2 working days}]
";
    // Nobody can count working days for it.
    let tenants = TENANTS.replacen("globex, calendar: eu, time_zone", "globex, time_zone", 1);
    let input = input("plain", playbook, &tenants, "", "2026-11-18T10:00:00Z");
    let (plan, report) = planned(&input);
    let waves: Vec<&str> = plan.waves.iter().map(|wave| wave.name.as_str()).collect();
    assert_eq!(waves, ["all"], "{:?}", report.problems);
    let starts = starts(&plan, &report, input.now);
    assert!(starts["acme"].starts_with("2026-11-24"), "{starts:?}");
}
