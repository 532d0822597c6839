//! The follow protocol: confirmation, persistence, refusal, restarts, counters.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use tidegate_gateway::table::{Phase, Table};
use tidegate_gateway::{Gateway, Source, StartError};

use crate::client::{get, request, send};
use crate::publisher::{Publisher, TOKEN};
use crate::upstream::Upstream;
use crate::world::{options, reroute, table, to_new, until};

async fn gateway(directory: &Path, publisher: &Publisher) -> Gateway {
    publisher.heard.lock().unwrap().state_dir = Some(directory.to_owned());
    let source = Source::Server {
        url: publisher.url(),
        token: TOKEN.to_owned(),
    };
    Gateway::start(options(directory, source)).await.unwrap()
}

async fn until_confirmed(publisher: &Publisher, generation: u64) {
    until("confirmed", || async { publisher.confirmed() == generation }).await;
}

fn next(table: &Table, change: impl FnOnce(&mut Table)) -> Table {
    let mut next = table.clone();
    next.generation += 1;
    change(&mut next);
    next
}

#[tokio::test]
async fn a_table_is_persisted_used_and_then_confirmed() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let publisher = Publisher::start("127.0.0.1:0", None).await;
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway(directory.path(), &publisher).await;
    let waiting = send(gateway.listening(), get("acme", "/")).await;
    assert_eq!(
        (waiting.status.as_u16(), waiting.header("x-tidegate-error")),
        (503, "no_instance")
    );

    let mut current = table(&[old.address], &[new.address]);
    publisher.publish(current.clone());
    until_confirmed(&publisher, 1).await;
    assert_eq!(
        send(gateway.listening(), get("acme", "/")).await.header("x-version"),
        "old"
    );
    let follow = publisher.last().unwrap();
    assert_eq!((follow.gateway.as_str(), follow.lingering), ("g1", false));
    assert_eq!(follow.listening, vec![gateway.listening(), gateway.internal().unwrap()]);

    for generation in 2..30 {
        let version = if generation % 2 == 0 { "eu/new" } else { "eu/old" };
        current = next(&current, |table| {
            reroute(table, "acme", |route| route.version = version.into());
        });
        let begun = Instant::now();
        publisher.publish(current.clone());
        until_confirmed(&publisher, generation).await;
        assert!(
            begun.elapsed() < Duration::from_millis(700),
            "news must not wait for the next poll"
        );
        let answer = send(gateway.listening(), get("acme", "/")).await;
        assert_eq!(format!("eu/{}", answer.header("x-version")), version);
    }
    assert!(publisher.last().unwrap().persist_micros > 0);
    assert_eq!(publisher.heard.lock().unwrap().confirmed_before_persisted, 0);
}

#[tokio::test]
async fn an_invalid_or_older_table_is_refused_and_the_good_one_keeps_serving() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let good = next(&table(&[old.address], &[new.address]), |_| {});
    let publisher = Publisher::start("127.0.0.1:0", Some(good.clone())).await;
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway(directory.path(), &publisher).await;
    until_confirmed(&publisher, 2).await;

    let invalid = next(&good, |table| drop(table.slots.remove("web.new")));
    let older = next(&good, |table| {
        table.generation = 1;
        reroute(table, "acme", to_new);
    });
    for (bad, reason) in [(invalid, "`web.new`"), (older, "older than generation 2")] {
        let generation = bad.generation;
        publisher.publish(bad);
        until("refused", || async {
            publisher
                .last()
                .unwrap()
                .refused
                .is_some_and(|refused| refused.generation == generation && refused.reason.contains(reason))
        })
        .await;
        assert_eq!(publisher.confirmed(), 2);
        assert_eq!(
            send(gateway.listening(), get("acme", "/")).await.header("x-version"),
            "old"
        );
    }
    publisher.publish(next(&good, |table| reroute(table, "acme", to_new)));
    until_confirmed(&publisher, 3).await;
    assert_eq!(publisher.last().unwrap().refused, None);
}

#[tokio::test]
async fn the_gateway_outlives_its_publisher_and_its_own_restart() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let first = table(&[old.address], &[new.address]);
    let publisher = Publisher::start("127.0.0.1:0", Some(first.clone())).await;
    let (address, url) = (publisher.address.to_string(), publisher.url());
    let directory = tempfile::tempdir().unwrap();
    let started = gateway(directory.path(), &publisher).await;
    until_confirmed(&publisher, 1).await;
    publisher.stop().await;
    for _ in 0..10 {
        assert_eq!(send(started.listening(), get("acme", "/")).await.status, 200);
    }
    started.end().await;

    let source = Source::Server {
        url,
        token: TOKEN.to_owned(),
    };
    let begun = Instant::now();
    let restarted = Gateway::start(options(directory.path(), source)).await.unwrap();
    assert_eq!(
        send(restarted.listening(), get("acme", "/")).await.header("x-version"),
        "old"
    );
    assert!(begun.elapsed() < Duration::from_millis(300), "{:?}", begun.elapsed());

    // A publisher that lost its store begins a new epoch.
    let publisher = Publisher::start(
        &address,
        Some(next(&first, |table| {
            "restored".clone_into(&mut table.epoch);
            table.generation = 1;
            reroute(table, "acme", to_new);
        })),
    )
    .await;
    until("new epoch", || async {
        publisher
            .last()
            .and_then(|follow| follow.confirmed)
            .is_some_and(|confirmed| confirmed.epoch == "restored")
    })
    .await;
    assert_eq!(
        send(restarted.listening(), get("acme", "/")).await.header("x-version"),
        "new"
    );
}

#[tokio::test]
async fn the_publisher_sees_a_slot_drain() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let first = table(&[old.address], &[new.address]);
    let publisher = Publisher::start("127.0.0.1:0", Some(first.clone())).await;
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway(directory.path(), &publisher).await;
    until_confirmed(&publisher, 1).await;
    let slow = tokio::spawn(send(gateway.listening(), get("acme", "/?ms=600")));
    until("under way", || async { old.requests() == 1 }).await;
    publisher.publish(next(&first, |table| {
        reroute(table, "acme", to_new);
        reroute(table, "globex", to_new);
        // Even one that has left the table is told of until it is empty.
        table.slots.remove("web.old");
        table.versions.remove("eu/old");
    }));
    until_confirmed(&publisher, 2).await;
    assert_eq!(publisher.last().unwrap().in_flight.get("web.old"), Some(&1));
    assert_eq!(slow.await.unwrap().header("x-version"), "old");
    let ended = Instant::now();
    until("drained", || async { publisher.last().unwrap().in_flight.is_empty() }).await;
    assert!(ended.elapsed() < Duration::from_millis(500), "{:?}", ended.elapsed());
}

#[tokio::test]
async fn a_lingering_gateway_still_follows_and_says_so() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let first = table(&[old.address], &[new.address]);
    let publisher = Publisher::start("127.0.0.1:0", Some(first.clone())).await;
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway(directory.path(), &publisher).await;
    until_confirmed(&publisher, 1).await;
    let slow = tokio::spawn(send(gateway.listening(), get("acme", "/?ms=1200")));
    until("under way", || async { old.requests() == 1 }).await;
    let ending = tokio::spawn(gateway.end());
    publisher.publish(next(&first, |table| {
        let slot = table.slots.get_mut("web.old").unwrap();
        slot.phase = Phase::Draining {
            requests_until_ms: None,
            streams_until_ms: None,
        };
    }));
    until("lingering and confirmed", || async {
        publisher.last().unwrap().lingering && publisher.confirmed() == 2
    })
    .await;
    publisher.heard.lock().unwrap().state_dir = None;
    assert_eq!(slow.await.unwrap().status, 200);
    ending.await.unwrap();
}

#[tokio::test]
async fn counters_arrive_and_a_lost_report_loses_nothing() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let publisher = Publisher::start("127.0.0.1:0", Some(table(&[old.address], &[new.address]))).await;
    publisher.heard.lock().unwrap().loses_reports = true;
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway(directory.path(), &publisher).await;
    until_confirmed(&publisher, 1).await;
    for number in 0..12 {
        let path = if number % 4 == 0 { "/?status=500" } else { "/" };
        let user = format!("user-{}", number % 8);
        send(
            gateway.listening(),
            request("GET", "acme", path, &[("x-user", &user)], ""),
        )
        .await;
    }
    until("first reports", || async { publisher.marks().len() > 1 }).await;
    publisher.heard.lock().unwrap().loses_reports = false;
    let last = || {
        publisher
            .marks()
            .last()
            .unwrap()
            .series
            .iter()
            .find(|series| series.tenant == "acme")
            .cloned()
    };
    until("all told", || async {
        last().is_some_and(|series| series.requests.successes == 9)
    })
    .await;
    let series = last().unwrap();
    assert_eq!((series.version.as_str(), series.cell.as_str()), ("old", "eu"));
    assert_eq!(
        (series.requests.server_errors, series.error_clients, series.in_flight),
        (3, 2, 0)
    );
    assert_eq!(series.latency.iter().map(|(_, count)| count).sum::<u64>(), 12);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let publisher = Publisher::start("127.0.0.1:0", None).await;
    let directory = tempfile::tempdir().unwrap();
    let source = Source::Server {
        url: publisher.url(),
        token: TOKEN.to_owned(),
    };
    let mut taken = options(directory.path(), source.clone());
    taken.listen = publisher.address;
    let error = Gateway::start(taken).await.unwrap_err();
    let StartError::Listen {
        what: "public",
        source: cause,
    } = error
    else {
        panic!("{error}")
    };
    let expected = format!(
        "address {} is taken by another process; stop it, or choose another address",
        publisher.address
    );
    assert_eq!(cause.to_string(), expected);

    let mut exposed = options(directory.path(), source.clone());
    exposed.admin = ([0, 0, 0, 0], 0).into();
    assert!(matches!(
        Gateway::start(exposed).await,
        Err(StartError::Listen { what: "admin", .. })
    ));

    std::fs::write(directory.path().join("table.json"), "{half").unwrap();
    assert!(matches!(
        Gateway::start(options(directory.path(), source)).await,
        Err(StartError::Persisted(_))
    ));
}

#[tokio::test]
async fn a_publisher_that_asks_is_told_who_is_on_which_version() {
    let old = Upstream::start("old").await;
    let publisher = Publisher::start("127.0.0.1:0", None).await;
    let directory = tempfile::tempdir().unwrap();
    let _gateway = gateway(directory.path(), &publisher).await;
    let current = table(&[old.address], &[old.address]);
    let expected = current.routes.iter();
    let expected: BTreeMap<_, _> = expected
        .map(|(tenant, route)| (tenant.clone(), route.version.clone()))
        .collect();
    publisher.publish(current);
    until_confirmed(&publisher, 1).await;
    until("told", || async {
        let last = publisher.last().and_then(|follow| follow.routes);
        last.as_ref() == Some(&expected)
    })
    .await;
}
