use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tempfile::TempDir;
use tidegate_domain::id::{CellName, TenantName};
use tokio::net::TcpListener;

use super::super::tests::target;
use super::*;

/// What an instance answers to its request number so and so.
type Answers = fn(&Request<Incoming>, u64) -> Response<Full<Bytes>>;

/// An instance, and how often it was asked.
async fn instance(answers: Answers) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            let answer = service_fn(move |request| {
                let number = count.fetch_add(1, Ordering::SeqCst);
                async move { Ok::<_, Infallible>(answers(&request, number)) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    (address, asked)
}

fn json_of(value: &Value) -> Response<Full<Bytes>> {
    Response::new(Full::new(value.to_string().into()))
}

/// A count that differs in each answer, and a total that does not.
fn sound(_: &Request<Incoming>, number: u64) -> Response<Full<Bytes>> {
    json_of(&json!({"total": 7, "served": number, "token": "s3cret"}))
}

fn renamed(_: &Request<Incoming>, number: u64) -> Response<Full<Bytes>> {
    json_of(&json!({"sum": 7, "served": number, "token": "changed"}))
}

/// What it was sent, so that a difference tells it.
fn echo(request: &Request<Incoming>, _: u64) -> Response<Full<Bytes>> {
    let headers: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
        .collect();
    json_of(&json!({"method": request.method().as_str(), "path": request.uri().to_string(), "headers": headers}))
}

fn refusing(_: &Request<Incoming>, _: u64) -> Response<Full<Bytes>> {
    let mut answer = json_of(&json!({"title": "who are you?"}));
    *answer.status_mut() = http::StatusCode::UNAUTHORIZED;
    answer
}

struct Ground {
    folder: TempDir,
}

impl Ground {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    /// 60 requests of a tenant that lives in the only cell.
    fn usual() -> Self {
        let lines: String = (0..60)
            .map(|number| format!("{{\"path\": \"/points/{number}?a=1\"}}\n"))
            .collect();
        Self::new(&[("day.ndjson", &lines)])
    }

    fn target(&self, old: &[SocketAddr], new: &[SocketAddr]) -> Target {
        let eu = CellName::new("eu").unwrap();
        Target {
            directory: self.folder.path().to_owned(),
            kept: self.folder.path().join("kept"),
            homes: [(TenantName::new("acme").unwrap(), eu)].into(),
            ..target(old, new)
        }
    }

    async fn judged(&self, with: &Value, old: &[SocketAddr], new: &[SocketAddr]) -> Judgement {
        (GATE.run)(with.clone(), self.target(old, new)).await
    }

    fn report(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("kept/report.json")).unwrap()
    }

    /// What is wrong with the files.
    fn mistake(&self, with: &Value) -> String {
        check_files(with, self.folder.path()).unwrap_err()
    }
}

fn usual() -> Value {
    json!({"component": "api", "workloads": [{"file": "day.ndjson", "tenant": "acme"}]})
}

#[tokio::test]
async fn an_equal_version_passes_and_what_differs_in_each_answer_is_noise() {
    let ((old, of_old), (new, of_new)) = (instance(sound).await, instance(sound).await);
    let judged = Ground::usual().judged(&usual(), &[old], &[new]).await;
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
    assert_eq!(judged.requests, 60);
    assert_eq!(
        (of_old.load(Ordering::SeqCst), of_new.load(Ordering::SeqCst)),
        (120, 60)
    );
}

#[tokio::test]
async fn a_field_that_is_renamed_is_named_and_no_secret_is_told() {
    let ((old, _), (new, _)) = (instance(sound).await, instance(renamed).await);
    let ground = Ground::usual();
    let judged = ground.judged(&usual(), &[old], &[new]).await;
    assert_eq!(judged.verdict, Verdict::Fail, "{}", judged.reason);
    for named in [
        "GET /points/{}",
        "`$.total`, missing in the new version",
        "`$.sum`, added",
        "report.json",
    ] {
        let found = judged.reason.contains(named) || (named == "report.json" && !ground.report().is_empty());
        assert!(found, "{named}: {}", judged.reason);
    }
    let all = format!("{}{}", judged.reason, ground.report());
    assert!(ground.report().contains("(redacted string)"), "{all}");
    assert!(!all.contains("s3cret") && !all.contains("changed"), "{all}");
}

#[tokio::test]
async fn the_rules_of_a_comparison_are_those_of_recorded_responses() {
    let ((old, _), (new, _)) = (instance(sound).await, instance(renamed).await);
    let mut with = usual();
    with["rules"] =
        json!({"ignore": {"fields": ["$.total", "$.sum"]}, "normalise": [{"field": "$.token", "as": "anything"}]});
    let judged = Ground::usual().judged(&with, &[old], &[new]).await;
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
    with["rules"] = json!({"ignore": {"fields": ["total"]}});
    assert!(
        (GATE.validate)(&with)
            .unwrap_err()
            .contains("`total` is not a path of a field"),
        "{:?}",
        (GATE.validate)(&with)
    );
}

#[tokio::test]
async fn fewer_than_fifty_pairs_never_pass_and_times_makes_more_of_them() {
    let ((old, _), (new, _)) = (instance(sound).await, instance(sound).await);
    let ground = Ground::new(&[("day.ndjson", &"{\"path\": \"/points/ada\"}\n".repeat(20))]);
    let judged = ground.judged(&usual(), &[old], &[new]).await;
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{}", judged.reason);
    assert_eq!(
        judged.needs.as_deref(),
        Some("more pairs: larger samples, or `times: 3`")
    );
    let mut thrice = usual();
    thrice["times"] = json!(3);
    let judged = ground.judged(&thrice, &[old], &[new]).await;
    assert_eq!(
        (judged.verdict, judged.requests),
        (Verdict::Pass, 60),
        "{}",
        judged.reason
    );
}

#[tokio::test]
async fn a_version_that_does_not_answer_fails_and_an_old_one_that_does_not_says_nothing() {
    let (up, _) = instance(sound).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let judged = Ground::usual().judged(&usual(), &[up], &[nobody]).await;
    assert_eq!(judged.verdict, Verdict::Fail, "{}", judged.reason);
    assert!(
        judged.reason.contains("`status`, another class of status"),
        "{}",
        judged.reason
    );
    let judged = Ground::usual().judged(&usual(), &[nobody], &[up]).await;
    assert_eq!(judged.verdict, Verdict::Error);
    assert!(judged.reason.contains("did not answer 60 of 60"), "{}", judged.reason);
}

#[tokio::test]
async fn answers_that_refuse_everything_compare_nothing() {
    let ((old, _), (new, _)) = (instance(refusing).await, instance(refusing).await);
    let line = "{\"path\": \"/points/ada\", \"headers\": {\"authorization\": \"Bearer x\"}}\n";
    let ground = Ground::new(&[("day.ndjson", &line.repeat(60))]);
    let judged = ground.judged(&usual(), &[old], &[new]).await;
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{}", judged.reason);
    assert!(judged.reason.contains("only 0 of 60"), "{}", judged.reason);
    assert!(judged.needs.unwrap().contains("60 headers that hold secrets"));
}

#[tokio::test]
async fn no_secret_is_sent_unless_it_is_named_and_no_request_that_may_change_something_unless_it_is_declared() {
    let ((old, of_old), (new, of_new)) = (instance(echo).await, instance(echo).await);
    let lines = "{\"path\": \"/a\", \"headers\": {\"cookie\": \"id=1\", \"authorization\": \"x\", \"accept\": \"y\", \"accept-encoding\": \"gzip\"}}\n\
                 {\"path\": \"/search\", \"method\": \"post\", \"body\": {\"text\": \"tea\"}}\n{\"path\": \"/a\", \"method\": \"DELETE\"}\n";
    let ground = Ground::new(&[("day.ndjson", lines)]);
    let read = |with: &Value| {
        let with = With::read(with).unwrap();
        Workload::read(&with, &with.workloads[0], ground.folder.path()).unwrap()
    };
    let sent = |with: &Value| -> Vec<String> {
        let requests = read(with).entries.into_iter().map(|entry| entry.request());
        requests
            .map(|request| format!("{} {} {:?}", request.method(), request.uri(), request.headers()))
            .collect()
    };
    let usual = usual();
    assert_eq!(
        sent(&usual),
        ["GET /a {\"accept\": \"y\", \"x-tidegate-tenant\": \"acme\"}"]
    );
    assert_eq!(
        read(&usual).left_out,
        LeftOut {
            elsewhere: 0,
            unsafe_methods: 2,
            secret_headers: 2
        }
    );
    let mut more = usual.clone();
    more["secret_headers"] = json!(["Cookie"]);
    more["sandbox"] = json!(["POST /search"]);
    let all = sent(&more);
    assert!(
        all[0].contains("\"cookie\": \"id=1\"") && !all[0].contains("authorization"),
        "{all:?}"
    );
    assert!(all[1].starts_with("POST /search") && all.len() == 2, "{all:?}");
    more["workloads"][0]["sandbox"] = json!(true);
    assert_eq!(sent(&more).len(), 3);
    let judged = ground.judged(&more, &[old], &[new]).await;
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{}", judged.reason);
    assert_eq!((of_old.load(Ordering::SeqCst), of_new.load(Ordering::SeqCst)), (6, 3));
}

#[tokio::test]
async fn an_unchanged_component_and_a_first_version_pass_without_a_request() {
    let (one, asked) = instance(sound).await;
    let ground = Ground::usual();
    let judged = ground.judged(&usual(), &[one], &[one]).await;
    assert_eq!(judged.verdict, Verdict::Pass);
    assert!(judged.reason.contains("unchanged"), "{}", judged.reason);
    let first = Target {
        has_old: false,
        ..ground.target(&[], &[one])
    };
    let judged = (GATE.run)(usual(), first).await;
    assert_eq!(judged.verdict, Verdict::Pass);
    assert!(judged.reason.contains("nothing to compare with"), "{}", judged.reason);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert_eq!(
        ground.judged(&usual(), &[], &[one]).await.verdict,
        Verdict::Inconclusive
    );
}

#[tokio::test]
async fn recorded_answers_are_compared_where_that_is_asked_for() {
    let (new, _) = instance(sound).await;
    let line = |body: Value| json!({"path": "/points/ada", "answer": {"status": 200, "body": body}}).to_string() + "\n";
    let mut with = usual();
    with["expect"] = json!("recorded");
    with["rules"] = json!({"ignore": {"fields": ["$.served"]}});
    let right = line(json!({"total": 7, "token": "s3cret", "served": 0}));
    let ground = Ground::new(&[("day.ndjson", &right.repeat(60))]);
    let first = Target {
        has_old: false,
        ..ground.target(&[], &[new])
    };
    let judged = (GATE.run)(with.clone(), first.clone()).await;
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
    let wrong = line(json!({"total": "7", "token": "s3cret", "served": 0}));
    std::fs::write(ground.folder.path().join("day.ndjson"), wrong.repeat(60)).unwrap();
    let judged = (GATE.run)(with.clone(), first).await;
    assert_eq!(judged.verdict, Verdict::Fail, "{}", judged.reason);
    assert!(judged.reason.contains("`$.total`, another type"), "{}", judged.reason);
    // The old version differs from the recording just so: that is not the release.
    let (old, _) = instance(sound).await;
    let judged = ground.judged(&with, &[old], &[new]).await;
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
}

#[tokio::test]
async fn requests_of_a_tenant_go_to_its_cell_or_nowhere() {
    let ((old, _), (new, asked)) = (instance(sound).await, instance(sound).await);
    let ground = Ground::usual();
    let mut with = usual();
    with["workloads"][0]["tenant"] = json!("bolt");
    let judged = ground.judged(&with, &[old], &[new]).await;
    assert_eq!(judged.verdict, Verdict::NoData, "{}", judged.reason);
    assert!(
        judged.reason.contains("60 requests of tenants that live in none"),
        "{}",
        judged.reason
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

fn entry(method: &str, url: &str, second: u32) -> Value {
    json!({
        "startedDateTime": format!("2026-03-01T10:00:{second:02}.500Z"),
        "request": {"method": method, "url": url, "headers": [{"name": ":authority", "value": "shop.example"}, {"name": "Cookie", "value": "a=b"}, {"name": "X-Page", "value": "2"}]},
        "response": {"status": 200, "headers": [{"name": "Content-Encoding", "value": "gzip"}], "content": {"text": "eyJhIjoxfQ==", "encoding": "base64"}}
    })
}

#[test]
fn of_a_har_the_requests_to_our_host_are_taken_with_their_pace_and_answers() {
    let entries = [
        entry("GET", "https://shop.example/points/ada?page=2", 0),
        entry("GET", "https://fonts.example/a.woff", 1),
        entry("GET", "https://Shop.example:443/", 2),
        entry("POST", "https://shop.example/points/ada", 3),
    ];
    let archive = json!({"log": {"version": "1.2", "entries": entries}}).to_string();
    let ground = Ground::new(&[("day.har", &archive)]);
    let with = With::read(&json!({"component": "api", "workloads": [{"file": "day.har"}]})).unwrap();
    let read = Workload::read(&with, &with.workloads[0], ground.folder.path()).unwrap();
    let expected = LeftOut {
        elsewhere: 1,
        unsafe_methods: 1,
        secret_headers: 2,
    };
    assert_eq!(read.left_out, expected);
    let [first, second] = read.entries.as_slice() else {
        panic!("{read:?}")
    };
    assert_eq!(
        (first.path.to_string().as_str(), first.at.as_secs()),
        ("/points/ada?page=2", 0)
    );
    assert_eq!((second.path.to_string().as_str(), second.at.as_secs()), ("/", 2));
    assert_eq!(format!("{:?}", first.request().headers()), "{\"x-page\": \"2\"}");
    let recorded = first.recorded.as_ref().unwrap();
    assert_eq!(
        (recorded.body.as_slice(), recorded.headers.len()),
        (b"{\"a\":1}".as_slice(), 0)
    );
}

#[test]
fn what_is_wrong_with_a_file_is_told_at_its_place() {
    let mut odd = entry("GET", "https://shop.example/", 1);
    odd["request"]["url"] = json!("nowhere");
    let archive = json!({"log": {"entries": [entry("GET", "https://shop.example/", 0), odd]}}).to_string();
    let posted = json!({"log": {"entries": [entry("POST", "https://shop.example/", 0)]}}).to_string();
    let mut bodiless = entry("POST", "https://shop.example/", 0);
    bodiless["request"]["postData"] = json!({"mimeType": "multipart/form-data", "params": []});
    let bodiless = json!({"log": {"entries": [bodiless]}}).to_string();
    let ground = Ground::new(&[
        ("odd.har", &archive),
        ("posted.har", &posted),
        ("bodiless.har", &bodiless),
        ("cut.har", "{\"log\": {\n\"entries\": ["),
        (
            "lines.ndjson",
            "{\"path\": \"/a\"}\n\n{\"path\": \"/b\", \"verb\": \"GET\"}\n",
        ),
        ("pathless.ndjson", "{\"path\": \"a\"}\n"),
        (
            "twice.ndjson",
            "{\"path\": \"/a\", \"body\": 1, \"body_base64\": \"\"}\n",
        ),
        ("status.ndjson", "{\"path\": \"/a\", \"answer\": {\"status\": 7}}\n"),
        ("method.ndjson", "{\"path\": \"/a\", \"method\": \"GE T\"}\n"),
    ]);
    for (file, sandbox, told) in [
        ("none.har", false, "`none.har` cannot be read"),
        ("../none.har", false, "is not in the project's folder"),
        ("odd.har", false, "`odd.har`: entry 2: its `url` has no host"),
        (
            "posted.har",
            false,
            "no request of the workloads would be sent; not sent: 1 requests that may change",
        ),
        (
            "bodiless.har",
            true,
            "entry 1: its body (multipart/form-data) is not in the file",
        ),
        (
            "cut.har",
            false,
            "`cut.har`: this is no HAR: EOF while parsing a list at line 2",
        ),
        (
            "lines.ndjson",
            false,
            "`lines.ndjson`: line 3: column 21: unknown field `verb`",
        ),
        ("pathless.ndjson", false, "line 1: the path `a` does not begin with `/`"),
        ("twice.ndjson", false, "line 1: the body is given twice"),
        ("status.ndjson", false, "line 1: 7 is no status"),
        ("method.ndjson", false, "line 1: `GE T` is no method"),
    ] {
        let with = json!({"component": "api", "workloads": [{"file": file, "sandbox": sandbox}]});
        let said = ground.mistake(&with);
        assert!(said.contains(told), "{file}: {said}");
    }
}

#[test]
fn what_a_replay_cannot_be_told_is_told() {
    let check = |field: &str, value: Value, problem: &str| {
        let mut with = usual();
        with[field] = value;
        let said = (GATE.validate)(&with).unwrap_err();
        assert!(said.contains(problem), "{field}: {said}");
    };
    check("workloads", json!([]), "between one and 1000 files");
    check("times", json!(0), "between 1 and 1000");
    check("parallel", json!(65), "between 1 and 64");
    check("timeout", json!("0s"), "above 0");
    check("speed", json!(0), "above 0");
    check("sandbox", json!(["/search"]), "a method and a path");
    check("expect", json!("new"), "unknown variant `new`");
    assert_eq!((GATE.validate)(&usual()), Ok(()));
}
