//! Reports: what customers say of a release that they have tried on the tenants they have in an earlier wave.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::EventKind;
use tidegate_domain::id::{CustomerName, Version};
use tidegate_domain::service::ReportOutcome;

use super::commands::{Target, command};
use super::exchange::{Answer, Body, Key, Named};
use super::status::ReleaseStatus;
use super::{AppState, Problem, Route};
use crate::auth::{Authorized, permission};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    pub customer: CustomerName,
    /// `works`: the customer's tenants of later waves may move. `trouble`: they may not, and the release is held.
    pub outcome: String,
    /// What was tried, or what is wrong.
    pub reason: String,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::POST,
        "/v1/releases/{version}/reports",
        "Say what a customer has found who tried a release on an earlier wave",
        report,
    )]
}

async fn report(
    state: AppState,
    by: Authorized<permission::Report>,
    (Named(Target { version }), key, Body(body)): (Named<Target>, Key, Body<Report>),
) -> Result<Answer<ReleaseStatus>, Problem> {
    let outcomes = [ReportOutcome::Works, ReportOutcome::Trouble];
    let outcome = outcomes.into_iter().find(|outcome| outcome.as_str() == body.outcome);
    let outcome = outcome
        .ok_or_else(|| Problem::bad_request(format!("`{}` is no outcome; `works` and `trouble` are", body.outcome)))?;
    let kind = |version: Version| EventKind::Report {
        version,
        customer: body.customer.clone(),
        outcome,
    };
    command(&state, &by, &key, &version, &body.reason, kind).await
}
