//! Reservations: tenants choose when a release moves them, where its playbook lets them.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::EventKind;
use tidegate_domain::files::TimeZoneName;
use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::time::Timestamp;

use super::commands::{Target, command};
use super::exchange::{Answer, Args, Body, Key, Named};
use super::status::ReleaseStatus;
use super::tenants::no_such_tenant;
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::clock;

/// Times listed, where no number is asked for, and at the most.
const LIMIT: u32 = 20;
const LIMIT_MAX: u32 = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    pub tenant: TenantName,
    /// When it is to be moved, in milliseconds since 1970; left out, when the plan has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    pub reason: String,
}

/// What a tenant has reserved of a release, and what it can reserve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReservationList {
    pub schema_version: u32,
    pub version: Version,
    pub tenant: TenantName,
    /// The time zone of the tenant.
    pub zone: TimeZoneName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<ReservationStatus>,
    /// How many tenants can reserve the same stretch of time.
    pub capacity: u32,
    pub stretch_ms: i64,
    /// The last time that can be reserved.
    pub latest_ms: i64,
    /// The next times that are free, each the first of its stretch. The stretch that is on is left out.
    pub free: Vec<FreeTimeStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReservationStatus {
    pub at_ms: i64,
    pub by: String,
    pub made_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FreeTimeStatus {
    pub at_ms: i64,
    /// How many tenants can still reserve the stretch that it is in.
    pub places_left: u32,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Select {
    /// The tenant that is to be moved.
    tenant: TenantName,
    /// At the most so many free times, up to 200; 20, where it is left out.
    #[serde(default)]
    limit: Option<u32>,
}

pub fn routes() -> Vec<Route> {
    const PATH: &str = "/v1/releases/{version}/reservations";
    vec![
        Route::guarded(
            Method::GET,
            PATH,
            "When a tenant can be moved, by what it has reserved and what is free",
            list,
        ),
        Route::guarded(
            Method::POST,
            PATH,
            "Reserve the time at which a tenant is moved, or give it back",
            reserve,
        ),
    ]
}

async fn list(
    state: AppState,
    by: Authorized<permission::ReadTenants>,
    (Named(Target { version }), Args(select)): (Named<Target>, Args<Select>),
) -> Result<Answer<ReservationList>, Problem> {
    let limit = select.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_request("`limit` is 1 to 200"));
    }
    let view = state.control().view();
    let service = &view.state;
    match service.seats.get(&select.tenant) {
        Some(seat) => by.within(&seat.cell)?,
        // Whose token is not for the whole service does not learn of tenants elsewhere.
        None => {
            by.whole_service()?;
            return Err(no_such_tenant(&select.tenant));
        }
    }
    let run = service.run(&version);
    let run = run.ok_or_else(|| Problem::not_found(format!("there is no release {version}")))?;
    let reservable = service.reservable(&version, &select.tenant, clock::now());
    let reservable = reservable.map_err(|refused| Problem::refused(refused.to_string()))?;
    let reserved = reservable.reserved().map(|reservation| ReservationStatus {
        at_ms: reservation.at.0,
        by: reservation.by.to_string(),
        made_ms: reservation.made.0,
    });
    let schedule = &run.schedule;
    let free = reservable.times(reservable.earliest).take(limit as usize);
    Ok(Answer(ReservationList {
        schema_version: SCHEMA_VERSION,
        version,
        zone: schedule.class_of(&select.tenant).unwrap_or(&schedule.base).zone.clone(),
        reserved,
        capacity: reservable.rule.capacity,
        stretch_ms: reservable.rule.stretch.as_millis(),
        latest_ms: reservable.latest.0,
        free: free
            .map(|free| FreeTimeStatus {
                at_ms: free.at.0,
                places_left: free.places,
            })
            .collect(),
        tenant: select.tenant.clone(),
    }))
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
