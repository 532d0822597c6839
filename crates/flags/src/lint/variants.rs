//! Variants against the targeting that chooses among them.

use std::mem::discriminant;

use serde_json::{Map, Value as Json};

use super::results::Results;
use super::{Linter, Rule};
use crate::snapshot::Flag;

pub fn check(flag: &Flag, linter: &mut Linter<'_>) {
    check_values(flag, linter);
    let definition = flag.definition();
    let Some(targeting) = definition.get("targeting") else {
        return;
    };
    if targeting.as_object().is_some_and(Map::is_empty) {
        return;
    }
    let results = Results::of(targeting);
    let has = |name: &str| flag.variants().iter().any(|variant| &*variant.name == name);
    for name in results.names.iter().filter(|name| !has(name)) {
        linter.tell(
            Rule::UndefinedVariant,
            Some(flag),
            format!("the targeting can come to `{name}`, which is not a variant"),
            "add the variant, or name one that exists",
        );
    }
    if !results.computed {
        let default = flag.default_variant().map(|variant| &*variant.name);
        let is_used = |name: &str| results.names.contains(name) || default == Some(name);
        for variant in flag.variants().iter().filter(|variant| !is_used(&variant.name)) {
            let what = format!("nothing comes to the variant `{}`", variant.name);
            linter.tell(Rule::UnusedVariant, Some(flag), what, "remove it, or say who gets it");
        }
    }
    walk(targeting, flag, linter);
}

fn check_values(flag: &Flag, linter: &mut Linter<'_>) {
    let mut kinds = flag.variants().iter().map(|variant| discriminant(&variant.value));
    if let Some(first) = kinds.next()
        && kinds.any(|kind| kind != first)
    {
        let what = "the variants are of different kinds of values".to_owned();
        linter.tell(
            Rule::MixedValues,
            Some(flag),
            what,
            "give all variants truths, texts, numbers, or objects",
        );
    }
}

fn walk(rule: &Json, flag: &Flag, linter: &mut Linter<'_>) {
    match rule {
        Json::Object(map) => {
            for (name, values) in map {
                match (name.as_str(), values.as_array()) {
                    ("if" | "?:", Some(list)) => check_branches(list, flag, linter),
                    ("fractional", Some(list)) => check_weights(list, flag, linter),
                    _ => {}
                }
                walk(values, flag, linter);
            }
        }
        Json::Array(list) => list.iter().for_each(|one| walk(one, flag, linter)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn check_branches(list: &[Json], flag: &Flag, linter: &mut Linter<'_>) {
    let conditions: Vec<&Json> = list.chunks_exact(2).map(|pair| &pair[0]).collect();
    for (place, condition) in conditions.iter().enumerate() {
        let followed = list.len() > place * 2 + 2;
        let what = match constant_truth(condition) {
            Some(false) => format!("the condition {condition} is never true"),
            Some(true) if followed => format!("the condition {condition} is always true: nothing after it is reached"),
            Some(true) => continue,
            None if conditions[..place].contains(condition) => {
                "a condition stands twice: the second one is never reached".to_owned()
            }
            None => continue,
        };
        linter.tell(
            Rule::UnreachableBranch,
            Some(flag),
            what,
            "remove the branch, or correct its condition",
        );
    }
}

/// Of a condition that looks at no context.
fn constant_truth(condition: &Json) -> Option<bool> {
    match condition {
        Json::Null => Some(false),
        Json::Bool(truth) => Some(*truth),
        Json::Number(number) => number.as_f64().map(|number| number != 0.0),
        Json::String(text) => Some(!text.is_empty()),
        Json::Array(_) | Json::Object(_) => None,
    }
}

fn check_weights(list: &[Json], flag: &Flag, linter: &mut Linter<'_>) {
    let buckets: Vec<&Vec<Json>> = list.iter().filter_map(Json::as_array).collect();
    if buckets.is_empty() || buckets.iter().all(|bucket| bucket.len() < 2) {
        return;
    }
    let mut total = 0.0;
    for bucket in buckets {
        match bucket.get(1) {
            None | Some(Json::Null) => total += 1.0,
            Some(Json::Number(weight)) => total += weight.as_f64().unwrap_or(0.0).max(0.0),
            // Computed from the context: nothing to add up.
            Some(_) => return,
        }
    }
    if total != 100.0 {
        let what = format!("the weights of `fractional` are {total} together");
        linter.tell(
            Rule::Weights,
            Some(flag),
            what,
            "write shares that are 100 together: they read as percent",
        );
    }
}
