//! Releases that move real tenants.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::shop::Shop;

#[test]
fn a_release_reaches_every_tenant_wave_by_wave() {
    let shop = Shop::installed("300ms");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    let planned = shop.run(&["plan", "1.1.0.yaml", "--exit-code"]).ended_with(3);
    let planned = planned
        .shows("Wave first: 1 tenant in eu")
        .shows("Wave rest: 2 tenants in eu, us")
        .shows("1 from 1.0.0");
    let digest = digest_on(&planned.shows("rollback   clean, at any time").stderr);
    let applied = shop.run(&["apply", &digest, "--wait", "--timeout", "60s"]).succeeded();
    applied.says("1.1.0 completed: first confirmed (1 of 1 moved), rest confirmed (2 of 2 moved)");
    for tenant in ["acme", "bolt", "cato"] {
        assert_eq!(shop.served_by(tenant).as_deref(), Some("1.1.0"), "{tenant}");
    }
    shop.run(&["status"])
        .succeeded()
        .shows("Release 1.1.0  ✓ completed")
        .shows("wave rest  ✓ confirmed");
    shop.run(&["releases"])
        .succeeded()
        .shows("1.1.0    completed")
        .shows("3 of 3");
    shop.run(&["diff", "1.0.0", "1.1.0", "--exit-code"])
        .ended_with(3)
        .shows("component api")
        .shows("artifact ");
    let again = shop.run(&["apply", &digest]).succeeded();
    again.says("release 1.1.0 was applied before: nothing has changed");
}

#[test]
fn one_tenant_goes_back_and_its_history_says_why() {
    let shop = Shop::baking();
    assert_eq!(
        shop.served_by("bolt").as_deref(),
        Some("1.0.0"),
        "its wave has not started"
    );
    let back = [
        "rollback",
        "1.1.0",
        "--tenant",
        "acme",
        "--reason",
        "their report is wrong",
    ];
    shop.run(&back).succeeded().says("next: tidegate status");
    shop.wait_until("acme is back", |shop| {
        shop.served_by("acme").as_deref() == Some("1.0.0")
    });
    let history = shop.run(&["history", "--tenant", "acme"]).succeeded();
    history.shows("their report is wrong").shows("admin").shows("1.1.0");
    let document = shop.run(&["history", "--tenant", "acme", "--json"]).succeeded().json();
    let rows = document["rows"].as_array().unwrap();
    assert_eq!(rows.last().unwrap()["version"], "1.0.0", "{rows:#?}");
    let moved = rows.iter().find(|row| row["version"] == "1.1.0").unwrap();
    let at = (moved["at_ms"].as_i64().unwrap()).to_string();
    let at = rfc3339(&at);
    let then = shop
        .run(&["history", "--tenant", "acme", "--at", &at, "--json"])
        .succeeded()
        .json();
    assert_eq!(then["rows"][0]["version"], "1.1.0", "{then:#?}");
}

#[test]
fn a_held_release_waits_for_a_person_and_says_so() {
    let shop = Shop::baking();
    shop.run(&["hold", "1.1.0", "--reason", "the shop is full", "--for", "2h"])
        .succeeded();
    shop.run(&["status"])
        .succeeded()
        .shows("held by admin")
        .shows("the shop is full");
    let digest = shop.status()["releases"][1]["plan"].as_str().unwrap().to_owned();
    let held = shop.run(&["apply", &digest, "--wait"]).ended_with(4);
    held.says("tidegate resume 1.1.0");
    shop.run(&["resume", "1.1.0", "--reason", "it is empty again"])
        .succeeded();
    shop.run(&["promote", "1.1.0", "--reason", "seen enough"]).succeeded();
    shop.wait_until("everybody has moved", |shop| {
        shop.served_by("cato").as_deref() == Some("1.1.0")
    });
}

#[test]
fn a_wait_ends_with_its_timeout_and_the_release_goes_on() {
    let shop = Shop::installed("1h");
    let waited = shop
        .run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "1s"])
        .ended_with(5);
    waited.says("release 1.1.0 is still moving; it waits for");
    shop.run(&["abort", "1.1.0", "--reason", "not today"]).succeeded();
    shop.wait_until("it is over", |shop| ended(&shop.status(), "1.1.0"));
    shop.wait_until("acme is back", |shop| {
        shop.served_by("acme").as_deref() == Some("1.0.0")
    });
}

#[test]
fn a_watcher_sees_the_release_come_and_no_animation_where_nobody_looks() {
    let shop = Shop::open("300ms");
    let mut watch = shop.workspace.command();
    let mut watch = watch
        .args(["status", "--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "nothing has been released yet"));
    shop.run(&["apply", "1.0.0.yaml"]).succeeded();
    let completed = lines
        .find(|line| line.starts_with("Release 1.0.0  ✓ completed"))
        .unwrap();
    assert!(!completed.contains('\u{1b}'), "{completed}");
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn tenants_come_and_go() {
    let shop = Shop::installed("300ms");
    shop.run(&["tenants", "add", "dune", "--cell", "us", "--reason", "signed today"])
        .succeeded();
    shop.wait_until("dune is served", |shop| {
        shop.served_by("dune").as_deref() == Some("1.0.0")
    });
    shop.run(&["tenants", "--cell", "us"])
        .succeeded()
        .shows("dune")
        .shows("cato")
        .says("2 tenants");
    shop.run(&["tenants", "remove", "dune", "--reason", "has left"])
        .succeeded();
    shop.wait_until("dune is not served", |shop| shop.served_by("dune").is_none());
    let left = shop
        .run(&["tenants", "list", "--on", "1.0.0", "--json"])
        .succeeded()
        .json();
    assert_eq!(left["tenants"].as_array().unwrap().len(), 3, "{left:#?}");
}

#[test]
fn what_an_instance_prints_is_read() {
    let shop = Shop::installed("300ms");
    let status = shop.status();
    let slots = status["cells"][0]["slots"].as_array().unwrap();
    let api = slots.iter().find(|slot| slot["component"] == "api").unwrap();
    let place = format!("eu/{}", api["id"].as_str().unwrap());
    shop.run(&["logs", &place]).succeeded().shows("listening on");
    shop.run(&["logs", "eu/none"])
        .ended_with(1)
        .says("there is no slot `none` in cell `eu`");
}

fn ended(status: &Value, version: &str) -> bool {
    let releases = status["releases"].as_array().unwrap();
    releases
        .iter()
        .any(|release| release["version"] == version && release.get("ended_ms").is_some())
}

/// The digest in "next: tidegate apply sha256:...".
fn digest_on(stderr: &str) -> String {
    let start = stderr.find("sha256:").expect("the next command is suggested");
    stderr[start..].split_whitespace().next().unwrap().to_owned()
}

fn rfc3339(milliseconds: &str) -> String {
    let instant = jiff::Timestamp::from_millisecond(milliseconds.parse().unwrap()).unwrap();
    instant.to_string()
}
