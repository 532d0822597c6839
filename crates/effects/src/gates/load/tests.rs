use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use super::super::tests::target;
use super::generator::{Outcome, Sent};
use super::schedule::{Shot, Side, schedule};
use super::*;

/// An instance that counts its requests; the path is the status it answers with, and `/hang` is never answered.
async fn instance() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            let answer = service_fn(move |request: Request<Incoming>| {
                counted.fetch_add(1, Ordering::SeqCst);
                async move { Ok::<_, Infallible>(answer(request.uri().path()).await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    (address, count)
}

async fn answer(path: &str) -> Response<Full<Bytes>> {
    if path == "/hang" {
        std::future::pending::<()>().await;
    }
    let status = path.trim_start_matches('/').parse().unwrap_or(200);
    let mut response = Response::new(Full::new(Bytes::from_static(b"hello")));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// One that closes every connection without a word.
async fn resetting() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    address
}

/// 80 requests in short blocks, to a path.
fn load(path: &str) -> Value {
    json!({"component": "api", "requests": [{"path": path}], "stages": [{"rate": 400, "for": "200ms"}], "warm_up": "0s",
        "pairs": 10, "timeout": "300ms"})
}

fn read(with: &Value) -> With {
    With::read(with).unwrap()
}

async fn sent(with: &Value, old: SocketAddr, new: SocketAddr) -> Vec<Sent> {
    let with = read(with);
    let generator = Generator {
        requests: with.requests.clone(),
        old: Arc::new(Pool::new(&[old])),
        new: Arc::new(Pool::new(&[new])),
        timeout: with.timeout.to_std(),
        in_flight_at_most: with.in_flight_at_most,
    };
    generator.run(Instant::now(), schedule(&with, true)).await
}

fn count(all: &[Sent], is: impl Fn(&Sent) -> bool) -> usize {
    all.iter().filter(|sent| is(sent)).count()
}

#[test]
fn a_schedule_has_equal_blocks_in_alternating_order_and_the_mix_by_weight() {
    let mut with = load("/a");
    with["requests"] = json!([{"path": "/a", "weight": 3}, {"path": "/b"}]);
    let shots = schedule(&read(&with), true);
    assert_eq!(shots.len(), 80);
    assert!(
        shots
            .windows(2)
            .all(|two| two[0].at + Duration::from_micros(2_500) == two[1].at)
    );
    let sides: Vec<Side> = shots.iter().step_by(4).map(|shot| shot.side).collect();
    assert_eq!(
        sides[..6],
        [Side::Old, Side::New, Side::New, Side::Old, Side::Old, Side::New]
    );
    let requests = |shots: &[Shot]| -> Vec<usize> { shots.iter().map(|shot| shot.request).collect() };
    for pair in shots.chunks(8) {
        assert_eq!(requests(&pair[..4]), requests(&pair[4..]));
    }
    assert_eq!(shots.iter().filter(|shot| shot.request == 1).count(), 20);
    assert!(schedule(&read(&with), false).iter().all(|shot| shot.side == Side::New));
}

#[test]
fn what_warms_up_comes_first_and_is_of_no_pair() {
    let mut with = load("/a");
    with["warm_up"] = json!("100ms");
    let shots = schedule(&read(&with), true);
    assert_eq!(shots.len(), 120);
    assert!(
        shots[..40]
            .iter()
            .all(|shot| shot.pair.is_none() && shot.at < Duration::from_millis(100))
    );
    assert!(
        shots[40..]
            .iter()
            .all(|shot| shot.pair.is_some() && shot.at >= Duration::from_millis(100))
    );
}

#[tokio::test]
async fn each_request_is_sent_once_to_its_side() {
    let ((old, at_old), (new, at_new)) = (instance().await, instance().await);
    let all = sent(&load("/200"), old, new).await;
    assert_eq!(all.len(), 80);
    assert_eq!((at_old.load(Ordering::SeqCst), at_new.load(Ordering::SeqCst)), (40, 40));
    assert!(all.iter().all(|sent| sent.outcome != Outcome::Dropped));
}

#[tokio::test]
async fn what_hangs_holds_up_nobody_and_what_exceeds_the_room_is_dropped() {
    let ((old, _), (new, at_new)) = (instance().await, instance().await);
    let mut with = load("/hang");
    with["in_flight_at_most"] = json!(30);
    with["stages"] = json!([{"rate": 4000, "for": "20ms"}]);
    with["timeout"] = json!("3s");
    let all = sent(&with, old, new).await;
    assert_eq!(count(&all, |sent| sent.outcome == Outcome::Failed), 30);
    assert_eq!(count(&all, |sent| sent.outcome == Outcome::Dropped), 50);
    assert!(at_new.load(Ordering::SeqCst) <= 30);
}

#[tokio::test]
async fn a_reset_and_an_answer_that_refuses_are_errors() {
    let (old, _) = instance().await;
    for (path, new) in [("/200", resetting().await), ("/503", old), ("/404", old)] {
        let all = sent(&load(path), old, new).await;
        let failed = count(&all, |sent| {
            sent.shot.side == Side::New && sent.outcome == Outcome::Failed
        });
        assert_eq!(failed, 40, "{path}");
    }
}

/// Answers that are made up: each as long as its side and its place in the schedule say.
fn made_up(with: &With, has_old: bool, outcome: impl Fn(&Shot) -> Outcome, late: bool) -> Judgement {
    let all: Vec<Sent> = schedule(with, has_old)
        .into_iter()
        .map(|shot| Sent {
            shot,
            outcome: outcome(&shot),
            late,
        })
        .collect();
    judge::judge(with, &all, has_old)
}

fn takes(millis_of_new: u64) -> impl Fn(&Shot) -> Outcome {
    move |shot| {
        let drift = shot.pair.unwrap_or(0) as u64 * 10;
        Outcome::Answered(match shot.side {
            Side::Old => Duration::from_micros(10_000 + drift),
            Side::New => Duration::from_micros(millis_of_new * 1_000 + drift),
        })
    }
}

#[test]
fn slower_fails_equal_passes_and_what_was_not_sent_decides_nothing() {
    let with = read(&load("/a"));
    let slower = made_up(&with, true, takes(11), false);
    assert_eq!(slower.verdict, Verdict::Fail, "{}", slower.reason);
    assert!(slower.reason.contains("times as long"), "{}", slower.reason);
    let equal = made_up(&with, true, takes(10), false);
    assert_eq!((equal.verdict, equal.requests), (Verdict::Pass, 40), "{}", equal.reason);
    let late = made_up(&with, true, takes(11), true);
    assert_eq!(late.verdict, Verdict::Inconclusive);
    assert!(late.reason.starts_with("the load did not reach its rate") && late.needs.is_some());
}

#[test]
fn more_errors_than_before_fail_and_the_same_on_both_do_not() {
    let with = read(&load("/a"));
    let on_new = |shot: &Shot| match shot.side {
        Side::New if shot.pair == Some(3) || shot.pair == Some(4) => Outcome::Failed,
        Side::New | Side::Old => Outcome::Answered(Duration::from_millis(10)),
    };
    let failed = made_up(&with, true, on_new, false);
    assert_eq!(failed.verdict, Verdict::Fail);
    assert!(failed.reason.starts_with("8 errors after 0"), "{}", failed.reason);
    let both = made_up(&with, true, |_| Outcome::Failed, false);
    assert_eq!(both.verdict, Verdict::Inconclusive, "{}", both.reason);
}

#[test]
fn without_an_old_version_only_declared_limits_decide() {
    let mut with = load("/a");
    let undeclared = made_up(&read(&with), false, takes(10), false);
    assert_eq!(undeclared.verdict, Verdict::Inconclusive);
    with["errors_at_most_percent"] = json!(5);
    with["p95_at_most"] = json!("20ms");
    assert_eq!(made_up(&read(&with), false, takes(10), false).verdict, Verdict::Pass);
    assert_eq!(made_up(&read(&with), false, takes(30), false).verdict, Verdict::Fail);
    assert_eq!(
        made_up(&read(&with), false, |_| Outcome::Failed, false).verdict,
        Verdict::Fail
    );
}

#[tokio::test]
async fn what_runs_decides_what_is_compared() {
    let (one, other) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
    let api = ComponentName::new("api").unwrap();
    let both = sides(&target(&[one], &[other]), &api).unwrap();
    assert_eq!((both.old, both.new), (vec![one], vec![other]));
    let alone = sides(&target(&[], &[other]), &api).unwrap();
    assert_eq!((alone.old, alone.new), (vec![], vec![other]));
    assert_eq!(sides(&target(&[one], &[one]), &api).unwrap_err().verdict, Verdict::Pass);
    assert_eq!(sides(&target(&[one], &[]), &api).unwrap_err().verdict, Verdict::Error);
    // From the playbook to the verdict: refused by everything on both sides, nothing can be compared.
    let (old, new) = (instance().await.0, instance().await.0);
    let judgement = run(load("/500"), target(&[old], &[new])).await;
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{}", judgement.reason);
}

#[test]
fn mistakes_are_told() {
    let check = |field: &str, value: Value, said: &str| {
        let mut with = load("/a");
        with[field] = value;
        let mistake = (GATE.validate)(&with).unwrap_err();
        assert!(mistake.contains(said), "{mistake}");
    };
    check("rate", json!(5), "unknown field `rate`");
    check("requests", json!([]), "between one and 100");
    check(
        "requests",
        json!([{"path": "http://elsewhere/"}]),
        "does not begin with `/`",
    );
    check("requests", json!([{"path": "/", "method": "A B"}]), "is no method");
    check(
        "requests",
        json!([{"path": "/", "headers": {"Host": "x"}}]),
        "set by the gate itself",
    );
    check(
        "requests",
        json!([{"path": "/", "headers": {"x": "a\nb"}}]),
        "cannot be sent",
    );
    check("requests", json!([{"path": "/", "weight": 0}]), "the `weight` of `/`");
    check("stages", json!([]), "no stage");
    check("stages", json!([{"rate": 0, "for": "1s"}]), "between 1 and 10000");
    check(
        "stages",
        json!([{"rate": 1, "for": "5s"}]),
        "has no request for each of 20 blocks",
    );
    check("pairs", json!(6), "at least 7");
    check("pairs", json!(201), "`pairs`");
    check("timeout", json!("0s"), "`timeout` is above 0");
    check("in_flight_at_most", json!(0), "between 1 and 10000");
    check("at_most_slower", json!(1), "a ratio above 1");
    check("errors_at_most_percent", json!(101), "between 0 and 100");
    check("p95_at_most", json!("10s"), "not above `timeout`");
    assert!((GATE.validate)(&json!({"component": "api", "requests": [{"path": "/"}]})).is_ok());
}

#[tokio::test]
async fn a_first_version_passes_where_nothing_else_is_asked() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let first = Target {
        has_old: false,
        ..target(&[], &[server])
    };
    let with = json!({"component": "api", "requests": [{"path": "/"}]});
    let judged = (GATE.run)(with, first).await;
    assert_eq!(judged.verdict, Verdict::Pass);
    assert!(
        judged.reason.contains("there is nothing to be slower than"),
        "{}",
        judged.reason
    );
}
