//! Against an Alertmanager of its own, which tells receivers that the tests serve.

use super::process::{Alertmanager, until};
use super::*;
use crate::notify::message::TENANTS_MAX;
use crate::notify::pagerduty::tests::Events;
use tidegate_domain::files::{AlertKind, AlertSeverity};

/// What Alertmanager's own webhook told: the state of each alert, oldest first.
fn told_of(listener: &Listener, name: &str) -> Vec<String> {
    let heard = listener.heard();
    let alerts = heard
        .iter()
        .flat_map(|heard| heard.json()["alerts"].as_array().unwrap().clone());
    let named = alerts.filter(|alert| alert["labels"]["alertname"] == name);
    named
        .map(|alert| alert["status"].as_str().unwrap().to_owned())
        .collect()
}

async fn listener() -> (Listener, Value) {
    let listener = Listener::answering(|_| Answer::of(200, "")).await;
    let receiver = json!({"webhook_configs": [{"url": listener.url("/"), "send_resolved": true}]});
    (listener, receiver)
}

/// What is alerted about now, and not in the example's year.
fn now_on(mut message: Message) -> Message {
    message.at = now();
    message.since = Timestamp(message.at.0 - 60_000);
    message
}

async fn delivered(with: &Value, message: Message) {
    let outcome = send("alertmanager", with.clone(), message).await;
    assert_eq!(outcome, Outcome::Delivered { reference: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_raised_shown_acknowledged_and_resolved() {
    let (listener, receiver) = listener().await;
    let Some(alertmanager) = Alertmanager::telling(receiver).await else {
        return;
    };
    let with = json!({"url": alertmanager.url, "labels": {"environment": "production"}, "resend": "10m"});
    let raised = now_on(message(State::Raised));
    // Twice, as after a crash between the answer and the note of it.
    delivered(&with, raised.clone()).await;
    delivered(&with, raised.clone()).await;
    let alerts = alertmanager.alerts().await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let sent = alert(&read(&with), &raised, now());
    for field in ["labels", "annotations", "startsAt", "generatorURL"] {
        assert_eq!(alerts[0][field], sent[field], "{field}");
    }
    until("its webhook was told", async || {
        let told = told_of(&listener, "TidegateErrors");
        (told == ["firing"]).then_some(()).ok_or_else(|| format!("{told:?}"))
    })
    .await;

    let mut acknowledged = now_on(message(State::Acknowledged));
    acknowledged.since = raised.since;
    delivered(&with, acknowledged).await;
    let alerts = alertmanager.alerts().await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["annotations"]["acknowledged_by"], "ada");

    // Another one beside it.
    let mut other = now_on(message(State::Raised));
    other.id = "shop/eu-1/errors/2".to_owned();
    delivered(&with, other).await;
    assert_eq!(alertmanager.alerts().await.len(), 2);

    let mut resolved = now_on(message(State::Resolved));
    resolved.since = raised.since;
    delivered(&with, resolved).await;
    alertmanager
        .until("only the other one stands", |alerts| {
            alerts.len() == 1 && alerts[0]["labels"]["alert_id"] == "shop/eu-1/errors/2"
        })
        .await;
    until("its webhook was told of the end", async || {
        let told = told_of(&listener, "TidegateErrors");
        let is_over = told.iter().any(|state| state == "resolved");
        is_over.then_some(()).ok_or_else(|| format!("{told:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_stands_while_it_is_told_and_its_end_is_told_when_it_stops() {
    let (listener, receiver) = listener().await;
    let Some(alertmanager) = Alertmanager::telling(receiver).await else {
        return;
    };
    let with = json!({"url": alertmanager.url, "resend": "1s"});
    let mut heartbeat = message(State::Heartbeat);
    heartbeat.kind = AlertKind::Watcher;
    let began = now();
    // For longer than one of them stands for.
    while (now() - began).as_millis() < 6_000 {
        heartbeat.at = now();
        delivered(&with, heartbeat.clone()).await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    let told = told_of(&listener, "TidegateHeartbeat");
    assert_eq!(told, ["firing"]);
    until("it has stopped", async || {
        let told = told_of(&listener, "TidegateHeartbeat");
        (told == ["firing", "resolved"])
            .then_some(())
            .ok_or_else(|| format!("{told:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alertmanager_takes_every_message_that_can_be_written() {
    let (_listener, receiver) = listener().await;
    let Some(alertmanager) = Alertmanager::telling(receiver).await else {
        return;
    };
    let with = json!({"url": alertmanager.url});
    let mut count = 0;
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
            count += 1;
            let mut message = now_on(message(State::Raised));
            (message.severity, message.kind) = (severity, kind);
            message.id = format!("\"{count}\"\r\n{{}} \u{1f525}");
            message.title = "\u{0}\r\n\"{}\u{2028}".repeat(1_000);
            message.text = "\u{1f525}\u{7}".repeat(10_000);
            message.tenants.count = TENANTS_MAX * 1_000;
            message.link = Some("https://example.com/\u{e4}?a=b&c=%zz".to_owned());
            delivered(&with, message).await;
        }
    }
    assert_eq!(alertmanager.alerts().await.len(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_alertmanager_does_not_take_is_refused() {
    let (_listener, receiver) = listener().await;
    let Some(alertmanager) = Alertmanager::telling(receiver).await else {
        return;
    };
    let with = json!({"url": format!("{}/elsewhere", alertmanager.url)});
    let outcome = send("alertmanager", with, message(State::Raised)).await;
    assert!(
        matches!(&outcome, Outcome::Refused { reason } if reason.contains("404")),
        "{outcome:?}"
    );
}

/// Alertmanager has spoken to the real PagerDuty for years: what stands in for PagerDuty in our tests takes what Alertmanager sends.
#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_of_the_tests_of_pagerduty_takes_what_alertmanager_sends_there() {
    let events = Events::start().await;
    let receiver = json!({"pagerduty_configs": [{
        "url": events.url(),
        "routing_key": "0123456789abcdef0123456789abcdef",
        "severity": "{{ .CommonLabels.severity }}",
        "send_resolved": true,
    }]});
    let Some(alertmanager) = Alertmanager::telling(receiver).await else {
        return;
    };
    let with = json!({"url": alertmanager.url});
    for (state, there) in [(State::Raised, "triggered"), (State::Resolved, "resolved")] {
        delivered(&with, now_on(message(state))).await;
        until(there, async || {
            let alerts = events.alerts();
            let states: Vec<&str> = alerts.values().copied().collect();
            (states == [there])
                .then_some(())
                .ok_or_else(|| format!("{alerts:?} {:?}", events.heard()))
        })
        .await;
    }
}
