use super::super::tests::receiver::{Answer, Receiver as Listener};
use super::super::tests::{message, mistake, secret};
use super::super::{check, send};
use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn signs_as_the_specification_does() {
    let key = STANDARD.decode(SECRET.strip_prefix(PREFIX).unwrap()).unwrap();
    let signed = sign(
        &key,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        r#"{"test": 2432232314}"#,
    );
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[tokio::test]
async fn a_message_is_signed_and_every_attempt_at_it_has_one_id() {
    let listener = Listener::answering(|_| Answer::of(204, "")).await;
    let (_folder, found) = secret(SECRET);
    let with = json!({"url": listener.url("/alerts"), "secret": found});
    check("webhook", &with).unwrap();
    for state in [State::Raised, State::Raised, State::Resolved] {
        let outcome = send("webhook", with.clone(), message(state)).await;
        assert_eq!(outcome, Outcome::Delivered { reference: None });
    }
    let heard = listener.heard();
    let ids: Vec<&str> = heard.iter().map(|heard| heard.header("webhook-id")).collect();
    assert!(ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
    for heard in &heard {
        let (id, timestamp) = (heard.header("webhook-id"), heard.header("webhook-timestamp"));
        let key = STANDARD.decode(SECRET.strip_prefix(PREFIX).unwrap()).unwrap();
        let seconds = timestamp.parse().unwrap();
        assert_eq!(heard.header("webhook-signature"), sign(&key, id, seconds, &heard.body));
        assert!((now().0 / 1_000 - seconds).abs() < 60);
        assert_eq!(heard.header("content-type"), "application/json");
    }
    assert_eq!(heard[2].json()["type"], "alert.resolved");
    let told = heard[0].json();
    assert_eq!(
        told,
        json!({
            "type": "alert.raised",
            "timestamp": "2027-01-15T08:01:00Z",
            "data": {
                "id": "shop/eu-1/errors/1",
                "state": "raised",
                "at": "2027-01-15T08:01:00Z",
                "kind": "errors",
                "severity": "critical",
                "title": "errors of checkout are 12 times as frequent as usual",
                "text": "31 of 1,000 requests failed in the last 5 minutes.\nExpected are 2 to 4.",
                "service": "shop",
                "cell": "eu-1",
                "tenants": {"count": 2, "names": ["tenant-000", "tenant-001"]},
                "customer": "acme",
                "role": "developers",
                "owner": "Checkout team",
                "runbook": "https://wiki.example.com/errors?of=shop&in=eu",
                "release": "2.1.0",
                "since": "2027-01-15T08:00:00Z",
                "link": "https://tidegate.example.com/alerts/1",
            },
        })
    );
}

#[tokio::test]
async fn a_heartbeat_is_told_as_one() {
    let listener = Listener::answering(|_| Answer::of(200, "")).await;
    let (_folder, found) = secret(SECRET);
    let with = json!({"url": listener.url("/"), "secret": found});
    send("webhook", with, message(State::Heartbeat)).await;
    assert_eq!(listener.heard()[0].json()["type"], "heartbeat");
}

#[test]
fn a_message_is_smaller_than_the_specification_wants_it() {
    let mut long = message(State::Raised);
    long.title = "ä".repeat(10_000);
    long.text = "\u{1f525}".repeat(10_000);
    assert!(body(&long).len() < 20_000, "{}", body(&long).len());
}

#[tokio::test]
async fn a_secret_that_cannot_sign_is_refused_before_anything_is_sent() {
    let listener = Listener::answering(|_| Answer::of(200, "")).await;
    for unusable in ["swordfish", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!"] {
        let (_folder, found) = secret(unusable);
        let with = json!({"url": listener.url("/"), "secret": found});
        let outcome = send("webhook", with, message(State::Raised)).await;
        let Outcome::Refused { reason } = outcome else {
            panic!("{outcome:?}")
        };
        assert!(
            reason.contains("24 to 64 bytes") && !reason.contains("swordfish"),
            "{reason}"
        );
    }
    assert!(listener.heard().is_empty());
    assert!(mistake("webhook", json!({"url": "https://example.com"})).contains("missing field `secret`"));
}
