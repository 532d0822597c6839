//! The traffic of tenants, as it was measured.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::TenantName;

use super::exchange::{Answer, Args};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::traffic::Tenant;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficProfile {
    pub schema_version: u32,
    /// When it was measured last. Left out where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    pub tenants: BTreeMap<TenantName, TenantTraffic>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TenantTraffic {
    /// The clocks that its week is by.
    pub time_zone: String,
    /// The hours that were measured, of all weeks together.
    pub hours_measured: f64,
    /// How many of the 168 hours of the week were measured. The others are taken to be like these.
    pub hours_known: usize,
    /// Mean requests in each hour of its week, from Monday at 00:00.
    pub hourly: Vec<f64>,
    /// The hours of most traffic, by their places in the week, from 0.
    pub peak_hours: BTreeSet<u8>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Select {
    /// Only this tenant.
    #[serde(default)]
    tenant: Option<TenantName>,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::GET,
        "/v1/profile",
        "The traffic of each tenant by the hour of its week, as gateways have counted it",
        show,
    )]
}

async fn show(
    state: AppState,
    by: Authorized<permission::ReadTenants>,
    Args(select): Args<Select>,
) -> Result<Answer<TrafficProfile>, Problem> {
    let view = state.control().view();
    let may_see = |name: &TenantName| {
        let seat = view.state.seats.get(name);
        seat.is_some_and(|seat| by.scope().holds(&seat.cell))
    };
    if let Some(name) = select.tenant.as_ref().filter(|name| !may_see(name)) {
        return Err(
            Problem::not_found(format!("there is no tenant `{name}`")).help("`tidegate tenants list` names them")
        );
    }
    let is_asked = |name: &TenantName| select.tenant.as_ref().is_none_or(|only| only == name) && may_see(name);
    let known = state.traffic().known(is_asked);
    let until = known.values().map(|tenant| tenant.until.0).max();
    let tenants: BTreeMap<TenantName, TenantTraffic> = known
        .into_iter()
        .filter_map(|(name, tenant)| Some((name, TenantTraffic::of(&tenant)?)))
        .collect();
    Ok(Answer(TrafficProfile {
        schema_version: SCHEMA_VERSION,
        until_ms: until,
        tenants,
    }))
}

impl TenantTraffic {
    /// `None` where nothing was measured of it.
    fn of(tenant: &Tenant) -> Option<Self> {
        let traffic = tenant.week.traffic()?;
        Some(Self {
            time_zone: tenant.zone.to_string(),
            hours_measured: tenant.week.hours_measured(),
            hours_known: tenant.week.hours_known(),
            hourly: traffic.hourly,
            peak_hours: traffic.peak_hours,
        })
    }
}
