//! A restored state: how it compares with what gateways serve and what runs, and its confirmation.

use std::collections::BTreeSet;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::CellName;

use super::commands::checked_reason;
use super::exchange::{Answer, Body};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::restored::comparison;
use crate::restored::confirm::{self, ConfirmError, Effects};

/// What was restored, and what differs from it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RestoredStatus {
    /// The backup, where it lay.
    pub file: String,
    /// SHA-256 of it.
    pub digest: String,
    pub restored_ms: i64,
    /// When the last row of its journal was written.
    pub copied_ms: i64,
    /// Of the routing in the backup.
    pub generation: u64,
    /// The highest generation that a gateway speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<u64>,
    /// What it was raised to by its confirmation; from then on the rest is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<u64>,
    /// What must be heard before it can be confirmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<GatewaySeen>,
    /// Tenants that a gateway serves otherwise than the restored state says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantDiffers>,
    /// Slots that run and are not known, or are known as running and are not found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<SlotDiffers>,
    /// What was asked for before the backup and is not known to be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingEffect>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewaySeen {
    pub id: String,
    pub incarnation: String,
    pub answers: bool,
    /// Of the table that it serves by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// It has said whom it serves by which version.
    pub tells_routes: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantDiffers {
    pub tenant: String,
    pub gateway: String,
    /// `CELL/VERSION` by the restored state; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<String>,
    /// `CELL/VERSION` by the gateway; absent where it serves none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlotDiffers {
    pub cell: CellName,
    pub id: String,
    /// `run` or `drain` by the restored state; absent where it does not know the slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<String>,
    /// How many of its instances run.
    pub instances: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PendingEffect {
    pub id: String,
    /// `gate`, `announce`, `notice` or `step`.
    pub lane: String,
    /// What is to be done.
    pub text: String,
    pub asked_ms: i64,
    /// Somebody had begun with it when the backup was made.
    pub begun: bool,
    /// `do` or `drop`: what becomes of it where the confirmation says nothing.
    pub by_default: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmRestored {
    pub reason: String,
    /// Pending effects to carry out; gates and steps are, where nothing is said.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub r#do: BTreeSet<String>,
    /// Pending effects to drop; announcements and notices are, where nothing is said.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub drop: BTreeSet<String>,
    /// Pending effects that were done since the backup.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub done: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreConfirmed {
    pub schema_version: u32,
    /// What routing and epochs were raised to.
    pub generation: u64,
    pub carried_out: Vec<String>,
    pub dropped: Vec<String>,
    pub done: Vec<String>,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::POST,
        "/v1/restored/confirm",
        "Let a restored state count, after it was compared",
        confirm,
    )]
}

async fn confirm(
    state: AppState,
    by: Authorized<permission::ConfirmRestore>,
    Body(body): Body<ConfirmRestored>,
) -> Result<Answer<RestoreConfirmed>, Problem> {
    let reason = checked_reason(&body.reason)?;
    let effects = Effects {
        carry_out: body.r#do,
        drop: body.drop,
        done: body.done,
    };
    let shared = &state.shared;
    // Of two that confirm at once, the second finds nothing to confirm.
    let _one_at_a_time = shared.applying.lock().await;
    let confirmed = confirm::confirm(
        &shared.control,
        &shared.gateways,
        &*shared.driver,
        &effects,
        (by.actor(), &reason),
    )
    .await?;
    Ok(Answer(RestoreConfirmed {
        schema_version: SCHEMA_VERSION,
        generation: confirmed.generation,
        carried_out: confirmed.carried_out,
        dropped: confirmed.dropped,
        done: confirmed.done,
    }))
}

/// `None` for a state that was not restored.
pub async fn of(state: &AppState) -> Result<Option<RestoredStatus>, Problem> {
    let shared = &state.shared;
    let Some(mark) = shared.control.mark() else {
        return Ok(None);
    };
    let compared = comparison::compare(&mark, &shared.control, &shared.gateways, &*shared.driver).await?;
    Ok(Some(compared))
}

impl From<ConfirmError> for Problem {
    fn from(error: ConfirmError) -> Self {
        match &error {
            ConfirmError::NotRestored => Self::refused(error.to_string()),
            ConfirmError::Incomplete(_) => {
                Self::refused(error.to_string()).help("`tidegate status` says what is missing; then confirm again")
            }
            ConfirmError::UnknownEffect(_) | ConfirmError::NamedTwice(_) => Self::bad_request(error.to_string()),
            ConfirmError::State(_) | ConfirmError::Store(_) => Self::unavailable(&error),
        }
    }
}
