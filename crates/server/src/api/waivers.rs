//! Waivers: a person lets a release move tenants, for a while, without what they would have to wait for.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::EventKind;
use tidegate_domain::id::{CellName, TenantName, Version};
use tidegate_domain::service::{Selection, Waived};
use tidegate_domain::time::Timestamp;

use super::commands::{Target, command};
use super::exchange::{Answer, Body, Key, Named};
use super::status::ReleaseStatus;
use super::{AppState, Problem, Route};
use crate::auth::{Authorized, permission};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waive {
    /// `notice`, `window`, `validation` or `migration`.
    pub of: String,
    /// For these tenants; for every tenant of the release where neither they nor cells are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantName>,
    /// For the tenants of these cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<CellName>,
    /// When it ends, in milliseconds since 1970.
    pub until_ms: i64,
    pub reason: String,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::POST,
        "/v1/releases/{version}/waive",
        "Let tenants be moved without a notice, a report or their migration, or outside their windows",
        waive,
    )]
}

async fn waive(
    state: AppState,
    by: Authorized<permission::Waive>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<Waive>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    let of = Waived::read(&body.of).ok_or_else(|| {
        let words = Waived::ALL.map(|waived| format!("`{}`", waived.as_str()));
        Problem::bad_request(format!("`{}` cannot be waived; {} can", body.of, words.join(", ")))
    })?;
    let tenants = selection(body.tenants, body.cells)?;
    let until = Timestamp(body.until_ms);
    let kind = |version: Version| EventKind::Waive {
        version,
        of,
        tenants,
        until,
    };
    command(&state, &by, &key, &version, &body.reason, kind).await
}

/// Tenants by name, or all of some cells, or everybody.
pub fn selection(tenants: Vec<TenantName>, cells: Vec<CellName>) -> Result<Selection, Problem> {
    match (tenants.is_empty(), cells.is_empty()) {
        (true, true) => Ok(Selection::Everybody),
        (false, true) => Ok(Selection::Tenants(tenants.into_iter().collect())),
        (true, false) => Ok(Selection::Cells(cells.into_iter().collect())),
        (false, false) => Err(Problem::bad_request("name tenants or cells, not both")),
    }
}
