//! The OpenAPI 3.1 document, drawn from the table of routes and the types that handlers take and give.

use std::sync::OnceLock;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::exchange::{Described, Operation};
use super::{Problem, Route, routes as all_routes};
use crate::auth::Action;

struct Document;

pub fn routes() -> Vec<Route> {
    vec![Route::open::<_, Document, _>("/openapi.json", "This document", get)]
}

async fn get() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_string());
    (
        [(header::CONTENT_TYPE, "application/vnd.oai.openapi+json;version=3.1")],
        text.as_str(),
    )
}

impl Described for Document {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        operation.answer = Some((
            StatusCode::OK,
            json!({ "application/json": { "schema": { "type": "object" } } }),
        ));
    }
}

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    Problem::json_schema(&mut schemas);
    let problem = schemas.subschema_for::<Problem>().to_value();
    let mut paths: Map<String, Value> = Map::new();
    for route in all_routes() {
        let operation = operation(&route, &mut schemas);
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.as_str().to_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidegate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Moves releases to every tenant. Instants are milliseconds since 1970 in UTC and end in `_ms`.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "responses": { "Problem": {
                "description": "What stopped the request (RFC 9457)",
                "content": { "application/problem+json": { "schema": problem } },
            } },
            "securitySchemes": { "token": {
                "type": "http", "scheme": "bearer",
                "description": "`tg_...`; names a principal with roles, a scope and an expiry",
            } },
        },
    })
}

fn operation(route: &Route, schemas: &mut SchemaGenerator) -> Value {
    let mut drawn = Operation::default();
    (route.describe)(&mut drawn, schemas);
    let mut parameters: Vec<Value> = path_parameters(route.path).collect();
    parameters.append(&mut drawn.parameters);
    let mut responses = Map::new();
    for (status, content) in drawn.answer.into_iter().chain(drawn.also) {
        let mut response = json!({ "description": status.canonical_reason().unwrap_or_default() });
        if !content.is_null() {
            response["content"] = content;
        }
        responses.insert(status.as_str().to_owned(), response);
    }
    responses.insert(
        "default".to_owned(),
        json!({ "$ref": "#/components/responses/Problem" }),
    );
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "responses": responses,
        "security": [],
    });
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if let Some(content) = drawn.body {
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if let Some(action) = route.action {
        operation["security"] = json!([{ "token": [] }]);
        operation["description"] = Value::String(format!("Needs the right to {}.", in_words(action)));
        operation["x-roles"] = json!(action.roles());
    }
    operation
}

fn in_words(action: Action) -> String {
    let roles: Vec<&str> = action.roles().iter().map(|role| role.as_str()).collect();
    format!("{} (roles: {})", action.in_words(), roles.join(", "))
}

/// `get_v1_tenants_name_history`: the method and the path, so that it never changes by itself.
fn operation_id(route: &Route) -> String {
    let parts = route.path.split(['/', '.', '{', '}']).filter(|part| !part.is_empty());
    let method = route.method.as_str().to_lowercase();
    std::iter::once(method.as_str())
        .chain(parts)
        .collect::<Vec<_>>()
        .join("_")
}

fn path_parameters(path: &str) -> impl Iterator<Item = Value> {
    let names = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
}
