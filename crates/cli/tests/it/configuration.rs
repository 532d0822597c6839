//! Configuration: what must be given, where it holds, and that it moves and comes back as code does.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::shop::Shop;
use crate::workspace::Workspace;

/// What answers is what the configuration names.
const COMMAND: &str = r#"[/bin/sh, -c, 'exec "$FOLDER/loyalty-$ANSWERS" "$@"', "{artifact}", --component, api,"#;

fn release(workspace: &Workspace, version: &str, kind: &str, api: &str) {
    let text = format!(
        "version: {version}\nkind: {kind}\ncomponents:\n  api:\n    artifact: loyalty-1.0.0\n{api}  ledger: {{artifact: loyalty-1.0.0}}\n"
    );
    workspace.write(&format!("{version}.yaml"), &text);
}

/// `us` is for tests. The component `api` must be told what it answers with.
fn open() -> Shop {
    let shop = Shop::open_with("300ms", Vec::new(), |workspace| {
        let folder = workspace.as_ref().display().to_string();
        let first = "[\"{artifact}\", --component, api,";
        workspace.replace("tidegate.yaml", first, COMMAND);
        workspace.replace("tidegate.yaml", "{name: us}", "{name: us, environment: test}");
        let ready = "    ready: {path: /healthz}\n    stop: {grace: 2s}\n    drain";
        workspace.replace(
            "tidegate.yaml",
            ready,
            &format!("    requires: [FOLDER, ANSWERS]\n{ready}"),
        );
        workspace.replace(
            "tidegate.yaml",
            "environment: {LOYALTY",
            &format!("environment: {{FOLDER: {folder}, LOYALTY"),
        );
    });
    for artifact in ["loyalty-1.0.0", "loyalty-1.1.0"] {
        fs::set_permissions(shop.workspace.path(artifact), Permissions::from_mode(0o755)).unwrap();
    }
    release(
        &shop.workspace,
        "2.0.0",
        "scheduled",
        "    configuration: {ANSWERS: 1.0.0}\n",
    );
    shop
}

#[test]
fn configuration_moves_tenants_and_takes_them_back_as_code_does() {
    let shop = open();
    let served = |tenant: &str| shop.served_by(tenant).unwrap_or_default();
    shop.run(&["apply", "2.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    assert_eq!(["acme", "bolt", "cato"].map(served), ["1.0.0"; 3]);

    let api = "    configuration: {ANSWERS: 1.1.0}\n    environments: {test: {ANSWERS: 1.0.0}}\n";
    release(&shop.workspace, "2.0.1", "configuration", api);
    shop.run(&["plan", "2.0.1.yaml"])
        .succeeded()
        .shows("other configuration");
    shop.run(&["apply", "2.0.1.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    assert_eq!(
        ["acme", "bolt", "cato"].map(served),
        ["1.1.0", "1.1.0", "1.0.0"],
        "us is for tests"
    );

    shop.run(&["rollback", "2.0.1", "--all", "--reason", "it was better before"])
        .succeeded();
    shop.wait_until("everybody is back", |_| {
        ["acme", "bolt", "cato"].map(served) == ["1.0.0"; 3]
    });
}

#[test]
fn a_missing_variable_is_refused_before_anything_moves() {
    let shop = open();
    release(
        &shop.workspace,
        "2.0.1",
        "configuration",
        "    environments: {test: {ANSWERS: 1.0.0}}\n",
    );
    let refused = shop.run(&["plan", "2.0.1.yaml"]);
    assert_ne!(refused.code, 0, "{refused:#?}");
    let said = format!("{}{}", refused.stdout, refused.stderr);
    for words in [
        "tidegate.yaml:10",
        "component `api` requires `ANSWERS`, which has no value in cell `eu`",
        "give it one in `configuration` of the release or under `cells: {eu: ..}`, or as one of the `secrets` in tidegate.yaml",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_secret_that_is_given_in_clear_as_well_is_refused_with_its_line() {
    let shop = open();
    let requires = "    requires: [FOLDER, ANSWERS]\n";
    let secrets = format!("{requires}    secrets: {{ANSWERS: {{environment: ANSWERS}}}}\n");
    shop.workspace.replace("tidegate.yaml", requires, &secrets);
    let refused = shop.run(&["plan", "2.0.0.yaml"]).ended_with(1);
    refused
        .says("2.0.0.yaml:6:21")
        .says("`ANSWERS` is a secret and is given in clear as well")
        .says("keep one of the two");
}

/// Test first; its wave is watched until somebody says that it is good.
const CAREFUL: &str = "
name: two-waves
environments: [test, production]
waves:
  - {name: tests, select: {environment: test}, bake: {least: 100ms, longest: 1h, requests: 1000}}
  - {name: live, select: {environment: production}, bake: {least: 100ms, longest: 300ms, requests: 1}}
on_inconclusive: pass
rollback_window: 1h
";

#[test]
fn a_release_comes_to_production_when_test_is_confirmed() {
    let shop = open();
    shop.workspace.write("playbooks/two-waves.yaml", CAREFUL);
    let served = |tenant: &str| shop.served_by(tenant).unwrap_or_default();
    shop.run(&["apply", "2.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    release(
        &shop.workspace,
        "2.0.1",
        "configuration",
        "    configuration: {ANSWERS: 1.1.0}\n",
    );
    shop.run(&["apply", "2.0.1.yaml"]).succeeded();
    shop.wait_until("the tests are baked", |shop| {
        shop.status()["releases"][1]["waves"][0]["stage"] == "bake"
    });
    assert_eq!(["acme", "bolt", "cato"].map(served), ["1.0.0", "1.0.0", "1.1.0"]);
    shop.run(&["promote", "2.0.1", "--reason", "tried it"]).succeeded();
    shop.wait_until("production follows", |_| {
        ["acme", "bolt", "cato"].map(served) == ["1.1.0"; 3]
    });
}

#[test]
fn what_differs_between_environments_is_shown_and_refused_unless_it_is_declared() {
    let shop = open();
    shop.workspace.write("playbooks/two-waves.yaml", CAREFUL);
    let api = "    configuration: {ANSWERS: 1.1.0}\n    environments: {test: {ANSWERS: 1.0.0}}\n";
    release(&shop.workspace, "2.0.1", "configuration", api);
    let refused = shop.run(&["plan", "2.0.1.yaml"]);
    assert_ne!(refused.code, 0, "{refused:#?}");
    let said = format!("{}{}", refused.stdout, refused.stderr);
    for words in [
        "tidegate.yaml:7",
        "`ANSWERS` of component `api` differs between environments: `1.0.0` in `test`, `1.1.0` in `production`",
        "add `differs: [ANSWERS]` to component `api` in tidegate.yaml if it is meant to, or give it the same value in each",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let shown = shop
        .run(&["environments", "diff", "2.0.1.yaml", "--exit-code"])
        .ended_with(3);
    assert_eq!(
        shown.stdout,
        "Component api\n  ANSWERS  (not declared)\n    test        `1.0.0`\n    production  `1.1.0`\n1 variable differs, 1 of them undeclared\n"
    );
    let requires = "    requires: [FOLDER, ANSWERS]\n";
    shop.workspace.replace(
        "tidegate.yaml",
        requires,
        &format!("{requires}    differs: [ANSWERS]\n"),
    );
    let shown = shop
        .run(&["environments", "diff", "2.0.1.yaml", "--exit-code", "--json"])
        .succeeded()
        .json();
    assert_eq!(shown["undeclared"], 0);
    assert_eq!(
        shown["components"][0]["variables"][0]["values"]["test"]["`1.0.0`"][0],
        "us"
    );
    shop.run(&["plan", "2.0.1.yaml"]).succeeded();
    let shown = shop.run(&["environments", "diff"]).succeeded();
    shown.shows("every component is told the same in all cells");
}
