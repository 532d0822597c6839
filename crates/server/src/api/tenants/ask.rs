//! What people want of one tenant: that it moves to another cell, is opened, suspended or resumed.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::{EventKind, TenantAsk};
use tidegate_domain::id::CellName;

use super::{TenantStatus, Which, no_such_tenant, of};
use crate::api::commands::{Reason, submit};
use crate::api::exchange::{Answer, Body, Key, Named};
use crate::api::{AppState, Problem, Route};
use crate::auth::{Authorized, permission};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveTenant {
    /// The cell that it shall live in. The one it lives in takes a move back that has not been switched yet.
    pub cell: CellName,
    /// It stays closed in the new cell until it is opened, so that its data can be copied meanwhile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_closed: bool,
    pub reason: String,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::POST,
            "/v1/tenants/{name}/move",
            "Move a tenant to another cell",
            move_tenant,
        ),
        Route::guarded(
            Method::POST,
            "/v1/tenants/{name}/open",
            "Serve a tenant that was kept closed in its new cell",
            open,
        ),
        Route::guarded(
            Method::POST,
            "/v1/tenants/{name}/suspend",
            "Serve a tenant no longer; it keeps its place and moves with its releases",
            suspend,
        ),
        Route::guarded(
            Method::POST,
            "/v1/tenants/{name}/resume",
            "Serve a suspended tenant again",
            resume,
        ),
    ]
}

type Manager = Authorized<permission::ManageTenants>;

async fn move_tenant(
    state: AppState,
    by: Manager,
    (named, key, Body(body)): (Named<Which>, Key, Body<MoveTenant>),
) -> Result<Answer<TenantStatus>, Problem> {
    by.within(&body.cell)?;
    let ask = TenantAsk::Move {
        declared: state.declared().contains(&body.cell),
        cell: body.cell,
        keep_closed: body.keep_closed,
    };
    submit_ask(&state, &by, &key, named, (ask, &body.reason)).await
}

async fn open(
    state: AppState,
    by: Manager,
    (named, key, Body(body)): (Named<Which>, Key, Body<Reason>),
) -> Result<Answer<TenantStatus>, Problem> {
    submit_ask(&state, &by, &key, named, (TenantAsk::Open, &body.reason)).await
}

async fn suspend(
    state: AppState,
    by: Manager,
    (named, key, Body(body)): (Named<Which>, Key, Body<Reason>),
) -> Result<Answer<TenantStatus>, Problem> {
    submit_ask(&state, &by, &key, named, (TenantAsk::Suspend, &body.reason)).await
}

async fn resume(
    state: AppState,
    by: Manager,
    (named, key, Body(body)): (Named<Which>, Key, Body<Reason>),
) -> Result<Answer<TenantStatus>, Problem> {
    submit_ask(&state, &by, &key, named, (TenantAsk::Resume, &body.reason)).await
}

async fn submit_ask(
    state: &AppState,
    by: &Manager,
    key: &Key,
    Named(Which { name }): Named<Which>,
    (ask, reason): (TenantAsk, &str),
) -> Result<Answer<TenantStatus>, Problem> {
    match state.control().view().state.seats.get(&name) {
        Some(seat) => by.within(&seat.cell)?,
        None => return Err(no_such_tenant(&name)),
    }
    let kind = EventKind::TenantAsked {
        tenant: name.clone(),
        ask,
    };
    submit(state, by.actor(), key, Some(reason), kind).await?;
    let asked = of(&state.control().view().state)
        .into_iter()
        .find(|tenant| tenant.name == name);
    asked.map(Answer).ok_or_else(|| no_such_tenant(&name))
}
