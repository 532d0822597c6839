use super::*;
use crate::load_document;
use serde_json::json;

fn snapshot(flags: &Json) -> Snapshot {
    load_document(&Snapshot::default(), &json!({"flags": flags})).0
}

fn rollout(share: u32) -> Json {
    json!({
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": {"fractional": [["on", share], ["off", 100 - share]]},
    })
}

fn tenants(count: usize) -> Vec<(String, Map<String, Json>)> {
    let context = |name: &String| json!({"targetingKey": name}).as_object().cloned().unwrap();
    (0..count)
        .map(|number| format!("tenant-{number}"))
        .map(|name| (name.clone(), context(&name)))
        .collect()
}

fn ask<T>(count: usize, names: usize, answer: impl FnOnce(&Question<'_>) -> T) -> T {
    let tenants = tenants(count);
    let members: Vec<Member<'_>> = tenants.iter().map(|(name, context)| Member { name, context }).collect();
    answer(&Question {
        members: &members,
        timestamp: 0,
        names,
    })
}

#[test]
fn a_growing_share_moves_only_those_who_gain() {
    let (before, after) = (
        snapshot(&json!({"flag": rollout(10)})),
        snapshot(&json!({"flag": rollout(20)})),
    );
    let changes = ask(1000, 1000, |question| diff(&before, &after, question));
    assert_eq!(changes.len(), 1);
    let moves = &changes[0].moves;
    assert_eq!(moves.asked, 1000);
    assert_eq!(moves.moved, moves.named.len());
    assert!((70..130).contains(&moves.moved), "{} of 1,000 for a tenth", moves.moved);
    assert!(
        moves
            .named
            .iter()
            .all(|moved| moved.before == "off" && moved.after == "on")
    );
}

#[test]
fn another_hash_moves_members_between_buckets() {
    let before = snapshot(&json!({"flag": rollout(50)}));
    let flag = before.flag("flag").unwrap();
    let moves = ask(1000, 3, |question| {
        moves(flag, &flag.with_hash_version(HashVersion::Three), question)
    });
    assert!(
        (430..570).contains(&moves.moved),
        "{} of 1,000 for two halves",
        moves.moved
    );
    assert_eq!(moves.named.len(), 3);
    let same = ask(1000, 3, |question| {
        super::moves(flag, &flag.with_hash_version(HashVersion::Two), question)
    });
    assert_eq!(same.moved, 0);
}

#[test]
fn a_hash_version_that_changes_is_told() {
    let mut flag = rollout(50);
    flag["metadata"] = json!({"hashVersion": 3});
    let (before, after) = (
        snapshot(&json!({"flag": rollout(50)})),
        snapshot(&json!({"flag": flag})),
    );
    let changes = ask(10, 0, |question| diff(&before, &after, question));
    assert_eq!(changes[0].hash_versions, Some((2, 3)));
}

#[test]
fn flags_that_come_go_and_stay() {
    let before = snapshot(&json!({"gone": rollout(0), "same": rollout(5), "reworded": rollout(0)}));
    let mut reworded = rollout(0);
    reworded["metadata"] = json!({"owner": "ann"});
    let after = snapshot(&json!({"new": rollout(100), "same": rollout(5), "reworded": reworded}));
    let changes = ask(4, 1, |question| diff(&before, &after, question));
    let told: Vec<_> = changes
        .iter()
        .map(|change| (&*change.flag, change.kind, change.moves.moved))
        .collect();
    assert_eq!(
        told,
        [
            ("gone", Kind::Removed, 4),
            ("new", Kind::Added, 4),
            ("reworded", Kind::Changed, 0)
        ]
    );
    assert_eq!(changes[0].moves.named[0].after, "no flag");
}
