//! The gate `shadow` under a real gateway: what tenants ask their version is asked of the new one, too, before any of them moves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use tidegate_loyalty::{Artifact, Edition, Faults};

use crate::shop::{Shop, get_from};
use crate::workspace::EXECUTABLE;

/// Every version tells its number; nothing else is allowed to differ.
const WAVES: &str = "
name: two-waves
waves:
  - name: first
    select: {opt_in: true}
    bake: {least: 1h, longest: 2h, requests: 1000000}
    gates:
      - uses: shadow
        with:
          component: api
          share: 100
          requests: 60
          warm_up: 5
          for: 25s
          latency: false
          ignore: {headers: [x-loyalty-version], fields: [$.version]}
  - {name: rest, select: {rest: true}}
rollback_window: 1h
";

/// Requests of one tenant, one after the other, until it is dropped; none may fail.
struct Traffic {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Traffic {
    fn start(shop: &Shop, tenant: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (gateway, stopped) = (shop.gateway, Arc::clone(&stop));
        let thread = spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let answer = get_from(gateway, "/points/ada", tenant).unwrap();
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                assert!(answer.contains("\"version\":\"1.0.0\"") || answer.contains("\"version\":\"1.1.0\""));
                sleep(Duration::from_millis(5));
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// Every client got what it asked for.
    fn ends(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// 1.0.0 for everybody, and a 1.1.0 of this edition that a gate `shadow` looks at.
fn shop(edition: Edition) -> Shop {
    let shop = Shop::installed("300ms");
    let artifact = Artifact {
        version: "1.1.0".to_owned(),
        edition,
    };
    let text = artifact.render(EXECUTABLE.as_ref()).unwrap();
    shop.workspace.write("loyalty-1.1.0", &text);
    shop.workspace.write("playbooks/two-waves.yaml", WAVES);
    shop
}

fn is_held(shop: &Shop) -> bool {
    shop.status()["releases"][1]["hold"].is_object()
}

#[test]
fn a_version_that_answers_with_another_field_is_held_and_the_field_is_named() {
    let shop = shop(Edition::Good);
    let traffic = Traffic::start(&shop, "acme");
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("the release is held", is_held);
    traffic.ends();
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    shop.run(&["status"])
        .succeeded()
        .shows("GET /points/ada: `$.tier`, added by the new version, differs in 100 %");
    shop.run(&["shadow", "show", "1.1.0", "first", "--exit-code"])
        .ended_with(3)
        .shows("GET /points/ada  (60 pairs)")
        .shows("fail: $.tier, added\n")
        .shows("- absent\n    + \"bronze\"");
    // Whoever may not see what instances print may not see examples of their answers.
    let token = shop.run(&["token", "create", "looker", "--role", "viewer"]).succeeded();
    let token = token.stdout.trim();
    shop.workspace.with_token(token, &["status"]).succeeded();
    shop.workspace
        .with_token(token, &["shadow", "show", "1.1.0", "first"])
        .ended_with(4);
}

#[test]
fn a_version_that_tells_a_wrong_total_is_held_and_the_total_is_named() {
    let acme = BTreeSet::from(["acme".to_owned()]);
    let shop = shop(Edition::Bad(Faults {
        wrong_for: acme.clone(),
        fails_for: acme,
        ..Faults::default()
    }));
    shop.workspace.replace(
        "playbooks/two-waves.yaml",
        "fields: [$.version]",
        "fields: [$.version, $.tier]",
    );
    let traffic = Traffic::start(&shop, "acme");
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("the release is held", is_held);
    traffic.ends();
    shop.run(&["shadow", "show", "1.1.0", "first"])
        .succeeded()
        .shows("fail: status, class")
        .shows("fail: $.points, value\n")
        .shows("- 0\n    + 1");
}

#[test]
fn a_version_that_answers_as_the_old_one_passes_even_if_the_server_is_killed_meanwhile() {
    let mut shop = shop(Edition::Old);
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("the gate waits for requests", |shop| {
        shop.status()["releases"][1]["waves"][0]["stage"] == "verify"
    });
    let endpoint = shop.endpoint();
    shop.kill_server();
    shop.serve_at(&endpoint);
    let traffic = Traffic::start(&shop, "acme");
    shop.wait_until("the wave is baked", |shop| {
        shop.status()["releases"][1]["waves"][0]["stage"] == "bake"
    });
    traffic.ends();
    shop.run(&["shadow", "show", "1.1.0", "first", "--exit-code"])
        .succeeded()
        .shows("60 pairs differ no more than the old version does from itself");
}

#[test]
fn without_requests_of_the_waves_tenants_there_is_no_data_and_it_says_so() {
    let shop = shop(Edition::Old);
    shop.workspace
        .replace("playbooks/two-waves.yaml", "for: 25s", "for: 4s");
    // Of the other wave.
    let traffic = Traffic::start(&shop, "bolt");
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("the release is held", is_held);
    traffic.ends();
    shop.run(&["status"])
        .succeeded()
        .shows("no request was mirrored in 4s: none of the wave's tenants (1) has sent one to `api` that may be");
}
