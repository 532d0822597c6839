//! How far a release is with its work on data.

use serde::{Deserialize, Serialize};

use super::{Run, RunPhase, Service, WaveRun, WaveState};
use crate::effect::EffectId;
use crate::id::{CellName, StepName, Version};
use crate::release::{AfterStep, DataStep, DataStepKind};
use crate::time::Timestamp;

/// One step of a release in one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRun {
    pub step: DataStep,
    pub cell: CellName,
    pub phase: StepPhase,
    /// Since when it is there.
    pub since: Timestamp,
    /// The number of its last attempt. 0: it was never begun.
    #[serde(default)]
    pub attempt: u32,
    /// Attempts that failed in a row.
    #[serde(default)]
    pub failures: u32,
    /// What the last attempt had to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepPhase {
    /// Its time has not come.
    Waiting,
    Running,
    Done,
    Failed,
    /// Its work is being taken back.
    Undoing,
    Undone,
    UndoFailed,
    /// Its release came back, and its work stays: a later release has built on it.
    Kept,
}

impl StepPhase {
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undoing => "being undone",
            Self::Undone => "undone",
            Self::UndoFailed => "could not be undone",
            Self::Kept => "kept",
        }
    }
}

impl StepRun {
    /// Not begun yet.
    #[must_use]
    pub const fn waiting(step: DataStep, cell: CellName, since: Timestamp) -> Self {
        Self {
            step,
            cell,
            phase: StepPhase::Waiting,
            since,
            attempt: 0,
            failures: 0,
            outcome: String::new(),
        }
    }

    /// Its command works on the database now.
    #[must_use]
    pub const fn is_at_work(&self) -> bool {
        matches!(self.phase, StepPhase::Running | StepPhase::Undoing)
    }

    /// All of its work is in the data, and stays there.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.phase, StepPhase::Done | StepPhase::Kept)
    }

    /// Some of its work may be in the data.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        match self.phase {
            StepPhase::Waiting | StepPhase::Undone => false,
            StepPhase::Running
            | StepPhase::Done
            | StepPhase::Failed
            | StepPhase::Undoing
            | StepPhase::UndoFailed
            | StepPhase::Kept => true,
        }
    }

    /// It has taken away what earlier versions need, or some of it.
    #[must_use]
    pub fn has_contracted(&self) -> bool {
        self.step.kind == DataStepKind::Contract && self.has_begun()
    }

    /// Its work is done while nobody in the cell is served.
    #[must_use]
    pub fn is_in_downtime(&self) -> bool {
        self.step.kind == DataStepKind::DuringDowntime
    }

    /// Some of its work in downtime may be in the data: those from before it cannot be served on them.
    #[must_use]
    pub fn holds_data(&self) -> bool {
        self.is_in_downtime() && self.has_begun()
    }

    /// The earlier version does not see what was written since it has begun.
    #[must_use]
    pub fn loses_new_writes(&self) -> bool {
        self.step.rollback == AfterStep::LosesNewWrites && self.has_begun()
    }

    /// Its work has to be taken back where the release has come back.
    #[must_use]
    pub const fn is_to_be_undone(&self) -> bool {
        let worked = matches!(self.phase, StepPhase::Done | StepPhase::Failed | StepPhase::UndoFailed);
        worked && !self.step.undo.is_empty()
    }

    /// The effect of its last attempt.
    #[must_use]
    pub fn effect(&self, version: &Version) -> EffectId {
        EffectId::step(version, &self.cell, &self.step.name, self.attempt)
    }
}

impl Run {
    /// It has work on data ahead or at hand, though it moves nobody any more.
    #[must_use]
    pub fn has_data_ahead(&self) -> bool {
        self.steps.iter().any(|step| match self.phase {
            RunPhase::Queued | RunPhase::Moving => true,
            // In a cell that its last tenant has left, nobody is out of service for it.
            RunPhase::Completed { .. } => !step.is_done() && (step.is_at_work() || !step.is_in_downtime()),
            RunPhase::RolledBack { .. } | RunPhase::Aborted { .. } => step.is_at_work() || self.takes_back(step),
            RunPhase::Superseded { .. } => step.is_at_work(),
        })
    }

    /// A step by the name that it has in the release. `None`: the release has not come to that cell.
    #[must_use]
    pub fn step(&self, cell: &CellName, name: &StepName) -> Option<&StepRun> {
        self.steps
            .iter()
            .find(|step| step.cell == *cell && step.step.name == *name)
    }

    /// A step whose work is still to be taken back: the release has come back, and nobody is on it any more.
    #[must_use]
    pub fn takes_back(&self, step: &StepRun) -> bool {
        let came_back = self.phase.came_back();
        came_back && step.is_to_be_undone() && !self.holds_tenants()
    }

    /// The work in downtime that it has begun in a cell, and not taken back.
    #[must_use]
    pub fn downtime_work_in(&self, cell: &CellName) -> Option<&StepRun> {
        self.steps.iter().find(|step| step.cell == *cell && step.holds_data())
    }

    /// It takes work back that was done in downtime, while nobody is served.
    #[must_use]
    pub fn undoes_in_downtime(&self) -> bool {
        let back = |wave: &&WaveRun| matches!(wave.state, WaveState::RolledBack { .. });
        self.waves.iter().filter(back).any(|wave| wave.maintenance.is_some())
    }

    /// Tenants are on their way back, or their data are: it moves nobody forward meanwhile.
    #[must_use]
    pub fn goes_back(&self) -> bool {
        self.returning() || self.undoes_in_downtime()
    }

    /// The step behind which there is no way back in a cell, once it has begun.
    #[must_use]
    pub fn contracted_in(&self, cell: &CellName) -> Option<&StepRun> {
        self.steps
            .iter()
            .find(|step| step.cell == *cell && step.has_contracted())
    }
}

impl Service {
    /// The work in downtime that keeps the tenants of a cell from being served on a version: it is not whole, or the version is
    /// from before it.
    #[must_use]
    pub fn unfit(&self, cell: &CellName, version: &Version) -> Option<(&Run, &StepRun)> {
        self.all_unfit(cell, version).next()
    }

    /// A release whose work keeps the tenants of another one from going back to a version, whatever that one takes back.
    #[must_use]
    pub fn worked_on_by_another(&self, cell: &CellName, from: &Version, own: &Version) -> Option<&Version> {
        let mut versions = self.all_unfit(cell, from).map(|(run, _)| &run.version);
        versions.find(|version| *version != own)
    }

    /// The first such step of each release.
    fn all_unfit(&self, cell: &CellName, version: &Version) -> impl Iterator<Item = (&Run, &StepRun)> {
        self.runs.iter().enumerate().filter_map(move |(index, run)| {
            let keeps = |step: &&StepRun| {
                step.cell == *cell && step.holds_data() && (!step.is_done() || self.is_before(version, index))
            };
            Some((run, run.steps.iter().find(keeps)?))
        })
    }

    /// A version that was applied before a run. A hot-fix is as old as what it repairs.
    pub(crate) fn is_before(&self, version: &Version, run: usize) -> bool {
        let place = |version: &Version| self.runs.iter().rposition(|run| run.version == *version);
        let place = place(self.root_of(version)).or_else(|| place(version));
        place.is_none_or(|place| place < run)
    }

    /// What a release that is on its way has made of the data of a cell for its own version, which tenants there are on.
    #[must_use]
    pub fn data_is_of(&self, cell: &CellName) -> Option<&Version> {
        let on = |run: &Run| {
            let mut seats = self.seats.values();
            seats.any(|seat| seat.cell == *cell && seat.version.as_ref() == Some(&run.version))
        };
        let is_its = |run: &&Run| {
            let done = run.downtime_work_in(cell).is_some_and(StepRun::is_done);
            done && run.phase == RunPhase::Moving && !run.is_being_rolled_back() && on(run)
        };
        self.runs.iter().rev().find(is_its).map(|run| &run.version)
    }

    /// The release that has taken away from the data of a cell what a version needs; those from before it need it.
    #[must_use]
    pub fn contracted_past(&self, cell: &CellName, version: &Version) -> Option<&Version> {
        let contracted = self.cells.get(cell)?.contracted.as_ref()?;
        (version < contracted).then_some(contracted)
    }
}
