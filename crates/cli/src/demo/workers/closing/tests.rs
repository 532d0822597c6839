use serde_json::json;

use super::*;

fn closing(worker: &Value) -> Closing {
    let one = |trouble, claimed_ms| HandOver {
        trouble,
        is_back: false,
        tenants: 10,
        claimed_ms,
        booked_ms: claimed_ms + 10,
    };
    let hand_overs = vec![
        one(Trouble::None, 90),
        one(Trouble::OldStopped, 2_100),
        one(Trouble::None, 30),
    ];
    Closing::new(
        hand_overs,
        json!({"sent": 9, "lost": 0, "doubled": 0, "dropped": 0, "worker": worker}),
    )
}

#[test]
fn one_event_that_is_booked_twice_or_never_is_a_failure() {
    let good = json!({"events": 9, "lost": 0, "doubled": 0, "wrong_totals": 0});
    assert!(closing(&good).is_good());
    for wrong in ["lost", "doubled", "wrong_totals"] {
        let mut worker = good.clone();
        worker[wrong] = json!(1);
        assert!(!closing(&worker).is_good(), "{wrong}");
    }
}

#[test]
fn a_run_without_events_or_figures_proves_nothing() {
    assert!(!closing(&json!({"events": 2, "lost": 0, "doubled": 0, "wrong_totals": 0})).is_good());
    assert!(!closing(&Value::Null).is_good());
}

#[test]
fn times_are_told_by_what_befell_the_workers() {
    let document = closing(&json!({"events": 9, "lost": 0, "doubled": 0, "wrong_totals": 0})).document();
    assert_eq!(document["times"][0]["hand_overs"], 2);
    assert_eq!(document["times"][0]["claimed_ms_p50"], 30);
    assert_eq!(document["times"][0]["claimed_ms_max"], 90);
    assert_eq!(document["times"][2]["booked_ms_max"], 2_110);
    assert_eq!(document["times"][1]["claimed_ms_max"], Value::Null);
}
