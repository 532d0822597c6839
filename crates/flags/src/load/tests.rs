use super::*;
use crate::outcome::{ErrorCode, Kind, Outcome, Reason};
use proptest::prelude::*;
use serde_json::json;

fn fresh(document: &Json) -> (Snapshot, Vec<String>) {
    after(&Snapshot::default(), document)
}

fn after(previous: &Snapshot, document: &Json) -> (Snapshot, Vec<String>) {
    let (snapshot, problems) = load_document(previous, document);
    let told = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.what));
    (snapshot, told.collect())
}

fn ask<'s>(snapshot: &'s Snapshot, key: &str, context: &Json) -> Outcome<'s> {
    snapshot.evaluate(key, context.as_object().unwrap(), 0, &())
}

/// The reason and the variant, or the error code.
fn told(outcome: &Outcome<'_>) -> String {
    match outcome {
        Outcome::Resolved { variant, reason } => format!("{} {}", reason.as_str(), variant.name),
        Outcome::CallersDefault(reason) => reason.as_str().to_owned(),
        Outcome::Failed(code) => code.as_str().to_owned(),
    }
}

#[track_caller]
fn check(flag: &Json, context: &Json, expect: &str) {
    let (snapshot, _) = fresh(&json!({"flags": {"flag": flag}}));
    assert_eq!(told(&ask(&snapshot, "flag", context)), expect, "{flag}");
}

fn switch(targeting: &Json) -> Json {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting})
}

#[test]
fn reasons_are_flagds() {
    let context = json!({"plan": "gold"});
    let gold = json!({"if": [{"==": [{"var": "plan"}, "gold"]}, "on"]});
    check(&switch(&gold), &context, "TARGETING_MATCH on");
    check(&switch(&gold), &json!({}), "DEFAULT off");
    check(&switch(&json!({})), &context, "STATIC off");
    check(&switch(&Json::Null), &context, "DEFAULT off");
    check(&switch(&json!("on")), &context, "TARGETING_MATCH on");
    check(&switch(&json!("purple")), &context, "GENERAL");
    check(&switch(&json!({"var": ""})), &context, "GENERAL");
    check(&switch(&json!({"nope": []})), &context, "PARSE_ERROR");
    check(&switch(&json!({"/": [1, 0]})), &context, "PARSE_ERROR");
    check(
        &json!({"state": "DISABLED", "variants": {"on": 1}}),
        &context,
        "DISABLED",
    );
    check(
        &json!({"state": "ENABLED", "variants": {"on": 1}, "defaultVariant": null}),
        &context,
        "DEFAULT",
    );
    check(
        &json!({"variants": {"on": 1}, "defaultVariant": "on", "state": "off"}),
        &context,
        "STATIC on",
    );
    check(
        &json!({"state": "ENABLED", "variants": {"true": 1}, "targeting": {"in": ["o", {"var": "plan"}]}}),
        &context,
        "TARGETING_MATCH true",
    );
    check(
        &json!({"state": "ENABLED", "variants": {"2": 1}, "targeting": {"+": [1, 1]}}),
        &context,
        "TARGETING_MATCH 2",
    );
    assert_eq!(
        ask(&Snapshot::default(), "flag", &context),
        Outcome::Failed(ErrorCode::FlagNotFound)
    );
}

#[test]
fn a_value_has_to_be_of_the_kind_that_is_asked_for() {
    let (snapshot, _) = fresh(&json!({"flags": {
        "number": {"state": "ENABLED", "variants": {"a": 1.5}, "defaultVariant": "a"},
        "list": {"state": "ENABLED", "variants": {"a": [1]}, "defaultVariant": "a"},
        "none": {"state": "ENABLED", "variants": {"a": [1]}},
    }}));
    let kinds = [Kind::Boolean, Kind::Text, Kind::Number, Kind::Object, Kind::Any];
    let taken = |key: &str| kinds.map(|kind| told(&ask(&snapshot, key, &json!({})).of_kind(kind)));
    let wrong = "TYPE_MISMATCH";
    assert_eq!(taken("number"), [wrong, wrong, "STATIC a", wrong, "STATIC a"]);
    assert_eq!(taken("list"), [wrong, wrong, wrong, wrong, "STATIC a"]);
    assert_eq!(taken("none"), ["DEFAULT"; 5]);
    assert_eq!(
        ask(&snapshot, "none", &json!({})).for_evaluation_v1(),
        Outcome::Failed(ErrorCode::FlagNotFound)
    );
}

#[test]
fn a_list_of_flags_is_a_map_by_their_keys() {
    let flag = json!({"key": "b", "state": "ENABLED", "variants": {"on": 1}, "defaultVariant": "on"});
    let (snapshot, problems) = fresh(&json!({"flags": [flag, {"state": "ENABLED"}, flag]}));
    assert_eq!(told(&ask(&snapshot, "b", &json!({}))), "STATIC on");
    assert_eq!(
        problems,
        [
            "flags: flag 1 of the list has no key",
            "flags: the flag `b` is defined twice; the later one counts"
        ]
    );
}

#[test]
fn metadata_of_a_flag_lies_on_top_of_that_of_the_set() {
    let (snapshot, _) = fresh(&json!({
        "metadata": {"flagSetId": "shop", "owner": "nobody"},
        "flags": {"a": {"variants": {}, "metadata": {"owner": "ann", "flagSetId": null}}},
    }));
    assert_eq!(
        json!(snapshot.flag("a").unwrap().metadata()),
        json!({"flagSetId": "shop", "owner": "ann"})
    );
    assert_eq!(
        json!(snapshot.metadata()),
        json!({"flagSetId": "shop", "owner": "nobody"})
    );
}

#[test]
fn references_are_replaced_inside_of_evaluators_too() {
    let (snapshot, problems) = fresh(&json!({
        "$evaluators": {
            "is-gold": {"==": [{"var": "plan"}, "gold"]},
            "is-ours": {"or": [{"$ref": "is-gold"}, {"==": [{"var": "tenant"}, "acme"]}]},
        },
        "flags": {"flag": switch(&json!({"if": [{"$ref": "is-ours"}, "on"]}))},
    }));
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(
        told(&ask(&snapshot, "flag", &json!({"plan": "gold"}))),
        "TARGETING_MATCH on"
    );
}

#[test]
fn references_that_lead_nowhere_or_in_a_circle_are_that_flags_mistake() {
    let (snapshot, problems) = fresh(&json!({
        "$evaluators": {"a": {"!": {"$ref": "b"}}, "b": {"!": {"$ref": "a"}}},
        "flags": {
            "circle": switch(&json!({"$ref": "a"})),
            "nowhere": switch(&json!({"$ref": "c"})),
            "sound": switch(&json!("on")),
        },
    }));
    assert!(
        problems.contains(&"flags.circle.targeting: the evaluator `a` refers to itself: `a` → `b` → `a`".to_owned()),
        "{problems:?}"
    );
    assert!(
        problems.contains(&"flags.nowhere.targeting: there is no evaluator `c`".to_owned()),
        "{problems:?}"
    );
    assert_eq!(told(&ask(&snapshot, "sound", &json!({}))), "TARGETING_MATCH on");
    assert_eq!(told(&ask(&snapshot, "circle", &json!({}))), "PARSE_ERROR");
}

#[test]
fn references_that_multiply_are_refused() {
    let doubled = |name: &str| json!({"and": vec![json!({"$ref": name}); 10]});
    let evaluators: Map<String, Json> = (0..20)
        .map(|place| (format!("e{place}"), doubled(&format!("e{}", place + 1))))
        .collect();
    let (snapshot, problems) =
        fresh(&json!({"$evaluators": evaluators, "flags": {"flag": switch(&json!({"$ref": "e0"}))}}));
    assert!(problems.len() < 5, "{} problems", problems.len());
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("more than 200000 values")),
        "{problems:?}"
    );
    assert_eq!(told(&ask(&snapshot, "flag", &json!({}))), "PARSE_ERROR");
}

#[test]
fn a_bad_flag_keeps_its_last_good_version_and_hinders_no_other() {
    let good = json!({"flags": {"a": switch(&json!("on")), "b": switch(&json!("on"))}});
    let (first, _) = fresh(&good);
    let bad = json!({"flags": {
        "a": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "purple"},
        "b": switch(&json!("off")),
        "new": {"state": "ENABLED", "variants": 5},
    }});
    let (second, problems) = after(&first, &bad);
    assert_eq!(
        problems,
        [
            "flags.a.defaultVariant: the flag has no variant `purple`",
            "flags.new.variants: the variants are not an object"
        ]
    );
    let answers = ["a", "b", "new"].map(|key| told(&ask(&second, key, &json!({}))));
    assert_eq!(answers, ["TARGETING_MATCH on", "TARGETING_MATCH off", "PARSE_ERROR"]);
    assert!(second.flag("a").unwrap().is_outdated());
    let (third, _) = after(&second, &bad);
    assert_eq!(told(&ask(&third, "a", &json!({}))), "TARGETING_MATCH on");
    let (repaired, problems) = after(&third, &good);
    assert!(problems.is_empty());
    assert!(!repaired.flag("a").unwrap().is_outdated());
}

#[test]
fn what_cannot_be_read_at_all_leaves_everything_as_it_was() {
    let (first, _) = fresh(&json!({"flags": {"a": switch(&json!("on"))}}));
    for text in [
        "",
        "{",
        "[]",
        "5",
        r#"{"flags": 5}"#,
        r#"{"flags": {}, "metadata": []}"#,
    ] {
        let (second, problems) = load(&first, text);
        assert_eq!(told(&ask(&second, "a", &json!({}))), "TARGETING_MATCH on", "{text}");
        assert_eq!(problems[0].severity, crate::Severity::Refused, "{text}");
        assert!(!problems[0].remedy.is_empty());
    }
}

#[test]
fn a_flag_that_is_gone_is_gone() {
    let (first, _) = fresh(&json!({"flags": {"a": switch(&json!("on"))}}));
    let (second, _) = after(&first, &json!({"flags": {}}));
    assert_eq!(ask(&second, "a", &json!({})), Outcome::Failed(ErrorCode::FlagNotFound));
}

#[test]
fn every_flag_is_found_and_counted() {
    let flags: Map<String, Json> = (0..3000)
        .map(|number| (format!("flag-{number}"), switch(&json!("on"))))
        .collect();
    let (snapshot, _) = fresh(&json!({"flags": flags}));
    struct Counts(Vec<std::sync::atomic::AtomicU64>);
    impl crate::Count for Counts {
        fn count(&self, flag: usize, variant: Option<usize>) {
            assert_eq!(variant, Some(1), "the variants are `off` and `on`");
            self.0[flag].fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let counts = Counts((0..3000).map(|_| std::sync::atomic::AtomicU64::new(0)).collect());
    let context = Map::new();
    assert_eq!(snapshot.evaluate_all(&context, 0, &counts).count(), 3000);
    for key in flags.keys() {
        assert!(matches!(
            snapshot.evaluate(key, &context, 0, &counts),
            Outcome::Resolved {
                reason: Reason::TargetingMatch,
                ..
            }
        ));
    }
    assert!(
        counts
            .0
            .iter()
            .all(|count| count.load(std::sync::atomic::Ordering::Relaxed) == 2)
    );
    assert_eq!(snapshot.place("flag-3000"), None);
}

#[test]
fn fixed_answers_are_those_that_no_context_changes() {
    let (snapshot, _) = fresh(&json!({"flags": {
        "static": switch(&json!({})),
        "chosen": switch(&json!("on")),
        "off": {"state": "DISABLED", "variants": {}, "targeting": {"var": "a"}},
    }}));
    let fixed = ["chosen", "off", "static"].map(|key| snapshot.flag(key).unwrap().fixed().as_ref().map(told));
    assert_eq!(
        fixed,
        [None, Some("DISABLED".to_owned()), Some("STATIC off".to_owned())]
    );
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        prop_oneof![Just("on"), Just("ENABLED"), Just("DISABLED"), Just("a"), Just("")].prop_map(Json::from),
    ];
    let name = prop_oneof![
        Just("flags"),
        Just("$evaluators"),
        Just("$ref"),
        Just("metadata"),
        Just("hashVersion"),
        Just("state"),
        Just("variants"),
        Just("defaultVariant"),
        Just("targeting"),
        Just("key"),
        Just("on"),
        Just("a"),
        Just("if"),
        Just("var"),
        Just("fractional")
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            2 => proptest::collection::btree_map(name.clone(), inner.clone(), 0..6).prop_map(|map| json!(map)),
            1 => proptest::collection::vec(inner, 0..4).prop_map(Json::from),
        ]
    })
}

proptest! {
    #[test]
    fn hostile_definitions_never_panic_and_loading_again_changes_nothing(first in any_json(), flag in any_json(), evaluators in any_json()) {
        let document = json!({"flags": {"a": flag, "b": first}, "$evaluators": evaluators});
        let (once, problems) = load_document(&Snapshot::default(), &document);
        let (twice, again) = load_document(&once, &document);
        prop_assert_eq!(&problems, &again);
        prop_assert_eq!(once.flags().len(), twice.flags().len());
        let context = Map::new();
        for (a, b) in once.evaluate_all(&context, 7, &()).zip(twice.evaluate_all(&context, 7, &())) {
            prop_assert_eq!(a.1, b.1);
            prop_assert_eq!(a.1, once.evaluate(a.0.key(), &context, 7, &()));
        }
        load_document(&twice, &first);
    }
}
