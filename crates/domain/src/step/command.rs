//! What people ask for.

use super::Refused;
use super::turn::{Cause, Turn};
use crate::effect::Milestone;
use crate::event::{Scope, Verdict};
use crate::id::{TenantName, Version};
use crate::journal::EntryKind;
use crate::release::{Reversible, Stage};
use crate::service::{Hold, Member, Place, Run, RunPhase, Service, WaveState};
use crate::time::Timestamp;

impl Service {
    /// The index of a run that can still move.
    pub(super) fn moving(&self, version: &Version) -> Result<usize, Refused> {
        let index = self.any(version)?;
        match self.runs[index].phase {
            RunPhase::Queued | RunPhase::Moving => Ok(index),
            phase @ (RunPhase::Completed { .. }
            | RunPhase::RolledBack { .. }
            | RunPhase::Aborted { .. }
            | RunPhase::Superseded { .. }) => Err(Refused::Ended {
                release: version.clone(),
                phase: phase.in_words().to_owned(),
            }),
        }
    }

    fn any(&self, version: &Version) -> Result<usize, Refused> {
        let found = self.runs.iter().rposition(|run| run.version == *version);
        found.ok_or_else(|| Refused::NoSuchRelease {
            release: version.clone(),
        })
    }
}

impl Turn {
    /// The index of a run that can still move.
    pub fn moving(&self, version: &Version) -> Result<usize, Refused> {
        self.state.moving(version)
    }

    pub fn any(&self, version: &Version) -> Result<usize, Refused> {
        self.state.any(version)
    }

    /// A second hold replaces the first: the later word counts.
    pub fn hold(&mut self, version: &Version, until: Option<Timestamp>, cause: &Cause) -> Result<(), Refused> {
        let run = self.moving(version)?;
        self.hold_run(run, until, cause);
        Ok(())
    }

    pub fn hold_run(&mut self, run: usize, until: Option<Timestamp>, cause: &Cause) {
        let version = self.state.runs[run].version.clone();
        self.state.runs[run].hold = Some(Hold {
            by: cause.actor.clone(),
            reason: cause.reason.clone(),
            since: self.now,
            until,
        });
        self.write(EntryKind::Held, &version, None, cause);
        self.announce(run, None, Milestone::ReleaseHeld, Some(&cause.reason));
    }

    /// Waves that were rolled back start anew; a stage that had run out of time gets its time again. Not while tenants are on
    /// their way back: the wave would start anew without them.
    pub fn resume(&mut self, version: &Version, cause: &Cause) -> Result<(), Refused> {
        let index = self.moving(version)?;
        if self.state.runs[index].hold.is_none() {
            return Err(Refused::NotHeld {
                release: version.clone(),
            });
        }
        if let Some(tenant) = self.state.runs[index].first_returning() {
            return Err(Refused::StillReturning {
                release: version.clone(),
                tenant: tenant.clone(),
            });
        }
        if self.state.runs[index].undoes_in_downtime() {
            return Err(Refused::StillUndoing {
                release: version.clone(),
            });
        }
        self.resume_run(index, cause);
        Ok(())
    }

    pub fn resume_run(&mut self, index: usize, cause: &Cause) {
        let now = self.now;
        self.state.runs[index].hold = None;
        for wave in 0..self.state.runs[index].waves.len() {
            let attempt = self.state.next_attempt();
            let superseded = self.state.runs[index].superseded_by.is_some();
            let wave = &mut self.state.runs[index].waves[wave];
            match &mut wave.state {
                // Whom it had moved, another release moves.
                WaveState::RolledBack { .. } if superseded => {
                    wave.state = WaveState::Dropped;
                    continue;
                }
                WaveState::RolledBack { .. } => {
                    wave.state = WaveState::Waiting;
                    wave.restart(attempt);
                }
                WaveState::Active { stage, since } => {
                    *since = now;
                    if *stage == Stage::Verify {
                        wave.restart(attempt);
                    } else {
                        wave.attempt = attempt;
                        wave.canaries_cut_short = 0;
                        wave.health = None;
                        wave.judged = None;
                    }
                }
                WaveState::Waiting
                | WaveState::Confirmed { .. }
                | WaveState::Dropped
                | WaveState::Superseded { .. } => continue,
            }
            wave.resumed = true;
        }
        let left = cause.actor_says("it has opted out".to_owned());
        self.leave_opted_out(index, &left);
        self.steps_again(index);
        let version = self.state.runs[index].version.clone();
        self.write(EntryKind::Resumed, &version, None, cause);
        self.announce(index, None, Milestone::ReleaseResumed, Some(&cause.reason));
    }

    pub fn promote(&mut self, version: &Version, cause: &Cause) -> Result<(), Refused> {
        let index = self.moving(version)?;
        let run = &mut self.state.runs[index];
        let nothing = || Refused::NothingToPromote {
            release: version.clone(),
        };
        let current = run.current().ok_or_else(nothing)?;
        let wave = &mut run.waves[current];
        if !matches!(wave.stage(), Some(Stage::Canary | Stage::Bake)) {
            return Err(nothing());
        }
        if let Some(judged) = wave.health.as_ref().filter(|judged| judged.verdict == Verdict::Fail) {
            return Err(Refused::FailedCannotBePromoted {
                release: version.clone(),
                wave: wave.name.clone(),
                reason: judged.reason.clone(),
            });
        }
        if !wave.promoted {
            wave.promoted = true;
            let name = wave.name.clone();
            self.write(EntryKind::Promoted, version, Some(&name), cause);
        }
        Ok(())
    }

    /// Waves that have not started are dropped, the one in flight goes back, confirmed ones stay.
    pub fn abort(&mut self, version: &Version, cause: &Cause) -> Result<(), Refused> {
        let index = self.moving(version)?;
        let run = &self.state.runs[index];
        let active: Vec<usize> = (0..run.waves.len())
            .filter(|&w| matches!(run.waves[w].state, WaveState::Active { .. }))
            .collect();
        for &wave in &active {
            self.check_way_back(index, wave, None)?;
        }
        for wave in active {
            self.wave_back(index, wave, cause);
        }
        let now = self.now;
        let run = &mut self.state.runs[index];
        for wave in &mut run.waves {
            if matches!(wave.state, WaveState::Waiting) {
                wave.state = WaveState::Dropped;
            }
        }
        run.phase = RunPhase::Aborted { at: now };
        run.hold = None;
        self.withdraw_notices(index);
        self.write(EntryKind::Aborted, version, None, cause);
        self.announce(index, None, Milestone::ReleaseAborted, Some(&cause.reason));
        Ok(())
    }

    /// Never subject to holds, gates or gaps.
    pub fn roll_back(&mut self, version: &Version, scope: &Scope, cause: &Cause) -> Result<(), Refused> {
        let index = self.any(version)?;
        match scope {
            Scope::Tenant(tenant) => {
                let wave = self.wave_of(index, tenant)?;
                self.check_not_moved_on(index, wave, Some(tenant))?;
                self.check_way_back(index, wave, Some(tenant))?;
                self.tenants_back(index, wave, std::slice::from_ref(tenant), cause);
                Ok(())
            }
            Scope::Wave(name) => {
                let found = self.state.runs[index].waves.iter().position(|wave| wave.name == *name);
                let wave = found.ok_or_else(|| Refused::NoSuchWave {
                    release: version.clone(),
                    wave: name.clone(),
                })?;
                self.waves_back(index, &[wave], cause)
            }
            Scope::Everything => {
                let all: Vec<usize> = (0..self.state.runs[index].waves.len()).collect();
                self.waves_back(index, &all, cause)
            }
        }
    }

    fn waves_back(&mut self, run: usize, waves: &[usize], cause: &Cause) -> Result<(), Refused> {
        let version = self.state.runs[run].version.clone();
        let started = |wave: &usize| self.state.runs[run].waves[*wave].can_come_back();
        let waves: Vec<usize> = waves.iter().copied().filter(started).collect();
        if waves.is_empty() {
            return Err(Refused::NothingToRollBack { release: version });
        }
        for &wave in &waves {
            self.check_not_moved_on(run, wave, None)?;
            self.check_way_back(run, wave, None)?;
        }
        for &wave in &waves {
            self.wave_back(run, wave, cause);
        }
        if matches!(self.state.runs[run].phase, RunPhase::Moving | RunPhase::Queued) {
            self.hold_run(run, None, cause);
        }
        Ok(())
    }

    fn wave_of(&self, run: usize, tenant: &TenantName) -> Result<usize, Refused> {
        let release = self.state.runs[run].version.clone();
        let Some(seat) = self.state.seats.get(tenant) else {
            return Err(Refused::NoSuchTenant { tenant: tenant.clone() });
        };
        let moved = |member: &Member| matches!(member.place, Place::Moved { .. } | Place::Returning { .. });
        let waves = &self.state.runs[run].waves;
        waves
            .iter()
            .position(|wave| wave.members.get(tenant).is_some_and(moved))
            .ok_or_else(|| {
                let on = seat
                    .version
                    .as_ref()
                    .map_or_else(|| "no version yet".to_owned(), ToString::to_string);
                Refused::TenantElsewhere {
                    release,
                    tenant: tenant.clone(),
                    on,
                }
            })
    }

    /// A tenant that a later release has moved on is rolled back there first.
    pub fn check_not_moved_on(&self, run: usize, wave: usize, only: Option<&TenantName>) -> Result<(), Refused> {
        let run = &self.state.runs[run];
        for (tenant, member) in &run.waves[wave].members {
            let asked = only.is_none_or(|only| only == tenant) && matches!(member.place, Place::Moved { .. });
            let on = self.state.seats.get(tenant).and_then(|seat| seat.version.as_ref());
            if let Some(later) = on.filter(|on| asked && **on != run.version) {
                return Err(Refused::MovedOn {
                    release: run.version.clone(),
                    later: later.clone(),
                    tenant: tenant.clone(),
                });
            }
        }
        Ok(())
    }

    /// What a release says of its data, and what is left of the data, allow it.
    fn check_way_back(&self, run: usize, wave: usize, only: Option<&TenantName>) -> Result<(), Refused> {
        self.check_reversible(run, wave)?;
        self.check_not_contracted(run, wave, only)?;
        self.check_downtime_work(run, wave, only)?;
        self.check_something_before(run, wave)
    }

    /// What a person may do, and nothing that was written is lost by it.
    pub fn comes_back_by_itself(&self, run: usize, wave: usize) -> Result<(), Refused> {
        self.check_way_back(run, wave, None)?;
        self.check_loses_nothing(run, wave)
    }

    fn check_reversible(&self, run: usize, wave: usize) -> Result<(), Refused> {
        let run: &Run = &self.state.runs[run];
        match self.state.pinned.get(&run.version).map(|release| release.reversible) {
            Some(Reversible::Until(stage)) if run.waves[wave].stage() >= Some(stage) => Err(Refused::Irreversible {
                release: run.version.clone(),
                stage,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// A tenant that was new with this release goes where the others go back to; where nobody had a version before, there
    /// is no such place.
    fn check_something_before(&self, run: usize, wave: usize) -> Result<(), Refused> {
        let run = &self.state.runs[run];
        let mut members = run.waves[wave].members.iter();
        let moved = members.find(|(_, member)| matches!(member.place, Place::Moved { .. }));
        match moved {
            Some((tenant, _)) if run.came_from(|_| true).is_none() => Err(Refused::NothingBefore {
                release: run.version.clone(),
                tenant: tenant.clone(),
            }),
            Some(_) | None => Ok(()),
        }
    }
}
