//! One kind of edit after the other, in a request and in a response.

use serde_json::{Value, json};

use super::{api, told};

/// `rule request-level response-level` for an edit of a property.
#[track_caller]
fn edit(old: Value, new: Value, expect: &[&str]) {
    let of = |schema: &Value| json!({"type": "object", "properties": {"a": schema}});
    let lines = |old: &Value, new: &Value| -> Vec<(String, String)> {
        let (request, response) = ((of(old), of(new)), (of(old), of(new)));
        let split = |lines: Vec<String>| -> Vec<(String, String)> {
            let words = lines
                .into_iter()
                .map(|line| line.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>());
            words.map(|words| (words[0].clone(), words[1].clone())).collect()
        };
        let request = split(told(&api(request.0, json!({})), &api(request.1, json!({}))));
        let response = split(told(&api(json!({}), response.0), &api(json!({}), response.1)));
        assert_eq!(request.len(), response.len());
        request
            .into_iter()
            .zip(response)
            .map(|((rule, one), (_, two))| (rule, format!("{one} {two}")))
            .collect()
    };
    let found: Vec<String> = lines(&old, &new)
        .into_iter()
        .map(|(rule, levels)| format!("{rule} {levels}"))
        .collect();
    assert_eq!(found, expect, "{old} to {new}");
}

const NARROWER: &str = "breaking compatible";
const WIDER: &str = "compatible breaking";
const EITHER: &str = "breaking breaking";

#[track_caller]
fn narrows(rule: &str, old: Value, new: Value) {
    edit(old.clone(), new.clone(), &[&format!("{rule} {NARROWER}")]);
    edit(new, old, &[&format!("{} {WIDER}", opposite(rule))]);
}

fn opposite(rule: &str) -> &str {
    match rule {
        "enum-added" => "enum-removed",
        "enum-value-removed" => "enum-value-added",
        "null-removed" => "null-added",
        "alternative-removed" => "alternative-added",
        rule => rule,
    }
}

#[test]
fn what_takes_less_breaks_requests_and_what_gives_more_breaks_responses() {
    narrows("type-changed", json!({"type": "number"}), json!({"type": "integer"}));
    narrows(
        "type-changed",
        json!({"type": ["string", "integer"]}),
        json!({"type": "string"}),
    );
    narrows(
        "null-removed",
        json!({"type": ["string", "null"]}),
        json!({"type": "string"}),
    );
    narrows(
        "enum-added",
        json!({"type": "string"}),
        json!({"type": "string", "enum": ["a"]}),
    );
    narrows(
        "enum-value-removed",
        json!({"enum": ["a", "b"]}),
        json!({"enum": ["a"]}),
    );
    narrows(
        "format-changed",
        json!({"type": "string"}),
        json!({"type": "string", "format": "date"}),
    );
    narrows(
        "pattern-changed",
        json!({"type": "string"}),
        json!({"type": "string", "pattern": "^a"}),
    );
    narrows(
        "length-changed",
        json!({"type": "string"}),
        json!({"type": "string", "minLength": 1}),
    );
}

#[test]
fn bounds_of_numbers_and_counts_narrow_too() {
    narrows(
        "lower-bound-changed",
        json!({"type": "number", "minimum": 1}),
        json!({"type": "number", "exclusiveMinimum": 1}),
    );
    narrows(
        "upper-bound-changed",
        json!({"type": "number"}),
        json!({"type": "number", "maximum": 1}),
    );
    narrows(
        "unit-changed",
        json!({"type": "number"}),
        json!({"type": "number", "multipleOf": 0.01}),
    );
    narrows(
        "entry-count-changed",
        json!({"type": "array"}),
        json!({"type": "array", "maxItems": 2}),
    );
    narrows(
        "uniqueness-changed",
        json!({"type": "array"}),
        json!({"type": "array", "uniqueItems": true}),
    );
    narrows(
        "property-count-changed",
        json!({"type": "object"}),
        json!({"type": "object", "minProperties": 1}),
    );
    narrows(
        "type-changed",
        json!({"type": "array", "items": {"type": "number"}}),
        json!({"type": "array", "items": {"type": "integer"}}),
    );
}

#[test]
fn what_takes_something_else_breaks_both() {
    edit(
        json!({"type": "string"}),
        json!({"type": "integer"}),
        &[&format!("type-changed {EITHER}")],
    );
    edit(
        json!({"type": "string", "format": "date"}),
        json!({"type": "string", "format": "uuid"}),
        &[&format!("format-changed {EITHER}")],
    );
    edit(
        json!({"type": "string", "pattern": "^a"}),
        json!({"type": "string", "pattern": "^b"}),
        &[&format!("pattern-changed {EITHER}")],
    );
    edit(
        json!({"type": "number", "multipleOf": 2}),
        json!({"type": "number", "multipleOf": 3}),
        &[&format!("unit-changed {EITHER}")],
    );
}

#[test]
fn what_cannot_be_decided_is_unknown() {
    edit(
        json!({"type": "string", "format": "tea"}),
        json!({"type": "string", "format": "milk"}),
        &["format-changed unknown unknown"],
    );
    edit(
        json!({"type": "string", "pattern": "^(?!a)"}),
        json!({"type": "string", "pattern": "^(?!b)"}),
        &["pattern-changed unknown unknown"],
    );
    let condition = |name: &str| json!({"type": "object", "if": {"required": [name]}, "then": {"required": ["c"]}});
    edit(condition("a"), condition("b"), &["condition-changed unknown unknown"]);
}

#[test]
fn a_bound_of_a_format_is_a_bound() {
    let of = |format: &str| json!({"type": "integer", "format": format});
    edit(
        of("int64"),
        of("int32"),
        &[
            &format!("lower-bound-changed {NARROWER}"),
            &format!("upper-bound-changed {NARROWER}"),
        ],
    );
}

#[test]
fn maps_are_walked_too() {
    let of = |kind: &str| json!({"type": "object", "additionalProperties": {"type": kind}});
    edit(of("number"), of("integer"), &[&format!("type-changed {NARROWER}")]);
    edit(
        of("string"),
        json!({"type": "object"}),
        &["additional-properties-changed compatible breaking"],
    );
    let closed = json!({"type": "object", "properties": {"a": {}}, "additionalProperties": false});
    edit(
        json!({"type": "object", "properties": {"a": {}}}),
        closed,
        &["additional-properties-changed compatible compatible"],
    );
}

#[test]
fn words_for_people_are_silent() {
    let old = json!({"type": "string", "description": "a", "title": "A", "examples": ["x"]});
    edit(old, json!({"type": "string", "description": "b", "example": "y"}), &[]);
}

#[test]
fn names_of_schemas_matter_to_generated_code_only() {
    let document = |name: &str| {
        let mut document = api(json!({"$ref": format!("#/components/schemas/{name}")}), json!({}));
        document["components"] = json!({"schemas": {name: {"type": "string", "enum": ["a", "b"]}}});
        document
    };
    assert_eq!(
        told(&document("A"), &document("B")),
        ["schema-renamed sdk request request"]
    );
    assert_eq!(
        told(
            &api(json!({"enum": ["a", "b"]}), json!({})),
            &api(json!({"enum": ["b", "a"]}), json!({}))
        ),
        ["enum-order-changed sdk request request"]
    );
}

#[test]
fn a_discriminator_holds_alternatives_apart() {
    let of = |property: &str, more: &str| {
        json!({"oneOf": [
            {"type": "object", "properties": {"t": {"type": "string"}, "a": {"type": "string"}}},
            {"type": "object", "properties": {"t": {"type": "string"}, more: {"type": "string"}}},
        ], "discriminator": {"propertyName": property}})
    };
    edit(
        of("t", "b"),
        of("t", "c"),
        &[
            "property-removed contract contract",
            "property-added compatible compatible",
        ],
    );
    edit(of("t", "b"), of("a", "b"), &["discriminator-changed contract contract"]);
}
