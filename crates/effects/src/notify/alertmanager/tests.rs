mod process;
mod real;

use super::super::tests::receiver::{Answer, Receiver as Listener};
use super::super::tests::{message, mistake, secret};
use super::super::{check, send};
use super::*;
use crate::notify::CHANNELS;

fn read(with: &Value) -> With {
    told(with).unwrap()
}

fn alert_of(message: &Message) -> Value {
    let with = read(&json!({"url": "http://localhost:9093", "labels": {"environment": "production"}}));
    alert(&with, message, Timestamp(1_800_000_120_500))
}

#[test]
fn an_alert_has_what_routes_and_people_look_for() {
    assert_eq!(
        alert_of(&message(State::Raised)),
        json!({
            "labels": {
                "alertname": "TidegateErrors",
                "alert_id": "shop/eu-1/errors/1",
                "service": "shop",
                "cell": "eu-1",
                "customer": "acme",
                "kind": "errors",
                "severity": "critical",
                "role": "developers",
                "environment": "production",
            },
            "annotations": {
                "summary": "Raised: errors of checkout are 12 times as frequent as usual",
                "description": "31 of 1,000 requests failed in the last 5 minutes.\nExpected are 2 to 4.",
                "severity": "critical",
                "kind": "errors",
                "service": "shop",
                "cell": "eu-1",
                "tenants": "tenant-000, tenant-001",
                "customer": "acme",
                "since": "2027-01-15T08:00:00Z",
                "release_in_progress": "2.1.0",
                "owner": "Checkout team",
                "runbook_url": "https://wiki.example.com/errors?of=shop&in=eu",
            },
            "startsAt": "2027-01-15T08:00:00.000Z",
            "endsAt": "2027-01-15T08:06:00.500Z",
            "generatorURL": "https://tidegate.example.com/alerts/1",
        })
    );
}

#[test]
fn an_alert_stands_as_long_as_it_is_told_again_and_ends_when_it_is_resolved() {
    let ends = |state| alert_of(&message(state))["endsAt"].as_str().unwrap().to_owned();
    for state in [State::Raised, State::Escalated, State::Acknowledged, State::Heartbeat] {
        assert_eq!(ends(state), "2027-01-15T08:06:00.500Z", "{state:?}");
    }
    assert_eq!(ends(State::Resolved), "2027-01-15T08:01:00.000Z");
    // By a clock that was set back it ends now, and began no later.
    let ahead = Message {
        at: Timestamp(1_800_000_999_000),
        since: Timestamp(1_800_000_999_000),
        ..message(State::Resolved)
    };
    let alert = alert_of(&ahead);
    assert_eq!(alert["endsAt"], "2027-01-15T08:02:00.500Z");
    assert_eq!(alert["startsAt"], alert["endsAt"]);
    let channel = CHANNELS.iter().find(|channel| channel.name == "alertmanager").unwrap();
    let again_every = |with| (channel.again_every)(&with);
    assert_eq!(
        again_every(json!({"url": "http://localhost"})),
        Some(Duration::from_secs(60))
    );
    assert_eq!(
        again_every(json!({"url": "http://localhost", "resend": "30s"})),
        Some(Duration::from_secs(30))
    );
}

#[test]
fn what_makes_an_alert_this_one_is_the_same_in_all_of_its_states() {
    let labels = |state| alert_of(&message(state))["labels"].clone();
    for state in [State::Escalated, State::Acknowledged, State::Resolved] {
        assert_eq!(labels(State::Raised), labels(state));
    }
}

#[test]
fn a_use_that_cannot_be_is_told() {
    for (with, words) in [
        (json!({}), "missing field `url`"),
        (json!({"url": "alertmanager:9093"}), "`url`: it is no address"),
        (json!({"url": "http://localhost:9093?x=y"}), "`url`: it has a query"),
        (
            json!({"url": "http://localhost", "labels": {"severity": "page"}}),
            "`severity` is set by Tidegate",
        ),
        (
            json!({"url": "http://localhost", "labels": {"1st": "x"}}),
            "`1st` is no name of a label",
        ),
        (
            json!({"url": "http://localhost", "labels": {"a b": "x"}}),
            "`a b` is no name of a label",
        ),
        (
            json!({"url": "http://localhost", "resend": "2h"}),
            "`resend`: 2h is not 1s to 1h",
        ),
        (
            json!({"url": "http://localhost", "resend": "10ms"}),
            "`resend`: 10ms is not 1s to 1h",
        ),
    ] {
        let mistake = mistake("alertmanager", &with);
        assert!(mistake.contains(words), "{mistake}");
    }
}

#[tokio::test]
async fn a_token_goes_along_and_an_address_may_have_a_path() {
    let listener = Listener::answering(|_| Answer::of(200, "")).await;
    let (_folder, found) = secret("s3cr3t");
    let with = json!({"url": listener.url("/alertmanager/"), "token": found});
    check("alertmanager", &with).unwrap();
    send("alertmanager", with, message(State::Raised)).await;
    let heard = &listener.heard()[0];
    assert_eq!(heard.path, "/alertmanager/api/v2/alerts");
    assert_eq!(heard.header("authorization"), "Bearer s3cr3t");
}

#[tokio::test]
async fn a_token_that_no_header_can_hold_is_refused() {
    let (_folder, found) = secret("a\r\nx-evil: 1");
    let outcome = send(
        "alertmanager",
        json!({"url": "http://localhost:1", "token": found}),
        message(State::Raised),
    )
    .await;
    assert!(
        matches!(&outcome, Outcome::Refused { reason } if !reason.contains("evil")),
        "{outcome:?}"
    );
}
