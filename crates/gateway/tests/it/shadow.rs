//! Mirroring: what is seen, and that nobody feels it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Request;
use tidegate_gateway::protocol::{AnswerText, MirroredAnswer, MirroredPair, Tap, TapEndpoint, TapPlan};
use tidegate_gateway::{Gateway, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Answer, Client, get, request, send};
use crate::publisher::{Publisher, TOKEN};
use crate::upstream::Upstream;
use crate::world::{options, reroute, table, to_new, until};

/// A gateway that mirrors requests of `acme` from the old version to the new one.
struct Mirror {
    publisher: Publisher,
    gateway: Gateway,
    _directory: tempfile::TempDir,
}

fn plan() -> TapPlan {
    let endpoint = |method: &str, path: &str| TapEndpoint {
        method: method.to_owned(),
        path: path.to_owned(),
    };
    TapPlan {
        component: "web".into(),
        tenants: ["acme".into()].into(),
        versions: [("eu/old".into(), "eu/new".into())].into(),
        basis_points: 10_000,
        endpoints: vec![endpoint("GET", "/**"), endpoint("POST", "/search")],
        body_bytes_max: 64 * 1024,
        in_flight_max: 100,
        timeout_ms: 5_000,
        without_headers: Vec::new(),
    }
}

fn tap(plan: TapPlan) -> Tap {
    Tap {
        id: "tap".to_owned(),
        lease_ms: 10_000,
        plan: Some(plan),
    }
}

impl Mirror {
    async fn start(old: &Upstream, new: &Upstream, tap: Tap) -> Self {
        let publisher = Publisher::start("127.0.0.1:0", Some(table(&[old.address], &[new.address]))).await;
        publisher.heard.lock().unwrap().taps = vec![tap];
        let directory = tempfile::tempdir().unwrap();
        let source = Source::Server {
            url: publisher.url(),
            token: TOKEN.to_owned(),
        };
        let gateway = Gateway::start(options(directory.path(), source)).await.unwrap();
        let mirror = Self {
            publisher,
            gateway,
            _directory: directory,
        };
        until("the tap is held", || async {
            let heard = mirror.publisher.heard.lock().unwrap();
            heard.mirrored.iter().any(|call| call.taps.contains_key("tap"))
        })
        .await;
        mirror
    }

    async fn ask(&self, request: Request<http_body_util::Full<bytes::Bytes>>) -> Answer {
        send(self.gateway.listening(), request).await
    }

    async fn pairs(&self, count: usize) -> Vec<MirroredPair> {
        until("the pairs are told", || async { self.publisher.pairs().len() >= count }).await;
        self.publisher.pairs()
    }
}

/// Status, headers by name, and body.
fn answered(answer: &MirroredAnswer) -> (u16, Vec<(String, String)>, String) {
    let MirroredAnswer::Answered {
        status, headers, body, ..
    } = answer.clone()
    else {
        panic!("{answer:?}");
    };
    (status, headers, String::from_utf8(body.into_bytes()).unwrap())
}

/// What an instance was told, by its own word.
fn told(answer: &MirroredAnswer) -> serde_json::Value {
    serde_json::from_str(&answered(answer).2).unwrap()
}

#[tokio::test]
async fn a_request_is_answered_once_to_the_client_and_three_times_to_the_publisher() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mirror = Mirror::start(&old, &new, tap(plan())).await;
    let headers = [
        ("x-tidegate-shadow", "forged"),
        ("x-tidegate-shadow-id", "forged"),
        ("authorization", "Bearer x"),
        ("accept-encoding", "gzip"),
    ];
    let answer = mirror
        .ask(request("GET", "acme", "/points/1?secret=1", &headers, ""))
        .await;
    assert_eq!(answer.header("x-version"), "old");
    assert!(
        answer.json()["headers"].get("x-tidegate-shadow").is_none(),
        "{}",
        answer.body
    );

    let pair = mirror.pairs(1).await.remove(0);
    assert_eq!(
        (pair.tenant.as_str(), &*pair.method, &*pair.path),
        ("acme", "GET", "/points/1")
    );
    assert_eq!(answered(&pair.old).2, answer.body);
    for (answer, version) in [(&pair.old, "old"), (&pair.new, "new"), (&pair.again, "old")] {
        let (status, headers, _) = answered(answer);
        assert_eq!(status, 200);
        assert!(headers.contains(&("x-version".to_owned(), version.to_owned())));
        assert_eq!(told(answer)["headers"]["x-tidegate-version"], format!("eu/{version}"));
    }
    for answer in [&pair.new, &pair.again] {
        let told = told(answer);
        assert_eq!(told["target"], "/points/1?secret=1");
        assert_eq!(told["headers"]["x-tidegate-shadow"], "1");
        assert_eq!(told["headers"]["x-tidegate-shadow-id"], pair.id);
        assert_eq!(told["headers"]["x-tidegate-tenant"], "acme");
        assert_eq!(told["headers"]["authorization"], "Bearer x");
        assert!(told["headers"].get("accept-encoding").is_none());
    }
    assert_eq!((old.requests(), new.requests()), (2, 1));
}

#[tokio::test]
async fn only_what_is_declared_is_mirrored() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mirror = Mirror::start(&old, &new, tap(plan())).await;
    mirror.ask(request("POST", "acme", "/orders", &[], "buy")).await;
    mirror.ask(request("DELETE", "acme", "/orders/1", &[], "")).await;
    mirror.ask(get("globex", "/points/1")).await;
    mirror
        .ask(request("GET", "acme", "/x", &[("accept", "text/event-stream")], ""))
        .await;
    let events = mirror.ask(get("acme", "/events?count=2")).await;
    assert_eq!(events.body, "data: 0\n\ndata: 1\n\n");
    let search = request("POST", "acme", "/search", &[("idempotency-key", "k")], "tea");
    assert_eq!(mirror.ask(search).await.json()["body"], "tea");
    let pair = mirror.pairs(1).await.remove(0);
    assert_eq!(&*pair.path, "/search");
    let keys: Vec<_> = [&pair.old, &pair.new, &pair.again]
        .map(|answer| {
            assert_eq!(told(answer)["body"], "tea");
            told(answer)["headers"]["idempotency-key"].as_str().unwrap().to_owned()
        })
        .into();
    assert!(keys[0] == "k" && keys[1] != "k" && keys[1] != keys[2], "{keys:?}");
    assert_eq!(new.requests(), 1);
    // The one that turned out to be a stream was wanted until then.
    let counts = mirror.publisher.counts("tap");
    assert_eq!((counts.matched, counts.mirrored, counts.incomplete), (2, 1, 1));
}

#[tokio::test]
async fn an_answer_that_depends_on_what_the_client_has_is_asked_for_again() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let plan = TapPlan {
        without_headers: vec!["x-session".to_owned()],
        ..plan()
    };
    let mirror = Mirror::start(&old, &new, tap(plan)).await;
    for header in ["if-none-match", "range", "x-session"] {
        let before = mirror.publisher.pairs().len();
        mirror
            .ask(request("GET", "acme", "/points/1", &[(header, "a")], ""))
            .await;
        let pair = mirror.pairs(before + 1).await.remove(before);
        for answer in [&pair.old, &pair.new, &pair.again] {
            assert!(told(answer)["headers"].get(header).is_none(), "{header}");
        }
    }
    assert_eq!((old.requests(), new.requests()), (9, 3));
}

/// 200 requests over kept connections with a new version that cannot be trusted. All answers are those of the old one.
async fn unfelt(new: &Upstream, in_flight_max: usize) -> Mirror {
    let old = Upstream::start("old").await;
    let plan = TapPlan {
        in_flight_max,
        timeout_ms: 300,
        ..plan()
    };
    let mirror = Mirror::start(&old, new, tap(plan)).await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let address = mirror.gateway.listening();
        clients.spawn(async move {
            let mut client = Client::connect(address).await;
            for number in 0..50 {
                let answer = client.send(get("acme", &format!("/points/{number}"))).await.unwrap();
                assert_eq!((answer.status.as_u16(), answer.header("x-version")), (200, "old"));
                assert_eq!(answer.json()["target"], format!("/points/{number}"));
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    until("all are counted", || async {
        let counts = mirror.publisher.counts("tap");
        counts.mirrored + counts.busy == 200 && mirror.publisher.pairs().len() as u64 == counts.mirrored
    })
    .await;
    mirror
}

#[tokio::test]
async fn a_hung_shadow_is_not_felt_and_what_is_too_much_is_counted() {
    let hung = Upstream::serve(|stream, requests| async move {
        requests.fetch_add(1, Ordering::SeqCst);
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let mirror = unfelt(&hung, 10).await;
    let counts = mirror.publisher.counts("tap");
    assert!(counts.busy > 0, "{counts:?}");
    for pair in mirror.publisher.pairs() {
        assert_eq!(pair.new, MirroredAnswer::Failed { timed_out: true });
        assert_eq!(answered(&pair.again).0, 200);
    }
    // And what is refused: the connections of the hung one were never those of clients.
    assert!(hung.requests() <= counts.mirrored * 2, "{} {counts:?}", hung.requests());
}

#[tokio::test]
async fn a_shadow_that_resets_or_talks_nonsense_is_not_felt() {
    let mute = Upstream::start_mute().await;
    let nonsense = Upstream::start_saying(b"no HTTP at all\r\n\r\n").await;
    for new in [&mute, &nonsense] {
        let mirror = unfelt(new, 1_000).await;
        assert_eq!(mirror.publisher.counts("tap").mirrored, 200);
        for pair in mirror.publisher.pairs() {
            assert_eq!(pair.new, MirroredAnswer::Failed { timed_out: false });
        }
    }
}

#[tokio::test]
async fn a_shadow_that_trickles_is_not_waited_for() {
    let slow = Upstream::serve(|mut stream, requests| async move {
        requests.fetch_add(1, Ordering::SeqCst);
        let mut piece = [0; 4096];
        let _ = stream.read(&mut piece).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            .await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let mirror = unfelt(&slow, 1_000).await;
    for pair in mirror.publisher.pairs() {
        assert_eq!(pair.new, MirroredAnswer::Failed { timed_out: true });
    }
}

/// Asks until a request is not mirrored any more.
async fn until_quiet(mirror: &Mirror, new: &Upstream) {
    until("it is not mirrored", || async {
        let before = new.requests();
        mirror.ask(get("acme", "/points/1")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        new.requests() == before
    })
    .await;
}

#[tokio::test]
async fn mirroring_ends_by_itself_when_the_publisher_is_gone() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let tap = Tap {
        lease_ms: 2_500,
        ..tap(plan())
    };
    let mirror = Mirror::start(&old, &new, tap).await;
    mirror.publisher.heard.lock().unwrap().loses_reports = true;
    mirror.ask(get("acme", "/points/1")).await;
    mirror.pairs(1).await;
    until_quiet(&mirror, &new).await;
    assert_eq!(mirror.ask(get("acme", "/points/1")).await.header("x-version"), "old");
}

#[tokio::test]
async fn mirroring_ends_when_it_is_not_wanted_any_more() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mirror = Mirror::start(&old, &new, tap(plan())).await;
    mirror.ask(get("acme", "/points/1")).await;
    mirror.pairs(1).await;
    mirror.publisher.heard.lock().unwrap().taps.clear();
    until_quiet(&mirror, &new).await;
    let held = || async {
        let heard = mirror.publisher.heard.lock().unwrap();
        heard.reports.last().unwrap().taps == Some([].into())
    };
    until("nothing is held", held).await;
}

#[tokio::test]
async fn who_has_moved_is_not_mirrored() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mirror = Mirror::start(&old, &new, tap(plan())).await;
    let mut moved = table(&[old.address], &[new.address]);
    moved.generation = 2;
    reroute(&mut moved, "acme", to_new);
    mirror.publisher.publish(moved);
    until("it is on the new version", || async {
        mirror.publisher.confirmed() == 2
    })
    .await;
    assert_eq!(mirror.ask(get("acme", "/points/1")).await.header("x-version"), "new");
    assert_eq!(mirror.publisher.counts("tap").matched, 0);
    assert_eq!((old.requests(), new.requests()), (0, 1));
}

#[tokio::test]
async fn what_is_too_long_or_ends_early_is_counted_and_not_mirrored() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let plan = TapPlan {
        body_bytes_max: 1_000,
        ..plan()
    };
    let mirror = Mirror::start(&old, &new, tap(plan)).await;
    // The request, then its answer, which tells the long header.
    let body = "x".repeat(1_001);
    assert_eq!(
        mirror.ask(request("POST", "acme", "/search", &[], &body)).await.json()["body"],
        body
    );
    let long = "x".repeat(1_001);
    mirror
        .ask(request("GET", "acme", "/points/1", &[("x-long", &long)], ""))
        .await;
    // A client that goes away.
    let mut stream = TcpStream::connect(mirror.gateway.listening()).await.unwrap();
    stream
        .write_all(b"GET /slow?ms=60000 HTTP/1.1\r\nhost: acme.shop.example\r\n\r\n")
        .await
        .unwrap();
    until("it has arrived", || async { old.requests() == 3 }).await;
    drop(stream);
    until("all are counted", || async {
        let counts = mirror.publisher.counts("tap");
        (counts.too_large, counts.incomplete, counts.mirrored) == (2, 1, 0)
    })
    .await;
    assert_eq!(new.requests(), 0);
}

#[tokio::test]
async fn a_body_that_is_no_text_arrives_as_it_was() {
    let binary = Upstream::start_saying(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\xff\x00\x7f").await;
    let mirror = Mirror::start(&binary, &binary, tap(plan())).await;
    mirror.ask(get("acme", "/points/1")).await;
    let pair = mirror.pairs(1).await.remove(0);
    for answer in [pair.old, pair.new, pair.again] {
        let MirroredAnswer::Answered { body, .. } = answer else {
            panic!("no answer");
        };
        assert_eq!(body, AnswerText::Hexadecimal("ff007f".to_owned()));
        assert_eq!(body.into_bytes(), [0xff, 0, 0x7f]);
    }
}

#[tokio::test]
async fn what_a_mirrored_request_calls_knows_it_and_is_not_mirrored_again() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mirror = Mirror::start(&old, &new, tap(plan())).await;
    let internal = mirror.gateway.internal().unwrap();
    let headers = [
        ("x-tidegate-tenant", "acme"),
        ("x-tidegate-shadow", "1"),
        ("x-tidegate-shadow-id", "7"),
    ];
    let told = send(internal, request("GET", "any", "/points/1", &headers, ""))
        .await
        .json();
    assert_eq!(told["headers"]["x-tidegate-shadow"], "1");
    assert_eq!(told["headers"]["x-tidegate-shadow-id"], "7");
    // A call of its own is mirrored like any other.
    send(internal, request("GET", "any", "/points/2", &headers[..1], "")).await;
    assert_eq!(mirror.pairs(1).await[0].path, "/points/2");
    assert_eq!(new.requests(), 1);
}
