//! The runs of a job for one tenant or one cell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Service;
use crate::calendar::Schedule;
use crate::effect::EffectId;
use crate::event::Verdict;
use crate::id::{Actor, CellName, JobName, JobOf, TenantName, Version};
use crate::time::Timestamp;

/// What has been run, is run, and is to be run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The oldest scheduled instant whose run has not begun. Every one from it on that has passed waits for its run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// What `next` is counted by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Another schedule counts since: the instants of `schedule` up to here are run, and then those of the other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Runs that people want besides, the first one next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<AskedRun>,
    /// The only one that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<JobRun>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<EndedRun>,
    /// How many runs have failed on each version that is still known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<Version, u32>,
}

/// A run that a person wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedRun {
    pub by: Actor,
    pub reason: String,
}

/// A run that goes on. What it began with it has to its end, whatever its tenant runs meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRun {
    pub version: Version,
    pub cell: CellName,
    pub since: Timestamp,
    /// Its number.
    pub attempt: u32,
    /// The scheduled instant that it is for; `None`: a person wanted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// The run that has ended last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndedRun {
    pub run: JobRun,
    pub ended: Timestamp,
    pub verdict: Verdict,
    pub outcome: String,
}

impl JobRun {
    #[must_use]
    pub fn effect(&self, job: &JobName) -> EffectId {
        EffectId::job(&self.version, &self.cell, job, self.attempt)
    }
}

impl Service {
    /// A run of a job that goes on in a cell on one of these versions, in words.
    #[must_use]
    pub fn job_running(&self, cell: &CellName, on: impl Fn(&Version) -> bool) -> Option<String> {
        let runs = self
            .jobs
            .iter()
            .filter_map(|(name, job)| Some((name, job.run.as_ref()?)));
        let mut here = runs.filter(|(_, run)| run.cell == *cell && on(&run.version));
        here.next()
            .map(|(name, run)| format!("{} goes on with {}", name.in_words(), run.version))
    }

    /// What the next run of a job would be on, and in which cell. `None`: its tenant is gone, or has no version yet.
    #[must_use]
    pub fn job_goes_on(&self, job: &JobName) -> Option<(&CellName, &Version)> {
        match &job.of {
            JobOf::Tenant(tenant) => {
                let seat = self.seats.get(tenant)?;
                Some((&seat.cell, seat.version.as_ref()?))
            }
            JobOf::Cell(name) => {
                let (name, cell) = self.cells.get_key_value(name)?;
                Some((name, cell.jobs_on.as_ref()?))
            }
        }
    }

    /// The run of a tenant's job that goes on.
    #[must_use]
    pub fn job_running_for(&self, tenant: &TenantName) -> Option<&JobName> {
        let mut own = self
            .jobs
            .iter()
            .filter(|(name, job)| name.tenant() == Some(tenant) && job.run.is_some());
        own.next().map(|(name, _)| name)
    }
}
