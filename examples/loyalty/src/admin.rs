//! The component `admin`: what a tenant's data amount to.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::api;
use crate::artifact::Artifact;
use crate::ledger::Ledger;
use crate::options::Options;
use crate::problem::Problem;
use crate::reply::{Caller, mark};
use crate::store::Store;

#[derive(Debug, Clone)]
struct Admin {
    store: Arc<Store>,
    data: Arc<std::path::Path>,
}

pub fn router(artifact: Arc<Artifact>, options: &Options) -> Router {
    let store = Arc::new(Store::new(&options.data));
    let admin = Admin {
        store: Arc::clone(&store),
        data: options.data.as_path().into(),
    };
    Router::new()
        .route("/admin", get(summary))
        .layer(from_fn_with_state(artifact, mark))
        .merge(api::health(store))
        .with_state(admin)
}

async fn summary(State(admin): State<Admin>, Extension(caller): Extension<Caller>) -> Response {
    let read = admin
        .store
        .tenant(&caller.tenant)
        .read(|accounts| {
            json!({
                "members": accounts.members().len(),
                "points": accounts.members().values().sum::<i64>(),
                "events": accounts.events(),
                "repeated": accounts.repeated(),
                "coupons": accounts.coupons().len(),
            })
        })
        .await;
    let mut summary = match read {
        Ok(summary) => summary,
        Err(error) => return Problem::unavailable(&error).into_response(),
    };
    let directory = admin.data.join(caller.tenant.as_str());
    let booked = tokio::task::spawn_blocking(move || Ledger::newest(&directory)).await;
    match booked {
        Ok(Ok(ledger)) => summary["booked"] = json!(ledger.events()),
        Ok(Err(error)) => return Problem::unavailable(&error).into_response(),
        Err(error) => return Problem::unavailable(&error).into_response(),
    }
    caller.json(&summary)
}
