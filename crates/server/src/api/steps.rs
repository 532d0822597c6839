//! Work on data: how far each step is, and what its command has printed.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::effect::EffectId;
use tidegate_domain::id::{CellName, StepName, Version};
use tidegate_effects::drivers::process;

use super::commands::Target;
use super::exchange::{Answer, Args, Named};
use super::logs::{self, LINES, LINES_MAX};
use super::releases::no_such_release;
use super::status::steps;
use super::{AppState, Logs, Problem, Route, SCHEMA_VERSION, StepStatus};
use crate::auth::{Authorized, permission};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepList {
    pub schema_version: u32,
    /// By cell, in the order in which they are run. Of a cell that the release has not come to, there are none yet.
    pub steps: Vec<StepStatus>,
}

#[derive(Debug, Clone, Deserialize)]
struct OfStep {
    version: Version,
    step: StepName,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Select {
    cell: CellName,
    /// At the most so many lines, up to 10,000.
    #[serde(default)]
    lines: Option<usize>,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::GET,
            "/v1/releases/{version}/steps",
            "How far a release is with its work on data",
            list,
        ),
        Route::guarded(
            Method::GET,
            "/v1/releases/{version}/steps/{step}/logs",
            "What the last attempt of a step has printed",
            get_logs,
        ),
    ]
}

async fn list(
    state: AppState,
    by: Authorized<permission::ReadLogs>,
    Named(Target { version }): Named<Target>,
) -> Result<Answer<StepList>, Problem> {
    let view = state.control().view();
    let run = view.state.run(&version).ok_or_else(|| no_such_release(&version))?;
    let mut found = Vec::new();
    for (step, mut status) in run.steps.iter().zip(steps::of(run)) {
        if by.within(&step.cell).is_err() {
            continue;
        }
        if step.is_at_work() {
            let printed = printed(&state, step.effect(&version), 1).await;
            status.progress = printed.ok().and_then(|mut lines| lines.pop());
        }
        found.push(status);
    }
    // Within a cell they stay in their order.
    found.sort_by(|one, other| one.cell.cmp(&other.cell));
    Ok(Answer(StepList {
        schema_version: SCHEMA_VERSION,
        steps: found,
    }))
}

async fn get_logs(
    state: AppState,
    by: Authorized<permission::ReadLogs>,
    (Named(OfStep { version, step }), Args(select)): (Named<OfStep>, Args<Select>),
) -> Result<Answer<Logs>, Problem> {
    by.within(&select.cell)?;
    let view = state.control().view();
    let run = view.state.run(&version).ok_or_else(|| no_such_release(&version))?;
    let found = run.step(&select.cell, &step);
    let found = found.filter(|found| found.attempt > 0).ok_or_else(|| {
        let words = format!(
            "no step `{step}` of release {version} was begun in cell `{}`",
            select.cell
        );
        Problem::not_found(words).help(format!("`tidegate steps {version}` lists them"))
    })?;
    let count = select.lines.unwrap_or(LINES).min(LINES_MAX);
    let lines = printed(&state, found.effect(&version), count).await?;
    Ok(Answer(Logs {
        schema_version: SCHEMA_VERSION,
        lines,
    }))
}

async fn printed(state: &AppState, effect: EffectId, count: usize) -> Result<Vec<String>, Problem> {
    let root = state.shared.cells.clone();
    logs::printed("this step", move || process::once_logs(&root, &effect, count)).await
}
