//! Approvals: a person agrees to the plan of a release, or does not. Who may give which is the plan's to say.

use std::collections::BTreeSet;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::EventKind;
use tidegate_domain::id::{Digest, RoleName, Version};

use super::commands::{Target, command};
use super::exchange::{Answer, Body, Key, Named};
use super::status::ReleaseStatus;
use super::{AppState, Problem, Route};
use crate::auth::{Authorized, Role, permission};

/// What a person has seen and agrees to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The digest of the plan: another one is not agreed to.
    pub plan: Digest,
    pub reason: String,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::POST,
            "/v1/releases/{version}/approve",
            "Agree to the plan of a release",
            approve,
        ),
        Route::guarded(
            Method::POST,
            "/v1/releases/{version}/reject",
            "Disagree with the plan of a release, which is held",
            reject,
        ),
    ]
}

async fn approve(
    state: AppState,
    by: Authorized<permission::Approve>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<Approve>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    let roles = roles(by.roles());
    let kind = |version: Version| EventKind::Approve {
        version,
        plan: body.plan,
        roles,
    };
    command(&state, &by, &key, &version, &body.reason, kind).await
}

async fn reject(
    state: AppState,
    by: Authorized<permission::Approve>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<Approve>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    let roles = roles(by.roles());
    let kind = |version: Version| EventKind::Reject {
        version,
        plan: body.plan,
        roles,
    };
    command(&state, &by, &key, &version, &body.reason, kind).await
}

/// The token's roles in the words of playbooks.
pub fn roles(of_token: &BTreeSet<Role>) -> BTreeSet<RoleName> {
    let name = |role: &Role| RoleName::new(role.as_str()).expect("every role is written as a name");
    of_token.iter().map(name).collect()
}
