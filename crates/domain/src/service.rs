//! The state of a service: every release in flight and where each tenant is. One row, one generation.

mod approval;
mod cell_move;
mod companion;
mod component;
mod data_step;
mod exception;
mod gate;
mod job;
mod maintenance;
mod migration;
mod notice;
mod reservation;
mod restored;
mod run;
mod validation;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::approval::{Approval, Given};
pub use self::cell_move::{CellMove, Closed, MoveStage};
pub use self::companion::{CompanionPhase, CompanionRun};
pub use self::component::{PatchDue, Rolling, Running};
pub use self::data_step::{StepPhase, StepRun};
pub use self::exception::{Choice, Freeze, Selection, Waived, Waiver};
pub use self::gate::Override;
pub use self::job::{AskedRun, EndedRun, Job, JobRun};
pub use self::maintenance::Maintenance;
pub use self::migration::{Migration, MigrationState, Migrations, Without};
pub use self::notice::{Notice, Proof};
pub use self::reservation::{FreeTime, Reservable, Reservation};
pub use self::run::{CanaryRun, Hold, Member, Place, Run, RunPhase, WaveRun, WaveState};
pub use self::validation::{CustomerReport, ReportOutcome};
use crate::grouped;
use crate::id::{CellName, ChangeId, ComponentName, Digest, JobName, ServiceName, SlotId, TenantName, Version};
use crate::observed::SlotState;
use crate::release::Release;
use crate::time::Timestamp;

/// The format of this document; a newer one is refused rather than half understood.
pub const FORMAT: u32 = 1;

/// Versions kept after nothing runs them any more, so that a tenant can be taken back to them.
pub const PINNED_VERSIONS: usize = 5;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub format: u32,
    pub name: ServiceName,
    /// Where every tenant is.
    #[serde(with = "grouped")]
    pub seats: BTreeMap<TenantName, Seat>,
    /// Every version that a tenant is on, moves to, or may be taken back to.
    pub pinned: BTreeMap<Version, Release>,
    /// Releases in the order they were applied; ended ones are kept as long as their version is pinned.
    pub runs: Vec<Run>,
    pub cells: BTreeMap<CellName, Cell>,
    pub routing: Routing,
    /// Attempts counted over all releases, so that no number, and no effect's id with it, is ever used twice.
    #[serde(default)]
    pub attempts: u32,
    /// Put on at run time, by their numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub freezes: BTreeMap<u32, Freeze>,
    /// Who said at run time whether to be among the first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: BTreeMap<TenantName, Choice>,
    /// What is said of tenants that breaking changes would break.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub migrations: BTreeMap<ChangeId, Migrations>,
    /// When each artifact that is still known had first reached everybody.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<ComponentName, BTreeMap<Digest, Timestamp>>,
    /// The runs of every job, for each tenant or cell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub jobs: BTreeMap<JobName, Job>,
}

/// The place of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    pub cell: CellName,
    /// `None` before the first release has reached the tenant.
    pub version: Option<Version>,
    /// The version before, whose assets a loaded page may still ask for.
    pub before: Option<Version>,
    /// The generation of the last move: fences workers, over a tenant that was removed and created again too.
    pub epoch: u64,
    /// On its way to another cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<CellMove>,
    /// No request of it is served until a person resumes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// It came to a cell where nothing runs, and gets the newest completed release once that is ready there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub starting: bool,
}

/// What gateways serve.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routing {
    /// Of the desired document; raised by every change of it.
    pub generation: u64,
    /// The highest generation that all registered gateways had confirmed together.
    pub confirmed: u64,
    /// What they confirm together by the last report: lower while one that came back still serves an older table.
    #[serde(default)]
    pub reported: u64,
    /// Gateways that may still serve but do not answer.
    pub lapsed: Vec<String>,
    /// No gateway is registered.
    pub alone: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    pub slots: BTreeMap<SlotId, Slot>,
    /// What each pinned version runs here. An id is a hash of all that is run, so it is made once, when the two first meet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resolved: BTreeMap<Version, BTreeMap<ComponentName, SlotId>>,
    /// The generation whose worker ownership is in force.
    pub ownership: u64,
    /// Which version the workers with `ownership: cell` run, by component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<ComponentName, CellOwner>,
    /// The version that the next runs of jobs for the whole cell are on. It is handed over as those workers are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs_on: Option<Version>,
    /// The newest release that has begun to take away what earlier versions need of the cell's data: none of them may run
    /// here again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contracted: Option<Version>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellOwner {
    pub version: Version,
    pub epoch: u64,
    /// The generation of the hand-over.
    pub generation: u64,
}

/// A slot that shall run, or that is being left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    pub component: ComponentName,
    /// A pinned version that resolves to this slot.
    pub version: Version,
    pub phase: Phase,
    /// The generation that asks for it first. What a driver saw before is of one that has been stopped since.
    #[serde(default)]
    pub since: u64,
    pub state: SlotState,
    pub in_flight: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Run,
    /// Left at `since`; `generation` is the first that names it nowhere in a route.
    Drain {
        since: Timestamp,
        generation: u64,
    },
}

impl Service {
    /// A number for the next attempt at something.
    pub fn next_attempt(&mut self) -> u32 {
        self.attempts += 1;
        self.attempts
    }

    #[must_use]
    pub fn new(name: ServiceName) -> Self {
        Self {
            format: FORMAT,
            name,
            seats: BTreeMap::new(),
            pinned: BTreeMap::new(),
            runs: Vec::new(),
            cells: BTreeMap::new(),
            routing: Routing {
                alone: true,
                ..Routing::default()
            },
            attempts: 0,
            freezes: BTreeMap::new(),
            choices: BTreeMap::new(),
            migrations: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            jobs: BTreeMap::new(),
        }
    }

    /// Resolves every pinned version in every cell.
    pub fn resolve(&mut self) {
        for (name, cell) in &mut self.cells {
            cell.resolved.retain(|version, _| self.pinned.contains_key(version));
            for (version, release) in &self.pinned {
                if !cell.resolved.contains_key(version) {
                    cell.resolved.insert(version.clone(), release.slot_ids(name));
                }
            }
        }
    }

    /// Pins a release. What its version stood for before, if anything, is forgotten.
    pub fn pin(&mut self, release: Release) {
        for cell in self.cells.values_mut() {
            cell.resolved.remove(&release.version);
        }
        self.pinned.insert(release.version.clone(), release);
    }

    #[must_use]
    pub fn run(&self, version: &Version) -> Option<&Run> {
        self.runs.iter().rev().find(|run| run.version == *version)
    }

    /// When the oldest release in flight was applied: what has come since explains how far it is. `None` where none is in flight.
    #[must_use]
    pub fn in_flight_since(&self) -> Option<Timestamp> {
        let in_flight = self.runs.iter().filter(|run| run.in_flight());
        in_flight.map(|run| run.applied).min()
    }

    /// The version that a tenant who comes to `cell` now starts on: that of the newest completed release that runs there,
    /// else whatever most tenants of the cell are on. Never one that a release still brings or that is being taken back,
    /// and of those that nobody is on only what is ready.
    #[must_use]
    pub fn newest_confirmed(&self, cell: &CellName) -> Option<Version> {
        if let Some(version) = self.data_is_of(cell) {
            return Some(version.clone());
        }
        let here = |tenant: &TenantName| self.seats.get(tenant).is_some_and(|seat| seat.cell == *cell);
        let mut counts: BTreeMap<&Version, usize> = BTreeMap::new();
        for version in self
            .seats
            .values()
            .filter(|s| s.cell == *cell)
            .filter_map(|s| s.version.as_ref())
        {
            *counts.entry(version).or_default() += 1;
        }
        // What moved tenants came from is kept running for them.
        for run in self.runs.iter().filter(|run| run.in_flight()) {
            let members = run
                .members()
                .filter(|(tenant, member)| here(tenant) && member.place.is_on());
            for from in members.filter_map(|(_, member)| member.from.as_ref()) {
                counts.entry(from).or_default();
            }
        }
        let passes = |run: &Run| match run.phase {
            RunPhase::Queued | RunPhase::Moving | RunPhase::Superseded { .. } => true,
            RunPhase::Completed { .. } | RunPhase::RolledBack { .. } | RunPhase::Aborted { .. } => {
                run.is_being_rolled_back()
            }
        };
        counts.retain(|version, _| !self.run(version).is_some_and(passes));
        counts.retain(|version, count| *count > 0 || self.is_ready(cell, version));
        if let Some(run) = self
            .completed()
            .into_iter()
            .find(|run| counts.contains_key(&run.version))
        {
            return Some(run.version.clone());
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(version, _)| version.clone())
    }
}

impl Service {
    /// The completed releases, newest first. A hot-fix is as new as what it repairs, whatever was applied in between.
    #[must_use]
    pub fn completed(&self) -> Vec<&Run> {
        // Where the root of a hot-fix is forgotten, every known release is newer.
        let rank = |index: usize, run: &Run| match &run.hotfix {
            Some(_) => {
                let root = self.root_of(&run.version);
                self.runs.iter().position(|run| run.version == *root)
            }
            None => Some(index),
        };
        let runs = self.runs.iter().enumerate();
        let completed = runs.filter(|(_, run)| matches!(run.phase, RunPhase::Completed { .. }));
        let mut newest: Vec<_> = completed.map(|(index, run)| (rank(index, run), index, run)).collect();
        newest.sort_by_key(|(root, index, _)| (*root, *index));
        newest.into_iter().rev().map(|(_, _, run)| run).collect()
    }

    /// Every component of `version` takes work in `cell`.
    fn is_ready(&self, cell: &CellName, version: &Version) -> bool {
        let Some(cell) = self.cells.get(cell) else { return false };
        let ready = |id: &SlotId| cell.slots.get(id).is_some_and(|slot| slot.state.is_ready());
        let slots = cell.resolved.get(version);
        slots.is_some_and(|slots| slots.values().all(ready))
    }
}
