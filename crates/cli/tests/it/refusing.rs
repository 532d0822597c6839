//! What the server refuses, and how it is told.

use std::net::TcpListener;

use crate::shop::Shop;
use crate::workspace::{Ended, Workspace};

#[test]
fn a_token_opens_what_its_roles_allow_and_no_more() {
    let shop = Shop::open("300ms");
    shop.workspace.with_token("tg_wrong", &["status"]).ended_with(4);
    let made = shop
        .run(&["token", "create", "vera", "--role", "viewer"])
        .succeeded()
        .says("it is not shown again");
    let viewer = made.stdout.trim();
    shop.workspace.with_token(viewer, &["status"]).succeeded();
    shop.workspace
        .with_token(viewer, &["apply", "1.0.0.yaml"])
        .ended_with(4)
        .says("vera may not make plans: it needs one of the roles");
    let list = shop.run(&["token", "list", "--json"]).succeeded();
    assert!(!list.stdout.contains(viewer), "a secret is shown once");
    let list = list.json();
    let vera = list["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["name"] == "vera")
        .unwrap();
    shop.run(&["token", "revoke", vera["id"].as_str().unwrap()]).succeeded();
    shop.workspace.with_token(viewer, &["status"]).ended_with(4);
    shop.run(&["token", "create", "max", "--role", "king"])
        .ended_with(2)
        .says("viewer, author, approver");
}

#[test]
fn the_state_machine_says_what_works_instead() {
    let shop = Shop::installed("300ms");
    let back = ["rollback", "9.9.9", "--all", "--reason", "why"];
    shop.run(&back).ended_with(4).says("9.9.9");
    let again = ["resume", "1.0.0", "--reason", "why"];
    shop.run(&again).ended_with(4).says("error: ");
}

#[test]
fn of_two_plans_the_one_that_no_longer_holds_is_refused_with_the_difference() {
    let shop = Shop::open("300ms");
    let digest = |file: &str| {
        let planned = shop.run(&["plan", file, "--json"]).succeeded().json();
        planned["digest"].as_str().unwrap().to_owned()
    };
    let (old, good) = (digest("1.0.0.yaml"), digest("1.1.0.yaml"));
    shop.run(&["apply", &old, "--wait", "--timeout", "60s"]).succeeded();
    let refused = shop.run(&["apply", &good]).ended_with(4);
    refused.says("no longer holds").says("help: plan again");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"), "nothing is half done");
}

#[test]
fn of_two_applies_at_once_one_has_the_effect() {
    let shop = Shop::open("300ms");
    let planned = shop.run(&["plan", "1.0.0.yaml", "--json"]).succeeded().json();
    let digest = planned["digest"].as_str().unwrap();
    let ended: Vec<Ended> = std::thread::scope(|scope| {
        let applies = [0, 1].map(|_| scope.spawn(|| shop.run(&["apply", digest, "--wait", "--timeout", "60s"])));
        applies.map(|apply| apply.join().unwrap()).into()
    });
    let without = ended
        .into_iter()
        .map(Ended::succeeded)
        .filter(|ended| ended.stderr.contains("applied before"));
    assert_eq!(without.count(), 1, "exactly one of them changed something");
    let journal = shop
        .run(&["history", "--release", "1.0.0", "--json"])
        .succeeded()
        .json();
    let rows = journal["rows"].as_array().unwrap();
    assert_eq!(
        rows.iter().filter(|row| row["kind"] == "applied").count(),
        1,
        "{rows:#?}"
    );
}

#[test]
fn an_artifact_that_changed_after_the_plan_is_refused_and_one_applied_is_kept() {
    let shop = Shop::installed("300ms");
    let planned = shop.run(&["plan", "1.1.0.yaml", "--json"]).succeeded().json();
    let path = shop.workspace.path("loyalty-1.1.0");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}\n")).unwrap();
    let apply = ["apply", planned["digest"].as_str().unwrap()];
    let refused = shop.run(&apply).ended_with(4);
    refused
        .says("artifact changed after the plan: `")
        .says("restore the file that was planned");
    assert_eq!(
        shop.status()["releases"].as_array().unwrap().len(),
        1,
        "nothing has begun"
    );
    std::fs::write(&path, text).unwrap();
    shop.run(&apply).succeeded();
    // From here on it is the server's copy that counts.
    std::fs::remove_file(&path).unwrap();
    shop.wait_until("everybody has moved", |shop| {
        shop.served_by("cato").as_deref() == Some("1.1.0")
    });
}

#[test]
fn a_version_that_never_gets_ready_moves_nobody() {
    let shop = Shop::installed("300ms");
    shop.workspace.write("loyalty-1.1.0", "#!/bin/false\n");
    let applied = shop
        .run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .ended_with(4);
    applied
        .says("release 1.1.0 is held by tidegate/prepare: slot ")
        .says("tidegate abort 1.1.0");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    shop.run(&["abort", "1.1.0", "--reason", "it never starts"]).succeeded();
    shop.run(&["status"]).succeeded().shows("Release 1.1.0  ↩ aborted");
}

#[test]
fn a_port_that_the_gateway_cannot_have_is_named_at_once() {
    let workspace = Workspace::starter();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let served = workspace.run(&["serve", "--gateway-listen", &address]).ended_with(1);
    served.says(&format!("the gateway cannot listen on {address}"));
}

#[test]
fn a_certificate_that_is_not_there_is_named() {
    let workspace = Workspace::starter();
    let tls = "gateway:\n  tls: {listen: 127.0.0.1:0, certificate: cert.pem, key: key.pem}";
    workspace.replace("tidegate.yaml", "gateway:", tls);
    for verb in ["plan", "serve"] {
        let refused = workspace.run(&[verb]).ended_with(1);
        refused.says("cannot read `cert.pem`, which `tidegate.yaml` names as `certificate`");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let workspace = Workspace::starter();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let served = workspace
        .run(&["serve", "--no-gateway", "--listen", &address])
        .ended_with(1);
    served.says(&format!("cannot listen on {address}"));
    workspace
        .run(&["serve", "--listen", "0.0.0.0:0"])
        .ended_with(1)
        .says("loopback");
}

#[test]
fn a_project_with_mistakes_is_not_served() {
    let workspace = Workspace::starter();
    workspace.replace("tenants.yaml", "cell: local #", "cell: moon #");
    workspace.run(&["serve"]).ended_with(1).says("moon");
}
