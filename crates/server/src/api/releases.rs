//! Releases: applied from a plan, listed.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_domain::event::EventKind;
use tidegate_domain::id::{Digest, Version};
use tidegate_domain::plan::{Plan, differences};
use tidegate_domain::service::Service;

use super::commands::{Target, submit};
use super::created::{self, CreatedStatus};
use super::exchange::{Answer, Body, Created, Described, Key, Named, Operation};
use super::plans::{self, Kept, plan_again};
use super::status::{self, ReleaseStatus};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::clock;
use crate::control::in_words;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseList {
    pub schema_version: u32,
    /// In the order they were applied.
    pub releases: Vec<ReleaseStatus>,
    /// Handed in and not applied, in the order they were handed in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub created: Vec<CreatedStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// The digest that `POST /v1/plans` answered with.
    pub plan: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    pub schema_version: u32,
    pub version: Version,
    pub plan: Digest,
    /// False where the plan had been applied before: nothing has happened.
    pub has_effect: bool,
    pub release: ReleaseStatus,
}

/// 201 where the plan was applied now, 200 where it was before.
struct AppliedAnswer(Applied);

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::GET,
            "/v1/releases",
            "Releases, in the order they were applied, and those that were handed in",
            list,
        ),
        Route::guarded(
            Method::POST,
            "/v1/releases",
            "Apply a plan; applying it again has no effect",
            apply,
        ),
        Route::guarded(Method::GET, "/v1/releases/{version}", "One release", get),
    ]
}

async fn list(state: AppState, _: Authorized<permission::Read>, (): ()) -> Result<Answer<ReleaseList>, Problem> {
    let view = state.control().view();
    Ok(Answer(ReleaseList {
        schema_version: SCHEMA_VERSION,
        releases: status::of(&view.state, &view.waiting).releases,
        created: created::waiting(&state).await?,
    }))
}

async fn get(
    state: AppState,
    _: Authorized<permission::Read>,
    Named(Target { version }): Named<Target>,
) -> Result<Answer<ReleaseStatus>, Problem> {
    let view = state.control().view();
    let release = status::of(&view.state, &view.waiting).release(&version);
    release.map(Answer).ok_or_else(|| no_such_release(&version))
}

async fn apply(
    state: AppState,
    by: Authorized<permission::Apply>,
    (key, Body(body)): (Key, Body<Apply>),
) -> Result<AppliedAnswer, Problem> {
    let Kept { plan, input } = plans::find(&state, &body.plan).await?;
    let version = plan.release.version.clone();
    let _one_at_a_time = state.shared.applying.lock().await;
    let service = state.control().view().state.clone();
    let has_effect = !is_applied(&service, &version, &body.plan);
    if has_effect {
        let (_, again) = plan_again(input.request, service, clock::now()).await?;
        match again {
            Ok(again) if again.plan == plan => {}
            Ok(again) => return Err(outdated(&body.plan, differences(&plan, &again.plan).in_words())),
            Err(problem) => return Err(outdated(&body.plan, plans::texts(&problem))),
        }
        obtain_artifacts(&state, &plan).await?;
        let kind = EventKind::Apply {
            plan: Box::new(plan),
            author: Some(input.by),
        };
        let reason = body.reason.as_deref().unwrap_or("asked for over the API");
        submit(&state, by.actor(), &key, Some(reason), kind).await?;
    }
    let view = state.control().view();
    let release = status::of(&view.state, &view.waiting).release(&version);
    let release = release.ok_or_else(|| no_such_release(&version))?;
    Ok(AppliedAnswer(Applied {
        schema_version: SCHEMA_VERSION,
        version,
        plan: body.plan,
        has_effect,
        release,
    }))
}

/// From here on it does not matter what becomes of the files that were planned.
pub async fn obtain_artifacts(state: &AppState, plan: &Plan) -> Result<(), Problem> {
    for component in plan.release.components.values() {
        if let Err(error) = state.shared.driver.obtain(&component.artifact).await {
            return Err(Problem::new(StatusCode::CONFLICT, "artifact-changed", in_words(&error)));
        }
    }
    Ok(())
}

/// This very plan was applied, and what came of it stands. One that came back may be applied anew.
fn is_applied(service: &Service, version: &Version, plan: &Digest) -> bool {
    service.run(version).is_some_and(|run| {
        let came_back = run.phase.came_back();
        run.plan == *plan && (!came_back || run.in_flight())
    })
}

fn outdated(digest: &Digest, differences: Vec<String>) -> Problem {
    let detail = format!("plan {} no longer holds: {}", digest.short(), differences.join("; "));
    let each = differences.into_iter().map(|text| json!({ "message": text }));
    Problem::new(StatusCode::CONFLICT, "plan-outdated", detail)
        .help("plan again, and apply the new digest")
        .problems(each.collect())
}

pub fn no_such_release(version: &Version) -> Problem {
    Problem::not_found(format!("there is no release {version}")).help("`tidegate releases` lists them")
}

impl Described for AppliedAnswer {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        Created::<Applied>::describe(operation, schemas);
        let content = operation
            .answer
            .as_ref()
            .map_or(Value::Null, |(_, content)| content.clone());
        operation.also = Some((StatusCode::OK, content));
    }
}

impl IntoResponse for AppliedAnswer {
    fn into_response(self) -> Response {
        if self.0.has_effect {
            Created(self.0).into_response()
        } else {
            Answer(self.0).into_response()
        }
    }
}
