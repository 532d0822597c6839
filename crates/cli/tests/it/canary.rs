//! A share of the clients gets the new version first, by what a real gateway routes and counts: a bad one is stopped before anybody is moved,
//! and a good one goes through, whenever the server is killed.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use serde_json::Value;
use tidegate_loyalty::{Artifact, Faults};

use crate::shop::Shop;

const TENANTS: [&str; 3] = ["acme", "bolt", "cato"];
const CLIENTS: u32 = 40;

/// Answers within a quarter of a second are never slow, however busy the machine is.
const PLAYBOOK: &str = "
name: two-waves
waves:
  - name: everybody
    select: {rest: true}
    canary: {share: 25, least: 100ms, longest: 1h, requests: 100, warm_up: 1s}
    bake: {least: 100ms, longest: 300ms, requests: 1, on_inconclusive: pass}
rollback_window: 1h
health: {interval: 250ms, latency: {slack_ms: 250}}
";

/// Clients of all tenants, one request after the other, until it is dropped.
struct Traffic {
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Traffic {
    fn start(shop: &Shop) -> Self {
        let mut traffic = Self {
            sent: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        for tenant in TENANTS {
            let (gateway, stop, sent) = (shop.gateway, Arc::clone(&traffic.stop), Arc::clone(&traffic.sent));
            traffic.threads.push(spawn(move || {
                for client in (0..CLIENTS).cycle() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let _ = served(gateway, tenant, client);
                    sent.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(3));
                }
            }));
        }
        let goal = 600;
        shop.wait_until("there is a history", |_| traffic.sent.load(Ordering::Relaxed) >= goal);
        traffic
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The version that serves a client.
fn served(gateway: SocketAddr, tenant: &str, client: u32) -> std::io::Result<Option<String>> {
    let mut stream = TcpStream::connect(gateway)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET /points/ada HTTP/1.1\r\nhost: loyalty\r\nx-tenant: {tenant}\r\nx-client: c{client}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let version = answer.lines().find_map(|line| line.strip_prefix("x-loyalty-version: "));
    Ok(version.map(str::to_owned))
}

/// The clients of a tenant that the new version serves.
fn on(shop: &Shop, version: &str, tenant: &str) -> BTreeSet<u32> {
    let serves = |client: &u32| served(shop.gateway, tenant, *client).unwrap().as_deref() == Some(version);
    (0..CLIENTS).filter(serves).collect()
}

fn shop() -> (Shop, Traffic) {
    let tell_clients_apart = |workspace: &crate::workspace::Workspace| {
        let path = workspace.path("tidegate.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let told = text.replace(
            "{header: x-tenant}]}",
            "{header: x-tenant}], client_from: {header: x-client}}",
        );
        workspace.write("tidegate.yaml", &told);
    };
    let shop = Shop::open_with("300ms", Vec::new(), tell_clients_apart);
    shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    shop.workspace.write("playbooks/two-waves.yaml", PLAYBOOK);
    let traffic = Traffic::start(&shop);
    (shop, traffic)
}

fn wave(shop: &Shop) -> Value {
    shop.status()["releases"][1]["waves"][0].clone()
}

#[track_caller]
fn in_canary(shop: &Shop) {
    shop.wait_until("its canary is on", |shop| {
        let tenants = wave(shop)["canary"]["tenants"].as_array().map(Vec::len);
        tenants == Some(3) && TENANTS.iter().all(|tenant| !on(shop, "1.0.0", tenant).is_empty())
    });
}

/// Kills the server where it stands, and lets another one go on.
fn next_server(shop: &mut Shop) {
    let endpoint = shop.endpoint();
    shop.kill_server();
    shop.serve_at(&endpoint);
}

#[test]
fn a_bad_release_is_stopped_in_its_canary_and_moves_nobody() {
    let (mut shop, _traffic) = shop();
    shop.write_release(&Artifact::bad(Faults {
        fails_for: TENANTS.map(str::to_owned).into(),
        ..Faults::default()
    }));
    shop.run(&["plan", "1.2.0.yaml"])
        .succeeded()
        .shows("25 % of each tenant's clients first")
        .shows("requests without an error show that at most 1 % fail");
    shop.run(&["apply", "1.2.0.yaml"]).succeeded();
    in_canary(&shop);
    assert_eq!(wave(&shop)["stage"], "canary");
    next_server(&mut shop);
    shop.wait_until("it is held", |shop| {
        let reason = shop.status()["releases"][1]["hold"]["reason"].clone();
        reason
            .as_str()
            .is_some_and(|reason| reason.contains("the canary of wave everybody: errors"))
    });
    let held = wave(&shop);
    assert_eq!(
        (&held["tenants"]["moved"], &held["stage"]),
        (&Value::from(0), &Value::from("canary"))
    );
    assert_eq!(held["health"]["verdict"], "fail", "{held}");
    shop.wait_until("everybody is served by the old version", |shop| {
        TENANTS.iter().all(|tenant| on(shop, "1.2.0", tenant).is_empty())
    });
    let journal = shop.run(&["history", "--release", "1.2.0", "--json"]).succeeded();
    let journal = journal.shows("\"canary_ended\"").shows("of the other requests");
    assert!(!journal.stdout.contains("\"moved\""), "{}", journal.stdout);
}

#[test]
fn a_good_release_goes_through_its_canary_and_each_client_keeps_its_version_meanwhile() {
    let (mut shop, _traffic) = shop();
    let playbook = PLAYBOOK.replace("least: 100ms, longest: 1h", "least: 4s, longest: 1h");
    shop.workspace.write("playbooks/two-waves.yaml", &playbook);
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    in_canary(&shop);
    let first = on(&shop, "1.1.0", "acme");
    assert!(!first.is_empty() && first.len() < CLIENTS as usize / 2, "{first:?}");
    shop.run(&["status"])
        .shows("25 % of the clients of 3 tenants on the new version");
    next_server(&mut shop);
    shop.wait_until("it is shown to be good", |shop| wave(shop)["stage"] != "canary");
    shop.wait_until("it is completed", |shop| {
        shop.status()["releases"][1]["phase"] == "completed"
    });
    let journal = shop.run(&["history", "--release", "1.1.0", "--json"]).succeeded();
    let journal = journal.shows("\"canary_started\"");
    assert!(!journal.stdout.contains("\"held\""), "{}", journal.stdout);
    assert!(
        !journal.stdout.contains("switch: the playbook lets it pass"),
        "{}",
        journal.stdout
    );
    for tenant in TENANTS {
        assert_eq!(on(&shop, "1.1.0", tenant).len(), CLIENTS as usize);
    }
}
