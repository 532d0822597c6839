//! The gates of a release: what each says and what that means, and what people say of them.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::{EventKind, GateAsk, GateAsked};
use tidegate_domain::id::{Version, WaveName};

use super::approvals::roles;
use super::commands::{Target, command};
use super::exchange::{Answer, Body, Key, Named};
use super::releases::no_such_release;
use super::status::{self, ReleaseStatus};
use super::{AppState, GateStatus, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateList {
    pub schema_version: u32,
    /// In their order; a wave without gates is left out.
    pub waves: Vec<WaveGates>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaveGates {
    pub wave: WaveName,
    /// `waiting`, `active`, `confirmed`, `rolled back`, `dropped` or `superseded`.
    pub state: String,
    /// In the order in which they are asked.
    pub gates: Vec<GateStatus>,
}

/// A person lets a wave go past a gate, whatever it says, in every attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideGate {
    pub wave: WaveName,
    /// What the gate is called in its wave.
    pub gate: String,
    pub reason: String,
}

/// A person's answer to what a gate asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerGate {
    pub wave: WaveName,
    /// What the gate is called in its wave.
    pub gate: String,
    /// `true` lets the wave go on, `false` holds the release.
    pub yes: bool,
    pub reason: String,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::GET,
            "/v1/releases/{version}/gates",
            "What the gates of a release say, and what that means",
            list,
        ),
        Route::guarded(
            Method::POST,
            "/v1/releases/{version}/gates/override",
            "Let a wave go past a gate, whatever it says",
            override_gate,
        ),
        Route::guarded(
            Method::POST,
            "/v1/releases/{version}/gates/answer",
            "Answer what a gate asks people",
            answer,
        ),
    ]
}

async fn list(
    state: AppState,
    _: Authorized<permission::Read>,
    Named(Target { version }): Named<Target>,
) -> Result<Answer<GateList>, Problem> {
    let view = state.control().view();
    let release = status::of(&view.state, &view.waiting).release(&version);
    let release = release.ok_or_else(|| no_such_release(&version))?;
    let waves = release.waves.into_iter().filter(|wave| !wave.gates.is_empty());
    let waves = waves.map(|wave| WaveGates {
        wave: wave.name,
        state: wave.state,
        gates: wave.gates,
    });
    Ok(Answer(GateList {
        schema_version: SCHEMA_VERSION,
        waves: waves.collect(),
    }))
}

async fn override_gate(
    state: AppState,
    by: Authorized<permission::OverrideGates>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<OverrideGate>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    let kind = |version: Version| {
        EventKind::GateAsked(GateAsked {
            version,
            wave: body.wave,
            gate: body.gate,
            ask: GateAsk::Override,
        })
    };
    command(&state, &by, &key, &version, &body.reason, kind).await
}

/// Whom the gate asks, its plan says.
async fn answer(
    state: AppState,
    by: Authorized<permission::AnswerGates>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<AnswerGate>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    let ask = GateAsk::Answer {
        yes: body.yes,
        roles: roles(by.roles()),
    };
    let kind = |version: Version| {
        EventKind::GateAsked(GateAsked {
            version,
            wave: body.wave,
            gate: body.gate,
            ask,
        })
    };
    command(&state, &by, &key, &version, &body.reason, kind).await
}
