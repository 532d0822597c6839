//! What is sent again, and what never is.

use std::time::Duration;

use tidegate_gateway::table::Policy;
use tokio::net::TcpListener;

use crate::client::{Client, get, request, send};
use crate::upstream::Upstream;
use crate::world::{World, table, world};

/// Requests with pauses around the idle limit of the instance, on one client connection. Returns how many failed.
async fn through_idle_closes(method: &str, count: u32) -> u32 {
    let idle = Duration::from_millis(5);
    let upstream = Upstream::start_closing_idle(idle).await;
    let world = world(&upstream, &upstream).await;
    let mut client = Client::connect(world.address).await;
    // The gateway has seen the instance close a connection once.
    assert_eq!(client.send(get("acme", "/")).await.unwrap().status, 200);
    tokio::time::sleep(idle * 10).await;
    let mut failed = 0;
    for number in 0..count {
        let answer = client.send(request(method, "acme", "/", &[], "")).await.unwrap();
        failed += u32::from(answer.status != 200);
        tokio::time::sleep(Duration::from_micros(u64::from(number % 40) * 250)).await;
    }
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_get_is_lost_to_an_instance_that_closes_idle_connections() {
    assert_eq!(through_idle_closes("GET", 400).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_post_is_lost_either_because_connections_near_the_limit_are_not_used() {
    assert_eq!(through_idle_closes("POST", 400).await, 0);
}

#[tokio::test]
async fn an_instance_that_is_not_there_is_passed_over() {
    let here = Upstream::start("old").await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let world = World::start(table(&[gone, here.address], &[])).await;
    for _ in 0..20 {
        let answer = send(world.address, request("POST", "acme", "/", &[], "body")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["body"]), (200, &"body".into()));
    }
    assert_eq!(here.requests(), 20);
}

#[tokio::test]
async fn a_request_that_cannot_be_repeated_is_sent_once() {
    let (mute, new) = (Upstream::start_mute().await, Upstream::start("new").await);
    let world = world(&mute, &new).await;
    let answer = send(world.address, request("POST", "acme", "/", &[], "body")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-tidegate-error")),
        (502, "upstream_broken")
    );
    assert_eq!(mute.requests(), 1);
    let again = [("idempotency-key", "1")];
    let answer = send(world.address, request("POST", "acme", "/", &again, "body")).await;
    assert_eq!(answer.header("x-tidegate-error"), "upstream_broken");
    assert!(mute.requests() > 2, "declared idempotent, so sent again");
}

#[tokio::test]
async fn retries_have_a_budget() {
    let (mute, new) = (Upstream::start_mute().await, Upstream::start("new").await);
    let world = world(&mute, &new).await;
    for _ in 0..100 {
        assert_eq!(world.get("acme", "/").await.status.as_u16(), 502);
    }
    // A fifth, ten a second beside it, and what is saved at the start.
    assert!(
        mute.requests() < 100 + 20 + 60,
        "{} requests reached the instance",
        mute.requests()
    );
}

#[tokio::test]
async fn a_body_is_sent_again_whole_or_not_at_all() {
    let here = Upstream::start("old").await;
    let mute = Upstream::start_mute().await;
    let world = World::start(table(&[mute.address, here.address], &[])).await;
    let small = "x".repeat(60_000);
    for _ in 0..4 {
        let answer = send(world.address, request("PUT", "acme", "/upload", &[], &small)).await;
        assert_eq!(answer.body, "Ok(60000)");
    }
    let large = "x".repeat(3_000_000);
    for _ in 0..4 {
        let answer = send(world.address, request("PUT", "acme", "/upload", &[], &large)).await;
        assert!(
            answer.body == "Ok(3000000)" || answer.status == 502,
            "{} {}",
            answer.status,
            answer.body
        );
    }
}

#[tokio::test]
async fn every_wait_has_a_limit() {
    let silent = Upstream::serve(|stream, _| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let mut table = table(&[silent.address], &[]);
    table.components[0].policy = Policy {
        first_byte_ms: 200,
        body_idle_ms: 200,
        ..Policy::default()
    };
    let world = World::start(table).await;
    let answer = world.get("acme", "/").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-tidegate-error")),
        (504, "upstream_timeout")
    );
}

#[tokio::test]
async fn an_answer_that_stops_half_way_is_cut_and_counted() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    let (old, new) = (Upstream::start_saying(half).await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let mut client = Client::connect(world.address).await;
    assert!(
        client.send(get("acme", "/")).await.is_err(),
        "half an answer must not look whole"
    );
    let metrics = send(world.admin, get("admin", "/metrics")).await.body;
    assert!(metrics.contains("reason=\"upstream_broken\"} 1"), "{metrics}");
}

#[tokio::test]
async fn what_is_not_http_is_an_error_of_its_own() {
    let (old, new) = (
        Upstream::start_saying(b"SSH-2.0-OpenSSH\r\n").await,
        Upstream::start("new").await,
    );
    let world = world(&old, &new).await;
    let answer = world.get("acme", "/").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-tidegate-error")),
        (502, "upstream_protocol")
    );
}
