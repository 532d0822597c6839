//! A release that patches another takes its place: the same waves, no longer with what has failed.

use std::collections::BTreeMap;

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::TenantName;
use crate::plan::Plan;
use crate::service::{Place, Reservation, StepRun, WaveState};

impl Turn {
    /// What comes after the patched release counts on it, and would be left behind.
    pub fn check_patched(&self, plan: &Plan) -> Result<(), Refused> {
        let Some((patched, _)) = self.patched(plan) else {
            return Ok(());
        };
        let version = &plan.release.version;
        let open = |step: &&StepRun| step.holds_data() && !step.is_done();
        if let Some(step) = self.state.runs[patched].steps.iter().find(open) {
            return Err(Refused::PatchedIsAtWork {
                release: version.clone(),
                patched: self.state.runs[patched].version.clone(),
                cell: step.cell.clone(),
                step: step.step.name.clone(),
            });
        }
        let mut later = self.state.runs[patched + 1..].iter();
        match later.find(|run| !run.phase.has_ended() && run.hotfix.is_none() && run.version != *version) {
            Some(later) => Err(Refused::PatchedIsNotLast {
                release: version.clone(),
                patched: self.state.runs[patched].version.clone(),
                later: later.version.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The patched release moves nobody any more. Who is on it stays there until the plan's own waves move them: their trouble is
    /// known to those who apply the patch, and `rollback` still takes them back. Answers the times that tenants had reserved of it.
    pub fn supersede(&mut self, plan: &Plan, cause: &Cause) -> BTreeMap<TenantName, Reservation> {
        let Some((index, true)) = self.patched(plan) else {
            return BTreeMap::new();
        };
        let now = self.now;
        for wave in 0..self.state.runs[index].waves.len() {
            self.end_downtime(index, wave, "another release patches this one");
        }
        let run = &mut self.state.runs[index];
        for wave in &mut run.waves {
            wave.state = match wave.state {
                WaveState::Active { .. } if wave.holds_tenants() => WaveState::Superseded { at: now },
                WaveState::Waiting | WaveState::Active { .. } => WaveState::Dropped,
                WaveState::Confirmed { .. }
                | WaveState::RolledBack { .. }
                | WaveState::Dropped
                | WaveState::Superseded { .. } => continue,
            };
        }
        let reserved = std::mem::take(&mut run.reservations);
        let reason = format!("release {} patches it: {}", plan.release.version, cause.reason);
        self.end_superseded(index, &cause.actor_says(reason));
        reserved
    }

    /// The run that a plan patches, and whether it is still on its way.
    fn patched(&self, plan: &Plan) -> Option<(usize, bool)> {
        let patched = plan.release.patches.as_ref()?;
        let index = self.state.runs.iter().rposition(|run| run.version == *patched)?;
        Some((index, !self.state.runs[index].phase.has_ended()))
    }

    /// A tenant that has moved on from the patched release is no member of that any more.
    pub fn take_over(&mut self, run: usize, wave: usize, tenant: &TenantName) {
        let generation = self.next_generation;
        let came_from = self.state.seats.get(tenant).and_then(|seat| seat.before.clone());
        let Some(member) = self.state.runs[run].waves[wave].members.get_mut(tenant) else {
            return;
        };
        // It may have been taken back before its turn came.
        member.replaces = member
            .replaces
            .take()
            .filter(|patched| came_from.as_ref() == Some(patched));
        let Some(patched) = member.replaces.clone() else {
            return;
        };
        let earlier = self.state.runs[..run].iter_mut().filter(|run| run.version == patched);
        let members = earlier
            .flat_map(|run| &mut run.waves)
            .filter_map(|wave| wave.members.get_mut(tenant));
        for member in members.filter(|member| matches!(member.place, Place::Moved { .. })) {
            member.place = Place::Superseded { generation };
        }
    }
}
