//! What people ask of a release on its way: hold, resume, promote, abort, roll back.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::{Event, EventKind, Scope};
use tidegate_domain::id::{Actor, TenantName, Version, WaveName};
use tidegate_domain::time::Timestamp;

use super::exchange::{Answer, Body, Key, Named};
use super::status::{self, ReleaseStatus};
use super::{AppState, Problem, Route};
use crate::auth::{Authorized, Permission, permission};

/// The longest reason, in characters: it is read in a line of a journal.
const REASON_CHARS_MAX: usize = 1_000;

/// Why; stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    pub reason: String,
    /// When it ends by itself, in milliseconds since 1970; without it a person resumes the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// Exactly one of `tenant`, `wave` and `all: true`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveName>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// The release that a path names.
#[derive(Debug, Clone, Deserialize)]
pub struct Target {
    pub version: Version,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::POST,
            "/v1/releases/{version}/hold",
            "Stop a release from moving forward",
            hold,
        ),
        Route::guarded(
            Method::POST,
            "/v1/releases/{version}/resume",
            "Let a held release move again",
            resume,
        ),
        Route::guarded(
            Method::POST,
            "/v1/releases/{version}/promote",
            "Skip the rest of the canary, or of the bake",
            promote,
        ),
        Route::guarded(
            Method::POST,
            "/v1/releases/{version}/abort",
            "End a release; its wave in flight goes back",
            abort,
        ),
        Route::guarded(
            Method::POST,
            "/v1/releases/{version}/rollback",
            "Bring a tenant, a wave or everybody back to the version before",
            roll_back,
        ),
    ]
}

async fn hold(
    state: AppState,
    by: Authorized<permission::Hold>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<Hold>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    let until = body.until_ms.map(Timestamp);
    command(&state, &by, &key, &version, &body.reason, |version| EventKind::Hold {
        version,
        until,
    })
    .await
}

async fn resume(
    state: AppState,
    by: Authorized<permission::Advance>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<Reason>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    command(&state, &by, &key, &version, &body.reason, |version| EventKind::Resume {
        version,
    })
    .await
}

async fn promote(
    state: AppState,
    by: Authorized<permission::Advance>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<Reason>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    command(&state, &by, &key, &version, &body.reason, |version| {
        EventKind::Promote { version }
    })
    .await
}

async fn abort(
    state: AppState,
    by: Authorized<permission::TakeBack>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<Reason>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    by.whole_service()?;
    command(&state, &by, &key, &version, &body.reason, |version| EventKind::Abort {
        version,
    })
    .await
}

async fn roll_back(
    state: AppState,
    by: Authorized<permission::TakeBack>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<RollBack>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    let scope = match (body.tenant, body.wave, body.all) {
        (Some(tenant), None, false) => Scope::Tenant(tenant),
        (None, Some(wave), false) => Scope::Wave(wave),
        (None, None, true) => Scope::Everything,
        _ => {
            return Err(Problem::bad_request(
                "say exactly one of `tenant`, `wave` and `all: true`",
            ));
        }
    };
    match &scope {
        Scope::Tenant(tenant) => match state.control().view().state.seats.get(tenant) {
            Some(seat) => by.within(&seat.cell)?,
            // The state machine says so; whose token is not for the whole service does not learn of tenants elsewhere.
            None => by.whole_service()?,
        },
        Scope::Wave(_) | Scope::Everything => by.whole_service()?,
    }
    command(&state, &by, &key, &version, &body.reason, |version| {
        EventKind::RollBack { version, scope }
    })
    .await
}

/// Submits what is asked of a release, and shows the release as it is then.
pub async fn command<P: Permission>(
    state: &AppState,
    by: &Authorized<P>,
    key: &Key,
    version: &Version,
    reason: &str,
    kind: impl FnOnce(Version) -> EventKind,
) -> Result<Answer<ReleaseStatus>, Problem> {
    submit(state, by.actor(), key, Some(reason), kind(version.clone())).await?;
    // A turn is shown before its commands are answered.
    let view = state.control().view();
    let release = status::of(&view.state, &view.waiting).release(version);
    release
        .map(Answer)
        .ok_or_else(|| Problem::not_found(format!("release {version} is gone")))
}

/// The event for a command, and the wait until a turn has taken it.
pub async fn submit(
    state: &AppState,
    actor: &Actor,
    key: &Key,
    reason: Option<&str>,
    kind: EventKind,
) -> Result<(), Problem> {
    let reason = reason.map(checked_reason).transpose()?;
    let event = Event {
        actor: actor.clone(),
        reason,
        kind,
    };
    Ok(state.control().submit(&event, &key.of(actor)?).await?)
}

/// A reason that people can read in one line.
pub fn checked_reason(reason: &str) -> Result<String, Problem> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Problem::bad_request("a reason is needed").help("say why in `reason`; it stands in the journal"));
    }
    if reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        return Err(Problem::bad_request("`reason` is one line of up to 1,000 characters"));
    }
    Ok(reason.to_owned())
}
