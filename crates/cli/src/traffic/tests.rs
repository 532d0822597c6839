//! The generator against a service that is wrong in one way at a time: what it cannot see it would report as zero.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tidegate_loyalty::events::{Effect, Event, EventLog};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::clock::monotonic_micros;
use super::config::{Class, Config};
use super::control::Control;
use super::exchange::{Due, Sender};
use super::random::Random;
use super::report::Report;
use super::tally::{Answer, Sent, Tally};

const NAMES: &str = "x-loyalty-version: 1.0.0\r\nx-loyalty-tenant: acme\r\n";
const BODY: &str = r#"{"version":"1.0.0","tenant":"acme"}"#;

fn config(gateway: SocketAddr, data: Option<&Path>) -> Config {
    let data = data.map(|data| json!({"eu": data})).unwrap_or(json!({}));
    serde_json::from_value(json!({
        "gateway": gateway,
        "tenants": [{"name": "acme", "cell": "eu"}],
        "tenant_in": {"header": "x-tenant"},
        "timeout_ms": 2_000,
        "data": data,
    }))
    .unwrap()
}

fn tally() -> Arc<Mutex<Tally>> {
    Arc::new(Mutex::new(Tally::new(0, std::iter::once("acme".to_owned()))))
}

/// One request of that class to the listener; returns the counts that are not zero.
async fn counts(class: Class, gateway: SocketAddr) -> Value {
    let tally = tally();
    let sender = Sender::new(config(gateway, None), Arc::clone(&tally));
    let due = Due {
        class,
        tenant: 0,
        scheduled_micros: monotonic_micros(),
        random: Random::seeded(1),
    };
    sender.send(due).await;
    let counts = json!(tally.lock().unwrap().counts());
    counts
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, count)| **count != 0)
        .map(|(n, c)| (n.clone(), c.clone()))
        .collect()
}

/// Answers the first request of each connection with these bytes, and closes.
async fn answering(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

/// Head and body, so that closing afterwards resets nothing.
async fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return false;
        };
        let length = head
            .split_once("content-length: ")
            .map_or("0", |(_, rest)| rest.split("\r\n").next().unwrap());
        if head.contains("chunked") {
            return body.ends_with("0\r\n\r\n");
        }
        body.len() >= length.parse().unwrap()
    };
    while !whole(&request) {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

async fn check(class: Class, answer: String, expected: Value) {
    let gateway = answering(answer.clone()).await;
    assert_eq!(
        counts(class, gateway).await,
        expected,
        "{class:?} answered by {answer:?}"
    );
}

#[tokio::test]
async fn plain_answers() {
    let answered = || json!({"sent": 1, "answered": 1});
    let lost = || json!({"sent": 1, "lost": 1});
    for class in [Class::Get, Class::Post, Class::SlowGet] {
        check(class, answer("200 OK", NAMES, BODY), answered()).await;
        check(class, String::new(), lost()).await;
        let cut = answer("200 OK", NAMES, BODY);
        check(class, cut[..cut.len() - 1].to_owned(), lost()).await;
        check(class, answer("200 OK", NAMES, "<html>"), lost()).await;
        check(class, answer("200 OK", "", BODY), lost()).await;
        let other = BODY.replace("1.0.0", "1.1.0");
        check(class, answer("200 OK", NAMES, &other), lost()).await;
        let failed = answer("500 Internal Server Error", NAMES, "{}");
        check(class, failed, json!({"sent": 1, "service_errors": 1})).await;
        let refused = answer("502 Bad Gateway", "x-tidegate-error: unreachable\r\n", "{}");
        check(class, refused, lost()).await;
        let [names, body] = [NAMES, BODY].map(|text| text.replace("acme", "blue"));
        let misdirected = json!({"sent": 1, "answered": 1, "wrong_tenant": 1});
        check(class, answer("200 OK", &names, &body), misdirected).await;
    }
}

#[tokio::test]
async fn a_write_that_may_have_taken_effect_is_counted_apart() {
    let broken = answer("502 Bad Gateway", "x-tidegate-error: upstream_broken\r\n", "{}");
    check(Class::Post, broken.clone(), json!({"sent": 1, "uncertain": 1})).await;
    check(Class::Get, broken, json!({"sent": 1, "lost": 1})).await;
}

fn feed(numbers: impl Iterator<Item = u64>) -> String {
    let event = |number| format!("id: {number}\ndata: {BODY}\n\n");
    answer("200 OK", NAMES, &numbers.map(event).collect::<String>())
}

#[tokio::test]
async fn feeds() {
    let lost = || json!({"sent": 1, "lost": 1});
    check(Class::Feed, feed(1..=10), json!({"sent": 1, "answered": 1})).await;
    check(Class::Feed, feed(1..=9), lost()).await;
    check(Class::Feed, feed((1..=10).filter(|number| *number != 4)), lost()).await;
    check(Class::Feed, feed([1, 2, 2].into_iter().chain(3..=10)), lost()).await;
    let cut = feed(1..=10);
    check(Class::Feed, cut[..cut.len() - 5].to_owned(), lost()).await;
}

#[tokio::test]
async fn uploads() {
    let arrived = |bytes: u64| {
        let body = json!({"version": "1.0.0", "tenant": "acme", "bytes": bytes, "digest": ""});
        answer("200 OK", NAMES, &body.to_string())
    };
    check(Class::Upload, arrived(10_239), json!({"sent": 1, "lost": 1})).await;
    // As many bytes, but others.
    check(Class::Upload, arrived(10_240), json!({"sent": 1, "lost": 1})).await;
}

/// Echoes until that message, answers it with that number, and hangs up after it where `hangs_up`.
async fn echoing(wrong: u64, number: u64, hangs_up: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, named).await.unwrap();
        for expected in 1.. {
            let Some(Ok(Message::Text(text))) = socket.next().await else {
                break;
            };
            let number = if expected == wrong { number } else { expected };
            let mut echo = serde_json::from_str::<Value>(BODY).unwrap();
            echo["number"] = json!(number);
            echo["echo"] = json!(text.as_str());
            socket.send(Message::text(echo.to_string())).await.unwrap();
            if hangs_up && expected == wrong {
                return;
            }
        }
        while socket.next().await.is_some() {}
    });
    address
}

#[expect(
    clippy::unnecessary_wraps,
    clippy::result_large_err,
    reason = "the signature asked for"
)]
fn named(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    for (name, value) in [("x-loyalty-version", "1.0.0"), ("x-loyalty-tenant", "acme")] {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    Ok(response)
}

#[tokio::test]
async fn echoes() {
    let lost = json!({"sent": 1, "lost": 1});
    let whole = echoing(0, 0, false).await;
    assert_eq!(counts(Class::Live, whole).await, json!({"sent": 1, "answered": 1}));
    let gap = echoing(3, 4, false).await;
    assert_eq!(counts(Class::Live, gap).await, lost);
    let cut = echoing(3, 3, true).await;
    assert_eq!(counts(Class::Live, cut).await, lost);
    let unclosed = echoing(10, 10, true).await;
    assert_eq!(counts(Class::Live, unclosed).await, lost);
}

#[test]
fn an_old_answer_after_the_confirmation_is_stale() {
    let tally = tally();
    let line = r#"{"confirmed": {"tenants": ["acme"], "version": "1.1.0", "at_micros": 100}}"#;
    let control: Control = serde_json::from_str(line).unwrap();
    for began_micros in [50, 150] {
        tally
            .lock()
            .unwrap()
            .finished(sent(began_micros, None), Ok(by_old()), 200);
    }
    super::obey(&tally, control).unwrap();
    tally.lock().unwrap().judge(u64::MAX);
    assert_eq!(tally.lock().unwrap().counts().stale, 1);
}

fn by_old() -> Answer {
    Answer {
        version: "1.0.0".to_owned(),
        tenant: "acme".to_owned(),
    }
}

fn sent(began_micros: u64, write: Option<u64>) -> Sent {
    Sent {
        class: Class::Post,
        tenant: 0,
        scheduled_micros: began_micros,
        began_micros,
        write,
    }
}

#[test]
fn the_files_tell_what_is_missing_and_doubled() {
    let data = tempfile::tempdir().unwrap();
    let earned = |number, id: &str| Event {
        number,
        id: id.to_owned(),
        member: "m1".to_owned(),
        effect: Effect::Earned { points: 1 },
    };
    let again = Event {
        effect: Effect::Repeated,
        ..earned(4, "0-2")
    };
    let mut log = EventLog::open(&data.path().join("acme")).unwrap();
    let events = [earned(1, "0-1"), earned(2, "0-2"), earned(3, "0-1"), again];
    log.lock().unwrap().append(&events).unwrap();

    let tally = tally();
    for write in [1, 2, 3] {
        tally.lock().unwrap().finished(sent(1, Some(write)), Ok(by_old()), 2);
    }
    let config = config("127.0.0.1:1".parse().unwrap(), Some(data.path()));
    let report = json!(Report::draw_up(&config, &tally.lock().unwrap()).unwrap());
    let told = ["doubled", "missing", "repeated", "lost"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(told, [1, 1, 1, 1]);
    let worker = json!({"events": 3, "lost": 3, "doubled": 0, "wrong_totals": 1});
    assert_eq!(report["worker"], worker);
}
