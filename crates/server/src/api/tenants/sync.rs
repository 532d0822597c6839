//! The list of all tenants, made true as a whole.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::{Event, EventKind, Listed, Roster};
use tidegate_domain::id::{CellName, TenantName};
use tidegate_domain::step::{Difference, step};

use crate::api::commands::submit;
use crate::api::exchange::{Answer, Body, Key};
use crate::api::tokens::Why;
use crate::api::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::clock;

/// Of a hundred tenants, how many a list may lack where nothing else is said.
const REMOVED_PERCENT: usize = 10;

/// Every tenant there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncTenants {
    pub tenants: Vec<ListedTenant>,
    /// Where more would be removed, nothing is done. A tenth of all, rounded up, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove_at_most: Option<usize>,
    /// Nothing is done; the answer is what would be, and whether it would be refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListedTenant {
    pub name: TenantName,
    pub cell: CellName,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
}

/// What has changed; nothing, where the list was true already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantsSynced {
    pub schema_version: u32,
    /// Nothing was done.
    pub dry_run: bool,
    /// Of what was not done: why it would be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// With the cell of each.
    pub added: BTreeMap<TenantName, CellName>,
    pub removed: BTreeSet<TenantName>,
    /// With the cell that each moves to.
    pub moved: BTreeMap<TenantName, CellName>,
    pub suspended: BTreeSet<TenantName>,
    pub resumed: BTreeSet<TenantName>,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::POST,
        "/v1/tenants/sync",
        "Make a list of all tenants true: add, remove, move, suspend and resume as it says",
        sync,
    )]
}

async fn sync(
    state: AppState,
    by: Authorized<permission::ManageTenants>,
    (key, Body(body)): (Key, Body<SyncTenants>),
) -> Result<Answer<TenantsSynced>, Problem> {
    by.whole_service()?;
    let tenants = listed(&body.tenants)?;
    let view = state.control().view();
    let difference = Difference::between(&view.state, &tenants);
    let all = view.state.seats.len();
    let declared = state.declared();
    if let Some((tenant, cell)) = (difference.added.iter().chain(&difference.moved))
        .find(|(_, cell)| !view.state.cells.contains_key(*cell) && !declared.contains(*cell))
    {
        return Err(Problem::refused(format!(
            "tenant `{tenant}` is listed in cell `{cell}`, and there is none of that name"
        ))
        .help("correct the list, or add the cell to tidegate.yaml and start the server again"));
    }
    let kind = EventKind::TenantsSynced(Roster {
        tenants,
        remove_at_most: body
            .remove_at_most
            .unwrap_or_else(|| (all * REMOVED_PERCENT).div_ceil(100)),
        declared: declared.clone(),
    });
    let reason = Why { reason: body.reason }.or("a list of all tenants was applied")?;
    let mut refused = None;
    if body.dry_run {
        let event = Event {
            actor: by.actor().clone(),
            reason: Some(reason),
            kind,
        };
        // What the next turn would say; its outcome is thrown away.
        let turn = step(&view.state, &[event], clock::now());
        refused = turn.refused.into_iter().flatten().next().map(|why| why.to_string());
    } else {
        submit(&state, by.actor(), &key, Some(&reason), kind).await?;
    }
    Ok(Answer(TenantsSynced {
        schema_version: SCHEMA_VERSION,
        dry_run: body.dry_run,
        refused,
        added: difference.added,
        removed: difference.removed,
        moved: difference.moved,
        suspended: difference.suspended,
        resumed: difference.resumed,
    }))
}

fn listed(tenants: &[ListedTenant]) -> Result<BTreeMap<TenantName, Listed>, Problem> {
    let mut found = BTreeMap::new();
    for tenant in tenants {
        let listed = Listed {
            cell: tenant.cell.clone(),
            suspended: tenant.suspended,
        };
        if found.insert(tenant.name.clone(), listed).is_some() {
            return Err(Problem::bad_request(format!(
                "tenant `{}` is listed twice",
                tenant.name
            )));
        }
    }
    Ok(found)
}
