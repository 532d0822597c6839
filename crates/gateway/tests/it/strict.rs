//! Requests that two readers could understand in two ways.

use crate::client::send_raw;
use crate::upstream::Upstream;
use crate::world::{World, world};

/// Sends bytes; they must be refused, and nothing after them may reach the instance.
async fn check_refused(world: &World, upstream: &Upstream, name: &str, bytes: &str) {
    let before = upstream.requests();
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: globex.shop.example\r\n\r\n";
    let answer = send_raw(world.address, format!("{bytes}{smuggled}").as_bytes()).await;
    let status = answer.get(9..12).unwrap_or("closed").to_owned();
    assert!(
        ["400", "404", "501", "431", "414", "closed"].contains(&status.as_str()),
        "{name}: {answer}"
    );
    assert!(!answer.contains("/smuggled"), "{name}: {answer}");
    assert_eq!(upstream.requests(), before, "{name} reached the instance: {answer}");
}

async fn check_all_refused(cases: &[(&str, String)]) {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    for (name, bytes) in cases {
        check_refused(&world, &old, name, bytes).await;
    }
}

#[tokio::test]
async fn ambiguous_framing_is_refused() {
    let post = "POST / HTTP/1.1\r\nhost: acme.shop.example\r\n";
    check_all_refused(&[
        (
            "length and chunked",
            format!("{post}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "chunked and length",
            format!("{post}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n"),
        ),
        (
            "two lengths",
            format!("{post}content-length: 0\r\ncontent-length: 5\r\n\r\n"),
        ),
        (
            "the same length twice",
            format!("{post}content-length: 0\r\ncontent-length: 0\r\n\r\n"),
        ),
        ("list of lengths", format!("{post}content-length: 0, 0\r\n\r\n")),
        ("signed length", format!("{post}content-length: +0\r\n\r\n")),
        ("length that is no number", format!("{post}content-length: 0x0\r\n\r\n")),
        (
            "unknown encoding",
            format!("{post}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "encoding before chunked",
            format!("{post}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "chunked twice",
            format!("{post}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "chunked not last",
            format!("{post}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        ),
        (
            "space before colon",
            format!("{post}transfer-encoding : chunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "folded line",
            format!("{post}x-a: b\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "bare carriage return",
            format!("{post}x-a: b\rtransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "bare line feeds",
            "GET / HTTP/1.1\nhost: acme.shop.example\n\n".to_owned(),
        ),
        ("line feed in a head", format!("{post}x-a: b\nx-b: c\r\n\r\n")),
        ("null in a name", format!("{post}x\0a: b\r\n\r\n")),
        (
            "chunked in HTTP/1.0",
            "POST / HTTP/1.0\r\nhost: acme.shop.example\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn ambiguous_targets_are_refused() {
    let post = "POST / HTTP/1.1\r\nhost: acme.shop.example\r\n";
    check_all_refused(&[
        (
            "two hosts",
            "GET / HTTP/1.1\r\nhost: acme.shop.example\r\nhost: globex.shop.example\r\n\r\n".to_owned(),
        ),
        ("no host", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (
            "host with user",
            "GET / HTTP/1.1\r\nhost: x@acme.shop.example\r\n\r\n".to_owned(),
        ),
        (
            "hosts that differ",
            "GET http://acme.shop.example/ HTTP/1.1\r\nhost: globex.shop.example\r\n\r\n".to_owned(),
        ),
        (
            "a tunnel",
            "CONNECT acme.shop.example:80 HTTP/1.1\r\nhost: acme.shop.example:80\r\n\r\n".to_owned(),
        ),
        (
            "dot segments",
            "GET /a/../b HTTP/1.1\r\nhost: acme.shop.example\r\nconnection: close\r\n\r\n".to_owned(),
        ),
        (
            "hidden dot segments",
            "GET /a/%2e%2E/b HTTP/1.1\r\nhost: acme.shop.example\r\nconnection: close\r\n\r\n".to_owned(),
        ),
        (
            "a version of its own",
            "GET / HTTP/3.7\r\nhost: acme.shop.example\r\n\r\n".to_owned(),
        ),
        ("too many headers", format!("{post}{}\r\n", "x: y\r\n".repeat(1_000))),
        ("a head without end", format!("{post}x: {}\r\n", "y".repeat(200_000))),
    ])
    .await;
}

#[tokio::test]
async fn chunks_are_read_strictly() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let post = "POST /upload HTTP/1.1\r\nhost: acme.shop.example\r\ntransfer-encoding: chunked\r\n\r\n";
    for (name, chunks) in [
        ("size that is no number", "zz\r\nabc\r\n0\r\n\r\n"),
        ("size too large", "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
        ("no end of chunk", "3\r\nabcd\r\n0\r\n\r\n"),
        ("signed size", "+3\r\nabc\r\n0\r\n\r\n"),
    ] {
        let answer = send_raw(world.address, format!("{post}{chunks}").as_bytes()).await;
        assert!(!answer.contains("Ok("), "{name}: {answer}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let one = "POST /1 HTTP/1.1\r\nhost: acme.shop.example\r\ncontent-length: 2\r\n\r\nab";
    let two = "POST /2 HTTP/1.1\r\nhost: acme.shop.example\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nx-t: 1\r\n\r\n";
    let three = "GET /3 HTTP/1.1\r\nhost: acme.shop.example\r\n\r\n";
    let answer = send_raw(world.address, format!("{one}{two}{three}").as_bytes()).await;
    let places: Vec<_> = ["\"target\":\"/1\"", "\"target\":\"/2\"", "\"target\":\"/3\""]
        .map(|text| answer.find(text))
        .to_vec();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{answer}");
    assert!(
        answer.contains("\"body\":\"ab\"") && answer.contains("\"body\":\"abc\""),
        "{answer}"
    );
}
