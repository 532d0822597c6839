//! `evidence judge`, without a server.

use serde_json::{Value, json};

use crate::workspace::{Ended, Workspace};

fn counts(old: (u64, u64), new: (u64, u64), buckets: u64) -> Value {
    let bucket = |index: u64| {
        json!({
            "t": index * 10,
            "old": {"n": old.1, "events": old.0},
            "new": {"n": new.1, "events": new.0},
        })
    };
    json!({
        "metric": "errors", "assignment": "requests", "alpha": 0.01, "margin": 1, "tolerance": 0.01,
        "buckets": (0..buckets).map(bucket).collect::<Vec<_>>(),
    })
}

fn judged(counts: &str, options: &[&str]) -> Ended {
    let workspace = Workspace::empty();
    workspace.write("counts.json", counts);
    workspace.run(&[&["evidence", "judge", "counts.json"], options].concat())
}

#[test]
fn recorded_counts_get_a_verdict_for_each_bucket() {
    let bad = judged(&counts((1, 1000), (10, 1000), 12).to_string(), &["--json"]).succeeded();
    let verdicts: Vec<Value> = serde_json::from_str(&bad.stdout).unwrap();
    assert_eq!(verdicts.len(), 12);
    assert_eq!(
        (&verdicts[0]["t"], &verdicts[0]["verdict"]),
        (&json!(0), &json!("inconclusive"))
    );
    let last = &verdicts[11];
    assert_eq!(last["verdict"], "fail");
    assert!(last["e_value"].as_f64().unwrap() >= 100.0, "{last}");
    assert!(last["interval"][0].as_f64().unwrap() > 1.0, "{last}");
    assert_eq!(last["samples"], json!({"old": 12_000, "new": 12_000}));
}

#[test]
fn people_see_where_the_verdict_changed_and_why() {
    judged(&counts((1, 1000), (10, 1000), 12).to_string(), &["--exit-code"])
        .ended_with(3)
        .shows("SECOND  VERDICT")
        .shows("12 buckets. fail: errors 1 % (120 of 12,000) on the new version, 0.1 % (12 of 12,000) on the old one");
    let good = judged(&counts((1, 1000), (1, 1000), 12).to_string(), &["--exit-code"]);
    good.succeeded().shows("pass: errors 0.1 % (12 of 12,000)");
    judged(&counts((0, 10), (0, 10), 1).to_string(), &[])
        .succeeded()
        .shows("To decide:")
        .shows("more requests without an error show at most 1 %");
}

#[test]
fn counts_that_cannot_be_are_refused_with_their_place() {
    let mut wrong = counts((1, 1000), (1, 1000), 3);
    wrong["buckets"][1]["new"]["events"] = json!(1001);
    judged(&wrong.to_string(), &["--json"])
        .ended_with(1)
        .says("cannot judge the counts of `counts.json`: 1,001 events among 1,000 requests, at `/buckets/1/new/events`")
        .says("help: events are counted among the requests");
    let nothing = judged("{\"metric\": \"errors\",\n \"bucket\": []}", &[]).ended_with(1);
    nothing
        .says("cannot read the counts of `counts.json:2:9`")
        .says("help:");
    judged("", &[]).ended_with(1).says("counts.json:1:0");
    Workspace::empty()
        .run(&["evidence", "judge", "gone.json"])
        .ended_with(1)
        .says("cannot read `gone.json`");
    Workspace::empty().run(&["evidence", "judge"]).ended_with(2);
}
