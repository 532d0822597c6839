//! The traffic that the gateway has counted, and plans that take their time from it: real requests, a real server.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::shop::Shop;
use crate::workspace::Workspace;

/// With a wave that takes the quietest time, in tenants with clocks of their own.
fn quietest() -> Shop {
    let shop = Shop::open_with("300ms", Vec::new(), |workspace: &Workspace| {
        let acme = "{id: acme, cell: eu, opt_in: true";
        workspace.replace("tenants.yaml", acme, &format!("{acme}, time_zone: Asia/Kolkata"));
    });
    shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    let rest = "select: {rest: true}";
    shop.workspace
        .replace("playbooks/two-waves.yaml", rest, &format!("{rest}, quietest: true"));
    shop
}

fn measured(shop: &Shop) -> Value {
    shop.run(&["profile", "show", "--json"]).succeeded().json()["tenants"].clone()
}

/// The mean of the week, requests an hour.
fn mean(shop: &Shop, tenant: &str) -> f64 {
    let hourly = measured(shop)[tenant]["hourly"].clone();
    let hourly: Vec<f64> = serde_json::from_value(hourly).unwrap_or_default();
    hourly.iter().sum::<f64>() / 168.0
}

/// Sends requests of one tenant until they are seen in its profile.
fn send_until_seen(shop: &Shop) {
    shop.wait_until("the requests are in the profile", |shop| {
        for _ in 0..20 {
            shop.get("/points/ada", "acme").unwrap();
        }
        mean(shop, "acme") > 0.0
    });
}

fn stop(shop: &mut Shop) {
    let server = shop.server();
    kill_process(Pid::from_child(server), Signal::TERM).unwrap();
    assert!(server.wait().unwrap().success());
}

#[test]
fn what_the_gateway_counts_is_the_profile_that_plans_take_the_quietest_time_from() {
    let mut shop = quietest();
    send_until_seen(&shop);

    let tenants = measured(&shop);
    assert_eq!(tenants["acme"]["time_zone"], "Asia/Kolkata");
    assert_eq!(tenants["cato"]["time_zone"], "UTC");
    let others: Vec<f64> = serde_json::from_value(tenants["bolt"]["hourly"].clone()).unwrap();
    assert_eq!(others, vec![0.0; 168], "bolt was watched, and sent nothing");
    shop.run(&["profile", "show"])
        .succeeded()
        .shows("acme")
        .shows("3 tenants, measured until ");
    shop.run(&["profile", "show", "acme"])
        .succeeded()
        .shows("acme, by the clocks of Asia/Kolkata\n")
        .shows("\nMon  ")
        .shows(" of 168 hours of the week");
    shop.run(&["profile", "show", "nobody"])
        .ended_with(1)
        .says("there is no tenant `nobody`");

    // The server plans with it, and so does the command line by itself.
    let planned = shop.run(&["plan", "1.1.0.yaml"]).succeeded();
    planned
        .shows("measured at the gateways over ")
        .shows("it knows 3 of 3 tenants, 0 of them for each hour of the week")
        .shows("the quietest time until ");
    shop.run(&["plan", "1.1.0.yaml", "--now", "2026-11-19T10:00:00Z"])
        .succeeded()
        .shows("measured at the gateways over ")
        .shows("the quietest time until ");
    let offline = shop.run(&["plan", "1.1.0.yaml", "--offline"]).succeeded();
    offline.shows("no traffic profile is known: waves start at the first admissible time");

    // What was measured is a file like any other; one that is given counts instead of it.
    let exported = shop.run(&["profile", "export"]).succeeded().json();
    assert_eq!(exported["tenants"]["acme"]["hourly"].as_array().unwrap().len(), 168);
    let given = json!({"schema_version": 1, "tenants": {"bolt": {"hourly": vec![7.0; 168]}}});
    shop.workspace.write("given.json", &given.to_string());
    shop.workspace.write("exported.json", &exported.to_string());
    let with = |file: &str| shop.run(&["plan", "1.1.0.yaml", "--profile", file]);
    with("given.json").succeeded().shows("given, it knows 1 of 3 tenants");
    with("exported.json")
        .succeeded()
        .shows("measured at the gateways over ");
    for (text, trouble) in [
        (
            "{\"schema_version\": 1, \"tenants\": {\"acme\": {\"hourly\": [1]}}}",
            "has 1 hourly means",
        ),
        (
            "{\"schema_version\": 1, \"measured\": {\"weeks\": 2}, \"tenants\": {}}",
            "is not what a profile is",
        ),
        ("measured", "is not what a profile is"),
    ] {
        shop.workspace.write("wrong.json", text);
        with("wrong.json").ended_with(1).says(trouble);
    }

    // Whoever stops the server finds it again; who kills it loses what was not written, and nothing is counted twice.
    let before = measured(&shop)["acme"]["hours_measured"].as_f64().unwrap();
    stop(&mut shop);
    shop.serve();
    let kept = measured(&shop)["acme"].clone();
    assert!(kept["hours_measured"].as_f64().unwrap() >= before, "{kept}");
    let kept = mean(&shop, "acme");
    assert!(kept > 0.0);
    shop.kill_server();
    shop.serve();
    assert!(
        (mean(&shop, "acme") - kept).abs() <= kept / 10.0,
        "only what was written is there"
    );
}

#[test]
fn a_plan_is_applied_with_the_profile_that_it_was_made_with() {
    let mut shop = quietest();
    send_until_seen(&shop);
    let plan = shop.run(&["plan", "1.1.0.yaml"]).succeeded();
    plan.shows("the quietest time until ");
    let digest = shop.run(&["plan", "1.1.0.yaml", "--json"]).succeeded().json()["digest"].clone();
    // Killed before anything was written, the server has not measured anything: another plan would be made now.
    shop.kill_server();
    shop.serve();
    assert_eq!(measured(&shop), json!({}));
    if !is_full_hour_near() {
        shop.run(&["apply", digest.as_str().unwrap()]).succeeded();
        let text = shop.run(&["status"]).succeeded().stdout;
        assert!(text.contains("1.1.0"), "{text}");
    }
}

/// At a full hour the quietest time is another, whichever profile a plan is made with.
fn is_full_hour_near() -> bool {
    let now = std::time::SystemTime::now();
    let seconds = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() % 3_600;
    seconds > 3_600 - 120
}
