//! What holds for every pair of documents.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::api;
use crate::random::{self, Random};
use crate::{Documents, Level, Policy, compare};

fn with_components(mut document: Value, others: &[Value]) -> Value {
    document["components"] = json!({"schemas": {"A": others[0], "B": others[1], "C": others[2]}});
    document
}

/// Edits that break a request whatever stands around them.
fn broken(random: &mut Random, of: &Value) -> Value {
    match random.below(4) {
        0 => json!({"allOf": [of], "type": "null", "not": {}}),
        1 => json!({"allOf": [of, {"required": ["never_sent_before"]}], "type": "object"}),
        2 => json!({"const": "a value that nobody sends"}),
        _ => json!(false),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_document_beside_itself_is_silent(seed: u64) {
        let random = &mut Random(seed);
        let others = [(); 3].map(|()| random::component(random));
        let document = with_components(api(random::schema(random, 3), random::schema(random, 3)), &others);
        let documents = Documents::new(document.clone());
        prop_assert!(compare(&documents, &documents).unwrap().changes.is_empty());
        // The same words read one by one.
        let mut dialect = document;
        dialect["openapi"] = json!("3.1.1");
        let other = Documents::new(dialect);
        prop_assert!(compare(&documents, &other).unwrap().changes.is_empty());
    }

    #[test]
    fn what_is_broken_is_found(seed: u64) {
        let random = &mut Random(seed);
        let others = [(); 3].map(|()| random::component(random));
        let old = json!({"type": "object", "properties": {"a": random::schema(random, 2), "b": {"type": "string"}}});
        let mut new = old.clone();
        new["properties"]["b"] = broken(random, &old["properties"]["b"]);
        let at = |schema: &Value| Documents::new(with_components(api(schema.clone(), json!({})), &others));
        let found = compare(&at(&old), &at(&new)).unwrap();
        prop_assert!(found.is_breaking(Policy::Wire), "{old} to {new}");
    }

    /// Whatever the judge does not call included, the walk tells.
    #[test]
    fn nothing_that_is_not_included_goes_untold(seed: u64) {
        let random = &mut Random(seed);
        let others = [(); 3].map(|()| random::component(random));
        let old = random::schema(random, 3);
        let new = random::mutated(random, &old);
        let at = |schema: &Value| with_components(api(schema.clone(), json!({})), &others);
        let (before, after) = (at(&old), at(&new));
        let found = compare(&Documents::new(before.clone()), &Documents::new(after.clone())).unwrap();
        let whole = |document: &Value, schema: &Value| {
            let others = &document["components"]["schemas"];
            random::document(schema, [&others["A"], &others["B"], &others["C"]])
        };
        let answer = crate::judge::tests::ask(&whole(&before, &old), &whole(&after, &new), crate::judge::Flow::ToServer);
        let breaking = found.level(Policy::Wire);
        match answer {
            crate::judge::Answer::Included => prop_assert_eq!(breaking, Level::Compatible),
            crate::judge::Answer::Not(_) => prop_assert!(breaking >= Level::Unknown, "{} to {}", old, new),
            crate::judge::Answer::Unknown(_) => prop_assert!(breaking >= Level::Unknown, "{} to {}", old, new),
        }
    }
}
