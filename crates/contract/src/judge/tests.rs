//! Inclusion by cases, and beside an oracle: the `jsonschema` crate.

#![expect(
    clippy::needless_pass_by_value,
    reason = "cases are easier to read without references"
)]

mod laws;

use serde_json::{Value, json};

use super::*;
use crate::document::Documents;
use crate::schema::Version;

/// Asks about the component `S` of both: what is sent by the first has to be accepted by the second.
pub(crate) fn ask(sent: &Value, accepted: &Value, flow: Flow) -> Answer {
    let (old, new) = (Documents::new(sent.clone()), Documents::new(accepted.clone()));
    let mut model = Model::new(&old, &new).unwrap();
    let root = crate::Place {
        document: String::new(),
        pointer: String::new(),
    };
    let reference = "#/components/schemas/S";
    let sent = model
        .read(Version::Old, &old.target(&root, reference).unwrap())
        .unwrap();
    let accepted = model
        .read(Version::New, &new.target(&root, reference).unwrap())
        .unwrap();
    Judge::new(model).included(flow, &vec![sent], &vec![accepted])
}

fn document(schema: &Value) -> Value {
    json!({ "openapi": "3.1.0", "components": { "schemas": { "S": schema } } })
}

#[track_caller]
fn check(flow: Flow, sent: Value, accepted: Value, expect: &str) {
    let answer = ask(&document(&sent), &document(&accepted), flow);
    let (word, witness) = match answer {
        Answer::Included => ("included", None),
        Answer::Not(witness) => ("not", Some(witness)),
        Answer::Unknown(reason) => (reason, None),
    };
    assert_eq!(word, expect, "{sent} within {accepted}, {witness:?}");
}

#[track_caller]
fn request(sent: Value, accepted: Value, expect: &str) {
    check(Flow::ToServer, sent, accepted, expect);
}

#[track_caller]
fn equivalent(one: Value, two: Value) {
    for flow in [Flow::ToServer, Flow::FromServer] {
        check(flow, one.clone(), two.clone(), "included");
        check(flow, two.clone(), one.clone(), "included");
    }
}

#[test]
fn two_ways_of_saying_the_same_are_equivalent() {
    equivalent(
        json!({"enum": ["a", "b"]}),
        json!({"oneOf": [{"const": "a"}, {"const": "b"}]}),
    );
    equivalent(
        json!({"type": ["string", "integer"]}),
        json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
    );
    equivalent(
        json!({"type": "integer", "exclusiveMinimum": 0}),
        json!({"type": "integer", "minimum": 1}),
    );
    equivalent(
        json!({"type": "integer", "exclusiveMinimum": 0.5}),
        json!({"type": "integer", "minimum": 1}),
    );
    equivalent(
        json!({"type": "string", "pattern": "^(a|b)$"}),
        json!({"enum": ["a", "b"]}),
    );
    equivalent(
        json!({"type": "integer", "minimum": 1, "maximum": 3}),
        json!({"enum": [3, 2, 1]}),
    );
    equivalent(json!({"type": "number"}), json!({"type": ["integer", "number"]}));
    equivalent(
        json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]}),
        json!({"allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["a"]},
        ]}),
    );
    equivalent(
        json!({"type": "object", "properties": {"a": {"type": ["string", "integer"]}}, "required": ["a"]}),
        json!({"anyOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        ]}),
    );
}

#[test]
fn what_accepts_less_has_a_witness() {
    request(
        json!({"type": "string"}),
        json!({"type": "string", "maxLength": 3}),
        "not",
    );
    request(
        json!({"type": "string"}),
        json!({"type": "string", "format": "uuid"}),
        "not",
    );
    request(json!({"type": "string"}), json!({"enum": ["a", "aa"]}), "not");
    request(json!({"type": "number"}), json!({"type": "integer"}), "not");
    request(
        json!({"type": "integer"}),
        json!({"type": "integer", "format": "int64"}),
        "not",
    );
    request(
        json!({"type": "integer", "format": "int64"}),
        json!({"type": "integer", "format": "int32"}),
        "not",
    );
    request(
        json!({"type": "number", "multipleOf": 0.01}),
        json!({"type": "number", "multipleOf": 0.1}),
        "not",
    );
    request(
        json!({"type": "array"}),
        json!({"type": "array", "uniqueItems": true}),
        "not",
    );
    request(json!({"type": "array"}), json!({"type": "array", "maxItems": 2}), "not");
    request(
        json!({"type": "object"}),
        json!({"type": "object", "maxProperties": 2}),
        "not",
    );
    request(json!({}), json!({"type": "string"}), "not");
    request(
        json!({"type": "object"}),
        json!({"type": "object", "properties": {"a": {"type": "string"}}}),
        "not",
    );
}

#[test]
fn what_accepts_more_is_included() {
    request(json!({"type": "integer"}), json!({"type": "number"}), "included");
    request(
        json!({"type": "number", "multipleOf": 0.1}),
        json!({"type": "number", "multipleOf": 0.01}),
        "included",
    );
    request(
        json!({"type": "string", "pattern": "^a$"}),
        json!({"type": "string", "pattern": "^(a|b)$"}),
        "included",
    );
    request(
        json!({"type": "string", "pattern": "^a{3}$"}),
        json!({"type": "string", "minLength": 3}),
        "included",
    );
    request(
        json!({"not": {"type": "string"}, "type": "integer"}),
        json!({"not": {"type": "string"}}),
        "included",
    );
}

#[test]
fn names_that_are_not_declared_are_not_sent() {
    let one = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let two = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}});
    request(one.clone(), two.clone(), "included");
    let mut closed = one.clone();
    closed["additionalProperties"] = json!(false);
    request(two.clone(), closed.clone(), "not");
    // Who reads a response ignores what it does not know.
    check(Flow::FromServer, two, closed, "included");
}

#[test]
fn one_of_needs_alternatives_that_exclude_each_other() {
    let cat = json!({"type": "object", "properties": {"kind": {"const": "cat"}}, "required": ["kind"]});
    let dog = json!({"type": "object", "properties": {"kind": {"const": "dog"}}, "required": ["kind"]});
    request(cat.clone(), json!({"oneOf": [cat, dog]}), "included");
    let some = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let more = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}});
    request(some.clone(), json!({"oneOf": [some, more]}), "not");
}

#[test]
fn recursive_schemas_are_compared_without_an_end() {
    let list = |kind: &str| json!({"type": "object", "properties": {"value": {"type": kind}, "next": {"$ref": "#/components/schemas/S"}}});
    request(list("integer"), list("number"), "included");
    request(list("number"), list("integer"), "not");
    let unrolled = json!({"type": "object", "properties": {"value": {"type": "integer"}, "next": list("integer")}});
    equivalent(list("integer"), unrolled);
    request(
        json!({"allOf": [{"$ref": "#/components/schemas/S"}]}),
        json!({"type": "string"}),
        "a schema is made of itself",
    );
}

#[test]
fn what_is_read_only_is_not_asked_of_a_request() {
    let old = json!({"type": "object", "properties": {"id": {"type": "string", "readOnly": true}, "a": {}}, "required": ["id"]});
    let mut new = old.clone();
    new["properties"]["id"]["maxLength"] = json!(3);
    request(old.clone(), new.clone(), "included");
    check(Flow::FromServer, new.clone(), old.clone(), "included");
    check(Flow::FromServer, old, new, "not");
}

#[test]
fn conditions_are_compared_word_for_word() {
    let schema = |most: u32| json!({"type": "object", "if": {"required": ["a"]}, "then": {"required": ["b"]}, "maxProperties": most});
    request(schema(3), schema(4), "included");
    request(
        json!({"type": "object", "maxProperties": 2}),
        schema(3),
        "a conditional keyword is compared word for word only",
    );
}
