use super::*;
use crate::shadow::field::Pattern;
use crate::shadow::rules::Tolerance;

fn differences(old: &str, new: &str, rules: &Rules) -> Vec<String> {
    let mut found = Differences::default();
    Walk::new(rules, &mut found).compare(&Json::read(old).unwrap(), &Json::read(new).unwrap());
    let told = found
        .0
        .iter()
        .map(|((field, kind), (old, new))| format!("{field} {kind:?}: {} | {}", old.as_str(), new.as_str()));
    told.collect()
}

fn check(old: &str, new: &str, expect: &[&str]) {
    assert_eq!(differences(old, new, &Rules::default()), expect, "{old} {new}");
}

#[test]
fn differences_are_told_by_path_and_kind() {
    check(r#"{"a":1,"b":2}"#, r#"{"b":2.0,"a":1}"#, &[]);
    check(
        r#"{"total":1}"#,
        r#"{"sum":1}"#,
        &["$.sum Added: absent | 1", "$.total Missing: 1 | absent"],
    );
    check(r#"{"a":{"b":1}}"#, r#"{"a":{"b":"1"}}"#, &["$.a.b Type: 1 | \"1\""]);
    check(r#"{"a":null}"#, "{}", &["$.a NullOrAbsent: null | absent"]);
    check("{}", r#"{"a":null}"#, &["$.a NullOrAbsent: absent | null"]);
    check(r#"{"a":null}"#, r#"{"a":[1]}"#, &["$.a Null: null | array of 1"]);
    check(
        "[1,2]",
        "[2,1]",
        &["$ Order: elements in one order | elements in another"],
    );
    check(
        "[[1,2],[3]]",
        "[[2,1],[3]]",
        &["$[] Order: elements in one order | elements in another"],
    );
    check(
        r#"{"items":[{"id":1,"price":1},{"id":2,"price":2}]}"#,
        r#"{"items":[{"id":2,"price":2},{"id":1,"price":3},{"id":3}]}"#,
        &[
            "$.items Order: elements in one order | elements in another",
            "$.items[] Added: absent | object of 1",
            "$.items[].price Value: 1 | 3",
        ],
    );
    check(
        r#"{"accessToken":"a"}"#,
        r#"{"accessToken":"b"}"#,
        &["$.accessToken Value: (redacted string) | (redacted string)"],
    );
}

#[test]
fn rules_leave_out_and_take_for_equal() {
    let pattern = |text| Pattern::read(text).unwrap();
    let rules = Rules {
        ignored_fields: vec![pattern("$.meta"), pattern("$.items[].seen")],
        normalised: vec![
            (pattern("$.**.at"), Normaliser::Timestamp),
            (pattern("$.any"), Normaliser::Anything),
        ],
        unordered: vec![pattern("$.items")],
        redacted_fields: vec![pattern("$.name")],
        tolerance: Tolerance {
            absolute: 0.0,
            relative: 0.01,
        },
        ..Rules::default()
    };
    let old =
        r#"{"meta":{"a":1},"items":[{"v":1,"seen":1},{"v":2,"at":"2026-11-24T06:00:00Z","seen":2}],"any":1,"n":100}"#;
    let new =
        r#"{"meta":[],"items":[{"v":2,"at":"2026-11-24T06:00:01Z","seen":3},{"v":1,"seen":4}],"any":2,"n":100.5}"#;
    assert_eq!(differences(old, new, &rules), Vec::<String>::new());
    assert_eq!(
        differences(old, &new.replace("100.5", "102"), &rules),
        ["$.n Value: 100 | 102"]
    );
    let (old, new) = (r#"{"any":1,"name":"a"}"#, r#"{"any":"1","name":"b"}"#);
    let expect = [
        "$.any Type: 1 | \"1\"",
        "$.name Value: (redacted string) | (redacted string)",
    ];
    assert_eq!(differences(old, new, &rules), expect);
}

#[test]
fn large_arrays_and_deep_ones_are_compared_in_time() {
    let many = |from: u32| {
        format!(
            "[{}]",
            (from..from + 100_000)
                .map(|n| n.to_string())
                .collect::<Vec<_>>()
                .join(",")
        )
    };
    assert_eq!(differences(&many(0), &many(100_000), &Rules::default()).len(), 1);
    let deep = |leaf: &str| "[".repeat(120) + leaf + &"]".repeat(120);
    assert_eq!(differences(&deep("1"), &deep("2"), &Rules::default()).len(), 1);
}
