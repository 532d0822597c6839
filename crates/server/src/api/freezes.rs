//! Freezes that people put on at run time, besides those of tidegate.yaml: nobody of the selection is moved forward.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::EventKind;
use tidegate_domain::id::{CellName, TenantName};
use tidegate_domain::service::{Freeze, Selection, Service};
use tidegate_domain::time::Timestamp;

use super::commands::submit;
use super::exchange::{Answer, Args, Body, Created, Key, Named, Nothing};
use super::tokens::Why;
use super::waivers::selection;
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFreeze {
    /// These tenants; everybody where neither they nor cells are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantName>,
    /// All tenants of these cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<CellName>,
    /// When it begins, in milliseconds since 1970; now, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<i64>,
    /// When it ends by itself; without it a person lifts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FreezeList {
    pub schema_version: u32,
    pub freezes: Vec<FreezeStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FreezeStatus {
    /// What lifts it: `tidegate unfreeze NUMBER`.
    pub number: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<CellName>,
    /// Whom it is about, in words.
    pub of: String,
    pub from_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    pub by: String,
    pub reason: String,
}

/// The freeze that a path names.
#[derive(Debug, Clone, Deserialize)]
struct Which {
    number: u32,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(Method::GET, "/v1/freezes", "Freezes put on at run time", list),
        Route::guarded(Method::POST, "/v1/freezes", "Keep tenants where they are", freeze),
        Route::guarded(Method::DELETE, "/v1/freezes/{number}", "Lift a freeze", unfreeze),
    ]
}

async fn list(state: AppState, _: Authorized<permission::Read>, (): ()) -> Result<Answer<FreezeList>, Problem> {
    Ok(Answer(FreezeList {
        schema_version: SCHEMA_VERSION,
        freezes: of(&state.control().view().state),
    }))
}

async fn freeze(
    state: AppState,
    by: Authorized<permission::Freeze>,
    (key, Body(body)): (Key, Body<NewFreeze>),
) -> Result<Created<FreezeList>, Problem> {
    let kind = EventKind::Freeze {
        of: selection(body.tenants, body.cells)?,
        from: body.from_ms.map(Timestamp),
        until: body.until_ms.map(Timestamp),
    };
    submit(&state, by.actor(), &key, Some(&body.reason), kind).await?;
    Ok(Created(FreezeList {
        schema_version: SCHEMA_VERSION,
        freezes: of(&state.control().view().state),
    }))
}

async fn unfreeze(
    state: AppState,
    by: Authorized<permission::Freeze>,
    (Named(Which { number }), key, Args(why)): (Named<Which>, Key, Args<Why>),
) -> Result<Nothing, Problem> {
    let reason = why.or("asked for over the API")?;
    let kind = EventKind::Unfreeze { number };
    submit(&state, by.actor(), &key, Some(&reason), kind).await?;
    Ok(Nothing)
}

/// In the order in which they were put on.
pub fn of(service: &Service) -> Vec<FreezeStatus> {
    let freezes = service.freezes.iter();
    freezes.map(|(number, freeze)| status(*number, freeze)).collect()
}

fn status(number: u32, freeze: &Freeze) -> FreezeStatus {
    let (tenants, cells) = match &freeze.of {
        Selection::Everybody => (Vec::new(), Vec::new()),
        Selection::Cells(cells) => (Vec::new(), cells.iter().cloned().collect()),
        Selection::Tenants(tenants) => (tenants.iter().cloned().collect(), Vec::new()),
    };
    FreezeStatus {
        number,
        tenants,
        cells,
        of: freeze.of.in_words(),
        from_ms: freeze.from.0,
        until_ms: freeze.until.map(|until| until.0),
        by: freeze.by.to_string(),
        reason: freeze.reason.clone(),
    }
}
