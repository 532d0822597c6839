//! What a plan is based on and what stands in its way: for people, and no part of the decisions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::differences::{Replaced, SinceLast};
use crate::calendar::{LocalDate, Measured, Period};
use crate::id::{CalendarName, CellName, ComponentName, Digest, StepName, TenantName, Version, WaveName, WindowName};
use crate::policy::{NoticeKind, Skip};
use crate::time::{Duration, Timestamp};

/// An unread report is not actionable.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanReport {
    pub problems: Vec<Problem>,
    pub waves: Vec<WaveReport>,
    /// The generation of the routing that the plan was made on.
    pub generation: u64,
    /// The release in flight that this one comes after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Version>,
    /// Why it comes after that one, where the playbook says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queues_because: Option<String>,
    /// The releases in flight whose tenants it takes, as far as they are not moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes_over: Vec<Version>,
    /// The releases in flight that it moves beside, in other cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Version>,
    /// How many tenants run which version now; `-` counts those that run none.
    #[serde(default)]
    pub runs: BTreeMap<String, usize>,
    /// Release days that this release cannot leave on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<MissedDay>,
    /// The digest of each thing that the plan was made of, by its name.
    #[serde(default)]
    pub basis: BTreeMap<String, Digest>,
    /// Where the traffic of tenants is known from, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<KnownTraffic>,
    /// What has changed since the last plan for the release, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_last: Option<SinceLast>,
    /// What the release changes of the versions that tenants run, where what they run is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<Replaced>,
    /// Planning again before this leads to the same decisions if nothing else changes. `None`: at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// The traffic profile that a plan is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownTraffic {
    /// Over what it was measured; of one that a person has written nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// Tenants of the plan that it knows.
    pub known: usize,
    /// Tenants of the plan.
    pub tenants: usize,
}

/// A release day that the release cannot leave on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissedDay {
    pub date: LocalDate,
    pub because: Missed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// It is planned after the cut-off.
    CutOff,
    /// A notice that is owed could not be sent in time.
    Notice,
    /// No window is open on that day.
    Closed,
    /// A freeze forbids it.
    Frozen { freeze: WindowName, reason: Option<String> },
}

/// Something that stands in the way of a release, or that its reader should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    pub severity: Severity,
    pub kind: ProblemKind,
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// What it is about, so that its place in the files can be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// Where that is written.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub place: Option<ProblemPlace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// There is no plan as long as this stands.
    Blocks,
    /// There is a plan, without the tenants that this is about.
    Excludes,
    /// There is a plan, and its reader should know this.
    Warns,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    OtherService,
    VersionTaken,
    NoPlaybook,
    Component,
    Artifact,
    Change,
    /// What a release patches is not there, or cannot be taken over.
    Patches,
    /// A hot-fix that is for nobody, or that would get lost.
    Hotfix,
    /// More versions at once in a cell than the playbook allows.
    Versions,
    /// A variable without a value.
    Configuration,
    /// Environments that a release would not go through in their order, or that differ unsaid.
    Environment,
    /// Work on data that cannot be done so.
    Step,
    /// A share of the requests that cannot be split off.
    Canary,
    OtherCell,
    /// The cadence has no day that the release can take.
    NoReleaseDay,
    /// A tenant is written wrongly.
    Tenant,
    NobodyMoves,
    WaveMatchesNobody,
    WindowNeverOpens,
    /// A calendar cannot answer.
    Calendar,
    CalendarEnds,
    NoticeLate,
    NoticeImpossible,
    NoContact,
    NoProfile,
    /// Tenants have not migrated for a breaking change that comes to them.
    Unmigrated,
    /// A component has run unchanged for longer than the playbook allows.
    PatchOverdue,
    /// The planner broke a rule of its own.
    Defect,
}

/// What a problem is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    Service,
    Release,
    Playbook,
    Wave(WaveName),
    /// A notice of the playbook, by its place in the list.
    Notice(usize),
    Window(WindowName),
    Calendar(CalendarName),
    Tenant(TenantName),
    Component(ComponentName),
    /// A variable that a component requires.
    Variable {
        component: ComponentName,
        variable: String,
    },
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProblemPlace {
    pub file: String,
    /// From 1.
    pub line: usize,
}

/// When a wave is expected and what it can be taken back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveReport {
    pub wave: WaveName,
    pub tenants: usize,
    pub cells: BTreeSet<CellName>,
    /// How many tenants come from which version; `-` counts those that have none yet.
    pub from: BTreeMap<String, usize>,
    /// The earliest instant it can start, if everything before takes its least time.
    pub not_before: Timestamp,
    pub because: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_canary: Option<Duration>,
    pub least_bake: Duration,
    pub rollback: Rollback,
    /// When and why its classes of tenants move, by their index in the schedule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<u16, ClassReport>,
    /// Requests an hour of its tenants, on average over the week, where there is a traffic profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_hour: Option<u64>,
    /// Tenants whose peak the bake does not wait for: they have too little traffic, or the same all the time.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub excused: BTreeSet<TenantName>,
}

/// When a class of tenants of a wave is expected to move, and why then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassReport {
    /// If everything before takes its least time.
    pub expected: Timestamp,
    /// What has moved it there, in this order. Empty: nothing, it is as soon as what comes before is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<StartReason>,
}

/// Why tenants move when they do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StartReason {
    /// The next day on which releases leave, by the clocks of the tenants.
    Cadence {
        date: LocalDate,
        /// Earlier ones that it cannot leave on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missed: Vec<MissedDay>,
    },
    /// The day of the release that the playbook gives the wave.
    Day { day: u16, date: LocalDate },
    /// The notice that has to be sent so long before.
    Notice { kind: NoticeKind, period: Period },
    /// The window opens.
    Opens { window: WindowName },
    /// The window is open.
    Within { window: WindowName },
    /// It would have been at `from` but for a freeze.
    Moved {
        from: Timestamp,
        freeze: WindowName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Of all times that are admissible until `until`, this one has the least traffic.
    Quietest { until: Timestamp, per_hour: u64 },
    /// An emergency does not wait for these.
    Skipped { what: BTreeSet<Skip> },
}

/// Whether the wave's tenants can go back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rollback {
    /// At any time, by one verb, to the version they came from.
    Clean,
    /// Not once the wave has entered this stage.
    Until(String),
    /// These tenants had no version before: there is nothing to go back to.
    NothingBefore,
    /// Once this step has begun, the earlier version does not see what was written since: only by one verb, never by itself.
    LosesNewWrites(StepName),
    /// At any time; tenants are out of service again while what this step has done in downtime is undone.
    CleanByUndoing(StepName),
    /// Not once this step has begun in the downtime: it has no `undo`.
    ImpossibleAfterDowntime(StepName),
    /// At any time before this step, which begins when the rollback window is over.
    ImpossibleAfter(StepName),
}

impl Problem {
    #[must_use]
    pub fn blocks(kind: ProblemKind, message: String, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Blocks, kind, message, remedy.into())
    }

    #[must_use]
    pub fn excludes(kind: ProblemKind, message: String, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Excludes, kind, message, remedy.into())
    }

    #[must_use]
    pub fn warns(kind: ProblemKind, message: String, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Warns, kind, message, remedy.into())
    }

    fn new(severity: Severity, kind: ProblemKind, message: String, remedy: String) -> Self {
        Self {
            severity,
            kind,
            message,
            remedy,
            about: None,
            place: None,
        }
    }

    #[must_use]
    pub fn about(self, about: About) -> Self {
        Self {
            about: Some(about),
            ..self
        }
    }
}

impl PlanReport {
    #[must_use]
    pub fn blocked(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Blocks)
    }
}
