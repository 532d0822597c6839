//! The publisher's side of the follow protocol.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use tidegate_effects::gates::tap::Taps;
use tidegate_gateway::protocol::{
    COUNTERS_PATH, FOLLOW_PATH, Follow, FollowReply, MIRRORED_PATH, Mirrored, MirroredReply, Report, ReportReply,
};
use tidegate_gateway::table::Table;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{Gateways, LEASE, mirrored};
use crate::clock;
use crate::control::in_words;
use crate::counters::Counters;
use crate::secret::Secret;

/// The longest a call may be made to wait: well under the lease, so that a waiting gateway never lapses.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// The longest report: a few thousand series with their latency bins.
const REPORT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A table as it is sent: serialised once for all gateways.
#[derive(Debug, Clone)]
pub struct Published {
    epoch: String,
    generation: u64,
    reply: Bytes,
}

/// What the calls of gateways need.
#[derive(Debug)]
pub struct Endpoint {
    pub gateways: Gateways,
    pub counters: Arc<Counters>,
    pub tables: watch::Receiver<Option<Published>>,
    /// What gates want to be mirrored.
    pub taps: Taps,
    pub token: Secret,
}

impl Published {
    #[must_use]
    pub fn new(table: Table) -> Self {
        let (epoch, generation) = (table.epoch.clone(), table.generation);
        let reply = FollowReply {
            lease_ms: lease_ms(),
            table: Some(table),
            tell_routes: false,
        };
        Self {
            epoch,
            generation,
            reply: serde_json::to_vec(&reply).expect("a table has text keys only").into(),
        }
    }

    #[cfg(test)]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The gateway neither has it nor has it refused.
    fn is_news_to(&self, call: &Follow) -> bool {
        let is_this = |epoch: &str, generation| epoch == self.epoch && generation == self.generation;
        let confirmed = call.confirmed.as_ref();
        let refused = call.refused.as_ref();
        !confirmed.is_some_and(|table| is_this(&table.epoch, table.generation))
            && !refused.is_some_and(|table| is_this(&table.epoch, table.generation))
    }
}

/// The calls that gateways make.
pub fn router(endpoint: Arc<Endpoint>) -> Router {
    Router::new()
        .route(FOLLOW_PATH, post(follow))
        .route(COUNTERS_PATH, post(counters))
        .route(MIRRORED_PATH, post(take_mirrored))
        .layer(DefaultBodyLimit::max(REPORT_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&endpoint), authorize))
        .with_state(endpoint)
}

async fn authorize(State(endpoint): State<Arc<Endpoint>>, request: Request, next: Next) -> Response {
    let header = request.headers().get(header::AUTHORIZATION);
    let token = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if token.is_some_and(|token| endpoint.token.is(token)) {
        return next.run(request).await;
    }
    tracing::warn!("a gateway without the gateways' token was refused");
    StatusCode::UNAUTHORIZED.into_response()
}

async fn follow(State(endpoint): State<Arc<Endpoint>>, Json(call): Json<Follow>) -> Response {
    if let Err(error) = endpoint.gateways.hear(&call, Instant::now()).await {
        // Without having been written down it must not get a table: nobody would wait for it after a restart.
        tracing::error!(
            trouble = in_words(&error),
            gateway = call.gateway,
            "cannot register a gateway"
        );
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut tables = endpoint.tables.clone();
    let wait = Duration::from_millis(call.wait_ms).min(WAIT_MAX);
    let is_news = |table: &Option<Published>| table.as_ref().is_some_and(|table| table.is_news_to(&call));
    let news = timeout(wait, tables.wait_for(is_news)).await;
    match news {
        Ok(Ok(table)) => json(table.as_ref().map(|table| table.reply.clone()), false),
        // The time is over, or the server is ending.
        Ok(Err(_)) | Err(_) => json(None, endpoint.gateways.asks_for_routes()),
    }
}

fn json(table: Option<Bytes>, tell_routes: bool) -> Response {
    match table {
        Some(reply) => ([(header::CONTENT_TYPE, "application/json")], Body::from(reply)).into_response(),
        None => Json(FollowReply {
            lease_ms: lease_ms(),
            table: None,
            tell_routes,
        })
        .into_response(),
    }
}

async fn counters(State(endpoint): State<Arc<Endpoint>>, Json(report): Json<Report>) -> Json<ReportReply> {
    let adopted = endpoint.gateways.was_adopted(&report.gateway, &report.incarnation);
    endpoint.counters.take(&report, adopted, clock::now());
    Json(ReportReply {
        publisher: endpoint.counters.publisher().to_owned(),
        taps: mirrored::wanted(&endpoint.taps, &report),
    })
}

async fn take_mirrored(State(endpoint): State<Arc<Endpoint>>, Json(seen): Json<Mirrored>) -> Json<MirroredReply> {
    mirrored::take(&endpoint.taps, seen);
    Json(MirroredReply {})
}

fn lease_ms() -> u64 {
    u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX)
}
