//! What has changed between two plans, and what a release changes of what runs.

use super::super::*;
use super::when::{SERVICE, TENANTS, input, input_of, planned};

const PLAYBOOK: &str = "
name: plain
waves:
  - {name: first, day: 1, select: {opt_in: true}, gates: [{uses: command}]}
  - {name: rest, day: 2, select: {rest: true}}
notices: [{kind: note, at_most: 1 day}]
approvals: [{name: release}]
";
const NOW: &str = "2026-11-19T10:00:00Z";

#[track_caller]
fn check(before: &PlanInput, now: &PlanInput, expected: &[&str]) -> Differences {
    let (before, now) = (planned(before).0, planned(now).0);
    let found = differences(&before, &now);
    assert_eq!(found.in_words(), expected);
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Differences>(&text).unwrap(), found, "{text}");
    found
}

fn of(playbook: &str, tenants: &str) -> PlanInput {
    input("plain", playbook, tenants, "", NOW)
}

#[test]
fn the_same_plan_has_no_difference() {
    let before = of(PLAYBOOK, TENANTS);
    assert!(check(&before, &before, &[]).is_empty());
}

#[test]
fn who_moves_newly_no_more_and_with_another_wave_is_named() {
    let tenants = TENANTS
        .replace("id: acme-2", "id: hooli")
        .replace("America/New_York}", "America/New_York, opt_in: true}");
    let found = check(
        &of(PLAYBOOK, TENANTS),
        &of(PLAYBOOK, &tenants),
        &[
            "1 tenant moves with wave rest and did not: hooli",
            "1 tenant does not move any more: acme-2",
            // The window of this Thursday is still open in New York: the days of the release begin with it.
            "1 tenant moves earlier, Fri 20 Nov 2026, 02:00 Europe/Berlin instead of Mon 23 Nov 2026, 02:00 Europe/Berlin: shop-1",
            "1 tenant moves earlier, Thu 19 Nov 2026, 02:00 America/New_York instead of Mon 23 Nov 2026, 02:00 America/New_York: globex",
            "messages of kind note about wave first: 1 added",
            "messages of kind note about wave rest: 2 at another time",
        ],
    );
    assert_eq!(found.tenants[3].now.as_ref().unwrap().wave.as_str(), "first");
}

#[test]
fn who_moves_later_is_named_with_both_times() {
    let service = SERVICE.replace(
        "windows:",
        "windows:\n  - {name: stop, kind: freeze, from: 2026-11-20T00:00, until: 2026-11-24T00:00}",
    );
    let frozen = input_of(&service, ("plain", PLAYBOOK), TENANTS, "", NOW);
    let lines = differences(&planned(&of(PLAYBOOK, TENANTS)).0, &planned(&frozen).0).in_words();
    assert!(
        lines.contains(
            &"1 tenant moves later, Tue 24 Nov 2026, 02:00 Europe/Berlin instead of Fri 20 Nov 2026, 02:00 Europe/Berlin: acme".to_owned()
        ),
        "{lines:#?}"
    );
    assert_eq!(lines.last().unwrap(), "windows or calendars say otherwise");
}

#[test]
fn gates_approvals_and_rules_that_changed_are_told() {
    let playbook = PLAYBOOK
        .replace("gates: [{uses: command}]", "gates: [{uses: http}], bake: {least: 20m}")
        .replace(
            "[{name: release}]",
            "[{name: release, count: 2}, {name: rest, before: {wave: rest}}]",
        )
        .replace("[{kind: note, at_most: 1 day}]", "[]");
    check(
        &of(PLAYBOOK, TENANTS),
        &of(&playbook, TENANTS),
        &[
            "wave first has other gates: new http; without command",
            "wave first has other rules",
            "messages of kind note about wave first: 1 fall away",
            "messages of kind note about wave rest: 2 fall away",
            "approval release asks for something else",
            "approval rest is needed as well",
        ],
    );
}

#[test]
fn what_a_release_changes_of_what_runs_is_told_for_each_version() {
    let mut input = of(PLAYBOOK, TENANTS);
    let (plan, _) = planned(&input);
    let one = &replaced(&plan, &input.state)[0];
    assert_eq!((one.version.as_str(), one.tenants), ("1.0.0", 4));
    assert_eq!(one.in_words(), "api (another artifact)");
    let version = Version::new("1.0.0").unwrap();
    let pinned = input.state.pinned.get_mut(&version).unwrap();
    pinned.components.clone_from(&plan.release.components);
    assert_eq!(
        replaced(&plan, &input.state)[0].in_words(),
        "nothing that runs is another"
    );
    pinned_configuration(&mut input, &version);
    assert_eq!(replaced(&plan, &input.state)[0].in_words(), "api (other configuration)");
}

fn pinned_configuration(input: &mut PlanInput, version: &Version) {
    let pinned = input.state.pinned.get_mut(version).unwrap();
    let api = pinned.components.values_mut().next().unwrap();
    api.configuration.all.insert("LIMIT".to_owned(), "5".to_owned());
}
