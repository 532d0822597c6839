//! A new process takes over the sockets of the one before.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tidegate_gateway::{Gateway, Options, Source};
use tokio::net::UnixStream;

use crate::client::{Client, get, request, send};
use crate::publisher::{Publisher, TOKEN};
use crate::upstream::Upstream;
use crate::world::{options, table, until};

#[derive(Default)]
struct Counted {
    answered: AtomicU64,
    lost: AtomicU64,
    is_over: AtomicBool,
}

/// Sends POSTs, on one connection for as long as the gateway keeps it, or on a new one each.
async fn load(address: SocketAddr, is_kept: bool, counted: Arc<Counted>) {
    let mut client = Client::connect(address).await;
    while !counted.is_over.load(Ordering::SeqCst) {
        let answer = client.send(request("POST", "acme", "/", &[], "x")).await;
        let is_answered = answer.as_ref().is_ok_and(|answer| answer.status == 200);
        let counter = if is_answered { &counted.answered } else { &counted.lost };
        counter.fetch_add(1, Ordering::SeqCst);
        // A polite client leaves when it is told to.
        if !is_kept || answer.is_ok_and(|answer| answer.header("connection") == "close") {
            client = Client::connect(address).await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_processes_take_over() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let publisher = Publisher::start("127.0.0.1:0", Some(table(&[old.address], &[new.address]))).await;
    let directory = tempfile::tempdir().unwrap();
    // Deeper than the path of a socket may be.
    let deep = directory.path().join("a-long-name-of-a-directory/".repeat(6));
    let source = Source::Server {
        url: publisher.url(),
        token: TOKEN.to_owned(),
    };
    let options = Options {
        linger: Duration::from_millis(400),
        ..options(&deep, source)
    };
    let mut gateway = Gateway::start(options.clone()).await.unwrap();
    let (address, admin) = (gateway.listening(), gateway.admin());
    until("confirmed", || async { publisher.confirmed() == 1 }).await;

    let counted = Arc::new(Counted::default());
    let loads: Vec<_> = (0..6)
        .map(|number| tokio::spawn(load(address, number % 2 == 0, counted.clone())))
        .collect();
    for round in 1..=4_u64 {
        until("answers", || async {
            counted.answered.load(Ordering::SeqCst) > round * 100
        })
        .await;
        let next = Gateway::start(options.clone()).await.unwrap();
        assert_eq!((next.listening(), next.admin()), (address, admin));
        gateway.taken_over().await;
        gateway.end().await;
        gateway = next;
    }
    counted.is_over.store(true, Ordering::SeqCst);
    for load in loads {
        load.await.unwrap();
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    assert!(count(&counted.answered) > 400, "{} answered", count(&counted.answered));
    assert_eq!(
        count(&counted.lost),
        0,
        "lost, beside {} answered",
        count(&counted.answered)
    );

    let follows = std::mem::take(&mut publisher.heard.lock().unwrap().follows);
    let left = follows.iter().filter(|follow| follow.leaving);
    assert_eq!(
        left.map(|follow| &follow.incarnation)
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        4
    );
}

#[tokio::test]
async fn a_process_that_goes_away_before_it_serves_changes_nothing() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let publisher = Publisher::start("127.0.0.1:0", Some(table(&[old.address], &[new.address]))).await;
    let directory = tempfile::tempdir().unwrap();
    let source = Source::Server {
        url: publisher.url(),
        token: TOKEN.to_owned(),
    };
    let gateway = Gateway::start(options(directory.path(), source.clone())).await.unwrap();
    until("confirmed", || async { publisher.confirmed() == 1 }).await;

    let path = directory.path().join("handover.sock");
    let asked = UnixStream::connect(&path).await.unwrap();
    asked.readable().await.unwrap();
    drop(asked);
    let mut next = table(&[old.address], &[new.address]);
    next.generation = 2;
    publisher.publish(next);
    until("still following", || async { publisher.confirmed() == 2 }).await;
    assert_eq!(
        send(gateway.listening(), get("acme", "/")).await.header("connection"),
        ""
    );

    // One that is killed leaves its socket file behind.
    drop(gateway);
    let restarted = Gateway::start(options(directory.path(), source)).await.unwrap();
    assert_eq!(send(restarted.listening(), get("acme", "/")).await.status, 200);
}
