//! A wave is judged by what a real gateway counts: one tenant that turns bad is found alone, and an outage of all is nobody's fault.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use serde_json::Value;

use crate::shop::{Shop, get_from};

const TENANTS: [&str; 3] = ["acme", "bolt", "cato"];

/// Answers within a quarter of a second are never slow, however busy the machine is; a slow one takes four times as long.
const HEALTH: &str = "
on_failure: tenant
on_inconclusive: hold
rollback_window: 1h
health: {interval: 250ms, latency: {slack_ms: 250}}
";
const SLOW: &str = "/slow?milliseconds=1000";

/// Everybody in one wave.
const TOGETHER: &str = "
name: two-waves
waves:
  - {name: everybody, select: {rest: true}, bake: {least: 1h, longest: 2h, requests: 1000000}}
";

/// acme first, which leaves those who stay.
const APART: &str = "
name: two-waves
waves:
  - {name: first, select: {opt_in: true}, bake: {least: 1h, longest: 2h, requests: 1000000}}
  - {name: rest, select: {rest: true}}
";

/// What the clients of one tenant do.
#[derive(Default)]
struct Client {
    slow: AtomicBool,
    sent: AtomicU64,
}

/// Clients of each tenant, one request after the other, until it is dropped.
struct Traffic {
    clients: BTreeMap<&'static str, Arc<Client>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Traffic {
    fn start(shop: &Shop) -> Self {
        let mut traffic = Self {
            clients: BTreeMap::new(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        for tenant in TENANTS {
            let client = Arc::new(Client::default());
            traffic.clients.insert(tenant, Arc::clone(&client));
            let (gateway, stop) = (shop.gateway, Arc::clone(&traffic.stop));
            traffic.threads.push(spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let is_slow = client.slow.load(Ordering::Relaxed);
                    let path = if is_slow { SLOW } else { "/points/ada" };
                    let _ = get_from(gateway, path, tenant);
                    client.sent.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(5));
                }
            }));
        }
        traffic
    }

    fn sent(&self, tenant: &str) -> u64 {
        self.clients[tenant].sent.load(Ordering::Relaxed)
    }

    fn turns_slow(&self, tenant: &str) {
        self.clients[tenant].slow.store(true, Ordering::Relaxed);
    }

    /// Until each tenant has sent so many requests more.
    #[track_caller]
    fn goes_on(&self, shop: &Shop, requests: u64) {
        let goals = TENANTS.map(|tenant| (tenant, self.sent(tenant) + requests));
        shop.wait_until("all tenants go on", |_| {
            goals.iter().all(|(tenant, goal)| self.sent(tenant) >= *goal)
        });
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

/// 1.1.0 under traffic, with a first wave that has been shown to be well.
fn well(waves: &str) -> (Shop, Traffic) {
    let shop = Shop::installed("300ms");
    let playbook = format!("{waves}{HEALTH}");
    shop.workspace.write("playbooks/two-waves.yaml", &playbook);
    let traffic = Traffic::start(&shop);
    traffic.goes_on(&shop, 300);
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("it is well", |shop| health(shop)["verdict"] == "pass");
    (shop, traffic)
}

/// The health of the first wave of 1.1.0.
fn health(shop: &Shop) -> Value {
    shop.status()["releases"][1]["waves"][0]["health"].clone()
}

fn served(shop: &Shop) -> [Option<String>; 3] {
    TENANTS.map(|tenant| shop.served_by(tenant))
}

#[test]
fn a_tenant_that_turns_bad_late_in_the_bake_is_found_alone_and_taken_back() {
    let (mut shop, traffic) = well(TOGETHER);
    traffic.goes_on(&shop, 500);
    // What was seen until now is not seen again by the next server, nor forgotten.
    let endpoint = shop.endpoint();
    shop.kill_server();
    shop.serve_at(&endpoint);
    shop.wait_until("it is still well", |shop| health(shop)["verdict"] == "pass");
    traffic.turns_slow("bolt");
    // Nobody asks bolt meanwhile: what answers at once would hide what is slow.
    shop.wait_until("one tenant is taken back", |shop| {
        shop.status()["releases"][1]["waves"][0]["tenants"]["returned"] == 1
    });
    let on = |version: &str| Some(version.to_owned());
    assert_eq!(served(&shop), [on("1.1.0"), on("1.0.0"), on("1.1.0")]);
    shop.run(&["history", "--tenant", "bolt"])
        .succeeded()
        .shows("slower than")
        .shows("the others are well");
    // Without bolt the wave is as well as before.
    shop.wait_until("the others are well", |shop| health(shop)["verdict"] == "pass");
    traffic.goes_on(&shop, 3);
    assert_eq!(served(&shop), [on("1.1.0"), on("1.0.0"), on("1.1.0")]);
}

#[test]
fn what_hurts_those_who_stayed_as_well_takes_nobody_back() {
    let (shop, traffic) = well(APART);
    TENANTS.into_iter().for_each(|tenant| traffic.turns_slow(tenant));
    shop.wait_until("it is seen", |shop| {
        let reason = health(shop)["reason"].as_str().unwrap_or_default().to_owned();
        reason.contains("are hurt as well")
    });
    traffic.goes_on(&shop, 10);
    assert_eq!(health(&shop)["verdict"], "inconclusive");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.1.0"));
    shop.run(&["status"])
        .succeeded()
        .shows("to decide: those who stayed to recover, or to be better off beyond chance");
}
