//! Notices of a release: which are due, which were sent, and who says so.

use std::collections::BTreeSet;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::EventKind;
use tidegate_domain::id::{TenantName, Version, WaveName};
use tidegate_domain::plan::{Due, NoticeKey, PlannedNotice};
use tidegate_domain::service::Run;
use tidegate_domain::time::Timestamp;

use super::commands::{Target, submit};
use super::exchange::{Answer, Body, Key, Named};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};

/// Keys that one request may name.
const KEYS_MAX: usize = 10_000;

/// That notices were sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProveNotices {
    /// The keys of the notices, as the list has them.
    pub keys: BTreeSet<String>,
    /// When they were sent, in milliseconds since 1970; now, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// Where that can be seen: the id of a mail, the number of a ticket.
    pub how: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeList {
    pub schema_version: u32,
    pub version: Version,
    /// In the order of their keys.
    pub notices: Vec<NoticeStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeStatus {
    pub key: String,
    /// `preview`, `reminder`, `notice`, `confirmation` or `note`.
    pub kind: String,
    /// `planned`, `due` or `sent`.
    pub state: String,
    pub wave: WaveName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    pub tenants: Vec<TenantName>,
    /// When it is to be sent; absent where it follows the apply, or the confirmation of its wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<i64>,
    /// Sent later than this, it moves the start of its tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<i64>,
    /// Its tenants are moved only after it has run its length.
    pub required: bool,
    /// Since when it is to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why its readers get it.
    pub because: String,
}

pub fn routes() -> Vec<Route> {
    const PATH: &str = "/v1/releases/{version}/notices";
    vec![
        Route::guarded(Method::GET, PATH, "The notices of a release", list),
        Route::guarded(Method::POST, PATH, "Say that notices were sent", prove).body_bytes_max(4 * 1024 * 1024),
    ]
}

async fn list(
    state: AppState,
    _: Authorized<permission::ReadTenants>,
    Named(Target { version }): Named<Target>,
) -> Result<Answer<NoticeList>, Problem> {
    of(&state, &version)
}

async fn prove(
    state: AppState,
    by: Authorized<permission::ProveNotices>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<ProveNotices>),
) -> Result<Answer<NoticeList>, Problem> {
    if body.keys.is_empty() || body.keys.len() > KEYS_MAX {
        return Err(Problem::bad_request("name 1 to 10,000 notices in `keys`"));
    }
    let kind = EventKind::NoticesProven {
        version: version.clone(),
        keys: body.keys.iter().map(|key| NoticeKey::read(key)).collect(),
        at: body.at_ms.map(Timestamp),
    };
    submit(&state, by.actor(), &key, Some(&body.how), kind).await?;
    of(&state, &version)
}

fn of(state: &AppState, version: &Version) -> Result<Answer<NoticeList>, Problem> {
    let view = state.control().view();
    let run = view.state.run(version);
    let run = run.ok_or_else(|| Problem::not_found(format!("there is no release {version}")))?;
    Ok(Answer(NoticeList {
        schema_version: SCHEMA_VERSION,
        version: version.clone(),
        notices: run.schedule.notices.iter().map(|notice| status(run, notice)).collect(),
    }))
}

fn status(run: &Run, planned: &PlannedNotice) -> NoticeStatus {
    let notice = run.notices.get(&planned.key).cloned().unwrap_or_default();
    let state = match (&notice.proof, notice.asked) {
        (Some(_), _) => "sent",
        (None, Some(_)) => "due",
        (None, None) => "planned",
    };
    NoticeStatus {
        key: planned.key.to_string(),
        kind: planned.kind.as_str().to_owned(),
        state: state.to_owned(),
        wave: planned.wave.clone(),
        customer: planned.customer.as_ref().map(ToString::to_string),
        contact: planned.contact.as_ref().map(ToString::to_string),
        tenants: planned.tenants.iter().cloned().collect(),
        due_ms: match planned.due {
            Due::At(at) => Some(at.0),
            Due::Applied | Due::Confirmed => None,
        },
        deadline_ms: planned.deadline.map(|deadline| deadline.0),
        required: planned.required,
        asked_ms: notice.asked.map(|at| at.0),
        sent_ms: notice.proof.as_ref().map(|proof| proof.at.0),
        how: notice.proof.as_ref().map(|proof| proof.how.clone()),
        by: notice.proof.as_ref().map(|proof| proof.by.to_string()),
        because: planned.because.to_string(),
    }
}
