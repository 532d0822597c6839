//! `init` and `plan`, without a server.

use crate::workspace::Workspace;

#[test]
fn the_starter_is_planned_as_it_is() {
    let workspace = Workspace::empty();
    workspace
        .run(&["init", "shop"])
        .succeeded()
        .shows("shop/tidegate.yaml")
        .says("cd shop && tidegate plan release.yaml");
    let planned = workspace.run(&["plan", "--project", "shop"]).succeeded();
    let planned = planned
        .shows("Release 1.0.0 of starter")
        .shows("3 tenants in 2 waves")
        .shows("globex, initech");
    planned.says("no server serves this project").says("tidegate serve");
}

#[test]
fn init_never_overwrites() {
    let workspace = Workspace::empty();
    workspace.write("tenants.yaml", "mine\n");
    workspace.run(&["init"]).ended_with(4).says("`./tenants.yaml`");
    assert_eq!(
        std::fs::read_to_string(workspace.path("tenants.yaml")).unwrap(),
        "mine\n"
    );
    assert!(!workspace.path("tidegate.yaml").exists(), "nothing is half done");
}

#[test]
fn a_plan_as_json_is_one_document_and_the_digest_is_of_the_decisions() {
    let workspace = Workspace::starter();
    let first = workspace
        .run(&["plan", "--offline", "--json", "--exit-code"])
        .ended_with(3)
        .json();
    let second = workspace.run(&["plan", "--offline", "--json"]).succeeded().json();
    assert_eq!(first["digest"], second["digest"], "the time of planning is no decision");
    let waves = first["waves"].as_array().unwrap();
    let names: Vec<&str> = waves.iter().filter_map(|wave| wave["name"].as_str()).collect();
    assert_eq!(names, ["opted-in", "everybody"]);
    assert_eq!(first["tenants"].as_array().unwrap().len(), 3);
    let install = workspace.run(&["plan", "--first", "--json"]).succeeded().json();
    assert_eq!(install["waves"][0]["name"], "install");
}

#[test]
fn a_plan_for_another_time_needs_no_server() {
    let workspace = Workspace::starter();
    let now = ["plan", "--now", "2026-11-23T10:00:00Z"];
    let document = workspace.run(&[&now[..], &["--json"]].concat()).succeeded().json();
    assert_eq!(document["waves"][0]["start"], "2026-11-23T10:00:00+00:00[UTC]");
    workspace
        .run(
            &[
                &now[..],
                &["--explain", "globex", "-o", "plan.json", "--svg", "plan.svg"],
            ]
            .concat(),
        )
        .succeeded()
        .shows("globex moves from earlier to 1.0.0 with wave everybody");
    let written = std::fs::read_to_string(workspace.path("plan.json")).unwrap();
    assert!(written.contains(document["digest"].as_str().unwrap()));
    assert!(
        std::fs::read_to_string(workspace.path("plan.svg"))
            .unwrap()
            .contains(">everybody</text>")
    );
    workspace.write("facts.yaml", "version: 0.9.0\nopt_in: [initech]\n");
    let facts = workspace
        .run(&["plan", "--facts", "facts.yaml", "--json"])
        .succeeded()
        .json();
    assert_eq!(facts["waves"][0]["tenants"], serde_json::json!(["acme", "initech"]));
}

#[test]
fn mistakes_are_one_document_for_programs() {
    let workspace = Workspace::starter();
    workspace.replace("tidegate.yaml", "playbook: two-waves", "playbook: three-waves");
    let document = workspace.run(&["plan", "--json"]).ended_with(1).json();
    assert_eq!(document["problems"][0]["kind"], "unknown-name");
    assert!(
        document["problems"][0]["where"]["file"]
            .as_str()
            .unwrap()
            .ends_with("tidegate.yaml")
    );
}

#[test]
fn a_playbook_that_comes_with_it_is_written_alone() {
    let workspace = Workspace::starter();
    workspace
        .run(&["init", "--playbook", "two-stage"])
        .succeeded()
        .shows("playbooks/two-stage.yaml");
    workspace.run(&["init", "--playbook", "two-stage"]).ended_with(4);
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let workspace = Workspace::starter();
    workspace.replace("tenants.yaml", "cell: local #", "cel: local #");
    workspace.replace("tenants.yaml", "opt_in: true", "opt_in: maybe");
    workspace.replace("tidegate.yaml", "playbook: two-waves", "playbook: three-waves");
    let planned = workspace.run(&["plan"]).ended_with(1);
    assert_eq!(planned.stdout, "");
    let golden = include_str!("golden/mistakes.txt");
    assert_eq!(planned.stderr, golden, "golden/mistakes.txt shows what is expected");
}

#[test]
fn an_artifact_that_is_not_there_blocks() {
    let workspace = Workspace::starter();
    workspace.replace("release.yaml", "app/web.py", "app/gone.py");
    let planned = workspace.run(&["plan"]).ended_with(4);
    planned
        .shows("blocks: cannot read the artifact of component `web`")
        .shows("app/gone.py")
        .says("error: there is no plan");
}

#[test]
fn an_artifact_of_another_digest_blocks() {
    let workspace = Workspace::starter();
    let other = "a".repeat(64);
    workspace.replace(
        "release.yaml",
        "artifact: app/web.py",
        &format!("sha256: {other}\n    artifact: app/web.py"),
    );
    workspace
        .run(&["plan"])
        .ended_with(4)
        .shows("blocks: the artifact of component `web`")
        .shows(&other);
}

#[test]
fn a_page_names_some_tenants_and_counts_the_rest() {
    let workspace = Workspace::starter();
    let tenants: String = (0..10_000)
        .map(|n| format!("  - {{id: t{n:04}, cell: local}}\n"))
        .collect();
    let globex = "  - {id: globex, cell: local, opt_in: true}\n";
    workspace.write("tenants.yaml", &format!("tenants:\n{globex}{tenants}"));
    let planned = workspace
        .run(&["plan"])
        .succeeded()
        .shows("10001 tenants in 2 waves")
        .shows("t0000, t0001, t0002, t0003, t0004, t0005, t0006, t0007 and 9992 more");
    assert!(planned.stdout.lines().count() < 30, "{planned:#?}");
    workspace.run(&["plan", "--tenants"]).succeeded().shows("t9999");
}

#[test]
fn files_that_are_not_there_are_named() {
    Workspace::empty()
        .run(&["plan"])
        .ended_with(1)
        .says("there is no `tidegate.yaml`")
        .says("tidegate init");
    let workspace = Workspace::starter();
    workspace
        .run(&["plan", "later.yaml"])
        .ended_with(1)
        .says("cannot read `later.yaml`")
        .says("because:");
}

#[test]
fn color_is_for_who_asks_for_it() {
    let workspace = Workspace::starter();
    workspace.replace("tidegate.yaml", "playbook: two-waves", "playbook: three-waves");
    let plain = workspace.run(&["plan"]).ended_with(1);
    assert!(!plain.stderr.contains('\u{1b}'), "{plain:#?}");
    let colored = workspace.run(&["plan", "--color", "always"]).ended_with(1);
    assert!(colored.stderr.contains('\u{1b}'), "{colored:#?}");
}
