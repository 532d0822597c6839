//! How far a release is with its work on data, and what that leaves of the way back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::{CellName, DatabaseName, StepName};
use tidegate_domain::release::{DataStepKind, Reversible};
use tidegate_domain::service::{Run, Service, StepPhase, StepRun};

use super::stage_name;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepStatus {
    pub name: StepName,
    pub kind: DataStepKind,
    pub cell: CellName,
    pub database: DatabaseName,
    /// `waiting`, `running`, `done`, `failed`, `being undone`, `undone`, `could not be undone` or `kept`.
    pub phase: String,
    /// Since when.
    pub since_ms: i64,
    /// The number of its last attempt; 0 where there was none.
    pub attempt: u32,
    /// Attempts that failed in a row.
    #[serde(default)]
    pub failures: u32,
    /// How the last attempt ended.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    /// The last line that its command has printed, while it works. Only with `GET /v1/releases/{version}/steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
}

pub fn of(run: &Run) -> Vec<StepStatus> {
    run.steps.iter().map(status).collect()
}

fn status(step: &StepRun) -> StepStatus {
    StepStatus {
        name: step.step.name.clone(),
        kind: step.step.kind,
        cell: step.cell.clone(),
        database: step.step.database.clone(),
        phase: step.phase.in_words().to_owned(),
        since_ms: step.since.0,
        attempt: step.attempt,
        failures: step.failures,
        outcome: match step.phase {
            // Of the attempt before.
            StepPhase::Waiting | StepPhase::Running | StepPhase::Undoing => String::new(),
            StepPhase::Done | StepPhase::Failed | StepPhase::Undone | StepPhase::UndoFailed | StepPhase::Kept => {
                step.outcome.clone()
            }
        },
        progress: None,
    }
}

/// Whether a release can be taken back, in words.
pub fn reversible(service: &Service, run: &Run) -> String {
    if let Some(step) = run.steps.iter().find(|step| step.has_contracted()) {
        return format!(
            "no longer: step {} has taken away what earlier versions need in cell {}",
            step.step.name, step.cell
        );
    }
    let for_good = |step: &&StepRun| step.holds_data() && step.step.undo.is_empty();
    if let Some(step) = run.steps.iter().find(for_good) {
        return format!(
            "no longer: step {} has begun in its downtime in cell {}, and has no undo",
            step.step.name, step.cell
        );
    }
    if let Some(step) = run.steps.iter().find(|step| step.loses_new_writes()) {
        return format!(
            "by a person only: it loses what was written since step {} began",
            step.step.name
        );
    }
    match service.pinned.get(&run.version).map(|release| release.reversible) {
        Some(Reversible::Always) => "at any time".to_owned(),
        Some(Reversible::Until(stage)) => format!("until stage {}", stage_name(stage)),
        None => "no longer: its earlier version is not kept".to_owned(),
    }
}
