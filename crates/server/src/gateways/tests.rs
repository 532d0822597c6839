use std::collections::BTreeMap;

use tidegate_domain::id::{ComponentName, Digest};

use super::*;
use crate::fixture::{follow, service};

fn slot(name: &str) -> SlotId {
    SlotId::new(&ComponentName::new(name).unwrap(), &Digest::of(name.as_bytes()))
}

async fn registry(store: &Store) -> Gateways {
    Gateways::load(store.clone(), service()).await.unwrap()
}

#[tokio::test]
async fn confirmed_is_what_the_last_one_has_confirmed() {
    let gateways = registry(&Store::memory()).await;
    let now = Instant::now();
    assert_eq!(gateways.report(&[], now).confirmed, None);
    gateways.hear(&follow("a", "1", Some(7), &[]), now).await.unwrap();
    gateways.hear(&follow("b", "1", None, &[]), now).await.unwrap();
    assert_eq!(gateways.report(&[], now).confirmed, Some(0));
    gateways.hear(&follow("b", "1", Some(5), &[]), now).await.unwrap();
    assert_eq!(gateways.report(&[], now).confirmed, Some(5));
    let mut other = follow("b", "1", Some(99), &[]);
    other.confirmed.as_mut().unwrap().epoch = "another".to_owned();
    gateways.hear(&other, now).await.unwrap();
    assert_eq!(gateways.report(&[], now).confirmed, Some(0), "a table of another store");
}

#[tokio::test]
async fn what_is_in_flight_is_added_up() {
    let gateways = registry(&Store::memory()).await;
    let (api, admin, now) = (slot("api"), slot("admin"), Instant::now());
    gateways
        .hear(&follow("a", "1", Some(1), &[(&api, 2)]), now)
        .await
        .unwrap();
    gateways
        .hear(&follow("b", "1", Some(1), &[(&api, 3)]), now)
        .await
        .unwrap();
    let report = gateways.report([&api, &admin], now);
    assert_eq!(report.in_flight, BTreeMap::from([(api, 5)]));
}

#[tokio::test]
async fn a_restarted_server_counts_whom_it_has_not_heard_again() {
    let store = Store::memory();
    let now = Instant::now();
    let before = registry(&store).await;
    before.hear(&follow("a", "1", Some(7), &[]), now).await.unwrap();
    assert!(!before.was_adopted("a", "1"));
    let after = registry(&store).await;
    assert_eq!(after.report(&[], now).confirmed, Some(0));
    assert!(after.was_adopted("a", "1"));
    let late = Instant::now() + LEASE;
    assert_eq!(after.report(&[], late).lapsed, ["a"]);
    after.hear(&follow("a", "1", Some(7), &[]), late).await.unwrap();
    let report = after.report(&[], late);
    assert_eq!((report.confirmed, report.lapsed.len()), (Some(7), 0));
}

#[tokio::test]
async fn a_silent_gateway_is_counted_until_its_successor_is_there() {
    let store = Store::memory();
    let gateways = registry(&store).await;
    let now = Instant::now();
    gateways.hear(&follow("a", "1", Some(7), &[]), now).await.unwrap();
    let late = now + LEASE;
    gateways.sweep(late).await.unwrap();
    assert_eq!(gateways.report(&[], late).lapsed, ["a"]);
    gateways.hear(&follow("a", "2", Some(7), &[]), late).await.unwrap();
    gateways.sweep(late).await.unwrap();
    assert_eq!(gateways.processes_known(), ["a/2"]);
    assert_eq!(
        registry(&store).await.processes_known(),
        ["a/2"],
        "also after a restart"
    );
}

#[tokio::test]
async fn one_that_lingered_and_was_empty_has_ended() {
    let gateways = registry(&Store::memory()).await;
    let now = Instant::now();
    let mut call = follow("a", "1", Some(7), &[]);
    call.lingering = true;
    gateways.hear(&call, now).await.unwrap();
    gateways.sweep(now).await.unwrap();
    assert_eq!(gateways.processes_known(), ["a/1"]);
    gateways.sweep(now + LEASE).await.unwrap();
    assert_eq!(gateways.report(&[], now).confirmed, None);
}

#[tokio::test]
async fn one_that_leaves_is_not_waited_for() {
    let gateways = registry(&Store::memory()).await;
    let now = Instant::now();
    gateways.hear(&follow("a", "1", Some(7), &[]), now).await.unwrap();
    gateways.hear(&follow("a", "2", Some(9), &[]), now).await.unwrap();
    let mut last = follow("a", "1", Some(7), &[]);
    last.leaving = true;
    gateways.hear(&last, now).await.unwrap();
    assert_eq!(gateways.report(&[], now).confirmed, Some(9));
}

#[tokio::test]
async fn only_one_that_is_gone_can_be_forgotten_and_it_is_written_down() {
    let store = Store::memory();
    let now = Instant::now();
    let ada = Actor::principal("ada");
    let gateways = registry(&store).await;
    let unknown = gateways.forget("a", &ada, "gone").await;
    assert!(matches!(unknown, Err(ForgetError::Unknown { .. })));
    gateways.hear(&follow("a", "1", Some(7), &[]), now).await.unwrap();
    assert!(matches!(
        gateways.forget("a", &ada, "gone").await,
        Err(ForgetError::Answers { .. })
    ));
    gateways
        .hear(&follow("a", "1", Some(7), &[]), now - LEASE)
        .await
        .unwrap();
    gateways.forget("a", &ada, "the machine is gone").await.unwrap();
    assert_eq!(gateways.report(&[], now), GatewayReport::default());
    let rows = store
        .journal("shop", tidegate_store::JournalFilter::All, 0, 10)
        .await
        .unwrap();
    assert_eq!(
        (rows[0].actor.as_str(), rows[0].reason.as_str()),
        ("ada", "the machine is gone")
    );
}
