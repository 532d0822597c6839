//! When tenants move, what is sent before, and that a plan made a little later is the same plan.

use proptest::prelude::*;

use super::super::*;
use crate::files::{Source, read_project, read_release};
use crate::id::Digest;
use crate::time::{Duration, Timestamp};

pub(super) const SERVICE: &str = "
service: shop
playbook: NAME
cells: [{name: standard}, {name: controlled}]
gateway: {tenant_from: [{header: x-tenant}]}
components: [{name: api, command: ['{artifact}']}]
calendars: {eu: {time_zone: Europe/Berlin}}
windows:
  - {name: early, kind: allow, on: mon-fri, from: '02:00', until: '06:00', time_zone: tenant}
  - {name: stock, kind: freeze, from: 2026-12-07T00:00, until: 2026-12-08T00:00, time_zone: tenant, tenants: {tag: retail}, reason: stocktaking}
";
pub(super) const TENANTS: &str = "
tenants:
  - {id: acme, cell: standard, customer: acme-corp, calendar: eu, opt_in: true}
  - {id: acme-2, cell: controlled, customer: acme-corp, calendar: eu}
  - {id: globex, cell: controlled, customer: globex, calendar: eu, time_zone: America/New_York}
  - {id: shop-1, cell: standard, customer: globex, calendar: eu, labels: [retail]}
";
const CUSTOMERS: &str = "
customers:
  - {id: acme-corp, contacts: [{name: ops, audience: [operations, developer], address: ops@acme.example}]}
  - {id: globex, contacts: [{name: dev, audience: [developer], address: dev@globex.example}]}
";

pub(super) fn source(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// Everybody runs 1.0.0; a release of `more` is planned by a playbook.
pub(super) fn input(name: &str, playbook: &str, tenants: &str, more: &str, now: &str) -> PlanInput {
    input_of(SERVICE, (name, playbook), tenants, more, now)
}

/// The same in another service file.
pub(super) fn input_of(
    service: &str,
    (name, playbook): (&str, &str),
    tenants: &str,
    more: &str,
    now: &str,
) -> PlanInput {
    let sources = [
        source("tidegate.yaml", &service.replace("NAME", name)),
        source("tenants.yaml", tenants),
        source("customers.yaml", CUSTOMERS),
        source(&format!("playbooks/{name}.yaml"), playbook),
    ];
    let (project, found) = read_project(&sources);
    let project = project.unwrap_or_else(|| panic!("{found:?}"));
    let text = format!("version: 1.1.0\ncomponents: {{api: {{artifact: api}}}}\n{more}");
    let (release, found) = read_release(&source("release.yaml", &text), &project);
    let release = release.unwrap_or_else(|| panic!("{found:?}"));
    let facts = Facts {
        version: Some(Version::new("1.0.0").unwrap()),
        ..Facts::default()
    };
    PlanInput {
        state: facts.state(&project),
        project,
        release,
        artifacts: BTreeMap::from([(
            "api".parse().unwrap(),
            FoundArtifact {
                path: "/api".to_owned(),
                digest: Ok(Digest::of(b"api 1.1.0")),
            },
        )]),
        now: instant(now),
        profile: None,
    }
}

pub(super) fn instant(text: &str) -> Timestamp {
    crate::calendar::read_instant(text).unwrap()
}

pub(super) fn planned(input: &PlanInput) -> (Plan, PlanReport) {
    let (plan, report) = plan(input);
    let plan = plan.unwrap_or_else(|| panic!("{:?}", report.problems));
    let broken = check(&plan, input);
    assert!(broken.is_empty(), "{broken:?}");
    (plan, report)
}

/// When each tenant is expected to move, by its own clocks.
pub(super) fn starts(plan: &Plan, report: &PlanReport, now: Timestamp) -> BTreeMap<String, String> {
    let document = Document::new(1, &plan.release.version, Some((plan, &plan.digest())), report, now);
    let tenants = document.tenants.into_iter();
    tenants
        .map(|tenant| (tenant.id.to_string(), tenant.start.unwrap_or_default()))
        .collect()
}

pub(super) const FORTNIGHTLY: &str = include_str!("../../../../../playbooks/fortnightly-single-version.yaml");
const SHIPPED: [(&str, &str); 5] = [
    (
        "weekly-rolling",
        include_str!("../../../../../playbooks/weekly-rolling.yaml"),
    ),
    (
        "three-day-waves",
        include_str!("../../../../../playbooks/three-day-waves.yaml"),
    ),
    (
        "deploy-then-release",
        include_str!("../../../../../playbooks/deploy-then-release.yaml"),
    ),
    ("fortnightly-single-version", FORTNIGHTLY),
    ("two-stage", include_str!("../../../../../playbooks/two-stage.yaml")),
];

#[test]
fn each_shipped_playbook_plans_everybody() {
    for (name, playbook) in SHIPPED {
        let input = input(name, playbook, TENANTS, "", "2026-11-19T10:00:00Z");
        let (plan, _) = planned(&input);
        assert_eq!(plan.moves(), 4, "{name} leaves {:?} behind", plan.left_behind);
    }
}

#[test]
fn a_release_leaves_on_the_first_release_day_its_notice_allows() {
    let planned_at = "2026-11-19T10:00:00Z";
    let input = input(
        "fortnightly-single-version",
        FORTNIGHTLY,
        TENANTS,
        "downtime: 10m",
        planned_at,
    );
    let (plan, report) = planned(&input);
    // Monday the 23rd is two working days away; on the 7th the retail tenant is frozen, the others are not.
    let starts = starts(&plan, &report, input.now);
    assert_eq!(starts["acme"], "2026-12-07T02:00:00+01:00[Europe/Berlin]");
    assert_eq!(starts["globex"], "2026-12-07T02:00:00-05:00[America/New_York]");
    assert_eq!(starts["shop-1"], "2026-12-08T02:00:00+01:00[Europe/Berlin]");
    assert_eq!(report.missed[0].because, Missed::Notice);
    let owed: Vec<&PlannedNotice> = plan.schedule.notices.iter().filter(|notice| notice.required).collect();
    assert_eq!(owed.len(), 2, "one for each customer");
    assert_eq!(
        owed[0].deadline,
        Some(instant("2026-11-30T02:00:00+01:00[Europe/Berlin]"))
    );
    assert_eq!(report.valid_until, owed[0].deadline, "the first deadline");
}

#[test]
fn an_emergency_waits_for_its_twelve_hours_and_nothing_else() {
    let now = "2026-11-19T10:20:00Z";
    let more = "kind: emergency\nreason: a leak";
    let input = input("fortnightly-single-version", FORTNIGHTLY, TENANTS, more, now);
    let (plan, report) = planned(&input);
    let starts = starts(&plan, &report, input.now);
    assert_eq!(
        starts["acme"], "2026-11-20T00:00:00+01:00[Europe/Berlin]",
        "the next full hour"
    );
    assert!(plan.schedule.approvals.iter().all(|approval| approval.afterwards));
    assert!(plan.policy.emergency.is_some());
}

#[test]
fn an_emergency_that_skips_gaps_has_none() {
    let more = "kind: emergency\nreason: a leak";
    let gaps = |more: &str| {
        let input = input("weekly-rolling", SHIPPED[0].1, TENANTS, more, "2026-11-19T10:20:00Z");
        let gaps: Vec<String> = planned(&input)
            .0
            .waves
            .iter()
            .map(|wave| wave.policy.gap.to_string())
            .collect();
        gaps
    };
    assert_eq!(gaps(""), ["0s", "2h"]);
    assert_eq!(gaps(more), ["0s", "0s"]);
}

#[test]
fn a_release_that_no_release_day_can_take_is_told() {
    let playbook = "name: plain\ncadence: {every: 1 week, on: sunday}\nwaves: [{name: all, select: {rest: true}}]\n";
    let (plan, report) = plan(&input("plain", playbook, TENANTS, "", "2026-11-19T10:00:00Z"));
    let [problem] = report.problems.as_slice() else {
        panic!("{:?}", report.problems)
    };
    assert_eq!(
        (plan, problem.kind, &problem.about),
        (None, ProblemKind::NoReleaseDay, &Some(About::Playbook)),
        "{problem:?}"
    );
}

#[test]
fn the_second_stage_is_two_weeks_later_and_asks_who_is_on_both() {
    let playbook = SHIPPED[4].1;
    let input = input("two-stage", playbook, TENANTS, "", "2026-11-19T10:00:00Z");
    let (plan, report) = planned(&input);
    let starts = starts(&plan, &report, input.now);
    let day = |name: &str| starts[name][..10].parse::<jiff::civil::Date>().unwrap();
    assert_eq!((day("globex") - day("acme")).get_days(), 14);
    let note = |key: &str| {
        plan.schedule
            .notices
            .iter()
            .find(|notice| notice.key.as_str() == key)
            .unwrap()
    };
    let both = note("1.1.0/standard/note/acme-corp/ops");
    assert_eq!(both.validate_before.as_ref().unwrap().as_str(), "controlled");
}

#[test]
fn three_days_have_a_wave_each_and_the_second_is_for_repairs() {
    let playbook = SHIPPED[1].1;
    let now = "2026-11-19T10:00:00Z";
    let input_of = |more: &str| input("three-day-waves", playbook, TENANTS, more, now);
    let (plan, report) = planned(&input_of(""));
    let names: Vec<&str> = plan.waves.iter().map(|wave| wave.name.as_str()).collect();
    assert_eq!(names, ["opted-in", "everybody"]);
    let starts = starts(&plan, &report, instant(now));
    assert_eq!(starts["acme"], "2026-11-24T02:00:00+01:00[Europe/Berlin]");
    assert_eq!(starts["acme-2"], "2026-11-26T02:00:00+01:00[Europe/Berlin]");
}

#[test]
fn a_tenant_without_a_calendar_for_its_working_days_stays_behind_alone() {
    let tenants = TENANTS.replace("customer: acme-corp, calendar: eu, opt_in: true", "opt_in: true");
    let input = input(
        "fortnightly-single-version",
        FORTNIGHTLY,
        &tenants,
        "downtime: 10m",
        "2026-11-19T10:00:00Z",
    );
    let (plan, report) = planned(&input);
    assert_eq!(plan.moves(), 3);
    let problem = report
        .problems
        .iter()
        .find(|problem| problem.severity == Severity::Excludes)
        .unwrap();
    assert_eq!(problem.about, Some(About::Tenant("acme".parse().unwrap())));
    assert!(problem.remedy.contains("calendar"), "{problem:?}");
}

#[test]
fn a_plan_of_an_open_window_is_the_same_before_and_in_it() {
    let playbook = "name: plain\nwaves: [{name: all, select: {rest: true}}]\n";
    let digest = |now: &str| planned(&input("plain", playbook, TENANTS, "", now)).0.digest();
    let before = digest("2026-11-19T23:00:00Z");
    assert_eq!(
        digest("2026-11-20T01:30:00Z"),
        before,
        "half an hour into the window of Berlin"
    );
    assert_ne!(digest("2026-11-20T05:30:00Z"), before, "it has closed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What is written in another order, or planned again before the plan expires, is the same plan.
    #[test]
    fn order_and_time_alone_decide_nothing(
        which in 0_usize..5,
        minutes in 0_u32..60 * 24 * 30,
        later in 0_u32..100,
        turn in 0_usize..4,
        kind in prop::sample::select(vec!["scheduled", "patch", "feature", "emergency\nreason: a leak"]),
    ) {
        let (name, playbook) = SHIPPED[which];
        let more = format!("kind: {kind}");
        let now = instant("2026-11-01T00:00:00Z") + Duration::from_secs(minutes * 60);
        let mut first = input(name, playbook, TENANTS, &more, "2026-11-01T00:00:00Z");
        first.now = now;
        let (plan, report) = planned(&first);
        let mut turned = first.clone();
        turned.project.tenants.tenants.rotate_left(turn);
        turned.project.customers.customers.reverse();
        prop_assert_eq!(planned(&turned).0.digest(), plan.digest());
        let until = report.valid_until.unwrap_or(now + Duration::from_hours(24));
        let span = (until - now).as_millis();
        let mut again = first.clone();
        again.now = Timestamp(now.0 + (span - 1).max(0) * i64::from(later) / 100);
        prop_assert_eq!(planned(&again).0.digest(), plan.digest());
    }
}

/// Its day has begun, and would be over for the linter; but it is in a freeze now, and only then comes what is decided.
#[test]
fn a_wave_whose_day_is_in_a_freeze_starts_when_that_has_ended() {
    let playbook = "
name: days
windows: []
waves:
  - {name: first, select: {tenants: [acme]}, day: 1, bake: {least: 20h, longest: 1d, requests: 0}}
  - {name: rest, select: {rest: true}, day: 1}
";
    let input = input("days", playbook, TENANTS, "", "2026-12-07T10:00:00Z");
    let (plan, report) = planned(&input);
    let rest = &plan.waves[1];
    let class = plan.schedule.class_index(&TenantName::new("shop-1").unwrap());
    assert_eq!(rest.starts[&class].at, Some(instant("2026-12-07T23:00:00Z")));
    assert_eq!(
        starts(&plan, &report, input.now)["shop-1"],
        "2026-12-08T07:00:00+01:00[Europe/Berlin]"
    );
}
