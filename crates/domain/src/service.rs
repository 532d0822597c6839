//! The state of a service: every release in flight and where each tenant is. One row, one generation.

mod approval;
mod exception;
mod notice;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::approval::{Approval, Given};
pub use self::exception::{Choice, Freeze, Selection, Waived, Waiver};
pub use self::notice::{Notice, Proof};
use crate::event::Judgement;
use crate::grouped;
use crate::id::{Actor, CellName, ComponentName, Digest, ServiceName, SlotId, TenantName, Version, WaveName};
use crate::observed::SlotState;
use crate::plan::{NoticeKey, Schedule, Start};
use crate::policy::{Policy, WavePolicy};
use crate::release::{Release, Stage};
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

/// A release on its way, or one that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    pub version: Version,
    pub plan: Digest,
    /// Who applied it.
    pub author: Actor,
    /// Who made the plan, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_by: Option<Actor>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// When its tenants may move, as the plan has it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// What has happened to the notices of the schedule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notices: BTreeMap<NoticeKey, Notice>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    pub applied: Timestamp,
    pub policy: Policy,
    pub phase: RunPhase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    pub waves: Vec<WaveRun>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunPhase {
    /// Behind an earlier release.
    Queued,
    Moving,
    /// Every tenant of the plan is on it, or was left behind by name.
    Completed {
        at: Timestamp,
    },
    /// No tenant is on it any more.
    RolledBack {
        at: Timestamp,
    },
    /// Ended by a person.
    Aborted {
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    pub by: Actor,
    pub reason: String,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveRun {
    pub name: WaveName,
    pub policy: WavePolicy,
    pub state: WaveState,
    /// Another number when the wave starts again or is resumed.
    pub attempt: u32,
    /// A person has let it go on: what had failed gets its whole time to recover.
    #[serde(default)]
    pub resumed: bool,
    #[serde(with = "grouped")]
    pub members: BTreeMap<TenantName, Member>,
    /// When its tenants move, by class of the schedule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub starts: BTreeMap<u16, Start>,
    /// When the last tenant was moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Timestamp>,
    /// Since when somebody of those that wait may move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted: Option<Timestamp>,
    /// Classes whose window lets a wave finish that has begun in it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub finishing: BTreeSet<u16>,
    /// When this attempt moved its first tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched: Option<Timestamp>,
    /// One for each gate of the policy, `None` until it has ended.
    pub gates: Vec<Option<Judgement>>,
    /// The last judgement of the moved tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Judgement>,
    /// When it was last judged so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Timestamp>,
    /// A person skipped the rest of the bake.
    #[serde(default)]
    pub promoted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaveState {
    /// Not started.
    Waiting,
    Active {
        stage: Stage,
        since: Timestamp,
    },
    Confirmed {
        at: Timestamp,
    },
    RolledBack {
        at: Timestamp,
        reason: String,
    },
    /// Never started: the release was aborted.
    Dropped,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The version that the plan moves the tenant from. Who had none and is taken back gets that of the others.
    pub from: Option<Version>,
    pub place: Place,
}

/// How far a member is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    Waiting,
    /// On the release since the routing generation.
    Moved {
        generation: u64,
    },
    /// Shall go back as soon as the slots of its earlier version are ready.
    Returning {
        reason: String,
    },
    Returned {
        generation: u64,
        reason: String,
    },
    /// Not moved by this release.
    Left {
        reason: String,
    },
}

/// A release that nothing makes wait needs no schedule written down.
fn is_default(schedule: &Schedule) -> bool {
    *schedule == Schedule::default()
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

    /// The version that a tenant who comes to `cell` now starts on: that of the newest completed release that runs there,
    /// else whatever most tenants of the cell are on. Never one that a release still brings or that is being taken back,
    /// and of those that nobody is on only what is ready.
    #[must_use]
    pub fn newest_confirmed(&self, cell: &CellName) -> Option<Version> {
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
        let passes = |run: &Run| !run.phase.has_ended() || run.is_being_rolled_back();
        counts.retain(|version, _| !self.run(version).is_some_and(passes));
        counts.retain(|version, count| *count > 0 || self.is_ready(cell, version));
        let completed =
            |run: &&Run| matches!(run.phase, RunPhase::Completed { .. }) && counts.contains_key(&run.version);
        if let Some(run) = self.runs.iter().rev().find(completed) {
            return Some(run.version.clone());
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(version, _)| version.clone())
    }
}

impl Service {
    /// Every component of `version` takes work in `cell`.
    fn is_ready(&self, cell: &CellName, version: &Version) -> bool {
        let Some(cell) = self.cells.get(cell) else { return false };
        let ready = |id: &SlotId| cell.slots.get(id).is_some_and(|slot| slot.state.is_ready());
        let slots = cell.resolved.get(version);
        slots.is_some_and(|slots| slots.values().all(ready))
    }
}

impl Run {
    /// The run may still move tenants forward, or is bringing some back.
    #[must_use]
    pub fn in_flight(&self) -> bool {
        !self.phase.has_ended() || self.returning()
    }

    #[must_use]
    pub fn returning(&self) -> bool {
        self.members()
            .any(|(_, member)| matches!(member.place, Place::Returning { .. }))
    }

    /// More than single tenants: a wave of it is on its way back.
    #[must_use]
    pub fn is_being_rolled_back(&self) -> bool {
        let returning = |member: &Member| matches!(member.place, Place::Returning { .. });
        let back = |wave: &&WaveRun| matches!(wave.state, WaveState::RolledBack { .. });
        let mut waves = self.waves.iter().filter(back);
        waves.any(|wave| wave.members.values().any(returning))
    }

    /// What most of the tenants that the release has moved come from, of those that `counts`.
    pub fn came_from(&self, counts: impl Fn(&TenantName) -> bool) -> Option<&Version> {
        let came = |member: &Member| member.place.is_on() || matches!(member.place, Place::Returned { .. });
        let moved = self.members().filter(|(tenant, member)| came(member) && counts(tenant));
        let mut versions: BTreeMap<&Version, usize> = BTreeMap::new();
        for from in moved.filter_map(|(_, member)| member.from.as_ref()) {
            *versions.entry(from).or_default() += 1;
        }
        let most = versions.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(version, _)| version)
    }

    pub fn members(&self) -> impl Iterator<Item = (&TenantName, &Member)> {
        self.waves.iter().flat_map(|wave| &wave.members)
    }

    /// Some tenant is on this release.
    #[must_use]
    pub fn holds_tenants(&self) -> bool {
        self.members().any(|(_, member)| member.place.is_on())
    }

    /// The wave that is on its way or next to start.
    #[must_use]
    pub fn current(&self) -> Option<usize> {
        self.waves
            .iter()
            .position(|wave| matches!(wave.state, WaveState::Waiting | WaveState::Active { .. }))
    }
}

impl Place {
    /// The tenant is on the release, if only until it can go back.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::Moved { .. } | Self::Returning { .. })
    }
}

impl WaveRun {
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        match self.state {
            WaveState::Active { stage, .. } => Some(stage),
            WaveState::Confirmed { .. } => Some(Stage::Confirm),
            WaveState::Waiting | WaveState::RolledBack { .. } | WaveState::Dropped => None,
        }
    }

    /// The cells of the members that this wave moves or has moved.
    #[must_use]
    pub fn cells(&self, seats: &BTreeMap<TenantName, Seat>) -> BTreeSet<CellName> {
        let stays = |member: &Member| matches!(member.place, Place::Left { .. } | Place::Returned { .. });
        self.members
            .iter()
            .filter(|(_, member)| !stays(member))
            .filter_map(|(tenant, _)| seats.get(tenant).map(|seat| seat.cell.clone()))
            .collect()
    }
}
