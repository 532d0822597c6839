//! Breaking changes and the tenants that have not migrated: left behind or waited for, with owner and deadline.

use serde_json::Value;

use crate::shop::Shop;

const EXPIRES: &str = "---
kind: removed
audience: [developer]
impact: breaking
action: Read `expires_at`.
deadline: 2020-03-01
owner: Integrations team
---

# `expires` is gone

## Developers

Read `expires_at` instead.
";

/// A shop on 1.0.0 whose next release breaks whoever has not migrated.
fn breaking(rule: &str, first_bake: &str) -> Shop {
    let shop = Shop::installed(first_bake);
    shop.workspace.write("changes/expires.md", EXPIRES);
    let playbook = std::fs::read_to_string(shop.workspace.path("playbooks/two-waves.yaml")).unwrap();
    shop.workspace.write(
        "playbooks/two-waves.yaml",
        &format!("{playbook}on_unmigrated: {rule}\n"),
    );
    let release = std::fs::read_to_string(shop.workspace.path("1.1.0.yaml")).unwrap();
    shop.workspace
        .write("1.1.0.yaml", &format!("{release}changes: [expires]\n"));
    shop
}

fn set(shop: &Shop, state: &str, tenant: &str) {
    let words = [
        "migrations",
        "set",
        "expires",
        state,
        "--tenant",
        tenant,
        "--reason",
        "seen in their code",
    ];
    shop.run(&words).succeeded().shows(state);
}

fn rows(shop: &Shop) -> Vec<Value> {
    let listed = shop.run(&["migrations", "--json"]).succeeded().stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    listed["migrations"].as_array().unwrap().clone()
}

#[test]
fn laggards_are_left_behind_and_listed_and_who_migrates_meanwhile_moves_by_itself() {
    let mut shop = breaking("leave-behind", "1h");
    shop.run(&["migrations"]).succeeded().shows("no tenant has to migrate");
    set(&shop, "migrated", "acme");
    set(&shop, "contacted", "bolt");
    shop.run(&["plan", "1.1.0.yaml"])
        .succeeded()
        .shows("2 of 3 tenants have not migrated for the breaking change `expires`, and would be left behind: `bolt`, `cato`")
        .shows("Integrations team sees to it, and the old way works until 2020-03-01");
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("acme has moved", |shop| {
        shop.served_by("acme").as_deref() == Some("1.1.0")
    });
    shop.kill_server();
    shop.serve();
    set(&shop, "migrated", "bolt");
    // The gateway serves acme from 1.1.0 a moment before it has confirmed to.
    shop.wait_until("the first wave is baked", |shop| {
        shop.status()["releases"][1]["waves"][0]["stage"] == "bake"
    });
    shop.run(&["promote", "1.1.0", "--reason", "a test"]).succeeded();
    shop.wait_until("the release is completed", |shop| {
        shop.status()["releases"][1]["phase"] == "completed"
    });
    assert_eq!(shop.served_by("bolt").as_deref(), Some("1.1.0"));
    assert_eq!(shop.served_by("cato").as_deref(), Some("1.0.0"));
    shop.run(&["migrations", "--overdue"])
        .succeeded()
        .shows("2020-03-01, overdue")
        .shows("1.1.0: left")
        .shows("1 tenant still to migrate");
    let behind: Vec<Value> = rows(&shop)
        .into_iter()
        .filter(|row| row["release"].is_string())
        .collect();
    assert_eq!(behind.len(), 1, "{behind:?}");
    assert_eq!(
        (behind[0]["tenant"].as_str(), behind[0]["state"].as_str()),
        (Some("cato"), Some("unknown"))
    );
    assert_eq!(behind[0]["owner"], "Integrations team");
    shop.run(&["history", "--tenant", "cato"])
        .succeeded()
        .shows("change expires would break it: nobody has said that it is ready");
}

#[test]
fn a_wave_waits_for_those_who_have_not_migrated_or_for_a_waiver() {
    let shop = breaking("block-wave", "300ms");
    for tenant in ["acme", "bolt"] {
        set(&shop, "not-affected", tenant);
    }
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("cato is waited for", |shop| {
        let status = shop.run(&["status"]).succeeded().stdout;
        status.contains("waits for tenant cato to migrate for change expires, Integrations team sees to it")
    });
    assert_eq!(shop.served_by("bolt").as_deref(), Some("1.1.0"));
    let waive = [
        "waive",
        "1.1.0",
        "migration",
        "--tenant",
        "cato",
        "--for",
        "1h",
        "--reason",
        "they agreed",
    ];
    shop.run(&waive).succeeded();
    shop.wait_until("cato has moved", |shop| {
        shop.served_by("cato").as_deref() == Some("1.1.0")
    });
}

#[test]
fn what_nobody_knows_is_refused_with_the_remedy() {
    let shop = breaking("leave-behind", "300ms");
    let set = |change: &str, state: &str, tenant: &str, reason: &str| {
        shop.run(&[
            "migrations",
            "set",
            change,
            state,
            "--tenant",
            tenant,
            "--reason",
            reason,
        ])
    };
    set("expire", "migrated", "acme", "typo")
        .ended_with(1)
        .says("no release lists a change `expire`")
        .says("tidegate changes list");
    set("expires", "migrated", "acmee", "typo").ended_with(4).says("acmee");
    set("expires", "done", "acme", "typo")
        .ended_with(2)
        .says("possible values");
    set("expires", "migrated", "acme", " ")
        .ended_with(1)
        .says("a reason is needed");
    assert!(rows(&shop).is_empty());
    let additive = EXPIRES
        .replace("impact: breaking", "impact: additive")
        .replace("action: Read `expires_at`.\ndeadline: 2020-03-01\n", "");
    shop.workspace.write("changes/expires.md", &additive);
    shop.run(&["changes", "lint"])
        .ended_with(1)
        .says("`owner` does not go with the impact `additive`")
        .says("changes/expires.md:5");
}
