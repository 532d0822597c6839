//! A plan: the release expanded for every tenant. Immutable, known by its digest.

mod basis;
mod build;
mod canary;
mod check;
mod content;
mod data_steps;
mod describe;
mod differences;
mod document;
mod environments;
mod facts;
mod hotfix;
mod in_flight;
mod migration;
mod report;
mod required;
mod schedule;
mod select;
mod when;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::change::Impact;
use crate::files::Environment;
use crate::grouped;
use crate::id::{CellName, Digest, ServiceName, TenantName, Version, WaveName};
use crate::policy::{Policy, WavePolicy};
use crate::release::Release;

pub use self::build::{FoundArtifact, PlanInput, plan};
pub use self::check::check;
pub use self::content::{assumed, base_version, described};
pub use self::describe::rests_on_traffic;
pub use self::differences::{
    ApprovalChange, ApprovalDifference, Besides, Differences, How, Moved, NoticeDifference, Part, Replaced, SinceLast,
    Stand, WaveChange, WaveDifference, differences, replaced,
};
pub use self::document::{
    ChangedDocument, Document, LastPlanDocument, MovedDocument, ProblemDocument, StandDocument, bake_in_words,
    canary_in_words,
};
pub use self::environments::{ComponentDrift, VariableDrift, drift};
pub use self::facts::Facts;
pub use self::in_flight::Skipped;
pub use self::report::{
    About, ClassReport, KnownTraffic, Missed, MissedDay, PlanReport, Problem, ProblemKind, ProblemPlace, Rollback,
    Severity, StartReason, WaveReport,
};
pub use self::schedule::{
    Due, NoticeKey, PlannedApproval, PlannedMigration, PlannedNotice, PlannedValidation, PlannedWindow, Schedule, Start,
};

/// The format of this document.
pub const FORMAT: u32 = 1;

/// The decisions, and nothing else: what they were based on and when they were made stands in the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub format: u32,
    pub service: ServiceName,
    pub release: Release,
    pub policy: Policy,
    pub schedule: Schedule,
    pub waves: Vec<PlannedWave>,
    /// What tenants did not get on their way, by the version that they come from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<Version, Skipped>,
    /// Tenants of the service that this release does not move.
    #[serde(with = "grouped")]
    pub left_behind: BTreeMap<TenantName, LeftBehind>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedWave {
    pub name: WaveName,
    pub policy: WavePolicy,
    /// When its tenants move, by the index of their class in [`Schedule::classes`]. A class that is not here moves as soon
    /// as what comes before is done.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub starts: BTreeMap<u16, Start>,
    #[serde(with = "grouped")]
    pub tenants: BTreeMap<TenantName, PlannedTenant>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedTenant {
    pub cell: CellName,
    /// The version it is moved from; `None` where it has none yet.
    pub from: Option<Version>,
    /// The release that this one patches, where the tenant is on that now: it goes back to `from` all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Version>,
    /// Why it is in this wave.
    pub because: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftBehind {
    pub cell: CellName,
    pub on: Option<Version>,
    pub because: Arc<str>,
}

impl PlannedWave {
    /// Those of the cells that it moves tenants in.
    #[must_use]
    pub fn environments(&self, release: &Release) -> BTreeSet<Environment> {
        let cells: BTreeSet<&CellName> = self.tenants.values().map(|tenant| &tenant.cell).collect();
        cells.into_iter().map(|cell| release.environment_of(cell)).collect()
    }
}

impl Plan {
    /// Over the decisions in their canonical JSON.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// Of all the changes that it brings to anybody.
    #[must_use]
    pub fn impact(&self) -> Impact {
        in_flight::impact(&self.release, &self.skipped)
    }

    /// How many tenants it moves.
    #[must_use]
    pub fn moves(&self) -> usize {
        self.waves.iter().map(|wave| wave.tenants.len()).sum()
    }
}

#[cfg(test)]
mod tests;
