//! What handlers take and give. Each type also says how it looks, so that the OpenAPI document is drawn from the very types
//! that are read and written.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{AppState, Problem};
use crate::secret::Secret;

/// What is known of an operation of the OpenAPI document.
#[derive(Debug, Default)]
pub struct Operation {
    pub parameters: Vec<Value>,
    pub body: Option<Value>,
    /// The status of success and what comes with it.
    pub answer: Option<(StatusCode, Value)>,
    /// Another status that is success too.
    pub also: Option<(StatusCode, Value)>,
}

/// A part of a request or an answer that says how it looks.
pub trait Described {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator);
}

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// Arguments after the `?`.
#[derive(Debug)]
pub struct Args<T>(pub T);

/// The named parts of the path. What has not the shape of a name is not found.
#[derive(Debug)]
pub struct Named<T>(pub T);

/// What makes a second sending of the same command recognisable.
#[derive(Debug, Clone)]
pub struct Key(Option<String>);

/// 200 with a JSON document.
#[derive(Debug)]
pub struct Answer<T>(pub T);

/// 201 with a JSON document.
#[derive(Debug)]
pub struct Created<T>(pub T);

/// 204.
#[derive(Debug)]
pub struct Nothing;

/// The longest idempotency key, in bytes.
const KEY_BYTES_MAX: usize = 128;

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too-large",
                    "the body is larger than this request may be",
                )
            } else {
                Problem::bad_request("the body did not arrive whole")
            }
        })?;
        let body = serde_json::from_slice(&bytes)
            .map_err(|error| Problem::bad_request(format!("the body is not the document expected here: {error}")))?;
        Ok(Self(body))
    }
}

impl<T: DeserializeOwned> FromRequestParts<AppState> for Args<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let query = Query::try_from_uri(&parts.uri);
        let Query(arguments) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
        Ok(Self(arguments))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        let Path(named) = path.map_err(|error| Problem::not_found(error.body_text()))?;
        Ok(Self(named))
    }
}

impl FromRequestParts<AppState> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        Self::read(&parts.headers)
    }
}

impl Key {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        let text = value
            .to_str()
            .ok()
            .filter(|text| (1..=KEY_BYTES_MAX).contains(&text.len()));
        let text = text.ok_or_else(|| Problem::bad_request("`Idempotency-Key` is 1 to 128 visible characters"))?;
        Ok(Self(Some(text.to_owned())))
    }

    /// The event's key. Keys of one principal never meet those of another.
    pub fn of(&self, actor: &tidegate_domain::id::Actor) -> Result<String, Problem> {
        match &self.0 {
            Some(text) => Ok(format!("api/{actor}/{text}")),
            None => {
                let drawn = Secret::make("api/drawn/").map_err(|error| Problem::unavailable(&error))?;
                Ok(drawn.reveal().to_owned())
            }
        }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        Json(self.0).into_response()
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl IntoResponse for Nothing {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Described for () {
    fn describe(_: &mut Operation, _: &mut SchemaGenerator) {}
}

impl<A: Described, B: Described> Described for (A, B) {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        A::describe(operation, schemas);
        B::describe(operation, schemas);
    }
}

impl<A: Described, B: Described, C: Described> Described for (A, B, C) {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        <(A, B)>::describe(operation, schemas);
        C::describe(operation, schemas);
    }
}

impl<T: JsonSchema> Described for Body<T> {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        operation.body = Some(json_content(&schemas.subschema_for::<T>().to_value()));
    }
}

impl<T: JsonSchema> Described for Args<T> {
    /// Every field of the struct is a parameter.
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        let schema = T::json_schema(schemas).to_value();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, of_field) in schema["properties"].as_object().into_iter().flatten() {
            let mut of_field = of_field.clone();
            let description = of_field.as_object_mut().and_then(|field| field.remove("description"));
            operation.parameters.push(json!({
                "name": name, "in": "query", "required": required.contains(&json!(name)), "schema": of_field,
                "description": description.unwrap_or_default(),
            }));
        }
    }
}

/// Parts of the path stand in the path itself.
impl<T> Described for Named<T> {
    fn describe(_: &mut Operation, _: &mut SchemaGenerator) {}
}

impl Described for Key {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        operation.parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "schema": { "type": "string", "minLength": 1, "maxLength": KEY_BYTES_MAX },
            "description": "the same key twice is the same command, which is taken once and answered the same",
        }));
    }
}

impl<T: JsonSchema> Described for Answer<T> {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        operation.answer = Some((StatusCode::OK, json_content(&schemas.subschema_for::<T>().to_value())));
    }
}

impl<T: JsonSchema> Described for Created<T> {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        operation.answer = Some((
            StatusCode::CREATED,
            json_content(&schemas.subschema_for::<T>().to_value()),
        ));
    }
}

impl Described for Nothing {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        operation.answer = Some((StatusCode::NO_CONTENT, Value::Null));
    }
}

fn json_content(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}
