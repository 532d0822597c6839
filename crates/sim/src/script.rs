//! A scenario: everything that happens to a world, line by line. What a seed makes up is written down as one first, so that
//! a run depends on its scenario alone and a failing one can be kept, cut down and replayed. `docs/simulation.md` has the
//! language.

mod gate;
mod habits;
mod job;
mod planted;
mod print;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::event::{Scope, Verdict};
use tidegate_domain::id::{CellName, CustomerName, ServiceName, TenantName, Version, WaveName};
use tidegate_domain::policy::{Bake, OnFailure, OnInconclusive, Parallel, WhileInFlight};
use tidegate_domain::release::{AfterStep, Companion, DataStepKind, Ownership, Reversible};
use tidegate_domain::service::{CompanionPhase, MigrationState, ReportOutcome, Selection, Waived};
use tidegate_domain::time::{Duration, Timestamp};

use crate::boundary::Boundary;

pub use gate::GateRule;
pub use habits::Habits;
pub use job::JobLine;
pub use planted::Planted;
pub use read::Unreadable;

#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// When the world begins.
    pub begins: Timestamp,
    pub cells: Vec<CellName>,
    /// Those that exist from the start.
    pub tenants: BTreeMap<TenantName, CellName>,
    pub gateways: Vec<String>,
    /// How the worker shares its work; `None`: the product has no worker.
    pub worker: Option<Ownership>,
    /// `None`: the product has no job.
    pub job: Option<JobLine>,
    pub releases: BTreeMap<Version, Release>,
    /// The files of a project by their paths, as people write them: where there are some, releases are planned from them, and
    /// cells, tenants and releases stand there alone.
    pub files: BTreeMap<String, String>,
    /// The traffic of tenants, for quietest times and peaks.
    pub traffic: BTreeMap<TenantName, TrafficLine>,
    pub habits: Habits,
    /// In order of time.
    pub actions: Vec<(Duration, Action)>,
}

/// What can be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Tenants by wave; the last wave takes who is in none.
    pub waves: Vec<Vec<TenantName>>,
    pub bake: Bake,
    pub gap: Duration,
    pub gates: u8,
    /// What is otherwise with some of them, by their places.
    pub gate_rules: BTreeMap<u8, GateRule>,
    pub parallel: Parallel,
    pub on_failure: OnFailure,
    pub on_inconclusive: OnInconclusive,
    pub reversible: Reversible,
    pub rollback_window: Duration,
    /// The `admin` component and the worker are the same as those of the release before.
    pub only_api: bool,
    pub while_in_flight: WhileInFlight,
    /// The version that it repairs for those who run it.
    pub hotfix: Option<Version>,
    /// It was built before the hot-fixes there are, and lacks their commits.
    pub lacks_fixes: bool,
    /// The releases of other services that it goes together with, and itself, in their order.
    pub together: Vec<Companion>,
    /// Its work on data, each step called as its kind is.
    pub steps: BTreeMap<DataStepKind, AfterStep>,
    /// What is done in downtime has no undo.
    pub for_good: bool,
    /// A share of each wave's requests goes first, for at least and at most so long.
    pub canary: Option<(Duration, Duration)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Person(Command),
    /// Applies the same plan again: nothing may change.
    ApplyAgain(Version),
    /// Rolls everything back in a copy of the world: where it is possible, every tenant must be back in the end.
    TryRollBack(Version),
    /// How the release does from now on; the tenants that it hurts, all where none is named.
    Health(Version, Verdict, Vec<TenantName>),
    /// How its gates end from now on.
    Gate(Version, GateMood),
    /// How a step of its work on data ends from now on.
    Step(Version, DataStepKind, GateMood),
    /// How far the release of another service is from now on that one of ours goes together with.
    Companion(Version, ServiceName, CompanionPhase),
    Slots(Version, CellName, SlotMood),
    Gateway(String, GatewayMood),
    /// A request that takes long.
    Long(TenantName, Duration),
    /// The worker processes of a version in a cell are stopped where they stand, or go on.
    Freeze(Version, CellName),
    Thaw(Version, CellName),
    /// The server's clock jumps, in milliseconds.
    Clock(i64),
    /// The server dies, or repeats itself, when it next comes to this boundary.
    Fault(Boundary),
    /// A defect is planted, to see that a rule notices it.
    Plant(Version, Planted),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Apply(Version),
    Hold(Version, Option<Duration>),
    Resume(Version),
    Promote(Version),
    Abort(Version),
    RollBack(Version, Scope),
    Add(TenantName, CellName),
    Remove(TenantName),
    /// To another cell.
    MoveTo(TenantName, CellName),
    Suspend(TenantName),
    ResumeTenant(TenantName),
    /// In the name of somebody.
    Approve(Version, String),
    Reject(Version, String),
    /// Lets a wave go past a gate.
    Override {
        version: Version,
        wave: WaveName,
        gate: String,
    },
    /// Answers what a gate asks, in the name of somebody.
    Answer {
        version: Version,
        wave: WaveName,
        gate: String,
        yes: bool,
        person: String,
    },
    /// Says that every notice of the release was sent, so long ago.
    Notify(Version, Duration),
    Waive(Version, Waived, Duration, Selection),
    Freeze {
        of: Selection,
        /// From then on, counted from now.
        after: Duration,
        length: Option<Duration>,
    },
    /// Lifts every freeze.
    Unfreeze,
    OptIn(TenantName),
    OptOut(TenantName),
    /// A customer has tried the release.
    Report(Version, CustomerName, ReportOutcome),
    /// How far tenants are with what the change `loud` asks of them.
    Migrate(MigrationState, BTreeSet<TenantName>),
    /// The tenant wants to be moved so long after now; `None`: when the plan has it.
    Reserve(Version, TenantName, Option<Duration>),
}

/// How much traffic a tenant has in an hour of its peak; in the others it has a tenth of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrafficLine {
    pub hourly: u32,
    /// Hours of the week, from Monday 00:00.
    pub peak_hours: BTreeSet<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateMood {
    Ends(Verdict),
    /// Cannot be run for half a minute, then passes.
    Retried,
    /// Cannot be run at all.
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotMood {
    /// Starting takes this long.
    Takes(Duration),
    /// What starts does not get ready.
    Fails,
    /// What runs dies and starts again.
    Crashes,
    /// What failed or crashed comes up.
    Heals,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayMood {
    /// Serves on and is not heard.
    Lapses,
    Returns,
    /// Another incarnation takes over from the persisted table.
    Restarts,
    /// Ends in order.
    Leaves,
    /// A new one comes, without a table.
    Joins,
    /// Takes this long to take a table.
    Takes(Duration),
}

/// 2026-01-05T00:00:00Z, a Monday.
pub const MIDNIGHT: Timestamp = Timestamp(1_767_571_200_000);

impl Default for Script {
    fn default() -> Self {
        Self {
            begins: MIDNIGHT,
            cells: Vec::new(),
            tenants: BTreeMap::new(),
            gateways: Vec::new(),
            worker: None,
            job: None,
            releases: BTreeMap::new(),
            files: BTreeMap::new(),
            traffic: BTreeMap::new(),
            habits: Habits::default(),
            actions: Vec::new(),
        }
    }
}

impl Script {
    /// The releases there are.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let of_file = |path: &String| path.strip_prefix("releases/")?.strip_suffix(".yaml")?.parse().ok();
        let of_files = self.files.keys().filter_map(of_file);
        self.releases.keys().cloned().chain(of_files).collect()
    }

    /// Puts the actions in the order of their time; those of one moment stay as they are.
    pub fn sort(&mut self) {
        self.actions.sort_by_key(|(at, _)| at.as_millis());
    }
}

#[cfg(test)]
mod tests;
