use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::tests::target;
use super::*;

/// A server that gives the first answer first, and the last one from then on; and what it was sent.
async fn answering(
    answers: &'static [&'static str],
) -> (
    SocketAddr,
    Arc<AtomicUsize>,
    tokio::sync::mpsc::UnboundedReceiver<String>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, (sent, received)) = (Arc::new(AtomicUsize::new(0)), tokio::sync::mpsc::unbounded_channel());
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4_096];
            let length = stream.read(&mut head).await.unwrap();
            // Not every test reads it.
            let _ = sent.send(String::from_utf8_lossy(&head[..length]).into_owned());
            let answer = answers[count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
            let (status, body) = answer.split_once(' ').unwrap();
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, asked, received)
}

async fn said(with: Value, addresses: &[SocketAddr]) -> (Verdict, String) {
    let judgement = run(with, target(&[], addresses)).await;
    (judgement.verdict, judgement.reason)
}

#[tokio::test]
async fn every_new_instance_has_to_answer_as_expected() {
    let (good, asked, mut sent) = answering(&["200 {\"ready\": true}"]).await;
    let (bad, _, _) = answering(&["200 {\"ready\": false}"]).await;
    let with = json!({
        "component": "api", "path": "/health/deep?full=1", "method": "POST", "body": "x", "headers": {"x-tenant": "acme"},
        "expect": [{"at": "/ready", "equals": true}],
    });
    let (verdict, reason) = said(with.clone(), &[good, good]).await;
    assert_eq!(verdict, Verdict::Pass, "{reason}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let end = format!("({good}/health/deep?full=1) answered 200 OK: /ready is true, and so did 1 more");
    assert!(reason.ends_with(&end), "{reason}");
    let request = sent.recv().await.unwrap();
    assert!(
        request.starts_with("POST /health/deep?full=1 HTTP/1.1\r\n"),
        "{request}"
    );
    for part in ["x-tenant: acme\r\n", &format!("host: {good}\r\n"), "\r\n\r\nx"] {
        assert!(request.contains(part), "{request}");
    }
    let (verdict, reason) = said(with, &[good, bad]).await;
    assert_eq!(verdict, Verdict::Fail);
    assert!(reason.contains("/ready is false, expected is true"), "{reason}");
}

#[tokio::test]
async fn a_status_that_is_not_right_fails_and_silence_is_whose_it_is() {
    let (busy, _, _) = answering(&["503 no database"]).await;
    let url = format!("http://{busy}/");
    let (verdict, reason) = said(json!({"url": url}), &[]).await;
    assert_eq!(
        (verdict, reason.as_str()),
        (
            Verdict::Fail,
            &*format!("{url} answered 503 Service Unavailable: no database")
        )
    );
    assert_eq!(said(json!({"url": url, "status": [503]}), &[]).await.0, Verdict::Pass);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (verdict, reason) = said(json!({"component": "api", "path": "/"}), &[nobody]).await;
    assert_eq!(verdict, Verdict::Fail);
    assert!(
        reason.contains("does not answer: cannot connect: Connection refused"),
        "{reason}"
    );
    assert_eq!(
        said(json!({"url": format!("http://{nobody}")}), &[]).await.0,
        Verdict::Error
    );
    let (verdict, reason) = said(json!({"component": "worker", "path": "/"}), &[nobody]).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(
        reason.contains("component worker has no new instance in this wave; there are: api"),
        "{reason}"
    );
}

#[tokio::test]
async fn who_is_not_ready_yet_is_asked_again() {
    let (late, asked, _) = answering(&["503 not yet", "200 here"]).await;
    let url = format!("http://{late}");
    assert_eq!(said(json!({"url": url, "retry_for": "1m"}), &[]).await.0, Verdict::Pass);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_token_is_sent_from_where_it_is_found_and_shown_nowhere() {
    let (safe, _, mut sent) = answering(&["200 fine"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "swordfish\n").unwrap();
    let url = format!("http://{safe}");
    let (verdict, reason) = said(json!({"url": url, "token": {"file": file}}), &[]).await;
    assert_eq!(verdict, Verdict::Pass);
    assert!(!reason.contains("swordfish"), "{reason}");
    assert!(
        sent.recv()
            .await
            .unwrap()
            .contains("authorization: Bearer swordfish\r\n")
    );
    let (verdict, reason) = said(json!({"url": url, "token": {"file": "/no/such"}}), &[]).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.contains("there is no token: cannot get it from"), "{reason}");
}

#[test]
fn what_cannot_be_asked_is_refused_when_it_is_planned() {
    for (with, problem) in [
        (json!({}), "say `component` and `path`, or `url`"),
        (json!({"component": "api"}), "say `component` and `path`, or `url`"),
        (json!({"component": "api", "path": "/", "url": "http://x"}), "or `url`"),
        (json!({"component": "api", "path": "health"}), "does not begin with `/`"),
        (json!({"url": "localhost:80"}), "no address like https://host/path"),
        (json!({"url": "ftp://x/"}), "no address like https://host/path"),
        (json!({"url": "http://u:p@x/"}), "with `token`"),
        (json!({"url": "http://x/", "method": "GE T"}), "`GE T` is no method"),
        (json!({"url": "http://x/", "headers": {"a b": "c"}}), "`a b` is no name"),
        (
            json!({"url": "http://x/", "headers": {"Authorization": "c"}}),
            "with `token`",
        ),
        (
            json!({"url": "http://x/", "headers": {"a": "b\nc"}}),
            "the value of the header `a`",
        ),
        (json!({"url": "http://x/", "token": {"environment": "T"}}), "use https"),
        (json!({"url": "http://x/", "status": [20]}), "20 is no status"),
        (
            json!({"url": "http://x/", "expect": [{"at": "/a"}]}),
            "nothing is expected at `/a`",
        ),
        (json!({"url": "http://x/", "ready": true}), "unknown field `ready`"),
    ] {
        let refused = (GATE.validate)(&with).unwrap_err();
        assert!(refused.contains(problem), "{with}: {refused}");
    }
    assert!((GATE.validate)(&json!({"url": "https://x/y?z"})).is_ok());
}
