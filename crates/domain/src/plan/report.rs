//! What a plan is based on and what stands in its way: for people, and no part of the decisions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::{CellName, Version, WaveName};
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
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    pub severity: Severity,
    pub text: String,
    /// What to do about it.
    pub help: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// There is no plan as long as this stands.
    Blocks,
    /// There is a plan, and its reader should know this.
    Warns,
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
    pub least_bake: Duration,
    pub rollback: Rollback,
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
}

impl Problem {
    #[must_use]
    pub fn blocks(text: String, help: impl Into<String>) -> Self {
        Self {
            severity: Severity::Blocks,
            text,
            help: help.into(),
        }
    }

    #[must_use]
    pub fn warns(text: String, help: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warns,
            text,
            help: help.into(),
        }
    }
}

impl PlanReport {
    #[must_use]
    pub fn blocked(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Blocks)
    }
}
