//! Switches under load: nothing lost, nothing answered by a version that was left before the request was sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tidegate_gateway::table::Phase;

use crate::client::{Client, request};
use crate::upstream::Upstream;
use crate::world::{reroute, until, world};

/// So many begin on a version before it is left again.
const REQUESTS_BETWEEN: u64 = 50;

#[derive(Default)]
struct Watched {
    /// Number of the last confirmed switch; odd ones are to the new version.
    confirmed: AtomicU64,
    /// Number of the last switch that was published.
    published: AtomicU64,
    sent: AtomicU64,
    stale: AtomicU64,
    lost: AtomicU64,
    is_over: AtomicBool,
}

/// Sends one request after the other for a tenant that switches, and judges each answer.
async fn load(address: SocketAddr, method: &'static str, path: &'static str, watched: Arc<Watched>) {
    let mut client = Client::connect(address).await;
    while !watched.is_over.load(Ordering::SeqCst) {
        let confirmed = watched.confirmed.load(Ordering::SeqCst);
        watched.sent.fetch_add(1, Ordering::SeqCst);
        match client.send(request(method, "acme", path, &[], "x")).await {
            Ok(answer) if answer.status == 200 => {
                let published = watched.published.load(Ordering::SeqCst);
                let version = u64::from(answer.header("x-version") == "new");
                let is_stale = (confirmed..=published).all(|number| number % 2 != version);
                watched.stale.fetch_add(u64::from(is_stale), Ordering::SeqCst);
            }
            Ok(_) | Err(_) => {
                watched.lost.fetch_add(1, Ordering::SeqCst);
                client = Client::connect(address).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_stale_over_switches() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    let watched = Arc::new(Watched::default());
    let loads: Vec<_> = (0..8)
        .map(|number| {
            let method = if number % 2 == 0 { "GET" } else { "POST" };
            tokio::spawn(load(world.address, method, "/", watched.clone()))
        })
        .collect();
    for number in 1..=10_u64 {
        watched.published.store(number, Ordering::SeqCst);
        world
            .change(|table| {
                let is_new = number % 2 == 1;
                let version = if is_new { "eu/new" } else { "eu/old" };
                reroute(table, "acme", |route| route.version = version.into());
                let draining = Phase::Draining {
                    requests_until_ms: None,
                    streams_until_ms: None,
                };
                for (slot, is_used) in [("web.old", !is_new), ("web.new", is_new)] {
                    table.slots.get_mut(slot).unwrap().phase = if is_used { Phase::Active } else { draining };
                }
            })
            .await;
        watched.confirmed.store(number, Ordering::SeqCst);
        let enough = watched.sent.load(Ordering::SeqCst) + REQUESTS_BETWEEN;
        until("load between two switches", || async {
            watched.sent.load(Ordering::SeqCst) >= enough
        })
        .await;
    }
    watched.is_over.store(true, Ordering::SeqCst);
    for load in loads {
        load.await.unwrap();
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    assert_eq!(
        (count(&watched.lost), count(&watched.stale)),
        (0, 0),
        "lost, stale of {}",
        count(&watched.sent)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_said_to_be_empty_can_be_stopped_under_load() {
    let mut current = Upstream::start("0").await;
    let mut world = world(&current, &current).await;
    let watched = Arc::new(Watched::default());
    let loads: Vec<_> = (0..8)
        .map(|number| {
            let method = if number % 2 == 0 { "GET" } else { "POST" };
            tokio::spawn(load(world.address, method, "/?ms=40", watched.clone()))
        })
        .collect();
    let mut used = "web.old".to_owned();
    for number in 1..=15 {
        let next = Upstream::start("next").await;
        let id = format!("web.{number}");
        world
            .change(|table| {
                let mut slot = table.slots[used.as_str()].clone();
                slot.instances[0].address = next.address;
                table.slots = [(id.as_str().into(), slot)].into();
                for version in table.versions.values_mut() {
                    version.slots.insert("web".into(), id.as_str().into());
                }
            })
            .await;
        until("empty", || async {
            world.health().await["in_flight"].get(&used).is_none()
        })
        .await;
        // Stopped at once, with all connections.
        drop(std::mem::replace(&mut current, next));
        used = id;
    }
    watched.is_over.store(true, Ordering::SeqCst);
    for load in loads {
        load.await.unwrap();
    }
    assert_eq!(
        watched.lost.load(Ordering::SeqCst),
        0,
        "lost of {}",
        watched.sent.load(Ordering::SeqCst)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ending_gateway_loses_nothing() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = Client::connect(world.address).await;
        assert_eq!(
            client
                .send(request("POST", "acme", "/", &[], "x"))
                .await
                .unwrap()
                .status,
            200
        );
        clients.push(client);
    }
    let mut slow = Client::connect(world.address).await;
    let slow = tokio::spawn(async move { slow.send(request("POST", "acme", "/?ms=800", &[], "x")).await });
    let mut watching = clients.pop().unwrap();
    let ending = tokio::spawn(world.gateway.take().unwrap().end());
    // It says that it ends with the first answer after it has begun to.
    let told = async {
        loop {
            let answer = watching.send(request("POST", "acme", "/", &[], "x")).await.unwrap();
            assert_eq!(answer.status, 200);
            if answer.header("connection") == "close" {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told).await.unwrap();
    for client in &mut clients {
        let answer = client.send(request("POST", "acme", "/", &[], "x")).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.header("connection")), (200, "close"));
    }
    assert_eq!(slow.await.unwrap().unwrap().status, 200);
    ending.await.unwrap();
    assert!(tokio::net::TcpStream::connect(world.address).await.is_err());
}
