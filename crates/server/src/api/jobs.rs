//! Jobs: what was run, is run and will be run, for each tenant or cell; and how one is run on demand.

use std::collections::BTreeMap;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::EventKind;
use tidegate_domain::id::{CellName, ComponentName, JobName, JobOf, TenantName, Version};
use tidegate_domain::service::{EndedRun, Job, JobRun, Service};
use tidegate_domain::time::Timestamp;
use tidegate_domain::waiting::Waiting;
use tidegate_effects::drivers::process;

use super::commands::submit;
use super::exchange::{Answer, Args, Body, Key, Named};
use super::logs::{self, LINES, LINES_MAX};
use super::{AppState, Logs, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, Permission, permission};
use crate::clock;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobList {
    pub schema_version: u32,
    /// By component, and then by cell or tenant.
    pub jobs: Vec<JobStatus>,
}

/// One job of one tenant, or of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobStatus {
    pub component: ComponentName,
    /// Absent where it is run for the whole cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    pub cell: CellName,
    /// The version that its next run would be on. Absent where there is none: its tenant is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<JobRunStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JobRunStatus>,
    /// The oldest scheduled instant whose run has not begun. Absent where it is only run on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_ms: Option<i64>,
    /// Runs whose time has come, and that people want besides.
    #[serde(default)]
    pub waiting: u64,
    /// What these wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// Runs that have failed, by version, as far as the version is still kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedRuns>,
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRunStatus {
    /// The version it began with.
    pub version: Version,
    pub cell: CellName,
    pub since_ms: i64,
    /// The scheduled instant that it is for. Absent where a person wanted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    /// `pass`, `fail` or `error`, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedRuns {
    pub version: Version,
    pub runs: u32,
}

/// Exactly one of `tenant` and `cell`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunJob {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<CellName>,
    pub reason: String,
}

#[derive(Debug, Clone, Deserialize)]
struct OfJob {
    component: ComponentName,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    #[serde(default)]
    component: Option<ComponentName>,
    #[serde(default)]
    tenant: Option<TenantName>,
    #[serde(default)]
    cell: Option<CellName>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Select {
    /// Exactly one of `tenant` and `cell`.
    #[serde(default)]
    tenant: Option<TenantName>,
    #[serde(default)]
    cell: Option<CellName>,
    /// At the most so many lines, up to 10,000.
    #[serde(default)]
    lines: Option<usize>,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::GET,
            "/v1/jobs",
            "What each job has run, runs and will run",
            list,
        ),
        Route::guarded(
            Method::POST,
            "/v1/jobs/{component}/runs",
            "Run a job once, besides its schedule",
            run,
        ),
        Route::guarded(
            Method::GET,
            "/v1/jobs/{component}/logs",
            "What the run of a job has printed that goes on, or the last one",
            get_logs,
        ),
    ]
}

async fn list(
    state: AppState,
    by: Authorized<permission::ReadTenants>,
    Args(which): Args<Which>,
) -> Result<Answer<JobList>, Problem> {
    let view = state.control().view();
    let mut jobs = of(&view.state, &view.waiting, clock::now());
    jobs.retain(|job| {
        let is_wanted = |wanted: &Option<TenantName>| wanted.is_none() || *wanted == job.tenant;
        which
            .component
            .as_ref()
            .is_none_or(|component| *component == job.component)
            && which.cell.as_ref().is_none_or(|cell| *cell == job.cell)
            && is_wanted(&which.tenant)
            && by.scope().holds(&job.cell)
    });
    Ok(Answer(JobList {
        schema_version: SCHEMA_VERSION,
        jobs,
    }))
}

async fn run(
    state: AppState,
    by: Authorized<permission::RunJobs>,
    (Named(OfJob { component }), key, Body(body)): (Named<OfJob>, Key, Body<RunJob>),
) -> Result<Answer<JobStatus>, Problem> {
    let job = JobName {
        component,
        of: one_of(body.tenant, body.cell)?,
    };
    by.within(&cell_of(&state, &by, &job)?)?;
    let kind = EventKind::JobAsked { job: job.clone() };
    submit(&state, by.actor(), &key, Some(&body.reason), kind).await?;
    let view = state.control().view();
    let status = view.state.jobs.get(&job).and_then(|found| {
        let waits_for = waits(&view.waiting).get(&job).copied();
        status(&view.state, (&job, found), waits_for, clock::now())
    });
    status.map(Answer).ok_or_else(|| no_such_job(&job))
}

async fn get_logs(
    state: AppState,
    by: Authorized<permission::ReadLogs>,
    (Named(OfJob { component }), Args(select)): (Named<OfJob>, Args<Select>),
) -> Result<Answer<Logs>, Problem> {
    let of = one_of(select.tenant, select.cell)?;
    let name = JobName { component, of };
    by.within(&cell_of(&state, &by, &name)?)?;
    let view = state.control().view();
    let job = view.state.jobs.get(&name);
    let run = job.and_then(|job| job.run.as_ref().or(job.last.as_ref().map(|last| &last.run)));
    let run = run.ok_or_else(|| {
        Problem::not_found(format!("no run of {} was begun", name.in_words())).help("`tidegate jobs` lists them")
    })?;
    // Its tenant may have come from there.
    by.within(&run.cell)?;
    let count = select.lines.unwrap_or(LINES).min(LINES_MAX);
    let (root, effect) = (state.shared.cells.clone(), run.effect(&name));
    let lines = logs::printed("this run", move || process::once_logs(&root, &effect, count)).await?;
    Ok(Answer(Logs {
        schema_version: SCHEMA_VERSION,
        lines,
    }))
}

fn one_of(tenant: Option<TenantName>, cell: Option<CellName>) -> Result<JobOf, Problem> {
    match (tenant, cell) {
        (Some(tenant), None) => Ok(JobOf::Tenant(tenant)),
        (None, Some(cell)) => Ok(JobOf::Cell(cell)),
        (None, None) | (Some(_), Some(_)) => Err(Problem::bad_request("say exactly one of `tenant` and `cell`")),
    }
}

/// Where the job is run. Whose token is for some cells does not learn which tenants there are elsewhere.
fn cell_of<P: Permission>(state: &AppState, by: &Authorized<P>, job: &JobName) -> Result<CellName, Problem> {
    let tenant = match &job.of {
        JobOf::Cell(cell) => return Ok(cell.clone()),
        JobOf::Tenant(tenant) => tenant,
    };
    match state.control().view().state.seats.get(tenant) {
        Some(seat) => Ok(seat.cell.clone()),
        None => {
            by.whole_service()?;
            Err(no_such_job(job))
        }
    }
}

fn no_such_job(job: &JobName) -> Problem {
    Problem::not_found(format!("there is no {}", job.in_words())).help("`tidegate jobs` lists them")
}

fn of(service: &Service, waiting: &[Waiting], now: Timestamp) -> Vec<JobStatus> {
    let waits = waits(waiting);
    let jobs = service.jobs.iter();
    jobs.filter_map(|(name, job)| status(service, (name, job), waits.get(name).copied(), now))
        .collect()
}

/// What jobs wait for. Every tenant may have one.
fn waits(waiting: &[Waiting]) -> BTreeMap<&JobName, &str> {
    let waits = waiting.iter().filter_map(|waiting| {
        let Waiting::Job { job, reason } = waiting else {
            return None;
        };
        Some((job, reason.as_str()))
    });
    waits.collect()
}

fn status(
    service: &Service,
    (name, job): (&JobName, &Job),
    waits_for: Option<&str>,
    now: Timestamp,
) -> Option<JobStatus> {
    let ground = service.job_goes_on(name);
    let cell = ground.map(|(cell, _)| cell).or(job.run.as_ref().map(|run| &run.cell))?;
    Some(JobStatus {
        component: name.component.clone(),
        tenant: name.tenant().cloned(),
        cell: cell.clone(),
        version: ground.map(|(_, version)| version.clone()),
        running: job.run.as_ref().map(run_status),
        last: job.last.as_ref().map(ended_status),
        next_ms: job.next.map(|next| next.0),
        waiting: job.scheduled_by(now) + job.asked.len() as u64,
        waits_for: waits_for.map(str::to_owned),
        failed: job
            .failed
            .iter()
            .map(|(version, runs)| FailedRuns {
                version: version.clone(),
                runs: *runs,
            })
            .collect(),
    })
}

fn run_status(run: &JobRun) -> JobRunStatus {
    JobRunStatus {
        version: run.version.clone(),
        cell: run.cell.clone(),
        since_ms: run.since.0,
        due_ms: run.due.map(|due| due.0),
        ended_ms: None,
        verdict: None,
        outcome: String::new(),
    }
}

fn ended_status(ended: &EndedRun) -> JobRunStatus {
    JobRunStatus {
        ended_ms: Some(ended.ended.0),
        verdict: Some(ended.verdict.in_words().to_owned()),
        outcome: ended.outcome.clone(),
        ..run_status(&ended.run)
    }
}
