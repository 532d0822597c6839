//! The component `members`: `PUT` and `GET /members/{id}`.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::Members;
use crate::artifact::Artifact;
use crate::problem::Problem;
use crate::reply::{Caller, mark};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

pub fn router(artifact: Arc<Artifact>, members: Members) -> Router {
    Router::new()
        .route("/members/{id}", get(find).put(name))
        .layer(from_fn_with_state(artifact, mark))
        .route("/healthz", get(async || Json(json!({"ready": true}))))
        .with_state(members)
}

async fn find(
    State(members): State<Members>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    let naming = caller.artifact.edition.naming();
    match members.name(naming, &caller.tenant, &id).await {
        Ok(Some(name)) => caller.json(&json!({"id": id, "name": name})),
        Ok(None) => Problem::new(StatusCode::NOT_FOUND, "there is no such member").into_response(),
        Err(error) => Problem::unavailable(&error).into_response(),
    }
}

async fn name(
    State(members): State<Members>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(Named { name }): Json<Named>,
) -> Response {
    let naming = caller.artifact.edition.naming();
    match members.put(naming, &caller.tenant, &id, &name).await {
        Ok(()) => caller.json(&json!({"id": id, "name": name})),
        Err(error) => Problem::unavailable(&error).into_response(),
    }
}
