//! Apply: a plan becomes a run. Its waves are frozen here.

use std::collections::{BTreeMap, BTreeSet};

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::{Actor, Digest, Version};
use crate::journal::EntryKind;
use crate::plan::{NoticeKey, Plan, PlannedApproval, Schedule};
use crate::policy::Before;
use crate::service::{Approval, CompanionRun, Member, Notice, Run, RunPhase, WaveRun, WaveState};

impl Turn {
    /// Applying the same plan again has no effect.
    pub fn apply(&mut self, plan: &Plan, author: Option<&Actor>, cause: &Cause) -> Result<(), Refused> {
        if plan.service != self.state.name {
            return Err(Refused::OtherService {
                planned: plan.service.clone(),
                service: self.state.name.clone(),
            });
        }
        let digest = plan.digest();
        let version = &plan.release.version;
        if self.is_applied(plan, &digest)? {
            return Ok(());
        }
        self.check_patched(plan)?;
        self.check_data(plan)?;
        let mut reserved = self.supersede(plan, cause);
        reserved.extend(self.take_from_earlier(plan, cause));
        self.seat_new_tenants(plan, cause);
        let notices = self.notices_before(version);
        let steps = self.steps_before(plan);
        // A release that came back and is applied again starts from nothing; its first run is history, in the journal.
        self.state.runs.retain(|run| run.version != *version);
        self.state.pin(plan.release.clone());
        let waves = self.waves(plan);
        self.state.runs.push(Run {
            version: version.clone(),
            plan: digest,
            author: cause.actor.clone(),
            planned_by: author.cloned(),
            approvals: plan
                .schedule
                .approvals
                .iter()
                .map(|planned| self.approval(plan, planned))
                .collect(),
            schedule: plan.schedule.clone(),
            notices,
            reports: BTreeMap::new(),
            reservations: BTreeMap::new(),
            opted_out: BTreeSet::new(),
            unmigrated: BTreeSet::new(),
            waivers: Vec::new(),
            applied: self.now,
            policy: plan.policy.clone(),
            phase: RunPhase::Queued,
            hold: None,
            hotfix: plan.release.hotfix.clone(),
            superseded_by: None,
            together: CompanionRun::of(&plan.release, &plan.service),
            waves,
            steps,
        });
        self.write(EntryKind::Applied, version, None, cause);
        self.take_reservations_over(version, reserved, cause);
        self.hold_what_lacks(plan);
        Ok(())
    }

    /// The release is applied with this plan; with another one, it is refused.
    fn is_applied(&self, plan: &Plan, digest: &Digest) -> Result<bool, Refused> {
        let version = &plan.release.version;
        if let Some(run) = self.state.run(version) {
            let again = run.phase.came_back() && !run.in_flight();
            if again && run.holds_tenants() {
                return Err(Refused::Ended {
                    release: version.clone(),
                    phase: run.phase.in_words().to_owned(),
                });
            }
            if run.plan == *digest && !again {
                return Ok(true);
            }
            if !again {
                return Err(Refused::AppliedWithOtherPlan {
                    release: version.clone(),
                });
            }
        }
        if let Some(pinned) = self.state.pinned.get(version)
            && *pinned != plan.release
            && self
                .state
                .seats
                .values()
                .any(|seat| seat.version.as_ref() == Some(version))
        {
            return Err(Refused::AppliedWithOtherPlan {
                release: version.clone(),
            });
        }
        Ok(false)
    }

    /// What was sent for an earlier run of the release was sent. What it had still to send is to be sent anew.
    fn notices_before(&self, version: &Version) -> BTreeMap<NoticeKey, Notice> {
        let mut notices = self
            .state
            .run(version)
            .map(|run| run.notices.clone())
            .unwrap_or_default();
        for notice in notices.values_mut().filter(|notice| notice.proof.is_none()) {
            notice.asked = None;
            notice.attempt += 1;
        }
        notices
    }

    fn approval(&self, plan: &Plan, planned: &PlannedApproval) -> Approval {
        let review_by = planned.afterwards.then(|| {
            let within = plan.policy.emergency.as_ref().map(|path| path.review_within);
            let Schedule { calendars, base, .. } = &plan.schedule;
            let at = within.and_then(|within| calendars.earliest_start(base, self.now, &within).ok());
            at.unwrap_or(self.now)
        });
        Approval {
            name: planned.name.clone(),
            roles: planned.roles.clone(),
            count: planned.count,
            wave: match &planned.before {
                Before::Release => None,
                Before::Wave(wave) => Some(wave.clone()),
            },
            expires: planned.expires,
            review_by,
            given: BTreeMap::new(),
        }
    }

    fn seat_new_tenants(&mut self, plan: &Plan, cause: &Cause) {
        let planned = plan
            .waves
            .iter()
            .flat_map(|wave| &wave.tenants)
            .map(|(name, at)| (name, &at.cell));
        let left = plan.left_behind.iter().map(|(name, at)| (name, &at.cell));
        let new: Vec<_> = planned
            .chain(left)
            .filter(|(name, _)| !self.state.seats.contains_key(*name))
            .collect();
        for (tenant, cell) in new {
            // It joins the wave that the plan names, so no running release takes it; but it goes back with those that it joins.
            if let Some(version) = self.seat(tenant, cell, cause) {
                self.belong(tenant, cell, &version);
            }
        }
    }

    fn waves(&mut self, plan: &Plan) -> Vec<WaveRun> {
        let waves = plan.waves.iter().map(|wave| WaveRun {
            name: wave.name.clone(),
            policy: wave.policy.clone(),
            state: WaveState::Waiting,
            attempt: self.state.next_attempt(),
            resumed: false,
            members: wave
                .tenants
                .iter()
                .map(|(name, at)| {
                    let replaces = at.replaces.clone();
                    let member = Member::waiting(at.from.clone());
                    (name.clone(), Member { replaces, ..member })
                })
                .collect(),
            starts: wave.starts.clone(),
            switched: None,
            moved: None,
            admitted: None,
            handed_over: None,
            finishing: BTreeSet::new(),
            maintenance: None,
            gates: vec![None; wave.policy.gates.len()],
            overridden: BTreeMap::new(),
            health: None,
            judged: None,
            canary: None,
            canaries_cut_short: 0,
            promoted: false,
        });
        waves.collect()
    }
}
