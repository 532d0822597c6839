//! Recorded requests against two versions that really run.

use serde_json::{Value, json};
use tidegate_loyalty::{Artifact, Edition};

use crate::shop::Shop;
use crate::workspace::EXECUTABLE;

const PLAYBOOK: &str = "playbooks/two-waves.yaml";
const FIRST: &str = "{name: first, select: {opt_in: true}";

/// The version that answers is told in each answer.
const RULES: &str = "ignore: {headers: [x-loyalty-version], fields: [$.version]}";

/// 1.0.0 runs, and the first wave has this gate from now on.
fn gated(with: &str) -> Shop {
    let shop = Shop::installed("300ms");
    let gate = format!("{FIRST}, gates: [{{uses: replay, with: {{component: api, {with}}}}}]");
    shop.workspace.replace(PLAYBOOK, FIRST, &gate);
    shop
}

fn report(shop: &Shop, version: &str) -> Value {
    let path = format!(".tidegate/gates/{version}/first.0/report.json");
    serde_json::from_slice(&std::fs::read(shop.workspace.path(&path)).unwrap()).unwrap()
}

#[test]
fn a_field_that_the_new_version_adds_holds_it_and_is_named() {
    let shop = gated(&format!(
        "workloads: [{{file: samples/acme.ndjson, tenant: acme}}], rules: {{{RULES}}}"
    ));
    let missing = shop.run(&["plan", "1.1.0.yaml"]).ended_with(1);
    missing
        .says("playbooks/two-waves.yaml:4")
        .says("`samples/acme.ndjson` cannot be read");
    shop.workspace.write(
        "samples/acme.ndjson",
        "{\"path\": \"/points/ada\"}\n{\"path\": \"points\"}\n",
    );
    let wrong = shop.run(&["plan", "1.1.0.yaml"]).ended_with(1);
    wrong.says("line 2: the path `points` does not begin with `/`");
    let lines: String = (0..60)
        .map(|member| format!("{{\"path\": \"/points/member-{member:03}\"}}\n"))
        .collect();
    shop.workspace.write("samples/acme.ndjson", &lines);
    let held = shop
        .run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .ended_with(4);
    held.says("GET /points/{}: `$.tier`, added by the new version");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    let report = report(&shop, "1.1.0");
    assert_eq!(
        (report["verdict"].as_str(), report["pairs"].as_u64()),
        (Some("fail"), Some(60))
    );
}

#[test]
fn a_version_that_answers_alike_passes_with_a_har_of_a_browser() {
    let shop = gated(&format!(
        "workloads: [{{file: day.har, tenant: acme}}], times: 20, rules: {{{RULES}}}"
    ));
    let entry = |method: &str, url: &str| {
        let request = json!({"method": method, "url": url, "headers": [{"name": "cookie", "value": "session=secret"}]});
        json!({"startedDateTime": "2026-11-24T06:00:00.000Z", "request": request})
    };
    let entries = [
        entry("GET", "https://shop.example/points/ada"),
        entry("GET", "https://shop.example/coupons"),
        entry("GET", "https://fonts.example/a.woff2"),
        entry("POST", "https://shop.example/points/ada"),
        entry("GET", "https://shop.example/points/bob?page=2"),
    ];
    let archive = json!({"log": {"version": "1.2", "entries": entries}});
    shop.workspace.write("day.har", &archive.to_string());
    let alike = Artifact {
        version: "1.0.1".to_owned(),
        edition: Edition::Old,
    };
    shop.workspace
        .write("loyalty-1.0.1", &alike.render(EXECUTABLE.as_ref()).unwrap());
    let listed = "{artifact: loyalty-1.0.1}";
    let release = format!("version: 1.0.1\ncomponents: {{api: {listed}, ledger: {listed}}}\n");
    shop.workspace.write("1.0.1.yaml", &release);
    shop.run(&["apply", "1.0.1.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.1"));
    let report = report(&shop, "1.0.1");
    assert_eq!(
        (report["verdict"].as_str(), report["pairs"].as_u64()),
        (Some("pass"), Some(60)),
        "{report:#}"
    );
}
