//! How a job is run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::Schedule;
use crate::time::Duration;

/// What a component of the kind `job` says of its runs. The default is that of a job that is only run on demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobTerms {
    #[serde(default)]
    pub per: JobPer,
    /// `None`: only on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    #[serde(default)]
    pub missed: MissedRuns,
    /// A run that has not ended by then is stopped, and has failed.
    pub timeout: Duration,
}

/// Whom one run of a job is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobPer {
    /// One tenant, on the version that the tenant is on.
    #[default]
    Tenant,
    /// A whole cell, on one version: that of the wave before until the cell's last tenant has moved.
    Cell,
}

/// What becomes of runs whose time has passed: the run before went on, nobody could run them, or Tidegate was not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MissedRuns {
    /// Each is run, one after the other, the oldest first.
    #[default]
    All,
    /// One run makes up for all of them.
    Once,
}

impl JobTerms {
    /// How long a run may take where nothing else is said.
    pub const TIMEOUT: Duration = Duration::from_hours(1);

    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for JobTerms {
    fn default() -> Self {
        Self {
            per: JobPer::default(),
            schedule: None,
            missed: MissedRuns::default(),
            timeout: Self::TIMEOUT,
        }
    }
}
