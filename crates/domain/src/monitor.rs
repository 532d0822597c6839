//! Who is watched, and against whom: monitors run in every state in which a release is in flight.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Verdict;
use crate::id::{TenantName, Version, WaveName};
use crate::policy::HealthPolicy;
use crate::release::Stage;
use crate::service::{Place, Run, RunPhase, Service, WaveRun, WaveState};
use crate::time::Timestamp;

/// One judgement to keep up to date; its outcome goes back as an event when it changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    pub version: Version,
    pub wave: WaveName,
    /// Part of the event: a judgement of an earlier attempt is ignored.
    pub attempt: u32,
    /// Who decides which requests the new version gets.
    pub assignment: Assignment,
    /// The tenants that have moved, and the version that each came from; in a canary those whose clients are split, and the version that they are on.
    pub tenants: BTreeMap<TenantName, Option<Version>>,
    /// In a canary, when its share began to be split. Else when the wave began to switch: before it, the tenants' traffic is their history on the old version.
    pub since: Timestamp,
    pub policy: HealthPolicy,
    /// Requests that the playbook wants to see judged.
    pub requests_min: u64,
    /// The wave is confirmed: from here on it is watched for harm alone.
    pub confirmed: bool,
}

/// Who decides which requests the new version gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assignment {
    /// Their tenant, which has moved.
    Tenants,
    /// Chance, for each client of a tenant that has not: a canary. `from` says from when on what a tenant's requests show is judged.
    Requests { from: BTreeMap<TenantName, Timestamp> },
}

impl Monitor {
    /// Without the tenants of a canary that still warm up; `None` where that are all.
    #[must_use]
    pub fn warmed_up(mut self, now: Timestamp) -> Option<Self> {
        if let Assignment::Requests { from } = &self.assignment {
            self.tenants
                .retain(|tenant, _| from.get(tenant).is_none_or(|from| *from <= now));
        }
        (!self.tenants.is_empty()).then_some(self)
    }

    /// When the next tenant of a canary has warmed up.
    #[must_use]
    pub fn next_warm(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.assignment {
            Assignment::Tenants => None,
            Assignment::Requests { from } => from.values().copied().filter(|from| *from > now).min(),
        }
    }

    /// Whether chance decides, for each client.
    #[must_use]
    pub const fn is_canary(&self) -> bool {
        match self.assignment {
            Assignment::Tenants => false,
            Assignment::Requests { .. } => true,
        }
    }

    /// Whether a verdict is heard at all: what confirmed a wave stands until something speaks against it, and as its tenants are compared with
    /// fewer and fewer others, or with none, a doubt says nothing against it.
    #[must_use]
    pub const fn hears(&self, verdict: Verdict) -> bool {
        !self.confirmed || verdict.is_clear()
    }
}

/// Every wave of every release in flight that has tenants, or clients of tenants, on the new version. A wave whose playbook does not let
/// it be watched (`bake.longest` zero) has none once its tenants have moved.
#[must_use]
pub fn monitors(state: &Service) -> Vec<Monitor> {
    let mut monitors = Vec::new();
    for run in state.runs.iter().filter(|run| run.phase == RunPhase::Moving) {
        monitors.extend(run.waves.iter().filter_map(|wave| of_canary(state, run, wave)));
        for wave in run.waves.iter().filter(|wave| !wave.policy.bake.longest.is_zero()) {
            let since = match wave.state {
                WaveState::Active {
                    stage: Stage::Switch | Stage::Bake | Stage::Confirm,
                    since,
                } => since,
                WaveState::Confirmed { at } => at,
                WaveState::Active {
                    stage: Stage::Prepare | Stage::Verify | Stage::Canary,
                    ..
                }
                | WaveState::Waiting
                | WaveState::RolledBack { .. }
                | WaveState::Dropped
                | WaveState::Superseded { .. } => continue,
            };
            let moved = wave
                .members
                .iter()
                .filter(|(_, member)| matches!(member.place, Place::Moved { .. }));
            let tenants: BTreeMap<_, _> = moved
                .map(|(name, member)| (name.clone(), member.from.clone()))
                .collect();
            if tenants.is_empty() {
                continue;
            }
            monitors.push(Monitor {
                version: run.version.clone(),
                wave: wave.name.clone(),
                attempt: wave.attempt,
                assignment: Assignment::Tenants,
                tenants,
                since: wave.switched.unwrap_or(since),
                policy: run.policy.health.clone(),
                requests_min: wave.policy.bake.requests,
                confirmed: matches!(wave.state, WaveState::Confirmed { .. }),
            });
        }
    }
    monitors
}

/// What a canary has split is judged against the other requests of the same tenants.
fn of_canary(state: &Service, run: &Run, wave: &WaveRun) -> Option<Monitor> {
    let (policy, canary) = (wave.policy.canary?, wave.canary.as_ref()?);
    let tenants: BTreeMap<_, _> = canary
        .tenants
        .keys()
        .filter_map(|tenant| Some((tenant.clone(), state.seats.get(tenant)?.version.clone())))
        .collect();
    let from = canary.tenants.iter();
    let from = from.map(|(tenant, since)| (tenant.clone(), *since + policy.warm_up));
    (!tenants.is_empty()).then(|| Monitor {
        version: run.version.clone(),
        wave: wave.name.clone(),
        attempt: wave.attempt,
        assignment: Assignment::Requests { from: from.collect() },
        tenants,
        since: canary.since,
        policy: run.policy.health.clone(),
        requests_min: policy.requests,
        confirmed: false,
    })
}
