//! Migrations: how far tenants are with what breaking changes ask of them, and who of them still has to be moved.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::calendar::LocalDate;
use tidegate_domain::change::OwnerName;
use tidegate_domain::event::{EventKind, MigrationsSet};
use tidegate_domain::files::CHANGES_FOLDER;
use tidegate_domain::id::{CellName, ChangeId, TenantName, Version};
use tidegate_domain::service::{MigrationState, Service, Without};
use tidegate_domain::time::Timestamp;

use super::commands::submit;
use super::exchange::{Answer, Args, Body, Key, Named};
use super::tenants::place_name;
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::clock;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MigrationList {
    pub schema_version: u32,
    /// By change, and then by tenant.
    pub migrations: Vec<MigrationStatus>,
}

/// One tenant and one breaking change: the change is still to come to it, or somebody has said how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MigrationStatus {
    pub change: ChangeId,
    pub tenant: TenantName,
    pub cell: CellName,
    /// `unknown`, `contacted`, `acknowledged`, `migrated` or `not-affected`.
    pub state: String,
    /// Who sees to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerName>,
    /// The last day, in the tenant's time zone, on which the old way works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<LocalDate>,
    /// That day is over, and it has not migrated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
    /// The newest release that brings the change to it. Absent where it has the change already, or no release brings it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Version>,
    /// How far that release is with it: `waiting`, or `left` where it stays behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The last word about it: when, by whom, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMigrations {
    /// `contacted`, `acknowledged`, `migrated` or `not-affected`.
    pub state: String,
    pub tenants: BTreeSet<TenantName>,
    /// Who sees to it for these tenants. Left out, as it was: who the change names, at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerName>,
    /// Until when these tenants have time. Left out, as it was: until the deadline of the change, at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<LocalDate>,
    /// The change is written, and no release has listed it yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub declared: bool,
    pub reason: String,
}

#[derive(Debug, Clone, Deserialize)]
struct OfChange {
    change: ChangeId,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    #[serde(default)]
    change: Option<ChangeId>,
    #[serde(default)]
    tenant: Option<TenantName>,
    /// Only those whose last day is over.
    #[serde(default)]
    overdue: bool,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::GET,
            "/v1/migrations",
            "How far tenants are with what breaking changes ask of them",
            list,
        ),
        Route::guarded(
            Method::POST,
            "/v1/migrations/{change}",
            "Say how far tenants are with what a breaking change asks of them",
            set,
        ),
    ]
}

async fn list(
    state: AppState,
    by: Authorized<permission::ReadTenants>,
    Args(which): Args<Which>,
) -> Result<Answer<MigrationList>, Problem> {
    let mut migrations = of(&state.control().view().state, clock::now());
    migrations.retain(|row| {
        which.change.as_ref().is_none_or(|change| *change == row.change)
            && which.tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant)
            && (row.overdue || !which.overdue)
            && by.scope().holds(&row.cell)
    });
    Ok(Answer(MigrationList {
        schema_version: SCHEMA_VERSION,
        migrations,
    }))
}

async fn set(
    state: AppState,
    by: Authorized<permission::Report>,
    (Named(OfChange { change }), key, Body(body)): (Named<OfChange>, Key, Body<SetMigrations>),
) -> Result<Answer<MigrationList>, Problem> {
    let known = MigrationState::read(&body.state).ok_or_else(|| {
        let words = MigrationState::ALL.map(|state| format!("`{}`", state.as_str()));
        Problem::bad_request(format!(
            "`{}` is no state of a migration; {} are",
            body.state,
            words.join(", ")
        ))
    })?;
    if body.tenants.is_empty() {
        return Err(Problem::bad_request("name the tenants that it is said of in `tenants`"));
    }
    if !body.declared && !is_known(&state, &change) {
        return Err(Problem::not_found(format!(
            "no release lists a change `{change}`, and the project has no `{CHANGES_FOLDER}/{change}.md`"
        ))
        .help("`tidegate changes list` names the changes that are written"));
    }
    let kind = EventKind::MigrationsSet(MigrationsSet {
        change: change.clone(),
        tenants: body.tenants.clone(),
        state: known,
        owner: body.owner,
        deadline: body.deadline,
    });
    submit(&state, by.actor(), &key, Some(&body.reason), kind).await?;
    let mut migrations = of(&state.control().view().state, clock::now());
    migrations.retain(|row| row.change == change && body.tenants.contains(&row.tenant));
    Ok(Answer(MigrationList {
        schema_version: SCHEMA_VERSION,
        migrations,
    }))
}

fn is_known(state: &AppState, change: &ChangeId) -> bool {
    let service = &state.control().view().state;
    let mut listed = service.pinned.values().flat_map(|release| &release.changes);
    let file = state.project().join(CHANGES_FOLDER).join(format!("{change}.md"));
    service.migrations.contains_key(change) || listed.any(|listed| listed.id == *change) || file.is_file()
}

/// Whatever anybody has said, and all to whom a change is still to come.
fn of(service: &Service, now: Timestamp) -> Vec<MigrationStatus> {
    let without = service.without_changes();
    let said = service.migrations.iter();
    let said = said.flat_map(|(change, known)| known.0.keys().map(move |tenant| (change, tenant)));
    let names: BTreeSet<(&ChangeId, &TenantName)> = without.keys().copied().chain(said).collect();
    let rows = names.into_iter();
    rows.filter_map(|name| status(service, name, &without, now)).collect()
}

fn status(
    service: &Service,
    (change, tenant): (&ChangeId, &TenantName),
    without: &BTreeMap<(&ChangeId, &TenantName), Without<'_>>,
    now: Timestamp,
) -> Option<MigrationStatus> {
    let known = service.migration(change, tenant);
    let without = without.get(&(change, tenant));
    let planned = without.map(|without| without.planned);
    let deadline = known
        .and_then(|known| known.deadline)
        .or(planned.and_then(|planned| planned.deadline));
    let is_over = |day| without.is_some_and(|without| without.is_over(tenant, day, now));
    Some(MigrationStatus {
        change: change.clone(),
        tenant: tenant.clone(),
        cell: service.seats.get(tenant)?.cell.clone(),
        state: known.map_or("unknown", |known| known.state.as_str()).to_owned(),
        owner: known
            .and_then(|known| known.owner.as_ref())
            .or(planned.and_then(|planned| planned.owner.as_ref()))
            .cloned(),
        deadline,
        overdue: !known.is_some_and(|known| known.state.is_ready()) && deadline.is_some_and(is_over),
        release: without.map(|without| without.run.version.clone()),
        place: without.map(|without| place_name(&without.member.place).to_owned()),
        since_ms: known.map(|known| known.at.0),
        by: known.map(|known| known.by.to_string()),
        reason: known.map(|known| known.reason.clone()),
    })
}
