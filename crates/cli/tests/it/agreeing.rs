//! Releases that wait for people: approvals, freezes, customers.

use crate::shop::Shop;

/// A token of a person, as its owner keeps it.
fn token(shop: &Shop, name: &str, roles: &[&str]) -> String {
    let mut arguments = vec!["token", "create", name, "--reason", "a test"];
    for role in roles {
        arguments.extend(["--role", role]);
    }
    shop.run(&arguments).succeeded().stdout.trim().to_owned()
}

#[test]
fn a_release_starts_when_somebody_else_has_approved_its_plan() {
    let shop = Shop::installed("300ms");
    let playbook = std::fs::read_to_string(shop.workspace.path("playbooks/two-waves.yaml")).unwrap();
    let asks = format!("{playbook}approvals: [{{name: board, roles: [approver]}}]\n");
    shop.workspace.write("playbooks/two-waves.yaml", &asks);
    let ada = token(&shop, "ada@example.com", &["author", "operator", "approver"]);
    let bob = token(&shop, "bob@example.com", &["approver"]);
    shop.workspace.with_token(&ada, &["apply", "1.1.0.yaml"]).succeeded();
    shop.run(&["status"])
        .succeeded()
        .shows("approval board: 0 of 1 given")
        .shows("waits for approval board of plan");
    let plan = shop.status()["releases"][1]["plan"].as_str().unwrap().to_owned();
    let word = ["approve", "1.1.0", "--plan", &plan, "--reason", "read it"];
    let own = shop.workspace.with_token(&ada, &word).ended_with(4);
    own.says("ada@example.com made or applied the plan of release 1.1.0");
    let other = ["approve", "1.1.0", "--plan", "0123456789ab", "--reason", "read it"];
    let other = shop.workspace.with_token(&bob, &other).ended_with(1);
    other.says("is not the plan that release 1.1.0 was applied with");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    let short = &plan["sha256:".len()..][..12];
    let word = ["approve", "1.1.0", "--plan", short, "--reason", "read it"];
    shop.workspace.with_token(&bob, &word).succeeded();
    shop.wait_until("everybody is on 1.1.0", |shop| {
        shop.status()["releases"][1]["phase"] == "completed"
    });
    shop.run(&["history", "--release", "1.1.0"])
        .succeeded()
        .shows("read it");
}

#[test]
fn a_freeze_keeps_a_tenant_where_it_is_until_it_is_lifted() {
    let shop = Shop::installed("300ms");
    let frozen = shop
        .run(&["freeze", "--tenant", "cato", "--reason", "on stage"])
        .succeeded();
    let lift = frozen
        .stderr
        .lines()
        .find_map(|line| line.split_once("tidegate unfreeze "))
        .unwrap();
    let number = lift.1.trim().to_owned();
    shop.run(&["opt-out", "bolt", "--reason", "next time"]).succeeded();
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("acme has moved", |shop| {
        shop.served_by("acme").as_deref() == Some("1.1.0")
    });
    shop.run(&["status"])
        .succeeded()
        .shows("of tenant cato")
        .shows("on stage");
    let over = [
        "waive",
        "1.1.0",
        "window",
        "--until",
        "2020-01-01T00:00:00Z",
        "--reason",
        "now",
    ];
    shop.run(&over).ended_with(4).says("is over already");
    shop.run(&["notices", "1.1.0"])
        .succeeded()
        .says("0 notices, 0 to be sent");
    assert_eq!(shop.served_by("cato").as_deref(), Some("1.0.0"));
    shop.run(&["unfreeze", &number, "--reason", "the curtain has fallen"])
        .succeeded();
    shop.wait_until("cato has moved", |shop| {
        shop.served_by("cato").as_deref() == Some("1.1.0")
    });
}

#[test]
fn a_tenant_waits_until_its_customer_reports_that_the_first_wave_works() {
    let shop = Shop::installed("300ms");
    let tenants = std::fs::read_to_string(shop.workspace.path("tenants.yaml")).unwrap();
    let tenants = tenants.replace("id: acme,", "id: acme, customer: anvil,");
    let tenants = tenants.replace("id: bolt,", "id: bolt, customer: anvil,");
    shop.workspace.write("tenants.yaml", &tenants);
    let playbook = std::fs::read_to_string(shop.workspace.path("playbooks/two-waves.yaml")).unwrap();
    let playbook = playbook.replace("{rest: true},", "{rest: true}, validation: {of: first},");
    shop.workspace.write("playbooks/two-waves.yaml", &playbook);
    shop.run(&["plan", "1.1.0.yaml"])
        .succeeded()
        .shows("on wave first, before 1 tenant of wave rest move: anvil report that it works");
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("cato has moved", |shop| {
        shop.served_by("cato").as_deref() == Some("1.1.0")
    });
    assert_eq!(shop.served_by("bolt").as_deref(), Some("1.0.0"));
    shop.run(&["status"])
        .succeeded()
        .shows("customer anvil tries wave first before 1 tenant of wave rest: not reported yet");
    shop.wait_until("bolt waits for its customer", |shop| {
        let status = shop.run(&["status"]).succeeded().stdout;
        status.contains("waits for customer anvil to report that it works, for tenant bolt")
    });
    let say = |customer: &str, outcome: &str, reason: &str| {
        shop.run(&["report", "1.1.0", outcome, "--customer", customer, "--reason", reason])
    };
    say("stranger", "works", "it does")
        .ended_with(4)
        .says("is not asked to try release 1.1.0");
    say("anvil", "trouble", "points are missing").succeeded();
    shop.run(&["status"])
        .succeeded()
        .shows("customer anvil: trouble: points are missing");
    shop.run(&["resume", "1.1.0", "--reason", "they looked in the wrong place"])
        .succeeded();
    assert_eq!(shop.served_by("bolt").as_deref(), Some("1.0.0"));
    say("anvil", "works", "they are there").succeeded();
    shop.wait_until("bolt has moved", |shop| {
        shop.served_by("bolt").as_deref() == Some("1.1.0")
    });
}

#[test]
fn planned_downtime_is_a_page_with_its_end_and_cuts_nothing() {
    let shop = Shop::installed("300ms");
    let playbook = std::fs::read_to_string(shop.workspace.path("playbooks/two-waves.yaml")).unwrap();
    let playbook = format!("{playbook}downtime: {{longest: 2m, undo: 10s, announce: 10s}}\n");
    shop.workspace.write("playbooks/two-waves.yaml", &playbook);
    let release = std::fs::read_to_string(shop.workspace.path("1.1.0.yaml")).unwrap();
    shop.workspace.write("1.1.0.yaml", &format!("{release}downtime: 1m\n"));
    let slow = shop.begin("/slow?milliseconds=4000", "acme");
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("acme meets the page", |shop| {
        let answer = shop.get("/points/ada", "acme").unwrap();
        let page = answer.starts_with("HTTP/1.1 503 ") && answer.contains("This service is being updated");
        assert!(page || answer.starts_with("HTTP/1.1 200 "), "{answer}");
        page && answer.contains("retry-after: ")
    });
    assert!(slow.ends().starts_with("HTTP/1.1 200 "), "what was in flight ends");
    shop.wait_until("acme is served again", |shop| {
        shop.served_by("acme").as_deref() == Some("1.1.0")
    });
    shop.run(&["history", "--tenant", "acme"])
        .succeeded()
        .shows("out of service until");
}
