use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tidegate_domain::files::{AlertKind, AlertSeverity};

use jsonschema::Validator;

use super::super::tests::receiver::{Answer, Heard, Receiver as Listener};
use super::super::tests::{message, mistake, secret};
use super::super::{check, send};
use super::*;

const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";

/// One that takes events as PagerDuty says that it does, and what has become of the alerts.
pub struct Events {
    listener: Listener,
    alerts: Arc<Mutex<BTreeMap<String, &'static str>>>,
}

impl Events {
    pub async fn start() -> Self {
        let schema: Value = serde_json::from_str(include_str!("tests/event.schema.json")).unwrap();
        let form = jsonschema::validator_for(&schema).unwrap();
        let alerts = Arc::new(Mutex::new(BTreeMap::new()));
        let kept = Arc::clone(&alerts);
        let listener = Listener::answering(move |heard| taken(&form, heard, &mut kept.lock().unwrap())).await;
        Self { listener, alerts }
    }

    pub fn url(&self) -> String {
        self.listener.url("/v2/enqueue")
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.listener.heard()
    }

    pub fn alerts(&self) -> BTreeMap<String, &'static str> {
        self.alerts.lock().unwrap().clone()
    }
}

fn taken(form: &Validator, heard: &Heard, alerts: &mut BTreeMap<String, &'static str>) -> Answer {
    let event = heard.json();
    let errors: Vec<String> = form
        .iter_errors(&event)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    if heard.path != "/v2/enqueue" || heard.method != "POST" || heard.body.len() > 512_000 || !errors.is_empty() {
        let told = json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors});
        return Answer::of(400, &told.to_string());
    }
    let key = event["dedup_key"].as_str().unwrap().to_owned();
    let is_open = alerts.get(&key).is_some_and(|state| *state != "resolved");
    match event["event_action"].as_str().unwrap() {
        // One that is open stays as it is.
        "trigger" if is_open => {}
        "trigger" => _ = alerts.insert(key.clone(), "triggered"),
        "acknowledge" if is_open => _ = alerts.insert(key.clone(), "acknowledged"),
        "resolve" if is_open => _ = alerts.insert(key.clone(), "resolved"),
        // They are dropped.
        _ => {}
    }
    let told = json!({"status": "success", "message": "Event processed", "dedup_key": key});
    Answer::of(202, &told.to_string())
}

async fn tell(events: &Events, message: Message) -> Outcome {
    let (_folder, found) = secret(ROUTING_KEY);
    let with = json!({"routing_key": found, "url": events.url()});
    check("pagerduty", &with).unwrap();
    send("pagerduty", with, message).await
}

#[tokio::test]
async fn an_alert_is_one_alert_there_through_all_of_its_states() {
    let events = Events::start().await;
    let key = message(State::Raised).id;
    for (state, there) in [
        (State::Raised, "triggered"),
        (State::Raised, "triggered"),
        (State::Escalated, "triggered"),
        (State::Acknowledged, "acknowledged"),
        (State::Escalated, "acknowledged"),
        (State::Resolved, "resolved"),
        (State::Resolved, "resolved"),
        // Late, and dropped.
        (State::Acknowledged, "resolved"),
    ] {
        let outcome = tell(&events, message(state)).await;
        let reference = Some(key.clone());
        assert_eq!(outcome, Outcome::Delivered { reference });
        assert_eq!(events.alerts(), BTreeMap::from([(key.clone(), there)]), "{state:?}");
    }
}

#[tokio::test]
async fn an_event_says_what_those_who_are_woken_need() {
    let events = Events::start().await;
    tell(&events, message(State::Raised)).await;
    tell(&events, message(State::Resolved)).await;
    let heard = events.heard();
    let event = heard[0].json();
    assert_eq!(event["payload"]["source"], "shop/eu-1");
    assert_eq!(event["payload"]["severity"], "critical");
    assert_eq!(event["payload"]["class"], "errors");
    assert_eq!(event["payload"]["timestamp"], "2027-01-15T08:00:00Z");
    assert_eq!(event["payload"]["custom_details"]["Release in progress"], "2.1.0");
    assert_eq!(event["client_url"], "https://tidegate.example.com/alerts/1");
    assert_eq!(
        event["links"][0]["href"],
        "https://wiki.example.com/errors?of=shop&in=eu"
    );
    let bare = json!({"routing_key": ROUTING_KEY, "event_action": "resolve", "dedup_key": "shop/eu-1/errors/1"});
    assert_eq!(heard[1].json(), bare);
}

#[tokio::test]
async fn every_kind_and_severity_and_the_longest_message_have_the_published_form() {
    let events = Events::start().await;
    for severity in [
        AlertSeverity::Critical,
        AlertSeverity::Error,
        AlertSeverity::Warning,
        AlertSeverity::Info,
    ] {
        for kind in [
            AlertKind::Errors,
            AlertKind::Timeouts,
            AlertKind::Latency,
            AlertKind::VolumeDrop,
            AlertKind::VolumeSpike,
            AlertKind::Watcher,
        ] {
            let message = Message {
                severity,
                kind,
                cell: None,
                link: None,
                runbook: None,
                ..message(State::Raised)
            };
            assert!(matches!(tell(&events, message).await, Outcome::Delivered { .. }));
        }
    }
    let mut long = message(State::Raised);
    long.title = "\u{1f525}\r\n".repeat(10_000);
    long.text = "ä".repeat(100_000);
    long.owner = Some("x".repeat(100_000));
    long.id = "x".repeat(300);
    let outcome = tell(&events, long).await;
    assert!(
        matches!(&outcome, Outcome::Delivered { reference: Some(key) } if key.len() == 32),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_wrong_event_is_not_sent_again_and_what_pagerduty_cannot_take_now_is() {
    let events = Events::start().await;
    let (_folder, found) = secret("too-short");
    let with = json!({"routing_key": found, "url": events.url()});
    let outcome = send("pagerduty", with, message(State::Raised)).await;
    assert!(
        matches!(&outcome, Outcome::Refused { reason } if reason.contains("400") && !reason.contains("too-short")),
        "{outcome:?}"
    );
    for status in [429, 500, 503] {
        let listener = Listener::answering(move |_| Answer::of(status, "")).await;
        let (_folder, found) = secret(ROUTING_KEY);
        let with = json!({"routing_key": found, "url": listener.url("/v2/enqueue")});
        let outcome = send("pagerduty", with, message(State::Raised)).await;
        assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    }
}

#[test]
fn the_address_is_pagerdutys_where_none_is_said() {
    let with: With = told_with(&json!({"routing_key": {"environment": "KEY"}}));
    assert_eq!(with.uri, "https://events.pagerduty.com/v2/enqueue");
    let with: With = told_with(&json!({
        "routing_key": {"environment": "KEY"},
        "url": "https://events.eu.pagerduty.com/v2/enqueue",
    }));
    assert_eq!(with.uri.host(), Some("events.eu.pagerduty.com"));
    assert!(mistake("pagerduty", &json!({})).contains("missing field `routing_key`"));
}

fn told_with(with: &Value) -> With {
    told(with).unwrap()
}
