mod prometheus;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::tests::target;
use super::*;

async fn said(with: &Value) -> (Verdict, String) {
    let judgement = run(with.clone(), target(&[], &[])).await;
    (judgement.verdict, judgement.reason)
}

#[track_caller]
fn is(found: &(Verdict, String), verdict: Verdict, words: &str) {
    assert_eq!(found.0, verdict, "{}", found.1);
    assert!(found.1.contains(words), "{}", found.1);
}

/// A server that gives an answer that somebody has recorded, with the status before it, whatever it is asked; and what it was sent. `now` in it
/// is the time.
async fn recorded(answer: &'static str) -> (String, UnboundedReceiver<String>) {
    recorded_in_turn(&[answer]).await
}

/// The same with several answers, one after the other, and again from the first.
async fn recorded_in_turn<const N: usize>(answers: &[&'static str; N]) -> (String, UnboundedReceiver<String>) {
    let answers = *answers;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sent, received) = unbounded_channel();
    tokio::spawn(async move {
        for answer in answers.into_iter().cycle() {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 8_192];
            let length = stream.read(&mut head).await.unwrap();
            // Not every test reads it.
            let _ = sent.send(String::from_utf8_lossy(&head[..length]).into_owned());
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap();
            let (status, body) = answer.split_once(' ').unwrap();
            let body = body.replace("now", &now.as_secs().to_string());
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{body}");
            // One that is refused for its length is not read to its end.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, received)
}

#[tokio::test]
async fn who_does_not_answer_as_prometheus_does_is_an_error() {
    for (answer, words) in [
        (
            "302 <a href=\"/login\">",
            "answered 302 Found: a redirection is not followed",
        ),
        (
            "200 <!doctype html>",
            "with what is no answer of Prometheus: <!doctype html>",
        ),
        ("500 no", "answered 500 Internal Server Error with what is no answer"),
        (
            r#"200 {"status":"success","data":{"resultType":"scalar","result":[now,"1"]},"warnings":["a store is away"]}"#,
            "may not be whole: a store is away",
        ),
        (
            r#"200 {"status":"success","data":{"resultType":"scalar","result":[now,"+Inf"]}}"#,
            "`1` is infinite",
        ),
    ] {
        let (url, _) = recorded(answer).await;
        let with = json!({"url": url, "query": "1", "at_most": 5});
        is(&said(&with).await, Verdict::Error, words);
    }
    let long: &'static str = format!("200 {}", " ".repeat(5_000_001)).leak();
    let (url, _) = recorded(long).await;
    let with = json!({"url": url, "query": "1", "at_most": 5});
    is(&said(&with).await, Verdict::Error, "longer than 5000000 bytes");
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let with = json!({"url": format!("http://{nobody}"), "query": "1", "at_most": 5});
    is(&said(&with).await, Verdict::Error, "does not answer: cannot connect");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let with = json!({"url": url, "query": "1", "at_most": 5, "timeout": "50ms"});
    is(&said(&with).await, Verdict::Error, "did not answer within 50ms");
}

#[tokio::test]
async fn an_answer_that_was_kept_somewhere_is_no_data() {
    let (url, _) =
        recorded(r#"200 {"status":"success","data":{"resultType":"scalar","result":[1764717319,"1"]}}"#).await;
    let with = json!({"url": url, "query": "1", "at_most": 5});
    is(
        &said(&with).await,
        Verdict::NoData,
        "the answer was kept somewhere, or its clock is behind",
    );
}

/// The playbook may let no data pass: a number that breaks the limit is not covered by that.
#[tokio::test]
async fn a_look_without_a_number_leaves_the_others_to_hold() {
    let none = r#"200 {"status":"success","data":{"resultType":"vector","result":[]}}"#;
    let three = r#"200 {"status":"success","data":{"resultType":"scalar","result":[now,"3"]}}"#;
    let nine = r#"200 {"status":"success","data":{"resultType":"scalar","result":[now,"9"]}}"#;
    let with = |url: &str| json!({"url": url, "query": "sum(up)", "at_most": 5, "for": "2s", "every": "1s"});
    let (url, _) = recorded(none).await;
    is(&said(&with(&url)).await, Verdict::NoData, "`sum(up)` has no sample");
    let (url, _) = recorded_in_turn(&[three, none, three]).await;
    let found = said(&with(&url)).await;
    is(
        &found,
        Verdict::NoData,
        "`sum(up)` is 3 with at most 5, at 3 looks in 2s; 1 of them had no data: ",
    );
    let (url, _) = recorded_in_turn(&[none, three, nine]).await;
    is(
        &said(&with(&url)).await,
        Verdict::Fail,
        "`sum(up)` is 9, expected is at most 5, at look 3",
    );
}

#[tokio::test]
async fn a_token_is_sent_and_shown_nowhere() {
    let (url, mut sent) = recorded("401 swordfish is not welcome").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "swordfish\n").unwrap();
    let mut with = json!({
        "url": format!("{url}/prometheus/"), "token": {"file": file}, "headers": {"X-Scope-OrgID": "team"},
        "query": "sum(a + b)", "at_most": 5,
    });
    is(&said(&with).await, Verdict::Error, "answered 401 Unauthorized");
    let request = sent.recv().await.unwrap();
    for part in [
        "POST /prometheus/api/v1/query HTTP/1.1\r\n",
        "authorization: Bearer swordfish\r\n",
        "x-scope-orgid: team\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "\r\n\r\nquery=sum%28a%20%2B%20b%29",
    ] {
        assert!(request.contains(part), "{request}");
    }
    with["token"] = json!({"file": "/no/such"});
    is(
        &said(&with).await,
        Verdict::Error,
        "there is no token: cannot get it from",
    );
}

#[tokio::test]
async fn without_an_old_version_or_a_change_nothing_is_compared() {
    let [one, other] = ["127.0.0.1:1", "127.0.0.1:2"].map(|address| address.parse().unwrap());
    let query = |side: &str| format!("up{{instance=~\"${{{side}_addresses}}\"}}");
    let samples =
        json!({"url": "http://127.0.0.1:9", "old": query("old"), "new": query("new"), "worse": "lower", "margin": 2});
    let side = |name| json!({"events": query(name), "total": format!("2 * {}", query(name))});
    let counters = json!({"url": "http://127.0.0.1:9", "old": side("old"), "new": side("new"), "margin": 2});
    for with in [samples, counters] {
        let first = Target {
            has_old: false,
            ..target(&[], &[one])
        };
        let judgement = run(with.clone(), first).await;
        assert_eq!(judgement.verdict, Verdict::Pass);
        assert!(
            judgement.reason.contains("there is nothing to compare with"),
            "{}",
            judgement.reason
        );
        let judgement = run(with.clone(), target(&[one], &[one])).await;
        assert_eq!(judgement.verdict, Verdict::Pass);
        assert!(
            judgement.reason.contains("on the instances it ran on before"),
            "{}",
            judgement.reason
        );
        // The old version does not run, or nobody does: that is no pass.
        for (old, new) in [(&[][..], &[other][..]), (&[one], &[]), (&[], &[])] {
            let judgement = run(with.clone(), target(old, new)).await;
            assert_eq!(judgement.verdict, Verdict::Error, "{}", judgement.reason);
        }
    }
}
