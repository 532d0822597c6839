//! Alerts: what is not as usual now, who looks after it, and what is not to be told for a while.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::files::{AlertKind, AlertRole, AlertSeverity};
use tidegate_domain::id::{CellName, ChannelName, CustomerName, TenantName, Version};
use tidegate_domain::time::Timestamp;

use super::commands::checked_reason;
use super::exchange::{Answer, Args, Body, Created, Named, Nothing};
use super::tokens::Why;
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::alerts::{Alert, AlertError, BookError, Matcher, Silence, State, Subject, Symptom, Told, words};
use crate::auth::{Authorized, permission};
use crate::clock;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertList {
    pub schema_version: u32,
    /// The newest first.
    pub alerts: Vec<AlertStatus>,
    /// Why `alerts.yaml` as it is now does not count; what it said before does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertStatus {
    pub id: String,
    pub state: State,
    /// What it began with.
    pub kind: AlertKind,
    /// That of the worst of its symptoms.
    pub severity: AlertSeverity,
    pub title: String,
    pub cells: Vec<CellName>,
    /// What is, or was, not as usual.
    pub symptoms: Vec<AlertSymptom>,
    pub since_ms: i64,
    pub raised_ms: i64,
    pub role: AlertRole,
    /// Who was told, or is to be.
    pub channels: Vec<ChannelName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerName>,
    /// The release that was in progress there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Version>,
    /// The silence that keeps it from being told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<AlertAcknowledged>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_ms: Option<i64>,
    /// What became of the messages, the oldest first.
    pub messages: Vec<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertAcknowledged {
    pub by: String,
    pub at_ms: i64,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertSymptom {
    /// `tenant/NAME`, `cell/NAME` for all of its tenants together, or `gateway/NAME`.
    pub subject: String,
    pub kind: AlertKind,
    pub severity: AlertSeverity,
    pub since_ms: i64,
    /// What was measured and expected.
    pub says: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_because: Option<String>,
}

/// Which tenants are watched for silence, and which cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WatchedTenants {
    pub schema_version: u32,
    pub tenants: Vec<WatchedTenant>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WatchedTenant {
    pub tenant: TenantName,
    pub cell: CellName,
    /// Whether its silence would be found. Errors, timeouts and slow answers are found for every tenant.
    pub monitorable: bool,
    /// Why it would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SilenceList {
    pub schema_version: u32,
    pub silences: Vec<SilenceStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SilenceStatus {
    pub id: String,
    pub of: Matcher,
    pub from_ms: i64,
    pub until_ms: i64,
    pub by: String,
    pub reason: String,
}

/// With nothing in `of`, everything is silenced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    #[serde(default)]
    pub of: Matcher,
    /// When it ends, in milliseconds since 1970.
    pub until_ms: i64,
    pub reason: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Which {
    id: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Select {
    /// Also those that were resolved within 90 days.
    #[serde(default)]
    all: bool,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(Method::GET, "/v1/alerts", "What is not as usual", list),
        Route::guarded(
            Method::POST,
            "/v1/alerts/{id}/acknowledge",
            "Say that somebody looks after an alert",
            acknowledge,
        ),
        Route::guarded(
            Method::GET,
            "/v1/alerts/tenants",
            "Which tenants are watched for silence",
            tenants,
        ),
        Route::guarded(
            Method::GET,
            "/v1/alerts/silences",
            "What is not told for a while",
            silences,
        ),
        Route::guarded(
            Method::POST,
            "/v1/alerts/silences",
            "Keep alerts from being told for a while",
            silence,
        ),
        Route::guarded(
            Method::DELETE,
            "/v1/alerts/silences/{id}",
            "End a silence before its time",
            lift,
        ),
    ]
}

async fn list(
    state: AppState,
    _: Authorized<permission::Read>,
    Args(select): Args<Select>,
) -> Result<Answer<AlertList>, Problem> {
    let alerts = state.alerts().list(select.all).await?;
    Ok(Answer(AlertList {
        schema_version: SCHEMA_VERSION,
        alerts: alerts.iter().map(status).collect(),
        trouble: state.alerts().watched().await?.trouble,
    }))
}

async fn tenants(state: AppState, _: Authorized<permission::Read>, (): ()) -> Result<Answer<WatchedTenants>, Problem> {
    let watched = state.alerts().watched().await?.tenants.into_iter();
    let tenants = watched.map(|(tenant, (cell, because))| WatchedTenant {
        tenant,
        cell,
        monitorable: because.is_none(),
        because,
    });
    Ok(Answer(WatchedTenants {
        schema_version: SCHEMA_VERSION,
        tenants: tenants.collect(),
    }))
}

async fn acknowledge(
    state: AppState,
    by: Authorized<permission::Acknowledge>,
    (Named(Which { id }), Body(why)): (Named<Which>, Body<Why>),
) -> Result<Answer<AlertStatus>, Problem> {
    let reason = why.or("somebody looks after it")?;
    let alert = state
        .alerts()
        .acknowledge(&id, by.actor(), &reason, clock::now())
        .await?;
    Ok(Answer(status(&alert)))
}

async fn silences(state: AppState, _: Authorized<permission::Read>, (): ()) -> Result<Answer<SilenceList>, Problem> {
    Ok(Answer(all_silences(&state).await?))
}

async fn silence(
    state: AppState,
    by: Authorized<permission::Silence>,
    Body(new): Body<NewSilence>,
) -> Result<Created<SilenceList>, Problem> {
    let reason = checked_reason(&new.reason)?;
    let until = Timestamp(new.until_ms);
    let alerts = state.alerts();
    alerts.silence(new.of, until, by.actor(), &reason, clock::now()).await?;
    Ok(Created(all_silences(&state).await?))
}

async fn lift(
    state: AppState,
    by: Authorized<permission::Silence>,
    (Named(Which { id }), Args(why)): (Named<Which>, Args<Why>),
) -> Result<Nothing, Problem> {
    let reason = why.or("asked for over the API")?;
    state.alerts().lift(&id, by.actor(), &reason, clock::now()).await?;
    Ok(Nothing)
}

async fn all_silences(state: &AppState) -> Result<SilenceList, Problem> {
    let silences = state.alerts().silences().await?.into_iter();
    Ok(SilenceList {
        schema_version: SCHEMA_VERSION,
        silences: silences.map(silence_status).collect(),
    })
}

fn silence_status((id, silence): (String, Silence)) -> SilenceStatus {
    SilenceStatus {
        id,
        of: silence.of,
        from_ms: silence.from.0,
        until_ms: silence.until.0,
        by: silence.by.to_string(),
        reason: silence.reason,
    }
}

fn status(alert: &Alert) -> AlertStatus {
    let symptoms = alert.symptoms.iter();
    let symptoms =
        symptoms.flat_map(|(subject, kinds)| kinds.iter().map(move |(kind, one)| symptom(subject, *kind, one)));
    AlertStatus {
        id: alert.id.clone(),
        state: alert.state,
        kind: alert.kind,
        severity: alert.severity,
        title: words::title(alert),
        cells: alert.cells.iter().cloned().collect(),
        symptoms: symptoms.collect(),
        since_ms: alert.since.0,
        raised_ms: alert.raised.0,
        role: alert.receiver.role,
        channels: alert.told.iter().cloned().collect(),
        owner: alert.receiver.owner.clone(),
        runbook: alert.receiver.runbook.clone(),
        customer: alert.receiver.customer.clone(),
        release: alert.release.clone(),
        silenced_by: alert.silenced.clone(),
        acknowledged: alert.acknowledged.as_ref().map(|acknowledged| AlertAcknowledged {
            by: acknowledged.by.to_string(),
            at_ms: acknowledged.at.0,
            reason: acknowledged.reason.clone(),
        }),
        resolved_ms: alert.resolved.map(|at| at.0),
        messages: alert.messages.clone(),
    }
}

fn symptom(subject: &Subject, kind: AlertKind, symptom: &Symptom) -> AlertSymptom {
    AlertSymptom {
        subject: subject.to_string(),
        kind,
        severity: symptom.severity,
        since_ms: symptom.since.0,
        says: symptom.says.clone(),
        ended_ms: symptom.ended.as_ref().map(|ended| ended.at.0),
        ended_because: symptom.ended.as_ref().map(|ended| ended.why.clone()),
    }
}

impl From<AlertError> for Problem {
    fn from(error: AlertError) -> Self {
        match &error {
            AlertError::Book(refused) => match refused {
                BookError::NoSuchAlert { .. } | BookError::NoSuchSilence { .. } => Self::not_found(refused.to_string()),
                BookError::Resolved { .. } => Self::refused(refused.to_string()),
                BookError::SilenceEnd => Self::bad_request(refused.to_string()),
            },
            AlertError::Random(_) | AlertError::Store(_) => Self::unavailable(&error),
        }
    }
}
