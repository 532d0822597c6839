use std::time::Duration;

use tidegate_domain::event::EventKind;
use tidegate_domain::id::Actor;
use tidegate_store::Store;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::fixture::{cell, event, service, tenant, version};

async fn started() -> (Control, JoinHandle<()>) {
    let control = Control::start(Store::memory(), service()).await.unwrap();
    let running = control.clone();
    let turning = tokio::spawn(async move { running.run().await });
    (control, turning)
}

fn tenant_added(name: &str) -> Event {
    event(EventKind::TenantAdded {
        tenant: tenant(name),
        cell: cell("eu"),
    })
}

#[tokio::test]
async fn a_command_is_answered_when_its_effect_is_shown() {
    let (control, _turning) = started().await;
    control.submit(&tenant_added("acme"), "k1").await.unwrap();
    assert!(control.view().state.seats.contains_key("acme"));
}

#[tokio::test]
async fn a_refused_command_gets_the_refusal() {
    let (control, _turning) = started().await;
    let resume = event(EventKind::Resume {
        version: version("9.9.9"),
    });
    let refused = control.submit(&resume, "k1").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is no release 9.9.9; `tidegate releases` lists them"
    );
}

#[tokio::test]
async fn the_same_key_is_the_same_command() {
    let (control, _turning) = started().await;
    control.submit(&tenant_added("acme"), "k1").await.unwrap();
    control.submit(&tenant_added("acme"), "k1").await.unwrap();
    let other = control.submit(&tenant_added("bolt"), "k1").await;
    assert!(matches!(other, Err(SubmitError::KeyUsed { .. })), "{other:?}");
    assert!(!control.view().state.seats.contains_key("bolt"));
}

#[tokio::test]
async fn a_refused_command_is_refused_again_whatever_has_come_since() {
    let (control, _turning) = started().await;
    let gone = event(EventKind::TenantRemoved { tenant: tenant("acme") });
    let first = control.submit(&gone, "k1").await.unwrap_err().to_string();
    control.submit(&tenant_added("acme"), "k2").await.unwrap();
    let again = control.submit(&gone, "k1").await.unwrap_err().to_string();
    assert_eq!(again, first);
    assert!(control.view().state.seats.contains_key("acme"));
}

#[tokio::test]
async fn many_at_once_are_answered_each() {
    let (control, _turning) = started().await;
    let one = |n: usize| {
        let control = control.clone();
        async move {
            let name = format!("t{}", n / 2);
            // Two send the same command: both hear of it.
            control.submit(&tenant_added(&name), &name).await
        }
    };
    let answers = futures_util::future::join_all((0..100).map(one)).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(control.view().state.seats.len(), 50);
}

#[tokio::test]
async fn nobody_is_kept_waiting_by_a_server_that_ends() {
    let (control, turning) = started().await;
    control.submit(&tenant_added("bolt"), "k0").await.unwrap();
    turning.abort();
    let _ = turning.await;
    let answer = timeout(Duration::from_secs(5), control.submit(&tenant_added("acme"), "k1")).await;
    assert!(matches!(answer, Ok(Err(SubmitError::Stopping))), "{answer:?}");
    // The next one takes it.
    let next = Control::start(control.store().clone(), service()).await.unwrap();
    assert!(next.view().state.seats.contains_key("acme"));
}

#[tokio::test]
async fn a_hold_ends_when_its_time_has_come() {
    let (control, _turning) = started().await;
    let plan = crate::fixture::planned(&control.view().state, "1.0.0", 2, "{longest: 0s, least: 0s}");
    let apply = event(EventKind::Apply {
        plan: Box::new(plan),
        author: None,
    });
    control.submit(&apply, "apply").await.unwrap();
    let hold = event(EventKind::Hold {
        version: version("1.0.0"),
        until: Some(Timestamp(clock::now().0 + 200)),
    });
    control.submit(&hold, "hold").await.unwrap();
    assert!(control.view().state.runs[0].hold.is_some());
    crate::fixture::shows(&control, |view| view.state.runs[0].hold.is_none()).await;
    assert_eq!(control.view().state.runs[0].author, Actor::principal("ada"));
}
