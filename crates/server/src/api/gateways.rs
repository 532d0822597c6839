//! Gateways: who serves, by which table; and how one that is gone is forgotten.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commands::checked_reason;
use super::exchange::{Answer, Args, Named, Nothing};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::gateways::{ForgetError, GatewayStatus};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayList {
    pub schema_version: u32,
    pub gateways: Vec<Gateway>,
}

/// One gateway process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gateway {
    pub id: String,
    /// Which life of it.
    pub incarnation: String,
    pub listening: Vec<String>,
    /// The generation that it has persisted and serves by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<u64>,
    /// It does not answer, and may still serve.
    pub lapsed: bool,
    /// It takes no new connections and ends those it has.
    pub lingering: bool,
    pub in_flight: u64,
    /// Why it did not take the newest table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Which {
    id: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Forget {
    /// Stands in the journal.
    reason: String,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::GET,
            "/v1/gateways",
            "Every gateway process that is registered",
            get,
        ),
        Route::guarded(
            Method::DELETE,
            "/v1/gateways/{id}",
            "Forget a gateway that is gone for good",
            forget,
        ),
    ]
}

async fn get(state: AppState, _: Authorized<permission::Read>, (): ()) -> Result<Answer<GatewayList>, Problem> {
    Ok(Answer(GatewayList {
        schema_version: SCHEMA_VERSION,
        gateways: list(&state),
    }))
}

async fn forget(
    state: AppState,
    by: Authorized<permission::ForgetGateways>,
    (Named(Which { id }), Args(forget)): (Named<Which>, Args<Forget>),
) -> Result<Nothing, Problem> {
    let reason = checked_reason(&forget.reason)?;
    state
        .shared
        .gateways
        .forget(&id, by.actor(), &reason)
        .await
        .map_err(|error| match &error {
            ForgetError::Unknown { .. } => Problem::not_found(error.to_string()),
            ForgetError::Answers { .. } => Problem::refused(error.to_string()),
            ForgetError::Store { .. } => Problem::unavailable(&error),
        })?;
    Ok(Nothing)
}

pub fn list(state: &AppState) -> Vec<Gateway> {
    state.shared.gateways.status().into_iter().map(Gateway::of).collect()
}

impl Gateway {
    fn of(status: GatewayStatus) -> Self {
        Self {
            id: status.id,
            incarnation: status.incarnation,
            listening: status.listening,
            confirmed: status.confirmed,
            lapsed: status.lapsed,
            lingering: status.lingering,
            in_flight: status.in_flight,
            refused: status.refused,
        }
    }
}
