//! Releases that are handed in: kept under their version, planned from what is kept, withdrawn.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_domain::id::{ComponentName, Digest, Version};
use tidegate_domain::service::Service;
use tidegate_domain::time::Timestamp;
use tidegate_effects::drivers::process::artifacts::ArtifactError;
use tokio::task::spawn_blocking;

use super::commands::{Target, checked_reason};
use super::exchange::{Answer, Args, Body, Created, Described, Named, Operation};
use super::plans::{self, Author, PlanRequest, Planned, REQUEST_BYTES_MAX};
use super::releases::no_such_release;
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::clock;
use crate::control::{SubmitError, in_words};
pub use crate::intake::NewRelease;
use crate::intake::{self, Content, End, Ended, HandedIn, IntakeError, Progress, Understood};
use crate::project::{self, ProjectError};
use crate::restored::Mark;

/// A release that was handed in, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedStatus {
    pub version: Version,
    /// `scheduled`, `emergency`, `patch`, `feature` or `configuration`.
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// `created`, `planned`, `blocked`, `applied`, `superseded` or `withdrawn`.
    pub state: String,
    pub created_by: String,
    pub created_ms: i64,
    /// By component.
    pub artifacts: BTreeMap<ComponentName, Digest>,
    /// That was made of it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_ms: Option<i64>,
    /// What stood in its way when the server tried last, one thing each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<String>,
    /// Why it is superseded or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedRelease {
    pub schema_version: u32,
    /// False where the same release had been handed in before: nothing has happened.
    pub has_effect: bool,
    pub release: CreatedStatus,
    /// Doubtful places in the files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Value>,
}

/// 201 where the release is new, 200 where it was handed in before.
struct CreatedAnswer(CreatedRelease);

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Why {
    /// Stands in the journal.
    reason: String,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::PUT,
            "/v1/releases/{version}",
            "Hand a new release in; the same again has no effect",
            create,
        )
        .body_bytes_max(REQUEST_BYTES_MAX),
        Route::guarded(
            Method::DELETE,
            "/v1/releases/{version}",
            "Withdraw a release that was handed in and is not applied",
            withdraw,
        ),
        Route::guarded(
            Method::POST,
            "/v1/releases/{version}/plan",
            "Plan a release that was handed in",
            plan,
        ),
    ]
}

async fn create(
    state: AppState,
    by: Authorized<permission::HandIn>,
    (Named(Target { version }), Body(request)): (Named<Target>, Body<NewRelease>),
) -> Result<CreatedAnswer, Problem> {
    refuse_restored(&state)?;
    let (request, understood) = understand(&state, request).await?;
    if understood.release.version != version {
        let detail = format!(
            "the path names release {version}, the file release {}",
            understood.release.version
        );
        return Err(Problem::bad_request(detail));
    }
    let _one_at_a_time = state.shared.handing_in.lock().await;
    let answer = |has_effect: bool, release: CreatedStatus| {
        CreatedAnswer(CreatedRelease {
            schema_version: SCHEMA_VERSION,
            has_effect,
            release,
            warnings: understood.warnings.clone(),
        })
    };
    if let Some(known) = known(&state, &version, &understood).await? {
        // Who sends it again wants to know how far it has come.
        state.shared.handed_in.notify_one();
        return Ok(answer(false, known));
    }
    obtain(&state, &understood).await?;
    let release = HandedIn {
        request,
        content: understood.content.clone(),
        by: by.actor().clone(),
        at: clock::now(),
    };
    let progress = match intake::create(state.control(), &release, &understood).await {
        Ok(progress) => progress,
        Err(error) => {
            state.control().keeping().forget(&version);
            return Err(error.into());
        }
    };
    state.shared.handed_in.notify_one();
    Ok(answer(true, progress.status(&state.control().view().state)))
}

async fn withdraw(
    state: AppState,
    by: Authorized<permission::TakeBack>,
    (Named(Target { version }), Args(Why { reason })): (Named<Target>, Args<Why>),
) -> Result<Answer<CreatedRelease>, Problem> {
    by.whole_service()?;
    refuse_restored(&state)?;
    let reason = checked_reason(&reason)?;
    let _one_at_a_time = state.applying().await;
    let view = state.control().view();
    let progress = intake::progress(state.control(), &version).await?;
    let progress = progress.ok_or_else(|| no_such_release(&version))?;
    if view.state.run(&version).is_some() || matches!(&progress.ended, Some(end) if end.how == Ended::Applied) {
        return Err(Problem::refused(format!("release {version} is applied already"))
            .help(format!("`tidegate abort {version} --reason ...` ends it")));
    }
    let has_effect = progress.ended.is_none();
    let progress = if has_effect {
        let end = End {
            how: Ended::Withdrawn { reason },
            by: by.actor().clone(),
            at: clock::now(),
        };
        intake::end(state.control(), &progress, end).await?
    } else {
        progress
    };
    state.shared.handed_in.notify_one();
    Ok(Answer(CreatedRelease {
        schema_version: SCHEMA_VERSION,
        has_effect,
        release: progress.status(&view.state),
        warnings: Vec::new(),
    }))
}

async fn plan(
    state: AppState,
    _: Authorized<permission::Plan>,
    Named(Target { version }): Named<Target>,
) -> Result<Answer<Planned>, Problem> {
    let _one_at_a_time = state.applying().await;
    let progress = intake::progress(state.control(), &version).await?;
    let progress = progress.ok_or_else(|| {
        Problem::not_found(format!("no release {version} was handed in"))
            .help("`tidegate releases create` hands one in; `tidegate plan FILE` plans one from its file")
    })?;
    if let Some(End {
        how: Ended::Withdrawn { reason },
        by,
        ..
    }) = &progress.ended
    {
        return Err(
            Problem::refused(format!("release {version} was withdrawn by {by}: {reason}"))
                .help("hand it in under another version"),
        );
    }
    let project = project::sources(state.project())?;
    let planned = plan_created(&state, &progress, project).await?;
    if progress.ended.is_none() {
        let planned_now = progress.planned_as(&planned.digest);
        intake::note(state.control(), &planned_now, None).await?;
    }
    Ok(Answer(planned))
}

/// Plans what was handed in with these files of the project. Its author is who handed it in.
pub async fn plan_created(
    state: &AppState,
    progress: &Progress,
    project: Vec<tidegate_domain::files::Source>,
) -> Result<Planned, Problem> {
    let kept = intake::handed_in(state.control(), &progress.version).await?;
    let kept = kept.ok_or_else(|| no_such_release(&progress.version))?;
    let request = kept.request.plan_request(project);
    plans::plan_and_keep(state, request, &Author::HandedIn(kept.by)).await
}

/// Everything that waits, in the order it was handed in.
pub async fn waiting(state: &AppState) -> Result<Vec<CreatedStatus>, Problem> {
    let view = state.control().view();
    let waiting = intake::waiting(state.control()).await?;
    let waiting = waiting.iter().filter(|one| view.state.run(&one.version).is_none());
    Ok(waiting.map(|one| one.status(&view.state)).collect())
}

/// One version is one release: what is planned from a file is what was handed in, if something was.
pub async fn refuse_other_content(state: &AppState, request: &PlanRequest) -> Result<(), Problem> {
    let named = tidegate_domain::files::named_in_release(&request.release.source());
    let Some(version) = named.version else { return Ok(()) };
    let Some(kept) = intake::handed_in(state.control(), &version).await? else {
        return Ok(());
    };
    let progress = intake::progress(state.control(), &version).await?;
    let counts = progress.is_some_and(|progress| match progress.ended.map(|end| end.how) {
        None | Some(Ended::Applied) => true,
        Some(Ended::Superseded { .. } | Ended::Withdrawn { .. }) => false,
    });
    let request = request.clone();
    let now = spawn_blocking(move || intake::content_of(&request)).await;
    match now.map_err(|error| Problem::unavailable(&error))? {
        Some(now) if counts && kept.content != now => Err(differs(&version, &kept.content, &now, "was handed in")),
        // What has mistakes is refused for them.
        Some(_) | None => Ok(()),
    }
}

/// Reads what is handed in beside the other requests: files of a project with many tenants take a while.
async fn understand(state: &AppState, request: NewRelease) -> Result<(NewRelease, Understood), Problem> {
    let folder = state.project().to_owned();
    let read = spawn_blocking(move || {
        let project = project::sources(&folder)?;
        let understood = intake::understand(&request, &project)?;
        Ok((request, understood))
    });
    read.await.map_err(|error| Problem::unavailable(&error))?
}

/// The release of this version, if there is one already with the same content; with other content it is refused.
async fn known(state: &AppState, version: &Version, now: &Understood) -> Result<Option<CreatedStatus>, Problem> {
    let control = state.control();
    let view = control.view();
    if let (Some(kept), Some(progress)) = (
        intake::handed_in(control, version).await?,
        intake::progress(control, version).await?,
    ) {
        if kept.content != now.content {
            return Err(differs(version, &kept.content, &now.content, "was handed in"));
        }
        return Ok(Some(progress.status(&view.state)));
    }
    let Some(run) = view.state.run(version) else {
        return Ok(None);
    };
    let input = plans::input_of(state, &run.plan).await?;
    let (request, by) = input.map(|input| (input.request, input.by)).unzip();
    let before = match request {
        Some(request) => spawn_blocking(move || intake::content_of(&request))
            .await
            .map_err(|error| Problem::unavailable(&error))?,
        None => None,
    };
    let Some(before) = before else {
        return Err(Problem::refused(format!(
            "release {version} was applied already, and what it consisted of cannot be compared"
        ))
        .help("give this release a version of its own"));
    };
    if before != now.content {
        return Err(differs(version, &before, &now.content, "was applied"));
    }
    Ok(Some(CreatedStatus {
        version: version.clone(),
        kind: now.release.kind.as_str().to_owned(),
        summary: now.release.summary.clone(),
        state: "applied".to_owned(),
        created_by: by.as_ref().unwrap_or(&run.author).to_string(),
        created_ms: run.applied.0,
        artifacts: now.digests(),
        plan: Some(run.plan.clone()),
        planned_ms: None,
        blocks: Vec::new(),
        reason: None,
    }))
}

fn differs(version: &Version, before: &Content, now: &Content, how: &str) -> Problem {
    let differences = before.differences(now);
    let detail = format!("release {version} {how} with other content: {}", differences.join("; "));
    let each = differences.into_iter().map(|text| json!({ "message": text }));
    Problem::new(StatusCode::CONFLICT, "other-content", detail)
        .help("one version is one release: give this one a version of its own")
        .problems(each.collect())
}

/// From here on it does not matter what becomes of the files that were handed in.
async fn obtain(state: &AppState, understood: &Understood) -> Result<(), Problem> {
    let version = &understood.release.version;
    let keeping = state.control().keeping();
    let digests: BTreeSet<Digest> = understood.digests().into_values().collect();
    keeping.keep(version, digests);
    let mut wrong = Vec::new();
    for (name, artifact) in &understood.artifacts {
        if let Err(error) = state.shared.driver.obtain(artifact).await {
            wrong.push(json!({ "message": not_taken(name, &error), "severity": "error", "help":
                "the file has to lie where the server can read it, as it was when its digest was taken" }));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    keeping.forget(version);
    Err(plans::unplanned("the artifacts of the release cannot be taken over").problems(wrong))
}

fn not_taken(component: &ComponentName, error: &ArtifactError) -> String {
    match error {
        ArtifactError::Changed { path, expected, found } => format!(
            "the artifact of component `{component}`, `{}`, is {found}, and {expected} was handed in",
            path.display()
        ),
        ArtifactError::Missing { path, .. } => format!(
            "the artifact of component `{component}` is not at `{}` on the machine of the server",
            path.display()
        ),
        ArtifactError::Copy { .. } => format!("the artifact of component `{component}`: {}", in_words(error)),
    }
}

fn refuse_restored(state: &AppState) -> Result<(), Problem> {
    if state.control().mark().as_ref().is_some_and(Mark::is_unconfirmed) {
        return Err(SubmitError::Restored.into());
    }
    Ok(())
}

impl Progress {
    /// As people see it.
    #[must_use]
    pub fn status(&self, service: &Service) -> CreatedStatus {
        let mut reason = None;
        let state = match self.ended.as_ref().map(|end| &end.how) {
            Some(Ended::Applied) => "applied",
            Some(Ended::Superseded { by }) => {
                reason = Some(format!("release {by} was handed in later"));
                "superseded"
            }
            Some(Ended::Withdrawn { reason: why }) => {
                reason = Some(why.clone());
                "withdrawn"
            }
            None if service.run(&self.version).is_some() => "applied",
            None if !self.blocks.is_empty() => "blocked",
            None if self.plan.is_some() => "planned",
            None => "created",
        };
        CreatedStatus {
            version: self.version.clone(),
            kind: self.kind.as_str().to_owned(),
            summary: self.summary.clone(),
            state: state.to_owned(),
            created_by: self.by.to_string(),
            created_ms: self.at.0,
            artifacts: self.artifacts.clone(),
            plan: self.plan.clone(),
            planned_ms: self.planned.map(|at: Timestamp| at.0),
            blocks: self.blocks.clone(),
            reason,
        }
    }

    /// With a plan, and nothing in its way.
    #[must_use]
    pub fn planned_as(&self, digest: &Digest) -> Self {
        Self {
            plan: Some(digest.clone()),
            planned: Some(clock::now()),
            blocks: Vec::new(),
            ..self.clone()
        }
    }
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<ProjectError> for Problem {
    fn from(error: ProjectError) -> Self {
        let help = "correct the files of the project that the server was started in";
        Self::refused(in_words(&error)).help(help)
    }
}

impl Described for CreatedAnswer {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        Created::<CreatedRelease>::describe(operation, schemas);
        let content = operation
            .answer
            .as_ref()
            .map_or(Value::Null, |(_, content)| content.clone());
        operation.also = Some((StatusCode::OK, content));
    }
}

impl IntoResponse for CreatedAnswer {
    fn into_response(self) -> Response {
        if self.0.has_effect {
            Created(self.0).into_response()
        } else {
            Answer(self.0).into_response()
        }
    }
}
