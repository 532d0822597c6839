//! Tenants: where each of them is; and how they come, move and go.

mod ask;
mod sync;

use std::collections::BTreeMap;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::EventKind;
use tidegate_domain::id::{CellName, TenantName, Version, WaveName};
use tidegate_domain::service::{Place, Service};

pub use self::ask::MoveTenant;
pub use self::sync::{ListedTenant, SyncTenants, TenantsSynced};
use super::commands::{Reason, submit};
use super::exchange::{Answer, Args, Body, Created, Key, Named, Nothing};
use super::tokens::Why;
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantList {
    pub schema_version: u32,
    pub tenants: Vec<TenantStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantStatus {
    pub name: TenantName,
    pub cell: CellName,
    /// Absent before the first release has reached the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The version it was on before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Version>,
    /// What was said at run time: it wants to be among the first, or not. Counts from the next plan on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_in: Option<bool>,
    /// The release on its way that has this tenant in a wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_in_flight: Option<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveName>,
    /// How far that release is with it: `waiting`, `moved`, `returning`, `returned` or `left`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// On its way to another cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<TenantMoving>,
    /// None of its requests is served until it is resumed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// Nothing runs in its cell yet: it gets the newest completed release once that is ready there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub starting: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantMoving {
    pub to: CellName,
    /// `preparing`: still served where it is; `closed`: served nowhere until it has changed its cell; `arrived`: in its new
    /// cell, and closed until it is opened.
    pub stage: String,
    pub since_ms: i64,
    pub by: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    pub name: TenantName,
    pub cell: CellName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Select {
    /// Only the tenants of this cell.
    #[serde(default)]
    cell: Option<CellName>,
    /// Only the tenants on this version.
    #[serde(default)]
    version: Option<Version>,
}

/// The tenant that a path names.
#[derive(Debug, Clone, Deserialize)]
pub struct Which {
    pub name: TenantName,
}

pub fn routes() -> Vec<Route> {
    let mut routes = ask::routes();
    routes.extend(sync::routes());
    routes.extend([
        Route::guarded(Method::GET, "/v1/tenants", "Where every tenant is", list),
        Route::guarded(
            Method::POST,
            "/v1/tenants",
            "Add a tenant; it starts on its cell's newest version",
            add,
        ),
        Route::guarded(Method::DELETE, "/v1/tenants/{name}", "Remove a tenant", remove),
        Route::guarded(
            Method::POST,
            "/v1/tenants/{name}/opt-in",
            "Let a tenant be among the first, from the next plan on",
            opt_in,
        ),
        Route::guarded(
            Method::POST,
            "/v1/tenants/{name}/opt-out",
            "Leave a tenant where it is: it leaves the waves that it waits in",
            opt_out,
        ),
    ]);
    routes
}

async fn list(
    state: AppState,
    by: Authorized<permission::ReadTenants>,
    Args(select): Args<Select>,
) -> Result<Answer<TenantList>, Problem> {
    let view = state.control().view();
    let mut tenants = of(&view.state);
    tenants.retain(|tenant| {
        let in_cell = select.cell.as_ref().is_none_or(|cell| *cell == tenant.cell);
        let on_version = select
            .version
            .as_ref()
            .is_none_or(|version| Some(version) == tenant.version.as_ref());
        in_cell && on_version && by.scope().holds(&tenant.cell)
    });
    Ok(Answer(TenantList {
        schema_version: SCHEMA_VERSION,
        tenants,
    }))
}

async fn add(
    state: AppState,
    by: Authorized<permission::ManageTenants>,
    (key, Body(new)): (Key, Body<NewTenant>),
) -> Result<Created<TenantStatus>, Problem> {
    by.within(&new.cell)?;
    let known = state.control().view();
    if let Some(seat) = known.state.seats.get(&new.name) {
        by.within(&seat.cell)?;
    }
    let is_known = known.state.cells.contains_key(&new.cell) || state.declared().contains(&new.cell);
    if !is_known && !known.state.cells.is_empty() {
        return Err(
            Problem::refused(format!("no release has run in cell `{}` yet", new.cell))
                .help("list the tenant in tenants.yaml, then plan and apply a release"),
        );
    }
    let reason = Why { reason: new.reason }.or("asked for over the API")?;
    let kind = EventKind::TenantAdded {
        tenant: new.name.clone(),
        cell: new.cell.clone(),
    };
    submit(&state, by.actor(), &key, Some(&reason), kind).await?;
    let added = of(&state.control().view().state)
        .into_iter()
        .find(|tenant| tenant.name == new.name);
    added
        .map(Created)
        .ok_or_else(|| Problem::not_found(format!("tenant `{}` was removed again", new.name)))
}

async fn remove(
    state: AppState,
    by: Authorized<permission::ManageTenants>,
    (Named(Which { name }), key, Args(why)): (Named<Which>, Key, Args<Why>),
) -> Result<Nothing, Problem> {
    match state.control().view().state.seats.get(&name) {
        Some(seat) => by.within(&seat.cell)?,
        None => return Err(no_such_tenant(&name)),
    }
    let reason = why.or("asked for over the API")?;
    submit(
        &state,
        by.actor(),
        &key,
        Some(&reason),
        EventKind::TenantRemoved { tenant: name },
    )
    .await?;
    Ok(Nothing)
}

async fn opt_in(
    state: AppState,
    by: Authorized<permission::Choose>,
    (Named(Which { name }), key, Body(body)): (Named<Which>, Key, Body<Reason>),
) -> Result<Answer<TenantStatus>, Problem> {
    let kind = EventKind::OptIn { tenant: name.clone() };
    choose(&state, &by, &key, &name, &body, kind).await
}

async fn opt_out(
    state: AppState,
    by: Authorized<permission::Choose>,
    (Named(Which { name }), key, Body(body)): (Named<Which>, Key, Body<Reason>),
) -> Result<Answer<TenantStatus>, Problem> {
    let kind = EventKind::OptOut { tenant: name.clone() };
    choose(&state, &by, &key, &name, &body, kind).await
}

async fn choose(
    state: &AppState,
    by: &Authorized<permission::Choose>,
    key: &Key,
    name: &TenantName,
    body: &Reason,
    kind: EventKind,
) -> Result<Answer<TenantStatus>, Problem> {
    match state.control().view().state.seats.get(name) {
        Some(seat) => by.within(&seat.cell)?,
        None => return Err(no_such_tenant(name)),
    }
    submit(state, by.actor(), key, Some(&body.reason), kind).await?;
    let chosen = of(&state.control().view().state)
        .into_iter()
        .find(|tenant| tenant.name == *name);
    chosen.map(Answer).ok_or_else(|| no_such_tenant(name))
}

pub fn no_such_tenant(name: &TenantName) -> Problem {
    Problem::not_found(format!("there is no tenant `{name}`")).help("`tidegate tenants` lists them")
}

/// Every tenant, by name.
fn of(service: &Service) -> Vec<TenantStatus> {
    let mut on_the_way = BTreeMap::new();
    for run in service.runs.iter().filter(|run| run.in_flight()) {
        for wave in &run.waves {
            let members = wave.members.iter();
            on_the_way.extend(members.map(|(tenant, member)| (tenant, (&run.version, &wave.name, &member.place))));
        }
    }
    let tenants = service.seats.iter().map(|(name, seat)| {
        let moving = on_the_way.get(name);
        TenantStatus {
            name: name.clone(),
            cell: seat.cell.clone(),
            version: seat.version.clone(),
            before: seat.before.clone(),
            opt_in: service.choices.get(name).map(|choice| choice.opt_in),
            release_in_flight: moving.map(|(version, _, _)| (*version).clone()),
            wave: moving.map(|(_, wave, _)| (*wave).clone()),
            place: moving.map(|(_, _, place)| place_name(place).to_owned()),
            moving: seat.moving.as_ref().map(|moving| TenantMoving {
                to: moving.to.clone(),
                stage: moving.stage.as_str().to_owned(),
                since_ms: moving.since.0,
                by: moving.by.to_string(),
                reason: moving.reason.clone(),
            }),
            suspended: seat.suspended,
            starting: seat.starting && seat.version.is_none(),
        }
    });
    tenants.collect()
}

pub(super) fn place_name(place: &Place) -> &'static str {
    match place {
        Place::Waiting => "waiting",
        Place::Moved { .. } => "moved",
        Place::Returning { .. } => "returning",
        Place::Returned { .. } => "returned",
        Place::Left { .. } => "left",
        Place::Superseded { .. } => "superseded",
    }
}
