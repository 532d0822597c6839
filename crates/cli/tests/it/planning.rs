//! What `plan` says of mistakes, and of what has changed.

use serde_json::{Value, json};

use crate::shop::Shop;
use crate::workspace::{Ended, Workspace};

const NOW: &str = "2026-11-19T10:00:00Z";

const SERVICE: &str = r#"
service: shop
playbook: plain
cells: [{name: eu}]
gateway: {tenant_from: [{header: x-tenant}]}
components: [{name: web, command: ["{artifact}"], ready: {path: /healthz}}]
calendars:
  de: {time_zone: Europe/Berlin, holidays: holidays/de.ics}
  us: {time_zone: America/New_York}
windows:
  - {name: night, kind: allow, from: "22:00", until: "06:00"}
  - {name: stop, kind: freeze, from: 2026-12-24T00:00, until: 2027-01-02T00:00, tenants: {tenants: [globex]}}
"#;
const TENANTS: &str = "
tenants:
  - {id: acme, cell: eu, calendar: us, opt_in: true}
  - {id: globex, cell: eu, calendar: de}
  - {id: hooli, cell: eu, calendar: us}
";
const PLAYBOOK: &str = "
name: plain
waves:
  - {name: first, select: {opt_in: true}}
  - {name: rest, select: {rest: true}}
notices:
  - {kind: notice, at_least: 5 working days}
";

/// The project, with parts of its files replaced.
fn project(changes: &[(&str, &str, &str)]) -> Workspace {
    let workspace = Workspace::empty();
    workspace.write("tidegate.yaml", SERVICE);
    workspace.write("tenants.yaml", TENANTS);
    workspace.write("playbooks/plain.yaml", PLAYBOOK);
    workspace.write("holidays/de.ics", include_str!("../../../../holidays/de.ics"));
    workspace.write("release.yaml", "version: 1.0.0\ncomponents: {web: {artifact: web}}\n");
    workspace.write("web", "#!/bin/true\n");
    for (file, from, to) in changes {
        workspace.replace(file, from, to);
    }
    workspace
}

fn plan(workspace: &Workspace, more: &[&str]) -> Ended {
    workspace.run(&[&["plan", "--now", NOW], more].concat())
}

/// One tenant is left behind with this problem, and the two others are planned.
#[track_caller]
fn excludes(workspace: &Workspace, now: &str, tenant: &str, message: &str, (file, line): (&str, u64), help: &str) {
    let document = workspace.run(&["plan", "--now", now, "--json"]).succeeded().json();
    let moving = |tenant: &&Value| tenant["wave"].is_string();
    assert_eq!(document["tenants"].as_array().unwrap().iter().filter(moving).count(), 2);
    let problems = document["problems"].as_array().unwrap();
    let named = format!("tenant `{tenant}` does not move: ");
    let problem = problems
        .iter()
        .find(|it| it["message"].as_str().unwrap().starts_with(&named));
    let problem = problem.unwrap_or_else(|| panic!("{problems:#?}"));
    assert_eq!(problem["severity"], "excludes");
    assert!(problem["message"].as_str().unwrap().contains(message), "{problem:#}");
    assert_eq!(problem["where"], json!({"file": file, "line": line}), "{problem:#}");
    assert!(problem["remedy"].as_str().unwrap().contains(help), "{problem:#}");
    let page = workspace.run(&["plan", "--now", now, "--exit-code"]).ended_with(3);
    page.shows(&format!("excluded: {named}"))
        .shows(&format!("  --> {file}:{line}\n"))
        .shows("help: ")
        .shows("Left behind: 1 tenant");
}

/// There is no plan, and this is said with its place.
#[track_caller]
fn refuses(workspace: &Workspace, words: &[&str]) {
    let ended = plan(workspace, &[]).ended_with(1);
    let _ = words.iter().fold(ended, |ended, word| ended.says(word));
}

#[test]
fn an_unknown_zone_of_one_tenant_leaves_it_behind_and_plans_the_others() {
    let workspace = project(&[(
        "tenants.yaml",
        "id: hooli, cell: eu",
        "id: hooli, cell: eu, time_zone: Europe/Berln",
    )]);
    let message = "tenants.yaml:5:38: `Europe/Berln` is not a time zone";
    excludes(
        &workspace,
        NOW,
        "hooli",
        message,
        ("tenants.yaml", 5),
        "correct what tenants.yaml says",
    );
    // With its caret, and with what was meant.
    plan(&workspace, &[]).succeeded().says("did you mean `Europe/Berlin`?");
    let explained = plan(&workspace, &["--explain", "hooli"]).succeeded();
    explained.shows("hooli stays on earlier: tenants.yaml:5:38: `Europe/Berln` is not a time zone");
}

#[test]
fn an_unknown_zone_of_a_window_for_everybody_is_refused_with_its_place() {
    let workspace = project(&[("tidegate.yaml", "until: \"06:00\"", "until: \"06:00\", time_zone: EST")]);
    refuses(
        &workspace,
        &[
            "`EST` names no time zone",
            "--> tidegate.yaml:11:",
            "help: write `tenant`, or an IANA name",
        ],
    );
}

#[test]
fn a_window_of_one_tenant_that_never_opens_leaves_it_behind_and_plans_the_others() {
    let ends = ("tidegate.yaml", "until: 2027-01-02T00:00", "until: 2026-12-23T00:00");
    let message = "this window never opens";
    excludes(
        &project(&[ends]),
        NOW,
        "globex",
        message,
        ("tidegate.yaml", 12),
        "correct window `stop`",
    );
    let ever = (
        "tidegate.yaml",
        "from: 2026-12-24T00:00, until: 2027-01-02T00:00",
        "from: \"00:00\", until: \"00:00\"",
    );
    let message = "no window opens for it: freeze `stop`";
    excludes(
        &project(&[ever]),
        NOW,
        "globex",
        message,
        ("tidegate.yaml", 12),
        "in tidegate.yaml",
    );
}

#[test]
fn a_notice_that_is_impossible_before_its_deadline_is_told_with_its_place() {
    let at_most = |text: &str| project(&[("playbooks/plain.yaml", "5 working days", text)]);
    refuses(
        &at_most("5 working days, at_most: 2 days"),
        &[
            "this is sent at most 2 days before the start, and has to be sent at least 5 working days before it",
            "--> playbooks/plain.yaml:7:",
            "help: make `at_most` the longer",
        ],
    );
    // Five working days are more than six days where a weekend lies between: that only a plan knows.
    let blocked = plan(&at_most("5 working days, at_most: 6 days"), &[]).ended_with(4);
    blocked
        .shows("blocks: the notice to wave `first` is sent from")
        .shows("  --> playbooks/plain.yaml:7\n")
        .shows("help: make `at_most` longer");
}

#[test]
fn a_wave_that_no_tenant_matches_is_told_with_its_place_and_left_out() {
    let workspace = project(&[("playbooks/plain.yaml", "opt_in: true", "labels: {tier: gold}")]);
    plan(&workspace, &[])
        .succeeded()
        .says("warning[no-effect]: this wave selects no tenant")
        .shows("warning: wave `first` selects no tenant")
        .shows("  --> playbooks/plain.yaml:4\n")
        .shows("help: see its `select`")
        .shows("3 tenants in 1 wave");
}

#[test]
fn a_tenant_in_two_waves_is_refused_with_both_places() {
    let workspace = project(&[
        ("playbooks/plain.yaml", "{opt_in: true}", "{tenants: [acme]}"),
        (
            "playbooks/plain.yaml",
            "{rest: true}",
            "[{tenants: [acme]}, {rest: true}]",
        ),
    ]);
    refuses(
        &workspace,
        &[
            "tenant `acme` is in two waves, `first` and `rest`",
            "--> playbooks/plain.yaml:5:",
            "first on line 4",
            "help: remove it from one of them",
        ],
    );
}

#[test]
fn a_calendar_past_its_last_holiday_year_leaves_its_tenants_behind_and_plans_the_others() {
    let message = "`holidays/de.ics` has no holidays of 2031";
    let help = "add the year 2031 to `holidays/de.ics`";
    excludes(
        &project(&[]),
        "2030-12-30T10:00:00Z",
        "globex",
        message,
        ("tidegate.yaml", 8),
        help,
    );
}

#[test]
fn a_name_in_a_playbook_that_nothing_declares_is_refused_with_the_nearest() {
    let workspace = project(&[(
        "playbooks/plain.yaml",
        "name: plain\n",
        "name: plain\nwindows: [nigth]\ncalendar: ed\n",
    )]);
    refuses(
        &workspace,
        &[
            "there is no window `nigth`",
            "did you mean `night`?",
            "--> playbooks/plain.yaml:3:11",
            "there is no calendar `ed`",
            "did you mean `de`?",
        ],
    );
}

#[test]
fn a_plan_says_what_has_changed_since_the_last_one_and_of_what_runs() {
    let shop = Shop::installed("300ms");
    let plan = ["plan", "1.1.0.yaml"];
    let json = |shop: &Shop| shop.run(&["plan", "1.1.0.yaml", "--json"]).succeeded().json();
    let first = json(&shop);
    assert_eq!(first["changed_since"]["last_plan"], Value::Null);
    let running = &first["changed_since"]["running"][0];
    assert_eq!((&running["version"], &running["tenants"]), (&json!("1.0.0"), &json!(3)));
    assert_eq!(running["components"]["api"], json!(["artifact"]));
    let again = json(&shop);
    assert_eq!(again["changed_since"]["last_plan"]["digest"], first["digest"]);
    assert_eq!(again["changed_since"]["last_plan"]["same"], true);
    shop.run(&plan)
        .succeeded()
        .shows("against    1.0.0, 3 tenants: api (another artifact)")
        .shows("Since the last plan, ")
        .shows("changed    nothing: it is the same plan");
    shop.workspace.replace(
        "tenants.yaml",
        "{id: bolt, cell: eu}",
        "{id: bolt, cell: eu, opt_in: true}",
    );
    shop.workspace.replace(
        "playbooks/two-waves.yaml",
        "on_inconclusive",
        "approvals: [{name: release}]\non_inconclusive",
    );
    let changed = json(&shop);
    let since = &changed["changed_since"]["last_plan"];
    assert_eq!((&since["same"], &since["digest"]), (&json!(false), &first["digest"]));
    let bolt = json!({
        "how": "other-wave", "before": {"wave": "rest", "start": null}, "now": {"wave": "first", "start": null},
        "tenants": ["bolt"],
    });
    assert_eq!(since["tenants"], json!([bolt]));
    assert_eq!(since["approvals"], json!([{"approval": "release", "what": "added"}]));
    shop.workspace
        .replace("tenants.yaml", ", opt_in: true}\n  - {id: cato", "}\n  - {id: cato");
    shop.run(&plan)
        .succeeded()
        .shows("changed    1 tenant moves with wave rest instead of first: bolt");
}
