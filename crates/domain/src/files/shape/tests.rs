//! The schemas use only what the check understands; a keyword it passes over would be a rule that nobody enforces.

use serde_json::Value as Json;

use super::{Shape, rules, subject};
use crate::files::{ServiceFile, schemas};

const CHECKED: [&str; 20] = [
    "$ref",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "minProperties",
    "items",
    "minItems",
    "uniqueItems",
    "pattern",
    "minLength",
    "minimum",
    "maximum",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "$defs",
    "$schema",
];
const ANNOTATIONS: [&str; 3] = ["title", "description", "default"];

/// Calls `visit` with every schema in a schema, and the name of the definition it is.
fn walk(schema: &Json, name: &str, visit: &mut impl FnMut(&serde_json::Map<String, Json>, &str)) {
    let Some(keywords) = schema.as_object() else { return };
    visit(keywords, name);
    for (keyword, value) in keywords {
        match keyword.as_str() {
            "properties" | "patternProperties" | "$defs" => {
                for (name, schema) in value.as_object().unwrap() {
                    walk(schema, name, visit);
                }
            }
            "anyOf" | "oneOf" => value
                .as_array()
                .unwrap()
                .iter()
                .for_each(|schema| walk(schema, name, visit)),
            "items" | "additionalProperties" => walk(value, name, visit),
            _ => {}
        }
    }
}

#[test]
fn the_schemas_use_only_what_is_checked() {
    let mut seen = 0;
    for (file, schema) in schemas() {
        walk(&schema, file, &mut |keywords, name| {
            seen += 1;
            for keyword in keywords.keys() {
                let keyword = keyword.as_str();
                assert!(
                    CHECKED.contains(&keyword) || ANNOTATIONS.contains(&keyword),
                    "{file}: {keyword} in {name}"
                );
                let beside_reference = keywords.contains_key("$ref") && keyword != "$ref";
                assert!(
                    !beside_reference || ANNOTATIONS.contains(&keyword),
                    "{file}: {keyword} beside $ref in {name}"
                );
            }
            if let Some(lists) = keywords.get("minLength").or(keywords.get("minItems")) {
                assert_eq!(*lists, 1, "{file}: only emptiness is checked, in {name}");
            }
        });
    }
    assert!(seen > 100);
}

#[test]
fn every_pattern_has_a_rule() {
    let rules = rules::all();
    for (file, schema) in schemas() {
        walk(&schema, file, &mut |keywords, name| {
            if let Some(pattern) = keywords.get("pattern").and_then(Json::as_str) {
                assert!(
                    rules.iter().any(|rule| rule.name == name && rule.pattern == pattern),
                    "{file}: {name}"
                );
            }
            for pattern in keywords
                .get("patternProperties")
                .and_then(Json::as_object)
                .into_iter()
                .flatten()
            {
                assert!(rules.iter().any(|rule| rule.pattern == *pattern.0), "{file}: {name}");
            }
        });
    }
}

#[test]
fn every_whole_number_has_the_bounds_of_its_type() {
    for (file, schema) in schemas() {
        walk(&schema, file, &mut |keywords, name| {
            if keywords.get("type").is_some_and(|kind| kind == "integer") {
                assert!(
                    keywords.contains_key("minimum") && keywords.contains_key("maximum"),
                    "{file}: {name}"
                );
            }
        });
    }
}

#[test]
fn things_have_the_names_that_people_give_them() {
    assert_eq!(subject("ReleaseComponent"), "this release component");
    assert_eq!(subject("jwt"), "this jwt");
    let shape = Shape::of::<ServiceFile>();
    assert_eq!(subject(shape.part(&shape.root.schema, "").name), "the service file");
}
