//! Who is watched, and against whom: monitors run in every state in which a release is in flight.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Verdict;
use crate::id::{TenantName, Version, WaveName};
use crate::policy::HealthPolicy;
use crate::release::Stage;
use crate::service::{Place, RunPhase, Service, WaveState};
use crate::time::Timestamp;

/// One judgement to keep up to date; its outcome goes back as an event when it changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    pub version: Version,
    pub wave: WaveName,
    /// Part of the event: a judgement of an earlier attempt is ignored.
    pub attempt: u32,
    /// The tenants that have moved, and the version that each came from.
    pub tenants: BTreeMap<TenantName, Option<Version>>,
    /// When the wave began to switch: before it, the tenants' traffic is their history on the old version.
    pub since: Timestamp,
    pub policy: HealthPolicy,
    /// Requests that the playbook wants to see judged.
    pub requests_min: u64,
    /// The wave is confirmed: from here on it is watched for harm alone.
    pub confirmed: bool,
}

impl Monitor {
    /// Whether a verdict is heard at all: what confirmed a wave stands until something speaks against it, and as its tenants are compared with
    /// fewer and fewer others, or with none, a doubt says nothing against it.
    #[must_use]
    pub const fn hears(&self, verdict: Verdict) -> bool {
        !self.confirmed || verdict.is_clear()
    }
}

/// Every wave of every release in flight that has tenants on the new version. A wave whose playbook does not let it be
/// watched (`bake.longest` zero) has none.
#[must_use]
pub fn monitors(state: &Service) -> Vec<Monitor> {
    let mut monitors = Vec::new();
    for run in state.runs.iter().filter(|run| run.phase == RunPhase::Moving) {
        for wave in run.waves.iter().filter(|wave| !wave.policy.bake.longest.is_zero()) {
            let since = match wave.state {
                WaveState::Active {
                    stage: Stage::Switch | Stage::Bake | Stage::Confirm,
                    since,
                } => since,
                WaveState::Confirmed { at } => at,
                WaveState::Active {
                    stage: Stage::Prepare | Stage::Verify,
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
