//! Approvals: who may give one, and what waits for it. The way back asks nobody.

use std::collections::BTreeSet;

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::{Digest, RoleName, Version, WaveName};
use crate::journal::EntryKind;
use crate::service::{Approval, Given, Run, RunPhase, WaveState};
use crate::waiting::Waiting;

/// A person's word about a plan, with what they are trusted with.
pub struct Word<'a> {
    pub version: &'a Version,
    pub plan: &'a Digest,
    pub roles: &'a BTreeSet<RoleName>,
}

impl Turn {
    /// Counts for the first approval that still misses somebody of the person's roles.
    pub fn approve(&mut self, word: &Word<'_>, cause: &Cause) -> Result<(), Refused> {
        let (run, of_role) = self.may_speak(word)?;
        let Some(&first) = of_role.first() else {
            return Err(Refused::NothingToApprove {
                release: word.version.clone(),
            });
        };
        let current = &self.state.runs[run];
        if current.is_by(&cause.actor) {
            return Err(Refused::OwnPlan {
                release: word.version.clone(),
                person: cause.actor.clone(),
            });
        }
        // For one start a person counts once, whatever roles they have.
        let spoke = |wave: &Option<WaveName>| {
            let of_start = current.approvals.iter().filter(|approval| approval.wave == *wave);
            of_start
                .into_iter()
                .any(|approval| approval.given.contains_key(&cause.actor))
        };
        let wanted = |index: &&usize| !spoke(&current.approvals[**index].wave);
        let Some(&index) = of_role.iter().find(wanted) else {
            return Err(Refused::ApprovedBefore {
                release: word.version.clone(),
                approval: current.approvals[first].name.clone(),
            });
        };
        let given = Given {
            at: self.now,
            reason: cause.reason.clone(),
        };
        let approval = &mut self.state.runs[run].approvals[index];
        approval.given.insert(cause.actor.clone(), given);
        let (wave, words) = (approval.wave.clone(), format!("{}: {}", approval.name, cause.reason));
        self.write(
            EntryKind::Approved,
            word.version,
            wave.as_ref(),
            &cause.actor_says(words),
        );
        Ok(())
    }

    /// Holds the release, and what others had given counts no longer: after a resume they are asked again.
    pub fn reject(&mut self, word: &Word<'_>, cause: &Cause) -> Result<(), Refused> {
        let (run, of_role) = self.may_speak(word)?;
        if of_role.is_empty() {
            return Err(Refused::NothingToApprove {
                release: word.version.clone(),
            });
        }
        let waves: Vec<Option<WaveName>> = of_role
            .iter()
            .map(|&index| self.state.runs[run].approvals[index].wave.clone())
            .collect();
        for approval in &mut self.state.runs[run].approvals {
            if waves.contains(&approval.wave) {
                approval.given.clear();
            }
        }
        self.write(EntryKind::Rejected, word.version, None, cause);
        if !self.state.runs[run].phase.has_ended() {
            let reason = format!("rejected: {}", cause.reason);
            self.hold_run(run, None, &cause.actor_says(reason));
        }
        Ok(())
    }

    /// The run, and its open approvals that ask for one of the person's roles.
    fn may_speak(&self, word: &Word<'_>) -> Result<(usize, Vec<usize>), Refused> {
        let index = self.any(word.version)?;
        let run = &self.state.runs[index];
        if run.plan != *word.plan {
            return Err(Refused::OtherPlan {
                release: word.version.clone(),
                applied: run.plan.clone(),
                named: word.plan.clone(),
            });
        }
        let open: Vec<usize> = (0..run.approvals.len())
            .filter(|&a| run.asks_for(&run.approvals[a]))
            .collect();
        if open.is_empty() {
            return Ok((index, open));
        }
        let asked: BTreeSet<RoleName> = open.iter().flat_map(|&a| run.approvals[a].roles.clone()).collect();
        let of_role = |a: &usize| !run.approvals[*a].roles.is_disjoint(word.roles);
        let of_role: Vec<usize> = open.into_iter().filter(of_role).collect();
        if of_role.is_empty() {
            return Err(Refused::NotAnApprover {
                release: word.version.clone(),
                roles: asked,
            });
        }
        Ok((index, of_role))
    }

    /// Everybody has agreed to the start of the wave, or of the release; else it is said who is missing.
    pub fn approved(&mut self, run: usize, wave: Option<&WaveName>) -> bool {
        let current = &self.state.runs[run];
        let missing = |approval: &&Approval| {
            approval.wave.as_ref() == wave && approval.review_by.is_none() && approval.missing() > 0
        };
        let waits: Vec<Waiting> = current
            .approvals
            .iter()
            .filter(missing)
            .map(|approval| Waiting::Approval {
                release: current.version.clone(),
                wave: approval.wave.clone(),
                plan: current.plan.clone(),
                approval: approval.name.clone(),
                roles: approval.roles.clone(),
                given: approval.given.keys().cloned().collect(),
                missing: approval.missing(),
            })
            .collect();
        let complete = waits.is_empty();
        self.waiting.extend(waits);
        complete
    }

    /// What was given too long ago counts no longer, unless something has started on it.
    pub fn expire_approvals(&mut self) {
        let now = self.now;
        let mut expired = Vec::new();
        let mut wakes = Vec::new();
        for run in &mut self.state.runs {
            let waiting: BTreeSet<WaveName> = run
                .waves
                .iter()
                .filter(|wave| wave.state == WaveState::Waiting)
                .map(|wave| wave.name.clone())
                .collect();
            let queued = run.phase == RunPhase::Queued;
            for approval in &mut run.approvals {
                let started = match &approval.wave {
                    None => !queued,
                    Some(wave) => run.phase.has_ended() || !waiting.contains(wave),
                };
                let Some(expires) = approval.expires.filter(|_| !started) else {
                    continue;
                };
                let name = approval.name.clone();
                approval.given.retain(|person, given| {
                    let counts = given.at + expires > now;
                    if !counts {
                        expired.push((run.version.clone(), approval.wave.clone(), name.clone(), person.clone()));
                    }
                    counts
                });
                wakes.extend(approval.expiry());
            }
        }
        for (version, wave, name, person) in expired {
            let cause = Cause::system("approval", format!("{name}: what {person} had given has expired"));
            self.write(EntryKind::ApprovalExpired, &version, wave.as_ref(), &cause);
        }
        wakes.into_iter().for_each(|at| self.wake_at(at));
    }
}

impl Run {
    /// It still misses somebody, and something may still start on it or is to be reviewed.
    fn asks_for(&self, approval: &Approval) -> bool {
        let of_use = match (&approval.wave, approval.review_by) {
            (_, Some(_)) => true,
            (None, None) => self.phase == RunPhase::Queued,
            (Some(name), None) => {
                let starts = |wave: &crate::service::WaveRun| {
                    wave.name == *name && matches!(wave.state, WaveState::Waiting | WaveState::RolledBack { .. })
                };
                !self.phase.has_ended() && self.waves.iter().any(starts)
            }
        };
        of_use && approval.missing() > 0
    }
}
