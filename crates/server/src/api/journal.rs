//! The journal: every change with its actor and reason, and whether it is whole.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_domain::id::{TenantName, Version};
use tidegate_store::{JournalCheck as Check, JournalFilter, JournalRow};

use super::exchange::{Answer, Args};
use super::{AppState, Problem, Route, SCHEMA_VERSION, history};
use crate::auth::{Authorized, permission};

/// Rows answered at once, where nothing else is asked for, and at the most.
const LIMIT: u32 = 200;
const LIMIT_MAX: u32 = 1_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Journal {
    pub schema_version: u32,
    /// In order.
    pub rows: Vec<JournalLine>,
    /// Where to go on with `after`; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JournalLine {
    /// Counts from 1 without a gap.
    pub seq: i64,
    pub at_ms: i64,
    pub actor: String,
    /// What happened: `applied`, `moved`, `held`, ...
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The one thing that the row is about, such as a tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub reason: String,
    /// Everything that is known of it.
    pub body: Value,
    /// SHA-256 over the row before and this one.
    pub hash: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JournalCheck {
    pub schema_version: u32,
    /// Every row is there and as it was written.
    pub whole: bool,
    pub rows: i64,
    /// The number of the first row that is kept; older ones were exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<i64>,
    /// The first row that was changed, lost or slipped in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<i64>,
}

/// How far back the journal goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JournalStatus {
    /// The number of the first row that is kept; older ones were exported.
    pub first: i64,
    /// When that was written.
    pub since_ms: i64,
    /// Why what is older than `retention` says cannot be exported or dropped, such as a folder that is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Select {
    /// Only rows after this number.
    #[serde(default)]
    after: i64,
    /// At the most so many rows, up to 1,000.
    #[serde(default)]
    limit: Option<u32>,
    /// Only rows of this release.
    #[serde(default)]
    release: Option<Version>,
    /// Only rows that name this tenant.
    #[serde(default)]
    tenant: Option<TenantName>,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::GET,
            "/v1/journal",
            "Every change with its actor and reason",
            list,
        ),
        Route::guarded(
            Method::GET,
            "/v1/journal/verify",
            "Whether the journal is whole",
            verify,
        ),
    ]
}

async fn list(
    state: AppState,
    _: Authorized<permission::Read>,
    Args(select): Args<Select>,
) -> Result<Answer<Journal>, Problem> {
    let limit = select.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_request("`limit` is 1 to 1000"));
    }
    let control = state.control();
    let release = select.release.as_ref().map(Version::as_str);
    let filter = match (&select.tenant, release) {
        (Some(tenant), _) => JournalFilter::Subject(tenant.as_str()),
        (None, Some(release)) => JournalFilter::Release(release),
        (None, None) => JournalFilter::All,
    };
    let mut rows = Vec::new();
    let mut after = select.after;
    loop {
        let page = control
            .store()
            .journal(control.service().as_str(), filter, after, LIMIT_MAX)
            .await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        let wanted = |row: &&JournalRow| {
            release.is_none_or(|release| row.release.as_deref() == Some(release))
                && select.tenant.as_ref().is_none_or(|tenant| history::names(row, tenant))
        };
        rows.extend(page.iter().filter(wanted).map(JournalLine::of));
        if rows.len() >= limit as usize {
            break;
        }
    }
    rows.truncate(limit as usize);
    let full = rows.len() == limit as usize;
    let next = rows.last().map(|row| row.seq).filter(|_| full);
    Ok(Answer(Journal {
        schema_version: SCHEMA_VERSION,
        rows,
        next,
    }))
}

async fn verify(state: AppState, _: Authorized<permission::Read>, (): ()) -> Result<Answer<JournalCheck>, Problem> {
    let control = state.control();
    let (rows, broken_at) = match control.store().journal_verify(control.service().as_str()).await? {
        Check::Whole { rows } => (rows, None),
        Check::Broken { seq } => (
            control.store().journal_head(control.service().as_str()).await?,
            Some(seq),
        ),
    };
    Ok(Answer(JournalCheck {
        schema_version: SCHEMA_VERSION,
        whole: broken_at.is_none(),
        rows,
        first: first(&state).await?.map(|row| row.seq),
        broken_at,
    }))
}

/// `None` as long as it is empty.
pub async fn status(state: &AppState) -> Result<Option<JournalStatus>, Problem> {
    let first = first(state).await?;
    Ok(first.map(|row| JournalStatus {
        first: row.seq,
        since_ms: row.at_ms,
        trouble: state.shared.not_dropped.borrow().clone(),
    }))
}

/// The first row that is kept.
pub async fn first(state: &AppState) -> Result<Option<JournalRow>, Problem> {
    let (store, service) = (state.control().store(), state.control().service().as_str());
    let mut rows = store.journal(service, JournalFilter::All, 0, 1).await?;
    Ok(rows.pop())
}

impl JournalLine {
    pub fn of(row: &JournalRow) -> Self {
        Self {
            seq: row.seq,
            at_ms: row.at_ms,
            actor: row.actor.clone(),
            kind: row.kind.clone(),
            release: row.release.clone(),
            subject: row.subject.clone(),
            reason: row.reason.clone(),
            body: serde_json::from_str(&row.body).unwrap_or(Value::Null),
            hash: row.hash.clone(),
        }
    }
}
