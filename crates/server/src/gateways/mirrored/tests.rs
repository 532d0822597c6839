use std::collections::BTreeSet;

use tidegate_domain::id::{CellName, ComponentName, Version};
use tidegate_effects::gates::tap::Endpoint;
use tidegate_gateway::protocol::AnswerText;

use super::*;

fn order() -> Order {
    let version = |text: &str| Version::new(text).unwrap();
    Order {
        component: ComponentName::new("api").unwrap(),
        tenants: BTreeSet::from([TenantName::new("acme").unwrap()]),
        from: BTreeSet::from([(CellName::new("eu").unwrap(), version("1.0.0"))]),
        to: version("1.1.0"),
        basis_points: 1_000,
        endpoints: vec![Endpoint {
            method: "GET".to_owned(),
            path: "/**".to_owned(),
        }],
        body_bytes_max: 1_000,
        in_flight_max: 10,
        timeout: Duration::from_secs(5),
        without_headers: Vec::new(),
    }
}

fn report(taps: Option<&[&str]>) -> Report {
    Report {
        gateway: "edge".to_owned(),
        incarnation: "1".to_owned(),
        publisher: None,
        more: false,
        taps: taps.map(|taps| taps.iter().map(ToString::to_string).collect()),
        marks: Vec::new(),
    }
}

#[test]
fn a_plan_is_told_until_the_gateway_has_it_and_not_after_the_gate_has_ended() {
    let taps = Taps::default();
    assert!(wanted(&taps, &report(Some(&[]))).is_empty());
    let tap = taps.open(order());
    let told = wanted(&taps, &report(Some(&[]))).remove(0);
    let plan = told.plan.unwrap();
    assert_eq!(plan.versions, [("eu/1.0.0".into(), "eu/1.1.0".into())].into());
    assert_eq!((plan.timeout_ms, told.lease_ms), (5_000, 10_000));
    let again = wanted(&taps, &report(Some(&[&told.id]))).remove(0);
    assert_eq!((&again.id, again.plan), (&told.id, None));
    drop(tap);
    assert!(wanted(&taps, &report(Some(&[&told.id]))).is_empty());
}

#[test]
fn a_gateway_that_cannot_mirror_is_asked_for_nothing_and_known() {
    let taps = Taps::default();
    let tap = taps.open(order());
    assert!(wanted(&taps, &report(None)).is_empty());
    assert_eq!(tap.heard().unable(), ["edge"]);
    let earlier = r#"{"gateway": "edge", "incarnation": "1", "marks": []}"#;
    assert_eq!(serde_json::from_str::<Report>(earlier).unwrap().taps, None);
}

#[tokio::test]
async fn what_was_seen_reaches_the_gate_whatever_the_body() {
    let taps = Taps::default();
    let mut tap = taps.open(order());
    let id = wanted(&taps, &report(Some(&[]))).remove(0).id;
    let answer = MirroredAnswer::Answered {
        status: 200,
        headers: ["a", "b"].map(|value| ("x-many".to_owned(), value.to_owned())).into(),
        body: AnswerText::from(vec![0xff, 0]),
        micros: Some(1_500),
    };
    let counts = MirrorCounts {
        mirrored: 3,
        ..MirrorCounts::default()
    };
    let seen = Mirrored {
        gateway: "edge".to_owned(),
        incarnation: "1".to_owned(),
        taps: [(id.clone(), counts), ("another".to_owned(), counts)].into(),
        pairs: vec![MirroredPair {
            tap: id,
            id: "7".to_owned(),
            tenant: "acme".into(),
            method: "GET".to_owned(),
            path: "/orders/7".to_owned(),
            old: answer.clone(),
            new: MirroredAnswer::Failed { timed_out: true },
            again: answer,
        }],
    };
    // Counts are totals: what is told twice counts once.
    for _ in 0..2 {
        take(
            &taps,
            serde_json::from_value(serde_json::to_value(&seen).unwrap()).unwrap(),
        );
    }
    assert_eq!(tap.heard().counts().mirrored, 3);
    let mut pairs = Vec::new();
    tap.next(&mut pairs, 1).await;
    let Answer::Answered {
        headers,
        body,
        milliseconds,
        ..
    } = &pairs[0].old
    else {
        panic!("{pairs:?}");
    };
    assert_eq!(
        (headers["x-many"].len(), &body[..], *milliseconds),
        (2, &[0xff, 0][..], Some(1.5))
    );
    assert_eq!(pairs[0].new, Answer::Failed { timed_out: true });
}
