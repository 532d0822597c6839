pub mod receiver;

use serde_json::json;
use tempfile::TempDir;
use tidegate_domain::files::{AlertKind, AlertRole, AlertSeverity};
use tidegate_domain::id::{CellName, CustomerName, ServiceName, TenantName, Version};

use self::receiver::{Answer, Receiver};
use super::*;

/// A message that says all that one can say.
pub fn message(state: State) -> Message {
    Message {
        id: "shop/eu-1/errors/1".to_owned(),
        state,
        at: Timestamp(1_800_000_060_000),
        kind: AlertKind::Errors,
        severity: AlertSeverity::Critical,
        title: "errors of checkout are 12 times as frequent as usual".to_owned(),
        text: "31 of 1,000 requests failed in the last 5 minutes.\nExpected are 2 to 4.".to_owned(),
        service: ServiceName::new("shop").unwrap(),
        cell: Some(CellName::new("eu-1").unwrap()),
        tenants: Tenants::of(names(2)),
        customer: Some(CustomerName::new("acme").unwrap()),
        role: AlertRole::Developers,
        owner: Some("Checkout team".to_owned()),
        runbook: Some("https://wiki.example.com/errors?of=shop&in=eu".to_owned()),
        release: Some(Version::new("2.1.0").unwrap()),
        since: Timestamp(1_800_000_000_000),
        by: (state == State::Acknowledged).then(|| "ada".to_owned()),
        link: Some("https://tidegate.example.com/alerts/1".to_owned()),
    }
}

fn names(count: usize) -> Vec<TenantName> {
    (0..count)
        .map(|number| TenantName::new(&format!("tenant-{number:03}")).unwrap())
        .collect()
}

/// A folder, and where a secret is found in it.
pub fn secret(value: &str) -> (TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, value).unwrap();
    (folder, json!({ "file": file }))
}

/// What a channel that is never to be asked says.
pub fn mistake(uses: &str, with: &Value) -> String {
    check(uses, with).unwrap_err().to_string()
}

#[test]
fn a_channel_is_found_by_its_name_and_another_one_is_told_with_those_there_are() {
    for channel in CHANNELS {
        assert_eq!(find(channel.name).unwrap().name, channel.name);
    }
    assert_eq!(
        mistake("telegram", &json!({})),
        "there is no channel `telegram`; there are alertmanager, heartbeat, mail, pagerduty, slack, webhook"
    );
}

#[tokio::test]
async fn what_a_channel_is_not_for_is_refused_before_anything_is_sent() {
    let refused = |outcome: Outcome| match outcome {
        Outcome::Refused { reason } => reason,
        Outcome::Delivered { .. } | Outcome::Retry { .. } => panic!("{outcome:?}"),
    };
    for uses in ["slack", "pagerduty", "mail"] {
        let reason = refused(send(uses, json!({}), message(State::Heartbeat)).await);
        assert!(reason.contains("would tell people of every heartbeat"), "{reason}");
    }
    let reason = refused(send("heartbeat", json!({}), message(State::Raised)).await);
    assert!(reason.contains("is for heartbeats"), "{reason}");
    let reason = refused(send("telegram", json!({}), message(State::Raised)).await);
    assert!(reason.contains("there is no channel `telegram`"), "{reason}");
    let reason = refused(send("slack", json!({"chanel": "#ops"}), message(State::Raised)).await);
    assert!(reason.contains("unknown field `chanel`"), "{reason}");
}

#[test]
fn a_key_is_the_same_for_every_attempt_and_another_for_each_state_and_heartbeat() {
    let raised = message(State::Raised);
    assert_eq!(raised.key(), raised.clone().key());
    assert!(!raised.key().contains('.'));
    let later = Message {
        at: Timestamp(raised.at.0 + 1),
        ..raised.clone()
    };
    let other = Message {
        id: "shop/eu-1/errors/2".to_owned(),
        ..raised.clone()
    };
    let keys = [&raised, &message(State::Resolved), &later, &other].map(Message::key);
    let different: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(different.len(), 4, "{keys:?}");
}

#[test]
fn a_message_is_kept_and_read_as_it_was() {
    for state in [State::Raised, State::Acknowledged, State::Heartbeat] {
        let written = serde_json::to_string(&message(state)).unwrap();
        assert_eq!(serde_json::from_str::<Message>(&written).unwrap(), message(state));
    }
}

#[test]
fn of_many_tenants_the_first_are_named_and_all_are_counted() {
    let tenants = Tenants::of(names(500));
    assert_eq!((tenants.count, tenants.names.len()), (500, TENANTS_MAX));
    assert_eq!(Tenants::of([names(3), names(3)].concat()), Tenants::of(names(3)));
}

/// A secret in each channel that has one, for a receiver that repeats all it was sent.
fn with_secrets(address: &str, found: &Value) -> Vec<(&'static str, Value)> {
    vec![
        ("alertmanager", json!({"url": address, "token": found})),
        ("pagerduty", json!({"url": address, "routing_key": found})),
        ("webhook", json!({"url": address, "secret": found})),
    ]
}

#[tokio::test]
async fn a_receiver_that_repeats_what_it_was_sent_gives_no_secret_away() {
    let secret_value = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (_folder, found) = secret(secret_value);
    let receiver = Receiver::answering(move |heard| {
        let told = format!(
            "http://{}{} does not know {secret_value}",
            heard.header("host"),
            heard.path
        );
        Answer::of(403, &told)
    })
    .await;
    for (uses, with) in with_secrets(&receiver.url(""), &found) {
        check(uses, &with).unwrap();
        let Outcome::Refused { reason } = send(uses, with, message(State::Raised)).await else {
            panic!("{uses}")
        };
        assert!(reason.contains("403") && reason.contains("(secret)"), "{reason}");
        assert!(!reason.contains("MfKQ9r8G"), "{reason}");
    }
    // Here the address is the secret.
    let address = receiver.url("/services/T0/B0/MfKQ9r8G");
    let (_folder, found) = secret(&address);
    for (uses, state) in [("slack", State::Raised), ("heartbeat", State::Heartbeat)] {
        let Outcome::Refused { reason } = send(uses, json!({"url": found}), message(state)).await else {
            panic!("{uses}")
        };
        assert!(!reason.contains(&address), "{reason}");
    }
    // Nobody listens there any more.
    let (_folder, found) = secret("http://127.0.0.1:1/services/T0/B0/MfKQ9r8G");
    let outcome = send("slack", json!({"url": found}), message(State::Raised)).await;
    assert!(
        matches!(&outcome, Outcome::Retry { reason, .. } if !reason.contains("MfKQ9r8G")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn who_never_answers_is_given_up_for_now() {
    let outcome = in_time(Duration::from_millis(20), std::future::pending()).await;
    assert_eq!(outcome, Outcome::retry("there was no answer within 20ms"));
}

#[test]
fn a_secret_in_the_file_itself_is_a_mistake_that_does_not_repeat_it() {
    let inline = "https://hooks.slack.com/services/T0/B0/MfKQ9r8G";
    for (uses, with) in [
        ("slack", json!({"url": inline})),
        ("heartbeat", json!({"url": inline})),
        ("webhook", json!({"url": "https://example.com", "secret": inline})),
        ("pagerduty", json!({"routing_key": inline})),
        ("pagerduty", json!({"routing_key": {"value": inline}})),
        ("alertmanager", json!({"url": "https://example.com", "token": inline})),
        (
            "mail",
            json!({"server": "smtp.example.com", "from": "a@example.com", "to": "b@example.com", "user": "a", "password": inline}),
        ),
    ] {
        let mistake = mistake(uses, &with);
        assert!(mistake.contains("say where it is found"), "{uses}: {mistake}");
        assert!(!mistake.contains("MfKQ9r8G"), "{uses}: {mistake}");
    }
}

#[tokio::test]
async fn a_secret_that_is_not_there_may_be_there_at_the_next_attempt() {
    let with = json!({"url": {"environment": "TIDEGATE_TEST_NO_SUCH_VARIABLE"}});
    let outcome = send("slack", with, message(State::Raised)).await;
    let Outcome::Retry { reason, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(reason.contains("`TIDEGATE_TEST_NO_SUCH_VARIABLE`"), "{reason}");
}

#[tokio::test]
async fn what_is_secret_does_not_travel_in_clear() {
    let inline = "http://hooks.example.com/x";
    let (_folder, found) = secret(inline);
    for (uses, with) in with_secrets(inline, &found) {
        let mistake = mistake(uses, &with);
        assert!(mistake.contains("use `https`"), "{uses}: {mistake}");
    }
    for (uses, state) in [("slack", State::Raised), ("heartbeat", State::Heartbeat)] {
        let outcome = send(uses, json!({"url": found}), message(state)).await;
        assert!(
            matches!(&outcome, Outcome::Refused { reason } if reason.contains("use `https`")),
            "{outcome:?}"
        );
    }
    let mail =
        json!({"server": "smtp.example.com", "encryption": "none", "from": "a@example.com", "to": "b@example.com"});
    assert!(mistake("mail", &mail).contains("use `tls` or `starttls`"));
    // Alertmanager without a token is in clear where the file says so.
    check("alertmanager", &json!({"url": "http://alertmanager.internal:9093"})).unwrap();
}
