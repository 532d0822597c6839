//! Plans: made from what people write and where every tenant is now, and kept under their digest.

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tidegate_domain::calendar::Profile;
use tidegate_domain::files::{Diagnostic, Severity, Source, check_gates, locate, read_project, read_release};
use tidegate_domain::id::{Actor, ComponentName, Digest};
use tidegate_domain::plan::{self, Differences, Plan, PlanInput, PlanReport, SinceLast, check, differences, replaced};
use tidegate_domain::service::Service;
use tidegate_domain::time::Timestamp;
use tidegate_effects::gates;
use tidegate_store::{Fact, FactChange, Old, PlanEntry, Record};
use tokio::task::spawn_blocking;

use super::exchange::{Answer, Body, Named};
use super::{AppState, Problem, Route, SCHEMA_VERSION, created};
use crate::auth::{Authorized, permission};
use crate::clock;

/// Files of 10,000 tenants fit many times.
pub const REQUEST_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What a plan was made of. A fact, not a part of the plan: a comment in a file changes it, and not the plan.
const INPUT_KIND: &str = "plan-input";

/// The digest of the plan that was made last for a release, by its version.
const LAST_KIND: &str = "last-plan";

/// The files of a project, one release, and the artifacts as they were found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// `tidegate.yaml`, `tenants.yaml`, `playbooks/*.yaml`, `gates/*.yaml` and the holiday files that calendars name.
    pub sources: Vec<SourceText>,
    pub release: SourceText,
    /// One for each component that the release lists.
    pub artifacts: Vec<FoundArtifact>,
    /// How much traffic tenants have, by the hour of the week. Left out, it is what was measured at the gateways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub profile: Option<Profile>,
}

/// A file by the path that people know it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceText {
    pub path: String,
    pub text: String,
}

/// An artifact: its digest, or why it could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundArtifact {
    pub component: ComponentName,
    /// Absolute.
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    pub schema_version: u32,
    pub digest: Digest,
    /// The decisions: what moves, in which wave, and why.
    #[schemars(with = "Map<String, Value>")]
    pub plan: Plan,
    /// What the decisions are based on, and what their reader should know.
    #[schemars(with = "Map<String, Value>")]
    pub report: PlanReport,
    /// Doubtful places in the files.
    pub warnings: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeptPlan {
    pub schema_version: u32,
    pub digest: Digest,
    #[schemars(with = "Map<String, Value>")]
    pub plan: Plan,
    pub planned_by: String,
    pub planned_ms: i64,
    /// Planning now leads to the same decisions, so that the plan can be applied.
    pub current: bool,
    /// What has changed since, in words.
    pub differences: Vec<String>,
}

/// A plan with all that is needed to make it again.
#[derive(Debug, Clone)]
pub struct Kept {
    pub plan: Plan,
    pub input: Input,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    pub request: PlanRequest,
    pub by: Actor,
    pub at: Timestamp,
}

/// What planning led to.
#[derive(Debug)]
pub struct Outcome {
    pub plan: Plan,
    pub report: PlanReport,
    pub warnings: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct Which {
    digest: Digest,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::POST,
            "/v1/plans",
            "Plan a release: who moves when, and why then",
            make,
        )
        .body_bytes_max(REQUEST_BYTES_MAX),
        Route::guarded(
            Method::GET,
            "/v1/plans/{digest}",
            "A plan, and whether it still holds",
            get,
        ),
    ]
}

async fn make(
    state: AppState,
    by: Authorized<permission::Plan>,
    Body(request): Body<PlanRequest>,
) -> Result<Answer<Planned>, Problem> {
    created::refuse_other_content(&state, &request).await?;
    plan_and_keep(&state, request, &Author::First(by.actor().clone()))
        .await
        .map(Answer)
}

/// Whose plan it is: they may not approve it.
#[derive(Debug)]
pub enum Author {
    /// Unless somebody planned the same before. Who plans it once more does not become its author.
    First(Actor),
    /// Whoever handed the release in, whoever has it planned.
    HandedIn(Actor),
}

/// Plans with the facts of this moment, and keeps the plan with all that it was made of.
pub async fn plan_and_keep(state: &AppState, mut request: PlanRequest, author: &Author) -> Result<Planned, Problem> {
    let service = state.control().view().state.clone();
    let now = clock::now();
    let is_measured = request.profile.is_none();
    if is_measured {
        request.profile = state.traffic().profile();
    }
    let (mut request, outcome) = plan_again(request, service, now).await?;
    let Outcome {
        plan,
        mut report,
        warnings,
    } = outcome?;
    if is_measured && !plan::rests_on_traffic(&plan, &report) {
        // It is as large as all the rest, and the next one serves as well.
        request.profile = None;
    }
    let digest = plan.digest();
    report.since_last = since_last(state, &plan, &digest).await?;
    report.replaces = replaced(&plan, &state.control().view().state);
    let first = input_of(state, &digest).await?;
    let at = first.as_ref().map_or(now, |first| first.at);
    let by = match (author, first) {
        (Author::First(_), Some(first)) => first.by,
        (Author::First(by) | Author::HandedIn(by), _) => by.clone(),
    };
    keep(state, (&digest, &plan), &Input { request, by, at }, now).await?;
    Ok(Planned {
        schema_version: SCHEMA_VERSION,
        digest,
        plan,
        report,
        warnings,
    })
}

async fn get(
    state: AppState,
    _: Authorized<permission::Read>,
    Named(Which { digest }): Named<Which>,
) -> Result<Answer<KeptPlan>, Problem> {
    let Kept { plan, input } = find(&state, &digest).await?;
    let service = state.control().view().state.clone();
    let (_, outcome) = plan_again(input.request, service, clock::now()).await?;
    let differences = match outcome {
        Ok(again) => differences(&plan, &again.plan).in_words(),
        Err(problem) => texts(&problem),
    };
    Ok(Answer(KeptPlan {
        schema_version: SCHEMA_VERSION,
        digest,
        plan,
        planned_by: input.by.to_string(),
        planned_ms: input.at.0,
        current: differences.is_empty(),
        differences,
    }))
}

/// The plan under this digest.
pub async fn find(state: &AppState, digest: &Digest) -> Result<Kept, Problem> {
    let no_plan = || {
        Problem::not_found(format!("there is no plan {digest}")).help("`tidegate plan` makes one and prints its digest")
    };
    kept(state, digest).await?.ok_or_else(no_plan)
}

/// `None`: none was made, or it is too old.
async fn kept(state: &AppState, digest: &Digest) -> Result<Option<Kept>, Problem> {
    let control = state.control();
    let row = control.store().plan(digest.as_str()).await?;
    let row = row.filter(|row| row.service == control.service().as_str());
    let (Some(row), Some(input)) = (row, input_of(state, digest).await?) else {
        return Ok(None);
    };
    let plan = serde_json::from_str(&row.body).map_err(|error| Problem::unavailable(&error))?;
    Ok(Some(Kept { plan, input }))
}

/// Drops a batch of plans that nobody has applied, but for those `needed`; says how many.
pub async fn drop_plans(state: &AppState, old: &Old<'_>, needed: &[String]) -> Result<u64, Problem> {
    Ok(state.control().store().drop_plans(old, needed, INPUT_KIND).await?)
}

/// What the plan under this digest was made of.
pub async fn input_of(state: &AppState, digest: &Digest) -> Result<Option<Input>, Problem> {
    let control = state.control();
    let fact = control
        .store()
        .fact(control.service().as_str(), INPUT_KIND, digest.as_str())
        .await?;
    let read = |text: String| serde_json::from_str(&text).map_err(|error| Problem::unavailable(&error));
    fact.map(read).transpose()
}

/// What has changed since the last plan for the release.
async fn since_last(state: &AppState, plan: &Plan, digest: &Digest) -> Result<Option<SinceLast>, Problem> {
    let control = state.control();
    let (service, version) = (control.service().as_str(), plan.release.version.as_str());
    let Some(last) = control.store().fact(service, LAST_KIND, version).await? else {
        return Ok(None);
    };
    let last: Digest = last.parse().map_err(|error| Problem::unavailable(&error))?;
    let Some(Kept { plan: before, input }) = kept(state, &last).await? else {
        return Ok(None);
    };
    let differences = if last == *digest {
        Differences::default()
    } else {
        differences(&before, plan)
    };
    Ok(Some(SinceLast {
        plan: last,
        planned: input.at,
        differences,
    }))
}

async fn keep(
    state: &AppState,
    (digest, plan): (&Digest, &Plan),
    input: &Input,
    now: Timestamp,
) -> Result<(), Problem> {
    let text = |result: serde_json::Result<String>| result.expect("it has text keys only");
    let entry = PlanEntry {
        digest: digest.to_string(),
        body: text(serde_json::to_string(plan)),
        at_ms: now.0,
    };
    let fact = Fact {
        kind: INPUT_KIND.to_owned(),
        key: digest.to_string(),
        body: text(serde_json::to_string(input)),
    };
    let last = Fact {
        kind: LAST_KIND.to_owned(),
        key: plan.release.version.to_string(),
        body: digest.to_string(),
    };
    let control = state.control();
    let record = Record {
        service: control.service().to_string(),
        plans: vec![entry],
        facts: vec![FactChange::Put(fact), FactChange::Put(last)],
        ..Record::default()
    };
    control.store().record(&record).await?;
    Ok(())
}

/// Plans beside the other requests, for 10,000 tenants take a while. The request comes back with what it led to.
pub async fn plan_again(
    request: PlanRequest,
    state: Service,
    now: Timestamp,
) -> Result<(PlanRequest, Result<Outcome, Problem>), Problem> {
    let planned = spawn_blocking(move || {
        let outcome = plan_now(&request, state, now);
        (request, outcome)
    });
    planned.await.map_err(|error| Problem::unavailable(&error))
}

/// The plan of a request for the facts at hand; without one, everything that stands in its way at once.
fn plan_now(request: &PlanRequest, state: Service, now: Timestamp) -> Result<Outcome, Problem> {
    let sources: Vec<Source> = request.sources.iter().map(SourceText::source).collect();
    let (project, mut found) = read_project(&sources);
    let project = project.ok_or_else(|| mistakes("the project", &found))?;
    let of_gates = check_gates(&sources, |gate| gates::check(gate, &project));
    if !of_gates.is_empty() {
        return Err(mistakes("the project", &of_gates));
    }
    let (release, of_release) = read_release(&request.release.source(), &project);
    let release = release.ok_or_else(|| mistakes("the release", &of_release))?;
    found.extend(of_release);
    let artifacts = request.artifacts.iter().map(FoundArtifact::understand);
    let input = PlanInput {
        project,
        release,
        artifacts: artifacts.collect::<Result<_, _>>()?,
        state,
        now,
        profile: request.profile.clone(),
    };
    let (plan, mut report) = plan::plan(&input);
    if let Some(plan) = &plan {
        report.problems.extend(check(plan, &input));
    }
    locate(&mut report.problems, &sources, &input.project.service.playbook);
    match plan {
        Some(plan) if !report.blocked() => Ok(Outcome {
            plan,
            report,
            warnings: found.iter().map(place).collect(),
        }),
        Some(_) | None => {
            let problems = report.problems.iter().map(|problem| json!(problem));
            Err(unplanned("there is no plan as long as something blocks").problems(problems.collect()))
        }
    }
}

pub fn mistakes(what: &str, diagnostics: &[Diagnostic]) -> Problem {
    let mistakes = diagnostics.iter().filter(|one| one.severity != Severity::Warning);
    let errors: Vec<Value> = mistakes.map(place).collect();
    let mistakes = if errors.len() == 1 { "mistake" } else { "mistakes" };
    unplanned(&format!("{what} has {} {mistakes}", errors.len())).problems(errors)
}

pub fn unplanned(detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not-planned", detail)
}

/// A diagnostic with its place as tools read it.
pub fn place(diagnostic: &Diagnostic) -> Value {
    let place = diagnostic.place.as_ref();
    json!({
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "file": diagnostic.file,
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "message": diagnostic.message,
        "label": diagnostic.label,
        "help": diagnostic.help,
    })
}

/// What a problem says, one thing a line.
pub fn texts(problem: &Problem) -> Vec<String> {
    let text = |one: &Value| {
        let text = one.get("message");
        text.and_then(Value::as_str).map(str::to_owned)
    };
    let texts: Vec<String> = problem.problems.iter().filter_map(text).collect();
    if texts.is_empty() {
        vec![problem.detail.clone()]
    } else {
        texts
    }
}

impl SourceText {
    pub fn source(&self) -> Source {
        Source {
            path: self.path.clone(),
            text: self.text.clone(),
        }
    }
}

impl FoundArtifact {
    pub fn understand(&self) -> Result<(ComponentName, plan::FoundArtifact), Problem> {
        let component = &self.component;
        if !self.path.starts_with('/') {
            return Err(Problem::bad_request(format!(
                "the path of the artifact of component `{component}` is not absolute"
            )));
        }
        let digest = match (&self.sha256, &self.error) {
            (Some(digest), None) => Ok(digest.clone()),
            (None, Some(error)) => Err(error.clone()),
            (Some(_), Some(_)) | (None, None) => {
                return Err(Problem::bad_request(format!(
                    "the artifact of component `{component}` has either `sha256` or `error`"
                )));
            }
        };
        let found = plan::FoundArtifact {
            path: self.path.clone(),
            digest,
        };
        Ok((component.clone(), found))
    }
}
