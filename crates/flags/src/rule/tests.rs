use super::*;
use crate::limits;
use crate::problem::Notes;
use proptest::prelude::*;
use serde_json::{Map, json};

/// Rules with what flagd's server (the evaluator of its core, JsonLogic 3.9.1) made of them: `is`, or nothing where it failed.
const REFERENCE: &str = include_str!("reference.jsonl");

const NOW: i64 = 1_795_000_000;

fn compiled(rule: &Json) -> (Rule, Notes) {
    let mut notes = Notes::of_set();
    let mut nodes = limits::RULE_NODES;
    let rule = compile(rule, HashVersion::Two, &mut nodes, &mut notes);
    (rule, notes)
}

fn compute(rule: &Json, key: &str, context: &Json) -> Option<Json> {
    let request = Request {
        flag: key,
        context: context.as_object().unwrap(),
        timestamp: NOW,
    };
    compiled(rule).0.result(&request)
}

/// `None`: the rule cannot be computed.
#[track_caller]
fn check(rule: &Json, context: &Json, expect: Option<&Json>) {
    let result = compute(rule, "flag", context);
    assert_eq!(result.as_ref(), expect, "{rule} of {context}");
}

/// 1 and 1.0 are the same number in a rule, and two values to `serde_json`.
fn with_floats(json: &Json) -> Json {
    match json {
        Json::Number(number) => json!(number.as_f64()),
        Json::Array(list) => list.iter().map(with_floats).collect(),
        Json::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), with_floats(value)))
            .collect(),
        Json::Null | Json::Bool(_) | Json::String(_) => json.clone(),
    }
}

#[test]
fn rules_come_to_what_flagds_server_makes_of_them() {
    for line in REFERENCE.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let result = compute(&case["rule"], case["key"].as_str().unwrap(), &case["context"]);
        assert_eq!(
            result.as_ref().map(with_floats),
            case.get("is").map(with_floats),
            "{line}"
        );
    }
}

#[test]
fn an_if_takes_the_first_branch_whose_condition_is_true() {
    let rule = json!({"if": [{"var": "a"}, "first", {"var": "b"}, "second", "third"]});
    check(&rule, &json!({"a": 1, "b": 1}), Some(&json!("first")));
    check(&rule, &json!({"a": [], "b": "x"}), Some(&json!("second")));
    check(&rule, &json!({"b": 0}), Some(&json!("third")));
    check(&json!({"if": [false, "first"]}), &json!({}), Some(&Json::Null));
}

#[test]
fn a_variable_has_a_path_and_a_default() {
    let context = json!({"customer": {"plans": ["free", "gold"]}, "none": null});
    check(&json!({"var": "customer.plans.1"}), &context, Some(&json!("gold")));
    check(&json!({"var": ["customer.age", 7]}), &context, Some(&json!(7.0)));
    check(&json!({"var": ["none", "x"]}), &context, Some(&json!("x")));
    check(&json!({"var": "$flagd.timestamp"}), &context, Some(&json!(NOW as f64)));
    check(&json!({"var": "$flagd.flagKey"}), &context, Some(&json!("flag")));
}

#[test]
fn the_context_cannot_pose_as_flagds_own_properties() {
    let context = json!({"$flagd": {"flagKey": "mine", "timestamp": 1}});
    check(&json!({"var": "$flagd.flagKey"}), &context, Some(&json!("flag")));
}

#[test]
fn an_object_of_the_context_is_never_computed_as_a_rule() {
    let context = json!({"plan": {"cat": ["on"]}, "list": [{"var": "plan"}]});
    check(
        &json!({"if": [true, {"var": "plan"}]}),
        &context,
        Some(&json!({"cat": ["on"]})),
    );
    check(
        &json!({"map": [{"var": "list"}, {"var": ""}]}),
        &context,
        Some(&json!([{"var": "plan"}])),
    );
}

#[test]
fn an_order_of_three_holds_between_neighbours() {
    check(
        &json!({"<": [1, {"var": "a"}, 3]}),
        &json!({"a": 2}),
        Some(&json!(true)),
    );
    check(
        &json!({"<": [1, {"var": "a"}, 3]}),
        &json!({"a": 3}),
        Some(&json!(false)),
    );
    check(
        &json!({"<=": [1, {"var": "a"}, 3]}),
        &json!({"a": 3}),
        Some(&json!(true)),
    );
    check(
        &json!({">=": [3, {"var": "a"}, 1]}),
        &json!({"a": 1}),
        Some(&json!(true)),
    );
}

#[test]
fn prereleases_and_short_versions_are_ordered() {
    let holds = |a: &str, relation: &str, b: &str| {
        compute(
            &json!({"sem_ver": [{"var": "a"}, relation, b]}),
            "flag",
            &json!({"a": a}),
        )
    };
    assert_eq!(holds("2.0.0-rc.1", "<", "2.0.0"), Some(json!(true)));
    assert_eq!(holds("2.0.0-rc.10", ">", "2.0.0-rc.9"), Some(json!(true)));
    assert_eq!(holds("2.0.0-1", "<", "2.0.0-a"), Some(json!(true)));
    assert_eq!(holds("v1.2", "=", "1.2.0"), Some(json!(true)));
    assert_eq!(holds("1.2.3+7", "=", "1.2.3+8"), Some(json!(true)));
    assert_eq!(holds("1.9.0", "^", "1.2.3"), Some(json!(true)));
    assert_eq!(holds("1.9.0", "~", "1.2.3"), Some(json!(false)));
    for no_version in [
        "",
        "1.",
        "01.2.3",
        "1.2.3.4",
        "1.2.3-",
        "1.2.3-01",
        "1.2-rc.1",
        "x",
        "99999999999999999999.0.0",
    ] {
        assert_eq!(holds(no_version, "=", "1.2.3"), Some(Json::Null), "{no_version}");
    }
}

#[test]
fn a_long_list_of_tenants_is_searched() {
    let tenants: Vec<String> = (0..1000).map(|number| format!("tenant-{number}")).collect();
    let rule = json!({"in": [{"var": "tenant"}, tenants]});
    check(&rule, &json!({"tenant": "tenant-999"}), Some(&json!(true)));
    check(&rule, &json!({"tenant": "tenant-1000"}), Some(&json!(false)));
    check(&rule, &json!({}), Some(&json!(false)));
}

#[test]
fn what_flagd_only_notices_on_the_way_is_told_at_once() {
    let told = |rule: Json| {
        compiled(&rule)
            .1
            .found
            .iter()
            .map(|problem| format!("{}: {}", problem.path, problem.what))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(json!({"if": [{"var": "a"}, {"nope": []}]})),
        ["if[1].nope: there is no operator `nope`"]
    );
    assert_eq!(
        told(json!({"sem_ver": [{"var": "v"}, "=", "1.x"]})),
        ["sem_ver: `1.x` is not a version"]
    );
    assert_eq!(
        told(json!({"fractional": [["a", 0.5]]})),
        ["fractional: the weights of `fractional` cannot be used: it never chooses"]
    );
}

#[test]
fn a_rule_that_nests_too_deep_is_refused() {
    let deep = |depth: usize| (0..depth).fold(json!(true), |rule, _| json!({"!": rule}));
    assert!(!compiled(&deep(limits::RULE_DEPTH)).1.refused());
    assert!(compiled(&deep(limits::RULE_DEPTH + 1)).1.refused());
}

#[test]
fn a_rule_that_costs_too_much_is_a_fault() {
    let all = json!({"var": "list"});
    let text = json!({"reduce": [all, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "x"]});
    let pairs = json!({"map": [all, {"merge": [[1], [2]]}]});
    let context = json!({"list": vec![1; 200]});
    check(&text, &context, None);
    assert!(compute(&pairs, "flag", &context).is_some());
    let nested = json!({"map": [all, {"map": [{"var": ""}, 1]}]});
    let square = |side: usize| json!({"list": vec![vec![0; side]; side]});
    assert!(compute(&nested, "flag", &square(500)).is_some());
    assert!(compute(&nested, "flag", &square(1000)).is_none());
}

/// Each name is computed in every scope around it, and each of these computes the names inside of it.
#[test]
fn names_that_are_computed_from_names_in_many_scopes_are_a_fault_and_end() {
    let name = (0..18).fold(json!("a"), |name, _| json!({"var": name}));
    let rule = (0..13).fold(name, |body, _| json!({"some": [{"var": "list"}, {"!": [body]}]}));
    let context = json!({"list": [[1], [2]], "a": "a"});
    compute(&rule, "flag", &context);
    assert!(compiled(&rule).1.found.is_empty());
}

#[test]
fn the_deepest_rule_is_computed() {
    let rule = (0..limits::RULE_DEPTH / 2).fold(json!(true), |body, _| json!({"filter": [{"merge": [1]}, body]}));
    assert!(compute(&rule, "flag", &json!({})).is_some());
}

/// Any document, mostly of the words of rules.
fn any_rule() -> impl Strategy<Value = Json> {
    let word = prop_oneof![
        Just("var"),
        Just("if"),
        Just("and"),
        Just("or"),
        Just("=="),
        Just("<"),
        Just("in"),
        Just("cat"),
        Just("substr"),
        Just("map"),
        Just("filter"),
        Just("reduce"),
        Just("some"),
        Just("all"),
        Just("none"),
        Just("merge"),
        Just("missing"),
        Just("missing_some"),
        Just("+"),
        Just("-"),
        Just("/"),
        Just("%"),
        Just("max"),
        Just("fractional"),
        Just("sem_ver"),
        Just("starts_with"),
        Just("!"),
        Just("contains_any"),
        Just("nope"),
        Just("===")
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(Json::from),
        ".{0,6}".prop_map(Json::from),
        prop_oneof![
            Just("a"),
            Just("list"),
            Just("list.0"),
            Just("accumulator"),
            Just("$flagd.timestamp"),
            Just("1.2.3")
        ]
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 60, 5, move |inner| {
        prop_oneof![
            3 => (word.clone(), proptest::collection::vec(inner.clone(), 0..5)).prop_map(|(word, list)| json!({word: list})),
            1 => (word.clone(), inner.clone()).prop_map(|(word, value)| json!({word: value})),
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            1 => proptest::collection::btree_map("[a-c]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

fn any_context() -> impl Strategy<Value = Map<String, Json>> {
    let key = prop_oneof![
        Just("a".to_owned()),
        Just("list".to_owned()),
        Just("targetingKey".to_owned()),
        ".{0,3}"
    ];
    let value = prop_oneof![
        any_rule(),
        proptest::collection::vec(any_rule(), 0..4).prop_map(Json::from)
    ];
    proptest::collection::btree_map(key, value, 0..5).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn hostile_rules_and_contexts_never_panic_and_always_come_to_the_same(rule in any_rule(), context in any_context(), now in any::<i64>()) {
        let request = Request { flag: "flag", context: &context, timestamp: now };
        let first = compiled(&rule).0;
        let again = compiled(&rule).0;
        prop_assert_eq!(first.choose(&request), again.choose(&request));
        prop_assert_eq!(first.choose(&request), first.choose(&request));
    }

    #[test]
    fn any_text_as_a_version_or_a_path_is_harmless(text in ".{0,20}", other in ".{0,20}") {
        let context = json!({"a": text, "list": [other]});
        compute(&json!({"sem_ver": [{"var": "a"}, "<", other]}), "flag", &context);
        compute(&json!({"var": [{"var": "a"}, 1]}), "flag", &context);
        compute(&json!({"substr": [{"var": "a"}, {"var": "list.0"}, -1]}), "flag", &context);
    }
}
