//! New instances that are really killed, and what they depend on, while tenants are served by the old ones.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::shop::Shop;

const PLAYBOOK: &str = "playbooks/two-waves.yaml";
const FIRST: &str = "{name: first, select: {opt_in: true}";

/// 1.0.0 runs, with two instances of `api` in each cell, and the first wave has this gate from now on.
fn gated(disturbances: &str) -> Shop {
    let shop = Shop::open_with("300ms", Vec::new(), |workspace| {
        workspace.replace("tidegate.yaml", "- name: api\n", "- name: api\n    instances: 2\n");
    });
    shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    let gate = format!(
        "{FIRST}, gates: [{{uses: reliability, with: {{component: api, rate: 40, pause: 1s, errors_at_most_percent: 10, \
         requests: [{{path: /points/ada, headers: {{x-tidegate-tenant: acme}}}}], disturbances: [{disturbances}]}}}}]"
    );
    shop.workspace.replace(PLAYBOOK, FIRST, &gate);
    shop
}

#[test]
fn instances_that_are_killed_and_restarted_come_back_and_the_wave_goes_on() {
    let shop = gated("{do: kill}, {do: restart}");
    shop.run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.1.0"));
    let report = std::fs::read(shop.workspace.path(".tidegate/gates/1.1.0/first.0/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let happened = report["disturbances"].as_array().unwrap();
    assert_eq!(happened[0]["what"], "instance 0 in eu was killed");
    assert_eq!(happened[1]["what"], "instance 1 in eu was restarted");
    assert!(happened.iter().all(|one| one["ready_after_ms"].is_u64()), "{report:#}");
    let log = std::fs::read_to_string(shop.workspace.path("serve.log")).unwrap();
    assert!(log.contains("ended by signal 9"), "{log}");
}

#[test]
fn an_instance_that_does_not_come_back_holds_the_release() {
    let shop = gated("{do: kill, ready_within: 3s}");
    // It starts in a folder once.
    let good = shop.workspace.path("loyalty-1.1.0");
    let once = shop.workspace.path("loyalty-good");
    std::fs::copy(&good, &once).unwrap();
    std::fs::set_permissions(&once, std::fs::Permissions::from_mode(0o755)).unwrap();
    let script = format!(
        "#!/bin/sh\nif [ -e started ]; then echo the lock of the life before is still there; exit 3; fi\ntouch started\nexec {} \"$@\"\n",
        once.display()
    );
    shop.workspace.write("loyalty-1.1.0", &script);
    let held = shop
        .run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .ended_with(4);
    held.says("instance 0 in eu was killed, and was not ready again in time")
        .says("the lock of the life before is still there");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
}

#[test]
fn what_was_lost_when_the_server_was_killed_is_brought_back_by_the_next_one() {
    let restore = "[sh, -c, \"rm -f away && echo x >> restored\"]";
    let dependency = format!("{{do: dependency, name: ledger, lose: [touch, away], restore: {restore}, for: 2s}}");
    let mut shop = gated(&dependency);
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("it is away", |shop| shop.workspace.path("away").exists());
    shop.kill_server();
    assert!(shop.workspace.path("away").exists());
    shop.serve();
    shop.wait_until("the wave has moved", |shop| {
        shop.served_by("acme").as_deref() == Some("1.1.0")
    });
    assert!(!shop.workspace.path("away").exists());
    let restored = std::fs::read_to_string(shop.workspace.path("restored")).unwrap();
    assert_eq!(
        restored, "x\nx\n",
        "once at the beginning of the second run, once in it"
    );
}
