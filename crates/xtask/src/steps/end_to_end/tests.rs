use serde_json::json;

use super::*;

fn good_demo() -> Value {
    json!({
        "schema_version": 1,
        "requests": {"sent": 9000, "lost": 0, "stale": 0, "doubled": 0, "wrong_tenant": 0},
        "worker": {"events": 500, "lost": 0, "doubled": 0},
        "releases": [
            {"version": "2.1.0", "outcome": "completed", "waves": 2, "gates": ["shadow: pass: all is equal"]},
            {"version": "2.2.0", "outcome": "rolled_back", "waves": 1, "gates": ["shadow: fail: $.points"], "failure": "fail: tenant-30: slower"},
        ],
    })
}

#[test]
fn a_good_demo() {
    assert_eq!(demo_faults(&good_demo()), [""; 0]);
}

#[test]
fn each_figure_of_the_demo_counts() {
    for pointer in ZERO_IN_DEMO {
        let mut document = good_demo();
        *document.pointer_mut(pointer).unwrap() = json!(1);
        assert_eq!(demo_faults(&document), [format!("`{pointer}` is not 0")]);
    }
    let mut idle = good_demo();
    idle["requests"]["sent"] = json!(0);
    idle["worker"] = json!({"lost": 0, "doubled": 0});
    assert_eq!(
        demo_faults(&idle),
        ["`/requests/sent` is not above 0", "`/worker/events` is not above 0"]
    );
    let mut kept = good_demo();
    kept["releases"][1]["outcome"] = json!("completed");
    assert_eq!(demo_faults(&kept).len(), 1);
    let mut mute = good_demo();
    mute["releases"][1]["failure"] = json!("fail: errors 3 %");
    mute["releases"][1]["gates"] = json!([]);
    assert_eq!(demo_faults(&mute).len(), 2);
    assert_eq!(demo_faults(&json!({})).len(), 12);
}

#[test]
fn a_simulation_that_proves_something() {
    let good = json!({
        "seeds": 1000, "boundaries": 36, "boundaries_hit": 36, "plans_checked": 9, "waits_missed": [], "violations": []
    });
    assert_eq!(simulation_faults(&good), [""; 0]);
    let bad = json!({
        "seeds": 10, "boundaries": 36, "boundaries_hit": 35, "plans_checked": 0, "waits_missed": ["peak"],
        "violations": ["seed 3"]
    });
    assert_eq!(simulation_faults(&bad).len(), 5);
    assert_eq!(simulation_faults(&json!({})).len(), 5);
}

fn good_story() -> Value {
    json!({
        "schema_version": 1,
        "requests": {"sent": 9000, "declared": 20, "lost": 0, "wrong_tenant": 0, "stale": 0},
        "rows": {"found": 3000, "lost": 0, "doubled": 0, "wrong": 0},
        "failures": [],
    })
}

#[test]
fn each_figure_of_a_story_counts() {
    assert_eq!(story_faults(&good_story()), [""; 0]);
    for pointer in ZERO_IN_STORY {
        let mut document = good_story();
        *document.pointer_mut(pointer).unwrap() = json!(1);
        assert_eq!(story_faults(&document), [format!("`{pointer}` is not 0")]);
    }
    let mut wrong = good_story();
    wrong["failures"] = json!(["acme was served by another version"]);
    assert_eq!(story_faults(&wrong), ["the story found something wrong"]);
    assert_eq!(story_faults(&json!({})).len(), 9);
}
