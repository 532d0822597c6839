//! The component `api`: points, coupons, a numbered feed, a numbered echo, and what tests a gateway: slow answers, slow uploads, a
//! page with its assets.

mod page;
mod points;
mod streams;

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;

use crate::artifact::Artifact;
use crate::edition::{Treatment, Treatments};
use crate::options::Options;
use crate::problem::Problem;
use crate::reply::{Caller, mark};
use crate::serve::Lifecycle;
use crate::store::Store;

#[derive(Debug, Clone)]
struct Api {
    artifact: Arc<Artifact>,
    store: Arc<Store>,
    treatments: Arc<Treatments>,
    lifecycle: Lifecycle,
}

pub fn router(artifact: Arc<Artifact>, options: &Options, lifecycle: Lifecycle) -> Router {
    let store = Arc::new(Store::new(&options.data));
    let api = Api {
        artifact: Arc::clone(&artifact),
        store: Arc::clone(&store),
        treatments: Arc::default(),
        lifecycle,
    };
    Router::new()
        .route("/points/{member}", get(points::get).post(points::earn))
        .route("/coupons", get(points::coupons))
        .route("/coupons/{coupon}", post(points::redeem))
        .route("/events", get(streams::events))
        .route("/live", get(streams::live))
        .route("/slow", get(streams::slow))
        .route("/upload", post(streams::upload))
        .route("/", get(page::page))
        .route("/assets/{version}/style.css", get(page::style))
        .route_layer(from_fn_with_state(api.clone(), treat))
        .layer(from_fn_with_state(artifact, mark))
        .merge(health(store))
        .with_state(api)
}

/// `GET /healthz`: ready only while data can be written.
pub fn health<S: Clone + Send + Sync + 'static>(store: Arc<Store>) -> Router<S> {
    Router::new().route(
        "/healthz",
        get(move || {
            let store = Arc::clone(&store);
            async move {
                match tokio::task::spawn_blocking(move || store.probe()).await {
                    Ok(Ok(())) => Json(json!({"ready": true})).into_response(),
                    Ok(Err(error)) => Problem::unavailable(&error).into_response(),
                    Err(error) => Problem::unavailable(&error).into_response(),
                }
            }
        }),
    )
}

/// Lets the bad edition be bad.
async fn treat(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let treatment = api.treatments.next(&api.artifact.edition, &caller.tenant);
    match treatment {
        Treatment::Right | Treatment::WrongTotal => {}
        Treatment::Slow(time) => tokio::time::sleep(time).await,
        Treatment::Fails => {
            let detail = "the tier of this member has no name";
            return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response();
        }
    }
    request.extensions_mut().insert(treatment);
    next.run(request).await
}
