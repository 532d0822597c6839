//! Instances that speak HTTP/2: streams both ways, trailers, many requests on one connection.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidegate_gateway::table::{Phase, Protocol};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::client::{get, request, send, send_http2};
use crate::upstream::{Body, Upstream};
use crate::world::{World, reroute, table, to_new, until};

/// Echoes each piece as it comes, and says at the end what it was asked for.
async fn start(label: &'static str) -> Upstream {
    Upstream::serve(move |stream, connections| async move {
        connections.fetch_add(1, Ordering::SeqCst);
        let service = service_fn(move |request: Request<Incoming>| async move {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            trailers.insert(
                "x-authority",
                request.uri().authority().unwrap().as_str().parse().unwrap(),
            );
            trailers.insert(
                "x-te",
                request.headers().get("te").cloned().unwrap_or("none".parse().unwrap()),
            );
            let pieces = BodyStream::new(request.into_body()).filter_map(|piece| async { piece.ok() });
            let all = pieces.chain(futures_util::stream::iter([Frame::trailers(trailers)]));
            let body: Body = BodyExt::boxed(StreamBody::new(all.map(Ok::<_, Infallible>)));
            let mut response = Response::new(body);
            response
                .headers_mut()
                .insert("content-type", "application/grpc".parse().unwrap());
            response.headers_mut().insert("x-version", label.parse().unwrap());
            Ok::<_, Infallible>(response)
        });
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    })
    .await
}

async fn world(old: &Upstream, new: &Upstream) -> World {
    let mut table = table(&[old.address], &[new.address]);
    table.components[0].policy.protocol = Protocol::Http2;
    World::start(table).await
}

#[tokio::test]
async fn a_call_streams_both_ways_and_ends_with_trailers_over_a_switch() {
    let (old, new) = (start("old").await, start("new").await);
    let mut world = world(&old, &new).await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut sender, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(driver);
    let (pieces, mut sent) = mpsc::channel::<&'static str>(1);
    let body = futures_util::stream::poll_fn(move |context| {
        sent.poll_recv(context)
            .map(|piece| piece.map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from(piece)))))
    });
    let call = Request::post("http://acme.shop.example/pkg.Service/Call").header("te", "trailers");
    let answer = sender
        .send_request(call.body(StreamBody::new(body)).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-version"], "old");
    let mut answer = answer.into_body();
    for piece in ["one", "two", "three"] {
        pieces.send(piece).await.unwrap();
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), piece);
        if piece == "one" {
            world
                .change(|table| {
                    reroute(table, "acme", to_new);
                    let draining = Phase::Draining {
                        requests_until_ms: Some(1),
                        streams_until_ms: None,
                    };
                    table.slots.get_mut("web.old").unwrap().phase = draining;
                })
                .await;
            assert_eq!(world.get("acme", "/").await.header("x-version"), "new");
        }
    }
    assert_eq!(world.health().await["in_flight"]["web.old"], 1);
    drop(pieces);
    let trailers = answer.frame().await.unwrap().unwrap().into_trailers().unwrap();
    for (name, value) in [
        ("grpc-status", "0"),
        ("x-authority", "acme.shop.example"),
        ("x-te", "trailers"),
    ] {
        assert_eq!(trailers[name], value, "{name}");
    }
    until("ended", || async {
        world.health().await["in_flight"].get("web.old").is_none()
    })
    .await;
}

#[tokio::test]
async fn requests_share_a_connection_and_one_that_is_gone_is_replaced() {
    let old = start("old").await;
    let world = world(&old, &old).await;
    let mut asked = request("POST", "acme", "/", &[], "body");
    *asked.uri_mut() = "http://acme.shop.example/".parse().unwrap();
    let answers = futures_util::future::join_all((0..30).map(|_| send_http2(world.address, asked.clone()))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 && answer.body == "body")
    );
    assert_eq!(
        send(world.address, get("acme", "/")).await.status,
        200,
        "from HTTP/1.1 too"
    );
    assert_eq!(old.requests(), 1, "connections to the instance");
}

#[tokio::test]
async fn a_stream_is_cut_at_its_deadline_and_others_are_not() {
    let (old, new) = (start("old").await, start("new").await);
    let mut world = world(&old, &new).await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut sender, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(driver);
    let call = |tenant: &str| {
        let body = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>());
        Request::post(format!("http://{tenant}.shop.example/"))
            .body(body)
            .unwrap()
    };
    world.route("globex", to_new).await;
    let mut cut = sender.send_request(call("acme")).await.unwrap().into_body();
    let mut kept = sender.send_request(call("globex")).await.unwrap().into_body();
    world
        .change(|table| {
            table.slots.get_mut("web.old").unwrap().phase = Phase::Draining {
                requests_until_ms: None,
                streams_until_ms: Some(1),
            };
        })
        .await;
    assert!(cut.frame().await.unwrap().is_err());
    assert!(
        tokio::time::timeout(Duration::from_millis(50), kept.frame())
            .await
            .is_err(),
        "still open"
    );
    until("empty", || async {
        world.health().await["in_flight"].get("web.old").is_none()
    })
    .await;
}
