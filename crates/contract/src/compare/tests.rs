//! What is told about two documents, and how bad it is.

#![expect(
    clippy::needless_pass_by_value,
    reason = "cases are easier to read without references"
)]

mod faults;
mod laws;
mod schemas;

use serde_json::{Value, json};

use crate::{Documents, Level, Policy, compare};

/// A document of 3.1 with one operation, `POST /carts`.
pub(super) fn api(request: Value, response: Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "paths": {"/carts": {"post": {
            "requestBody": {"required": true, "content": {"application/json": {"schema": request}}},
            "responses": {"200": {"description": "done", "content": {"application/json": {"schema": response}}}},
        }}},
    })
}

/// Every change as `rule level direction path`, one a line, under `contract`.
pub(super) fn told(old: &Value, new: &Value) -> Vec<String> {
    let comparison = compare(&Documents::new(old.clone()), &Documents::new(new.clone())).unwrap();
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    comparison
        .changes
        .iter()
        .map(|change| {
            let level = word(json!(change.level(Policy::Contract)));
            let level = if level == "breaking" && change.level(Policy::Wire) != Level::Breaking {
                "contract"
            } else {
                &level
            };
            let level = if change.level(Policy::Contract) != change.level(Policy::Sdk) {
                "sdk"
            } else {
                level
            };
            let line = format!(
                "{} {level} {} {}",
                change.rule,
                word(json!(change.direction)),
                change.path
            );
            line.trim_end().to_owned()
        })
        .collect()
}

#[track_caller]
pub(super) fn check(old: &Value, new: &Value, expect: &[&str]) {
    assert_eq!(told(old, new), expect);
    assert_eq!(told(old, old), [""; 0]);
    assert_eq!(told(new, new), [""; 0]);
}

/// An operation as it is written, at `POST /carts`.
#[track_caller]
fn operations(old: Value, new: Value, expect: &[&str]) {
    let document = |of: Value| json!({"openapi": "3.1.0", "paths": {"/carts": {"post": of}}});
    check(&document(old), &document(new), expect);
}

#[test]
fn operations_come_and_go() {
    let document = |path: &str, method: &str| json!({"openapi": "3.0.3", "paths": {path: {method: {"responses": {}}}}});
    let expect = [
        "operation-removed breaking request",
        "operation-added compatible request",
    ];
    check(&document("/a", "get"), &document("/a", "put"), &expect);
    check(&document("/a/{id}", "get"), &document("/a/{key}", "get"), &[]);
    check(&document("/a", "get"), &document("/a/{key}", "get"), &expect);
}

#[test]
fn an_operation_is_described_in_other_words() {
    operations(
        json!({"operationId": "a", "summary": "x", "responses": {}}),
        json!({"operationId": "b", "summary": "y", "deprecated": true, "responses": {}}),
        &[
            "operation-id-changed sdk request",
            "operation-deprecated compatible request",
        ],
    );
}

#[test]
fn parameters_are_known_by_place_and_name() {
    let of = |parameters: Value| json!({"parameters": parameters, "responses": {}});
    let plain = json!({"in": "query", "name": "a", "schema": {"type": "string"}});
    let required = json!({"in": "query", "name": "a", "required": true, "schema": {"type": "string"}});
    operations(
        of(json!([])),
        of(json!([plain])),
        &["parameter-added compatible request request.query.a"],
    );
    operations(
        of(json!([])),
        of(json!([required])),
        &["parameter-added-required breaking request request.query.a"],
    );
    operations(
        of(json!([plain])),
        of(json!([])),
        &["parameter-removed contract request request.query.a"],
    );
    operations(
        of(json!([plain])),
        of(json!([required])),
        &["parameter-became-required breaking request request.query.a"],
    );
    operations(
        of(json!([required])),
        of(json!([plain])),
        &["parameter-became-optional compatible request request.query.a"],
    );
    let header = |name: &str| of(json!([{"in": "header", "name": name, "schema": {"type": "string"}}]));
    operations(header("X-Key"), header("x-key"), &[]);
    let exploded = json!({"in": "query", "name": "a", "explode": false, "schema": {"type": "string"}});
    operations(
        of(json!([plain])),
        of(json!([exploded])),
        &["parameter-form-changed breaking request request.query.a"],
    );
    let bounded = json!({"in": "query", "name": "a", "schema": {"type": "string", "maxLength": 3}});
    operations(
        of(json!([plain])),
        of(json!([bounded])),
        &["length-changed breaking request request.query.a"],
    );
    let other = json!({"in": "query", "name": "b"});
    operations(
        of(json!([plain, other])),
        of(json!([other, plain])),
        &["parameter-order-changed sdk request request"],
    );
}

#[test]
fn a_default_is_behaviour_of_a_request() {
    let of = |default: i32| json!({"type": "object", "properties": {"limit": {"type": "integer", "default": default}}});
    check(
        &api(of(10), json!({})),
        &api(of(20), json!({})),
        &["default-changed contract request request.limit"],
    );
    check(
        &api(json!({}), of(10)),
        &api(json!({}), of(20)),
        &["default-changed compatible response response.200.limit"],
    );
}

#[test]
fn bodies_and_media_types() {
    let of = |required: bool, kind: &str| json!({"requestBody": {"required": required, "content": {kind: {}}}, "responses": {}});
    let none = json!({"responses": {}});
    operations(
        none.clone(),
        of(true, "a/b"),
        &["body-added-required breaking request request"],
    );
    operations(
        none.clone(),
        of(false, "a/b"),
        &["body-added compatible request request"],
    );
    operations(of(true, "a/b"), none, &["body-removed contract request request"]);
    operations(
        of(false, "a/b"),
        of(true, "a/b"),
        &["body-became-required breaking request request"],
    );
    operations(of(true, "a/b"), of(true, "A/B; charset=utf-8"), &[]);
    operations(
        of(true, "a/b"),
        of(true, "a/*"),
        &["media-type-added compatible request request"],
    );
    operations(
        of(true, "a/b"),
        of(true, "a/c"),
        &[
            "media-type-removed breaking request request",
            "media-type-added compatible request request",
        ],
    );
}

#[test]
fn statuses_and_headers() {
    let of = |responses: Value| json!({"responses": responses});
    let expect = ["response-removed compatible response response.404"];
    operations(of(json!({"200": {}, "404": {}})), of(json!({"200": {}})), &expect);
    operations(
        of(json!({"200": {}})),
        of(json!({"201": {}})),
        &[
            "response-removed breaking response response.200",
            "response-added compatible response response.201",
        ],
    );
    operations(
        of(json!({"200": {}})),
        of(json!({"2XX": {}})),
        &["response-added compatible response response.2xx"],
    );
    let header = |required: bool| {
        of(json!({"200": {"headers": {"ETag": {"required": required, "schema": {"type": "string"}}}}}))
    };
    operations(
        header(true),
        of(json!({"200": {}})),
        &["header-removed breaking response response.200.headers.ETag"],
    );
    operations(
        header(false),
        of(json!({"200": {}})),
        &["header-removed contract response response.200.headers.ETag"],
    );
    operations(
        header(true),
        header(false),
        &["header-became-optional breaking response response.200.headers.ETag"],
    );
}

#[test]
fn who_was_let_in_is_let_in() {
    let of = |security: Value| json!({"security": security, "responses": {}});
    operations(
        of(json!([{"key": []}])),
        of(json!([{"key": []}, {"token": ["read"]}])),
        &["security-widened compatible request request.security"],
    );
    operations(
        of(json!([{"token": ["read"]}])),
        of(json!([{"token": ["read", "write"]}])),
        &["security-narrowed breaking request request.security"],
    );
    operations(
        of(json!([{"token": ["read", "write"]}])),
        of(json!([{"token": ["read"]}])),
        &["security-widened compatible request request.security"],
    );
    operations(
        of(json!([])),
        of(json!([{"key": []}])),
        &["security-narrowed breaking request request.security"],
    );
}

#[test]
fn a_component_is_one_cause_for_all_its_operations() {
    let document = |kind: &str| {
        let operation = json!({"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Cart"}}}}}});
        json!({
            "openapi": "3.0.3",
            "paths": {"/a": {"get": operation}, "/b": {"get": operation}, "/c": {"get": operation}},
            "components": {"schemas": {"Cart": {"type": "object", "properties": {"total": {"type": kind}}}}},
        })
    };
    let (old, new) = (Documents::new(document("integer")), Documents::new(document("string")));
    let comparison = compare(&old, &new).unwrap();
    assert_eq!(comparison.changes.len(), 1);
    let change = &comparison.changes[0];
    assert_eq!(change.operations.len(), 3);
    assert_eq!(change.path, "response.200.total");
    assert_eq!(
        change.old.as_ref().unwrap().pointer,
        "/components/schemas/Cart/properties/total"
    );
    assert_eq!(change.message, "the type was integer and is string");
    assert_eq!(change.witness.as_ref().unwrap().path, "response.200.total");
}

#[test]
fn documents_may_refer_to_others() {
    let root = json!({"openapi": "3.1.0", "paths": {"/a": {"$ref": "paths/a.yaml"}}});
    let path = json!({"get": {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "../schemas.yaml#/Cart"}}}}}}});
    let documents = |kind: &str| {
        let schemas = json!({"Cart": {"type": kind}});
        let others = [
            ("paths/a.yaml".to_owned(), path.clone()),
            ("schemas.yaml".to_owned(), schemas),
        ];
        Documents::with_others(root.clone(), others.into())
    };
    let comparison = compare(&documents("integer"), &documents("string")).unwrap();
    assert_eq!(
        comparison.changes[0].old.as_ref().unwrap().to_string(),
        "schemas.yaml#/Cart"
    );
    assert!(
        compare(&documents("integer"), &documents("integer"))
            .unwrap()
            .changes
            .is_empty()
    );
    let alone = Documents::new(root);
    let problem = compare(&alone, &alone).unwrap_err().to_string();
    assert!(
        problem.contains("the reference `paths/a.yaml` leads nowhere"),
        "{problem}"
    );
}
