//! Reservations: tenants choose when a release moves them, where its playbook lets them.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::EventKind;
use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::time::Timestamp;

use super::commands::{Target, command};
use super::exchange::{Answer, Body, Key, Named};
use super::status::ReleaseStatus;
use super::{AppState, Problem, Route};
use crate::auth::{Authorized, permission};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    pub tenant: TenantName,
    /// When it is to be moved, in milliseconds since 1970; left out, when the plan has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    pub reason: String,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::POST,
        "/v1/releases/{version}/reservations",
        "Reserve the time at which a tenant is moved, or give it back",
        reserve,
    )]
}

async fn reserve(
    state: AppState,
    by: Authorized<permission::Choose>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<Reserve>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    let view = state.control().view();
    if let Some(seat) = view.state.seats.get(&body.tenant) {
        by.within(&seat.cell)?;
    }
    let kind = |version: Version| EventKind::Reserve {
        version,
        tenant: body.tenant.clone(),
        at: body.at_ms.map(Timestamp),
    };
    command(&state, &by, &key, &version, &body.reason, kind).await
}
