//! Bodies in both directions, event streams, upgrades.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::Request;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{get, request, send, send_raw};
use crate::upstream::Upstream;
use crate::world::{reroute, to_new, until, world};

#[tokio::test]
async fn bodies_flow_both_ways_while_both_are_open() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(driver);
    let (pieces, mut sent) = mpsc::channel::<&'static str>(1);
    let body = futures_util::stream::poll_fn(move |context| {
        sent.poll_recv(context)
            .map(|piece| piece.map(|piece| Ok::<_, hyper::Error>(Frame::data(Bytes::from(piece)))))
    });
    let request = Request::post("/echo")
        .header("host", "acme.shop.example")
        .body(StreamBody::new(body))
        .unwrap();
    pieces.send("one").await.unwrap();
    let mut answer = sender.send_request(request).await.unwrap().into_body();
    for piece in ["one", "two", "three"] {
        if piece != "one" {
            pieces.send(piece).await.unwrap();
        }
        let frame = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame, piece);
    }
    drop(pieces);
    assert!(answer.frame().await.is_none());
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let body: String = (0..400_000).map(|number| format!("{number:07},")).collect();
    let answer = send(world.address, request("POST", "acme", "/echo", &[], &body)).await;
    assert!(answer.body == body, "{} bytes of {}", answer.body.len(), body.len());
}

#[tokio::test]
async fn events_arrive_as_they_are_sent_and_over_a_switch() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    let begun = Instant::now();
    let events = tokio::spawn(send(world.address, get("acme", "/events?count=10&ms=60")));
    until("under way", || async {
        world.health().await["in_flight"]["web.old"] == 1
    })
    .await;
    world.route("acme", to_new).await;
    assert_eq!(world.get("acme", "/").await.header("x-version"), "new");
    let events = events.await.unwrap();
    let expected: String = (0..10).map(|number| format!("data: {number}\n\n")).collect();
    assert_eq!(
        (events.body, events.headers["x-version"].as_bytes()),
        (expected, &b"old"[..])
    );
    assert!(begun.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn a_websocket_survives_a_switch() {
    let (old, new) = (Upstream::start_websocket().await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut socket, answer) = tokio_tungstenite::client_async("ws://acme.shop.example/socket", stream)
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 101);
    for number in 0..20 {
        if number == 10 {
            world.change(|table| reroute(table, "acme", to_new)).await;
            assert_eq!(world.health().await["in_flight"]["web.old"], 1);
        }
        socket.send(Message::text(number.to_string())).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(number.to_string()));
    }
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    drop(socket);
    until("tunnel ended", || async {
        world.health().await["in_flight"].get("web.old").is_none()
    })
    .await;
    assert_eq!(old.requests(), 1);
}

#[tokio::test]
async fn an_upgrade_nobody_asked_for_is_refused() {
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n";
    let (old, new) = (Upstream::start_saying(answer).await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    assert_eq!(
        world.get("acme", "/").await.header("x-tidegate-error"),
        "upstream_protocol"
    );
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_to_continue_is_told() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let head = b"POST /echo HTTP/1.1\r\nhost: acme.shop.example\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").await.unwrap();
    let mut answer = vec![0; 4096];
    let count = stream.read(&mut answer).await.unwrap();
    assert!(answer[..count].starts_with(b"HTTP/1.1 200 OK"));
    let refused = b"POST / HTTP/1.1\r\nhost: nobody.shop.example\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
    assert!(send_raw(world.address, refused).await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn trailers_go_through() {
    let answer =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n";
    let (old, new) = (Upstream::start_saying(answer).await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let asked = b"GET / HTTP/1.1\r\nhost: acme.shop.example\r\nte: trailers\r\nconnection: te\r\n\r\n";
    let answer = send_raw(world.address, asked).await;
    assert!(answer.ends_with("0\r\nx-sum: 6\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn answers_without_a_body_keep_their_length() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n";
    let (old, new) = (Upstream::start_saying(answer).await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let answer = send(world.address, request("HEAD", "acme", "/", &[], "")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-length")), (200, "1234"));
}

#[tokio::test]
async fn old_clients_are_served() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let answer = send_raw(world.address, b"GET / HTTP/1.0\r\nhost: acme.shop.example\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
    assert!(answer.contains("x-version: old"), "{answer}");
}
