//! Messages: each is taken once by its key, whatever is killed when, and whoever does not answer is not the end.

use std::sync::Mutex;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tidegate_domain::id::ChannelName;
use tokio::net::TcpListener;

use super::*;

fn failing(n: usize) -> (u64, u64) {
    if n == 4 { (20, 14) } else { (20, 0) }
}

/// Who is told over HTTP: the keys and the bodies of the messages, and what it answers.
#[derive(Clone, Default)]
struct Receiver {
    heard: Arc<Mutex<Vec<(String, serde_json::Value)>>>,
    answers: Arc<Mutex<Option<StatusCode>>>,
}

impl Receiver {
    async fn listen(&self) -> String {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let router = Router::new().route("/hook", post(hear)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        port.to_string()
    }

    fn kinds(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard
            .iter()
            .map(|(_, body)| body["type"].as_str().unwrap().to_owned())
            .collect()
    }

    fn keys(&self) -> BTreeSet<String> {
        let heard = self.heard.lock().unwrap();
        heard.iter().map(|(key, _)| key.clone()).collect()
    }
}

async fn hear(Shared(receiver): Shared<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let key = headers["webhook-id"].to_str().unwrap().to_owned();
    receiver
        .heard
        .lock()
        .unwrap()
        .push((key, serde_json::from_str(&body).unwrap()));
    receiver.answers.lock().unwrap().unwrap_or(StatusCode::NO_CONTENT)
}

async fn town() -> (Town, Receiver) {
    let receiver = Receiver::default();
    let alerts = ALERTS.replace("PORT", &receiver.listen().await);
    (Town::learnt_with(&alerts).await, receiver)
}

impl Town {
    async fn sends(&self) {
        self.alerts.send_due(self.now).await.unwrap();
    }
}

#[tokio::test]
async fn an_alert_is_told_raised_acknowledged_and_resolved() {
    let (mut town, receiver) = town().await;
    town.goes_on(2, failing).await;
    town.sends().await;
    let raised = receiver.heard.lock().unwrap()[0].1.clone();
    let id = town.all().await[0].id.clone();
    let data = &raised["data"];
    assert_eq!(
        (data["id"].as_str(), data["owner"].as_str()),
        (Some(id.as_str()), Some("platform"))
    );
    assert_eq!(data["runbook"], "https://runbooks.example/errors");
    let ada = Actor::principal("ada");
    let answer = town
        .alerts
        .acknowledge(&id, &ada, "it is the disk", town.now)
        .await
        .unwrap();
    assert_eq!(
        (answer.state, answer.acknowledged.unwrap().by),
        (State::Acknowledged, ada.clone())
    );
    town.sends().await;
    // Nobody else is told of what somebody looks after.
    town.goes_on(6, failing).await;
    town.sends().await;
    town.goes_on(12, usual).await;
    town.sends().await;
    assert_eq!(
        receiver.kinds(),
        ["alert.raised", "alert.acknowledged", "alert.resolved"]
    );
    town.look_after(1).await;
    assert_eq!(town.all().await, [], "everybody has heard of its end");
    let kept = town.alerts.list(true).await.unwrap();
    assert_eq!((kept.len(), kept[0].messages.len()), (1, 3));
    assert!(kept[0].messages.iter().all(|message| message.delivered));
    let late = town.alerts.acknowledge(&id, &ada, "late", town.now).await.unwrap_err();
    assert!(late.to_string().contains("was resolved at"), "{late}");
}

#[tokio::test]
async fn an_alert_that_nobody_acknowledges_is_escalated_once() {
    let (mut town, receiver) = town().await;
    town.goes_on(1, failing).await;
    town.sends().await;
    town.goes_on(2, failing).await;
    town.sends().await;
    assert_eq!(receiver.kinds(), ["alert.raised"], "it is raised for ten minutes");
    town.restart().await;
    town.goes_on(1, failing).await;
    town.sends().await;
    town.goes_on(12, failing).await;
    town.sends().await;
    assert_eq!(receiver.kinds(), ["alert.raised", "alert.escalated"]);
    let alert = &town.all().await[0];
    let told: Vec<&str> = alert.told.iter().map(ChannelName::as_str).collect();
    assert_eq!((alert.state, told), (State::Escalated, vec!["lead", "pager"]));
}

#[tokio::test]
async fn a_kill_between_sending_and_taking_note_repeats_the_message_under_its_key() {
    let (mut town, receiver) = town().await;
    town.goes_on(2, failing).await;
    let before = town.store.clone();
    let Store::Memory(memory) = &before else { panic!() };
    let as_it_was = memory.fork();
    town.sends().await;
    // What was written after the message went out is lost with the machine.
    town.store = Store::Memory(as_it_was);
    town.restart().await;
    assert_eq!(town.letters().await, ["pager: raised"]);
    town.sends().await;
    assert_eq!(receiver.kinds(), ["alert.raised", "alert.raised"]);
    assert_eq!(
        receiver.keys().len(),
        1,
        "its receiver tells by the key that it is the same"
    );
    town.restart().await;
    town.sends().await;
    assert_eq!(receiver.kinds().len(), 2);
}

#[tokio::test]
async fn who_does_not_answer_is_asked_again_and_who_refuses_is_passed_over() {
    let (mut town, receiver) = town().await;
    *receiver.answers.lock().unwrap() = Some(StatusCode::SERVICE_UNAVAILABLE);
    town.goes_on(2, failing).await;
    town.sends().await;
    town.sends().await;
    assert_eq!(receiver.kinds().len(), 1, "not at once");
    *receiver.answers.lock().unwrap() = None;
    town.look_after(1).await;
    town.sends().await;
    assert_eq!(receiver.kinds().len(), 2);
    assert!(town.letters().await.is_empty());
    assert_eq!(receiver.keys().len(), 1);

    *receiver.answers.lock().unwrap() = Some(StatusCode::FORBIDDEN);
    town.goes_on(3, |n| if n == 3 { (0, 0) } else { failing(n) }).await;
    town.sends().await;
    *receiver.answers.lock().unwrap() = None;
    town.look_after(0).await;
    town.sends().await;
    let last = receiver.heard.lock().unwrap().last().unwrap().1.clone();
    assert_eq!(
        (&last["type"], &last["data"]["kind"]),
        (&"alert.escalated".into(), &"volume-drop".into())
    );
}

#[tokio::test]
async fn the_heartbeat_is_sent_for_as_long_as_somebody_looks() {
    let receiver = Receiver::default();
    let alerts = ALERTS.replace("PORT", &receiver.listen().await);
    let mut town = Town::with(&format!("{alerts}heartbeat: {{channel: lead, every: 1m}}\n")).await;
    assert_eq!(
        town.alerts.beat_if_due(None, town.now).await,
        None,
        "nobody has looked yet"
    );
    town.look_after(1).await;
    let first = town.alerts.beat_if_due(None, town.now).await;
    assert_eq!(first, Some(town.now));
    assert_eq!(
        town.alerts.beat_if_due(first, Timestamp(town.now.0 + 10_000)).await,
        first
    );
    let later = Timestamp(town.now.0 + 61_000);
    assert_eq!(
        town.alerts.beat_if_due(first, later).await,
        first,
        "nobody has looked for a minute"
    );
    assert_eq!(receiver.kinds(), ["heartbeat"]);
}
