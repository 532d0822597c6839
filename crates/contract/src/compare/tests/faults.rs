//! What other tools for OpenAPI documents were found to get wrong. Each name says what is right.

use serde_json::{Value, json};

use super::{api, check, told};

fn webhook(payload: Value) -> Value {
    json!({"openapi": "3.1.0", "webhooks": {"paid": {"post": {
        "requestBody": {"required": true, "content": {"application/json": {"schema": payload}}},
        "responses": {"200": {}},
    }}}})
}

fn callback(payload: Value) -> Value {
    json!({"openapi": "3.0.3", "paths": {"/carts": {"post": {"responses": {}, "callbacks": {"paid": {"{$request.body#/url}": {"post": {
        "requestBody": {"required": true, "content": {"application/json": {"schema": payload}}},
        "responses": {"200": {}},
    }}}}}}}})
}

fn object(required: &[&str]) -> Value {
    json!({"type": "object", "properties": {"id": {"type": "string"}, "note": {"type": "string"}}, "required": required})
}

#[track_caller]
fn silent_both_ways(one: Value, two: Value) {
    for (old, new) in [(&one, &two), (&two, &one)] {
        check(&api(old.clone(), json!({})), &api(new.clone(), json!({})), &[]);
        check(&api(json!({}), old.clone()), &api(json!({}), new.clone()), &[]);
    }
}

#[test]
fn a_webhook_is_sent_by_the_server() {
    let path = "webhook request.note";
    check(
        &webhook(object(&["id", "note"])),
        &webhook(object(&["id"])),
        &[&format!("property-became-optional breaking {path}")],
    );
    check(
        &webhook(object(&["id"])),
        &webhook(object(&["id", "note"])),
        &[&format!("property-became-required compatible {path}")],
    );
}

#[test]
fn a_callback_is_compared_and_sent_by_the_server() {
    let mut less = object(&["id"]);
    less["properties"].as_object_mut().unwrap().remove("note");
    check(
        &callback(object(&["id", "note"])),
        &callback(less.clone()),
        &["property-removed breaking callback request.note"],
    );
    check(
        &callback(less),
        &callback(object(&["id", "note"])),
        &["property-added compatible callback request.note"],
    );
}

#[test]
fn a_callback_that_calls_itself_back_ends() {
    let document = |kind: &str| {
        let mut document = callback(json!({"$ref": "#/components/schemas/Node"}));
        document["components"] = json!({"schemas": {"Node": {"type": "object", "properties": {
            "next": {"$ref": "#/components/schemas/Node"}, "value": {"type": kind}}}}});
        document
    };
    check(
        &document("integer"),
        &document("number"),
        &["type-changed breaking callback request.value"],
    );
}

#[test]
fn an_enumeration_is_a_choice_of_constants() {
    silent_both_ways(
        json!({"type": "string", "enum": ["a", "b"]}),
        json!({"oneOf": [{"const": "a"}, {"const": "b"}]}),
    );
    let three = json!({"oneOf": [{"const": "a"}, {"const": "b"}, {"const": "c"}]});
    let two = json!({"type": "string", "enum": ["a", "b"]});
    check(
        &api(json!({}), two.clone()),
        &api(json!({}), three.clone()),
        &["enum-value-added breaking response response.200"],
    );
    check(
        &api(two, json!({})),
        &api(three, json!({})),
        &["enum-value-added compatible request request"],
    );
}

#[test]
fn a_choice_of_types_is_a_list_of_types() {
    silent_both_ways(
        json!({"type": ["string", "integer"]}),
        json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
    );
}

#[test]
fn an_integer_above_nought_is_one_from_one() {
    silent_both_ways(
        json!({"type": "integer", "exclusiveMinimum": 0}),
        json!({"type": "integer", "minimum": 1}),
    );
}

#[test]
fn a_pattern_that_takes_more_is_known_to_take_more() {
    let of = |pattern: &str| json!({"type": "string", "pattern": pattern});
    check(
        &api(of("^a$"), json!({})),
        &api(of("^(a|b)$"), json!({})),
        &["pattern-changed compatible request request"],
    );
    check(
        &api(of("^(a|b)$"), json!({})),
        &api(of("^a$"), json!({})),
        &["pattern-changed breaking request request"],
    );
}

#[test]
fn an_object_in_two_parts_is_the_object() {
    silent_both_ways(
        object(&["id"]),
        json!({"allOf": [
            {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
            {"type": "object", "properties": {"note": {"type": "string"}}},
        ]}),
    );
}

#[test]
fn nullable_of_three_nought_is_a_type_of_three_one() {
    let old = |schema: Value| {
        let mut document = api(schema, json!({}));
        document["openapi"] = json!("3.0.3");
        document
    };
    for (before, after) in [
        (
            json!({"type": "string", "nullable": true}),
            json!({"type": ["string", "null"]}),
        ),
        (
            json!({"type": "string", "nullable": true, "enum": ["a", null]}),
            json!({"type": ["string", "null"], "enum": ["a", null]}),
        ),
        (
            json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true}),
            json!({"type": "integer", "exclusiveMinimum": 0}),
        ),
        (
            json!({"allOf": [{"type": "string"}], "nullable": true}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ),
    ] {
        assert_eq!(
            told(&old(before.clone()), &api(after.clone(), json!({}))),
            [""; 0],
            "{before} and {after}"
        );
        assert_eq!(
            told(&api(after.clone(), json!({})), &old(before.clone())),
            [""; 0],
            "{after} and {before}"
        );
    }
}

#[test]
fn a_nullable_parameter_may_stop_being_null() {
    let document = |kind: Value| {
        json!({"openapi": "3.1.0", "paths": {"/a": {"get": {"responses": {}, "parameters": [
            {"in": "query", "name": "a", "schema": kind}]}}}})
    };
    let (with, without) = (
        document(json!({"type": ["string", "null"]})),
        document(json!({"type": "string"})),
    );
    check(&with, &without, &["null-removed breaking request request.query.a"]);
    check(
        &document(json!({})),
        &without,
        &[
            "null-removed breaking request request.query.a",
            "type-changed breaking request request.query.a",
        ],
    );
}

#[test]
fn what_is_read_only_may_be_narrowed_without_breaking_a_request() {
    let of = |most: u32| json!({"type": "object", "properties": {"id": {"type": "string", "readOnly": true, "maxLength": most}}});
    check(&api(of(9), json!({})), &api(of(3), json!({})), &[]);
}

#[test]
fn what_becomes_read_only_is_not_taken_any_more() {
    let of =
        |read_only: bool| json!({"type": "object", "properties": {"id": {"type": "string", "readOnly": read_only}}});
    check(
        &api(of(false), json!({})),
        &api(of(true), json!({})),
        &["property-hidden contract request request.id"],
    );
    check(&api(json!({}), of(false)), &api(json!({}), of(true)), &[]);
}

fn branch(kind: &str) -> Value {
    json!({"type": "object", "properties": {"kind": {"const": kind}, "size": {"type": "integer"}}, "required": ["kind"]})
}

#[test]
fn an_alternative_more_in_a_response_breaks_who_reads_it() {
    let (cat, dog, cow) = (branch("cat"), branch("dog"), branch("cow"));
    let (two, three) = (json!({"oneOf": [cat, dog]}), json!({"oneOf": [cat, dog, cow]}));
    check(
        &api(json!({}), two.clone()),
        &api(json!({}), three.clone()),
        &["alternative-added breaking response response.200"],
    );
    check(
        &api(two.clone(), json!({})),
        &api(three.clone(), json!({})),
        &["alternative-added compatible request request"],
    );
    check(
        &api(json!({}), three.clone()),
        &api(json!({}), two.clone()),
        &["alternative-removed compatible response response.200"],
    );
    check(
        &api(three, json!({})),
        &api(two, json!({})),
        &["alternative-removed breaking request request"],
    );
}

#[test]
fn one_schema_may_become_one_alternative() {
    let (cat, both) = (branch("cat"), json!({"oneOf": [branch("cat"), branch("dog")]}));
    check(
        &api(cat.clone(), json!({})),
        &api(both.clone(), json!({})),
        &["alternative-added compatible request request"],
    );
    check(
        &api(json!({}), both.clone()),
        &api(json!({}), cat.clone()),
        &["alternative-removed compatible response response.200"],
    );
    check(
        &api(json!({}), cat),
        &api(json!({}), both),
        &["alternative-added breaking response response.200"],
    );
}

#[test]
fn a_schema_in_a_choice_that_overlaps_another_is_not_taken_for_granted() {
    let some = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let wrapped = json!({"oneOf": [some, {"type": "object", "properties": {"b": {"type": "string"}}}]});
    check(
        &api(some, json!({})),
        &api(wrapped, json!({})),
        &[
            "alternative-added compatible request request",
            "schema-changed breaking request request",
        ],
    );
}

#[test]
fn an_optional_property_of_a_closed_object_is_an_option_more() {
    let closed = |names: &[&str]| {
        let properties: serde_json::Map<String, Value> = names
            .iter()
            .map(|name| ((*name).to_owned(), json!({"type": "string"})))
            .collect();
        json!({"type": "object", "properties": properties, "additionalProperties": false})
    };
    check(
        &api(closed(&["a"]), json!({})),
        &api(closed(&["a", "b"]), json!({})),
        &["property-added compatible request request.b"],
    );
    check(
        &api(closed(&["a", "b"]), json!({})),
        &api(closed(&["a"]), json!({})),
        &["property-removed breaking request request.b"],
    );
    check(
        &api(json!({}), closed(&["a"])),
        &api(json!({}), closed(&["a", "b"])),
        &["property-added compatible response response.200.b"],
    );
}

#[test]
fn an_optional_property_less_is_noticed_on_either_side() {
    let with = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}});
    let without = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    check(
        &api(with.clone(), json!({})),
        &api(without.clone(), json!({})),
        &["property-removed contract request request.b"],
    );
    check(
        &api(json!({}), with),
        &api(json!({}), without),
        &["property-removed contract response response.200.b"],
    );
}

#[test]
fn an_enumeration_that_may_grow_grows_without_breaking() {
    let of = |values: &[&str]| json!({"type": "string", "x-extensible-enum": values});
    check(
        &api(json!({}), of(&["a"])),
        &api(json!({}), of(&["a", "b"])),
        &["enum-value-added compatible response response.200"],
    );
    check(
        &api(of(&["a", "b"]), json!({})),
        &api(of(&["a"]), json!({})),
        &["enum-value-removed contract request request"],
    );
}

#[test]
fn a_recursive_schema_unrolled_once_is_the_same() {
    let document = |first: Value| {
        let mut document = api(first, json!({}));
        document["components"] = json!({"schemas": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}}});
        document
    };
    let rolled = document(json!({"$ref": "#/components/schemas/Node"}));
    let unrolled = document(json!({"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}));
    check(&rolled, &unrolled, &[]);
}

#[test]
fn a_value_more_in_an_alternative_is_told_though_another_alternative_takes_everything() {
    let document = |values: Value| {
        let mut document = api(
            json!({}),
            json!({"oneOf": [{"$ref": "#/components/schemas/Event"}, {"type": "object", "properties": {"note": {}}}]}),
        );
        let event = json!({"type": "object", "properties": {"state": {"enum": values}}, "required": ["state"]});
        document["components"] = json!({"schemas": {"Event": event}});
        document
    };
    check(
        &document(json!(["a"])),
        &document(json!(["a", "b"])),
        &["enum-value-added contract response response.200.state"],
    );
}

#[test]
fn two_choices_of_lists_are_one_list_of_a_choice() {
    let list =
        |of: Value| json!({"type": "object", "properties": {"labels": {"type": "array", "minItems": 1, "items": of}}});
    let (text, label) = (
        json!({"type": "string"}),
        json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}),
    );
    let two = json!({"oneOf": [list(text.clone()), list(label.clone())]});
    let one = json!({"oneOf": [list(json!({"oneOf": [text, label]}))]});
    let found = told(&api(two, json!({})), &api(one, json!({})));
    assert!(found.iter().all(|line| line.contains(" compatible ")), "{found:?}");
}
