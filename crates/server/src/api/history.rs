//! What happened to one tenant: which version when, why, and by whom.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_store::{JournalFilter, JournalRow};

use super::exchange::{Answer, Args, Named};
use super::tenants::{Which, no_such_tenant};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};

/// Rows read at once.
const PAGE: u32 = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    pub schema_version: u32,
    pub tenant: TenantName,
    /// The oldest first; with `at_ms` the one that was in force then.
    pub rows: Vec<HistoryRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryRow {
    /// Its number in the journal.
    pub seq: i64,
    pub at_ms: i64,
    /// What happened, as in the journal: `moved`, `returned`, `tenant_added`, ...
    pub kind: String,
    /// The version that the tenant is on from here; absent where it is on none, or where nothing changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<String>,
    pub actor: String,
    pub reason: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct When {
    /// Which row was in force at this instant, in milliseconds since 1970.
    #[serde(default)]
    at_ms: Option<i64>,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::GET,
        "/v1/tenants/{name}/history",
        "Which version a tenant was on when, why, and by whom",
        get,
    )]
}

async fn get(
    state: AppState,
    by: Authorized<permission::ReadTenants>,
    (Named(Which { name }), Args(when)): (Named<Which>, Args<When>),
) -> Result<Answer<History>, Problem> {
    match state.control().view().state.seats.get(&name) {
        Some(seat) => by.within(&seat.cell)?,
        // Of one that is gone nobody knows the cell.
        None => by.whole_service()?,
    }
    let mut rows = rows(&state, &name).await?;
    if rows.is_empty() {
        return Err(no_such_tenant(&name));
    }
    if let Some(at_ms) = when.at_ms {
        rows.retain(|row| row.at_ms <= at_ms && decides_version(&row.kind));
        rows.drain(..rows.len().saturating_sub(1));
    }
    Ok(Answer(History {
        schema_version: SCHEMA_VERSION,
        tenant: name,
        rows,
    }))
}

async fn rows(state: &AppState, tenant: &TenantName) -> Result<Vec<HistoryRow>, Problem> {
    let control = state.control();
    let filter = JournalFilter::Subject(tenant.as_str());
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = control
            .store()
            .journal(control.service().as_str(), filter, after, PAGE)
            .await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = last.seq;
        found.extend(page.iter().filter_map(|row| about(row, tenant)));
    }
}

/// Whether a row of the journal names the tenant.
pub fn names(row: &JournalRow, tenant: &TenantName) -> bool {
    about(row, tenant).is_some()
}

fn about(row: &JournalRow, tenant: &TenantName) -> Option<HistoryRow> {
    // A token or a webhook may have the name of a tenant.
    let entry: Entry = serde_json::from_str(&row.body).ok()?;
    entry.tenants.contains(tenant).then(|| HistoryRow {
        seq: row.seq,
        at_ms: row.at_ms,
        kind: row.kind.clone(),
        version: entry.now_on,
        release: row.release.clone(),
        wave: entry.wave.map(|wave| wave.to_string()),
        actor: row.actor.clone(),
        reason: row.reason.clone(),
    })
}

fn decides_version(kind: &str) -> bool {
    let kinds = [
        EntryKind::Moved,
        EntryKind::Returned,
        EntryKind::TenantAdded,
        EntryKind::TenantStarted,
        EntryKind::TenantRemoved,
    ];
    kinds.iter().any(|decides| decides.as_str() == kind)
}
