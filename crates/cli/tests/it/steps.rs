//! Work on data around a release, by real commands.

use std::fs;

use crate::shop::Shop;

/// Each step writes into a file of its cell, and waits where a file tells it to. A shell is what is at hand everywhere.
const STEPS: &str = r#"
steps:
  - name: add
    kind: expand
    component: api
    command: [/bin/sh, -c, 'echo adding; echo "add {cell} $TIDEGATE_VERSION" >> "$LOYALTY_DATA/steps"; while test -e "$LOYALTY_DATA/wait"; do sleep 0.02; done; test ! -e "$LOYALTY_DATA/fail"']
    undo: [/bin/sh, -c, 'echo "remove {cell}" >> "$LOYALTY_DATA/steps"']
  - name: fill
    kind: migrate
    component: api
    command: [/bin/sh, -c, 'echo "fill {cell}" >> "$LOYALTY_DATA/steps"']
  - name: drop
    kind: contract
    component: api
    command: [/bin/sh, -c, 'echo "drop {cell}" >> "$LOYALTY_DATA/steps"']
"#;

/// With 1.0.0 for everybody; 1.1.0 has work on data.
fn shop() -> Shop {
    let shop = Shop::installed("300ms");
    let release = fs::read_to_string(shop.workspace.path("1.1.0.yaml")).unwrap();
    shop.workspace.write("1.1.0.yaml", &format!("{release}{STEPS}"));
    shop
}

fn done(shop: &Shop) -> Vec<String> {
    let text = fs::read_to_string(shop.workspace.path("data/steps")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn has_phase(shop: &Shop, step: &str, phase: &str) -> bool {
    let status = shop.status();
    let steps = status["releases"][1]["steps"].as_array().cloned().unwrap_or_default();
    let mut of_step = steps.iter().filter(|found| found["name"] == step).peekable();
    of_step.peek().is_some() && of_step.all(|found| found["phase"] == phase)
}

#[test]
fn a_release_does_its_work_on_data_around_its_waves() {
    let shop = shop();
    let planned = shop.run(&["plan", "1.1.0.yaml", "--exit-code"]).ended_with(3);
    planned
        .shows("data       expand add of database api")
        .shows("rollback   clean, until the rollback window is over and step drop begins");
    shop.run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    shop.wait_until("it is migrated", |shop| has_phase(shop, "fill", "done"));
    let mut lines = done(&shop);
    assert_eq!(lines[0], "add eu 1.1.0", "the first wave is in eu alone");
    lines.sort();
    assert_eq!(lines, ["add eu 1.1.0", "add us 1.1.0", "fill eu", "fill us"]);
    shop.run(&["status"])
        .succeeded()
        .shows("expand add: done in 2 cells")
        .shows("step drop in cell eu: tenants can be taken back until");
    shop.run(&["steps", "1.1.0"])
        .succeeded()
        .shows("eu    add   expand    api       done");
    let printed = shop
        .run(&["steps", "1.1.0", "--logs", "add", "--cell", "us"])
        .succeeded();
    assert_eq!(printed.stdout, "adding\n");
    shop.run(&["steps", "1.1.0", "--logs", "drop", "--cell", "us"])
        .ended_with(1)
        .says("no step `drop` of release 1.1.0 was begun in cell `us`");

    shop.run(&["rollback", "1.1.0", "--all", "--reason", "it is wrong"])
        .succeeded();
    shop.wait_until("its work is taken back", |shop| has_phase(shop, "add", "undone"));
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    let mut removed = done(&shop).split_off(4);
    removed.sort();
    assert_eq!(removed, ["remove eu", "remove us"]);
}

#[test]
fn a_step_that_fails_holds_its_release_and_a_person_lets_it_try_again() {
    let shop = shop();
    shop.workspace.write("data/fail", "");
    let held = shop
        .run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .ended_with(4);
    held.says("step add in cell eu has failed: it ended with code 1");
    shop.run(&["status"])
        .succeeded()
        .shows("expand add: failed in eu since");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    fs::remove_file(shop.workspace.path("data/fail")).unwrap();
    shop.run(&["resume", "1.1.0", "--reason", "the disk has room again"])
        .succeeded();
    shop.wait_until("everybody has moved", |shop| {
        shop.served_by("cato").as_deref() == Some("1.1.0")
    });
    assert_eq!(done(&shop).iter().filter(|line| *line == "add eu 1.1.0").count(), 2);
}

#[test]
fn a_server_killed_in_the_middle_of_a_step_neither_repeats_nor_misses_it() {
    let mut shop = shop();
    shop.workspace.write("data/wait", "");
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("it is begun", |shop| !done(shop).is_empty());
    shop.wait_until("what it says is shown", |shop| {
        let said = shop.run(&["steps", "1.1.0"]).succeeded().stdout;
        said.contains("running") && said.contains("adding")
    });
    shop.kill_server();
    shop.serve();
    shop.run(&["status"])
        .succeeded()
        .shows("step add in cell eu: it is running");
    shop.kill_server();
    fs::remove_file(shop.workspace.path("data/wait")).unwrap();
    shop.serve();
    shop.wait_until("everybody has moved and all is migrated", |shop| {
        shop.served_by("cato").as_deref() == Some("1.1.0") && has_phase(shop, "fill", "done")
    });
    let mut lines = done(&shop);
    lines.sort();
    assert_eq!(lines, ["add eu 1.1.0", "add us 1.1.0", "fill eu", "fill us"]);
    shop.run(&["history", "--tenant", "acme"]).succeeded().shows("1.1.0");
}
