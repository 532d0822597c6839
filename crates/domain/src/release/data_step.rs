//! Work on data around a release: what it is, when it is done, and what it leaves of the way back.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CellName, ComponentName, DatabaseName, StepName};
use crate::time::Duration;

/// A command that a release runs once in each of its cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataStep {
    pub name: StepName,
    pub kind: DataStepKind,
    /// Whose artifact and configuration the command gets.
    pub component: ComponentName,
    /// What it works on: of two steps on one database in a cell, one waits for the other.
    pub database: DatabaseName,
    /// Program and arguments. `{artifact}`, `{cell}` and `{version}` are filled in; no shell reads it.
    pub command: Vec<String>,
    /// What takes its work back, run when the release has been rolled back everywhere. Empty: nothing has to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<String>,
    /// A command that has not ended by then is stopped, and has failed.
    pub timeout: Duration,
    /// Only in these cells. Empty: wherever the release moves tenants.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cells: BTreeSet<CellName>,
    /// What a rollback costs once it has begun.
    pub rollback: AfterStep,
}

/// When a step is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DataStepKind {
    /// Before the first slot of the release starts in a cell. The old version must be able to read what it leaves.
    Expand,
    /// While all tenants of the cell are out of service, in the planned downtime of the release: no version can be served during
    /// it. The new slots are ready before, and the tenants are moved to them behind it.
    #[serde(rename = "during_downtime")]
    DuringDowntime,
    /// Behind the release, once all its waves are confirmed in a cell. One that fails is tried again.
    Migrate,
    /// When the rollback window is over and no tenant of the cell runs or can return to an earlier version. There is no way
    /// back behind it.
    Contract,
}

/// What is left of the way back once a step has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AfterStep {
    /// All of it: the earlier version finds everything that was written.
    #[default]
    Clean,
    /// The earlier version does not see what was written since. Nothing is rolled back by itself; a person may.
    LosesNewWrites,
}

impl DataStepKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::DuringDowntime => "during_downtime",
            Self::Migrate => "migrate",
            Self::Contract => "contract",
        }
    }
}

impl DataStep {
    /// Whether it is run in a cell at all.
    #[must_use]
    pub fn is_for(&self, cell: &CellName) -> bool {
        self.cells.is_empty() || self.cells.contains(cell)
    }
}
