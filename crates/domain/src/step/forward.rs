//! Which run and which wave may move forward now.

use std::collections::BTreeSet;

use super::turn::{Cause, Turn};
use crate::calendar::Period;
use crate::effect::Milestone;
use crate::id::{ComponentName, Digest, TenantName, Version};
use crate::journal::EntryKind;
use crate::plan::Schedule;
use crate::policy::Gap;
use crate::release::Stage;
use crate::service::{Place, Run, RunPhase, WaveRun, WaveState};
use crate::time::Timestamp;
use crate::waiting::Waiting;

impl Turn {
    /// One round over all runs, oldest first; true if something changed.
    pub fn advance_runs(&mut self) -> bool {
        let mut changed = false;
        for run in 0..self.state.runs.len() {
            changed |= match self.state.runs[run].phase {
                RunPhase::Queued => self.start(run),
                RunPhase::Moving => self.advance_run(run),
                RunPhase::Completed { .. }
                | RunPhase::RolledBack { .. }
                | RunPhase::Aborted { .. }
                | RunPhase::Superseded { .. } => false,
            };
        }
        changed
    }

    /// A later release waits for the earlier one to end.
    fn start(&mut self, run: usize) -> bool {
        let version = self.state.runs[run].version.clone();
        // Asked first, so that people can agree while an earlier release is on its way.
        let approved = self.approved(run, None);
        if let Some(earlier) = self.begins_after(run) {
            self.waiting.push(Waiting::EarlierRelease {
                release: version,
                earlier,
            });
            return false;
        }
        if self.held(run) || !approved {
            return false;
        }
        self.state.runs[run].phase = RunPhase::Moving;
        let alone = !self.state.runs[..run].iter().any(|earlier| !earlier.phase.has_ended());
        let reason = if alone {
            "no earlier release is in flight"
        } else {
            "it may move beside the earlier releases in flight"
        };
        self.write(EntryKind::Started, &version, None, &Cause::system("release", reason));
        self.announce(run, None, Milestone::ReleaseStarted, None);
        true
    }

    /// True while a hold stands. One whose time has come is lifted, unless the release goes back.
    fn held(&mut self, run: usize) -> bool {
        let Some(hold) = self.state.runs[run].hold.clone() else {
            return false;
        };
        match hold.until {
            Some(until) if until <= self.now => {
                // What it waits for then is its way back, and it goes on behind that.
                let goes_back = self.state.runs[run].goes_back();
                if !goes_back {
                    let reason = format!("the hold by {} has ended", hold.by);
                    self.resume_run(run, &Cause::system("hold", reason));
                }
                goes_back
            }
            until => {
                if let Some(until) = until {
                    self.wake_at(until);
                }
                let release = self.state.runs[run].version.clone();
                self.waiting.push(Waiting::Hold {
                    release,
                    by: hold.by,
                    reason: hold.reason,
                    until,
                });
                true
            }
        }
    }

    fn advance_run(&mut self, run: usize) -> bool {
        if self.held(run) {
            return false;
        }
        if self.state.runs[run].goes_back() {
            return false;
        }
        if self.take_up_migrated(run) {
            return true;
        }
        let Some(wave) = self.state.runs[run].current() else {
            return self.complete(run);
        };
        let state = self.state.runs[run].waves[wave].state.clone();
        // Tenants that were created meanwhile may live in cells of their own.
        if matches!(state, WaveState::Active { .. })
            && let Some(changed) = self.expand(run, wave)
        {
            return changed;
        }
        match state {
            WaveState::Waiting => self.start_wave(run, wave),
            WaveState::Active {
                stage: Stage::Prepare,
                since,
            } => self.prepare(run, wave, since),
            WaveState::Active {
                stage: Stage::Verify,
                since,
            } => self.verify(run, wave, since),
            WaveState::Active {
                stage: Stage::Canary, ..
            } => self.canary(run, wave),
            WaveState::Active {
                stage: Stage::Switch,
                since,
            } => self.switch(run, wave, since),
            WaveState::Active {
                stage: Stage::Bake,
                since,
            } => self.bake(run, wave, since),
            WaveState::Active {
                stage: Stage::Confirm, ..
            } => self.confirm(run, wave),
            WaveState::Confirmed { .. }
            | WaveState::RolledBack { .. }
            | WaveState::Dropped
            | WaveState::Superseded { .. } => false,
        }
    }

    fn start_wave(&mut self, run: usize, wave: usize) -> bool {
        if let Some(open) = self.gap_ends(run, wave) {
            let (release, wave) = (
                self.state.runs[run].version.clone(),
                self.state.runs[run].waves[wave].name.clone(),
            );
            self.waiting.push(Waiting::Gap {
                release,
                wave,
                until: open,
            });
            self.wake_at(open);
            return false;
        }
        let name = self.state.runs[run].waves[wave].name.clone();
        if !self.approved(run, Some(&name)) {
            return false;
        }
        if self.waits_for_companions(run) {
            return false;
        }
        self.leave_those_elsewhere(run, wave);
        let admission = self.admission(run, wave);
        if admission.may_move.is_empty() && !admission.is_free() {
            self.wait_for_admission(run, wave, &admission);
            return false;
        }
        self.leave_unmigrated(run, wave);
        if let Some(reason) = self.too_many_versions(run, wave) {
            self.hold_run(run, None, &Cause::system("slots", reason));
            return true;
        }
        if let Some(changed) = self.expand(run, wave) {
            return changed;
        }
        let reason = if wave == 0 {
            "it is the first wave"
        } else {
            "the wave before is confirmed and its gap is over"
        };
        self.enter(run, wave, Stage::Prepare, reason);
        self.announce(run, Some(wave), Milestone::WaveStarted, None);
        true
    }

    /// Until when the gap before a wave lasts. `None`: it is over, or there is none, whatever the clock says of the wave before.
    fn gap_ends(&self, run: usize, wave: usize) -> Option<Timestamp> {
        let waves = &self.state.runs[run].waves;
        if waves[wave].policy.gap.is_zero() {
            return None;
        }
        let confirmed = waves[..wave].iter().filter_map(|before| match before.state {
            WaveState::Confirmed { at } => Some(at),
            WaveState::Waiting
            | WaveState::Active { .. }
            | WaveState::RolledBack { .. }
            | WaveState::Dropped
            | WaveState::Superseded { .. } => None,
        });
        let open = self.after_gap(run, wave, confirmed.max()?);
        (open > self.now).then_some(open)
    }

    /// Days whose holidays the calendar does not know all count: a gap is kept short rather than for ever.
    fn after_gap(&self, run: usize, wave: usize, at: Timestamp) -> Timestamp {
        let run = &self.state.runs[run];
        let Schedule { calendars, base, .. } = &run.schedule;
        match run.waves[wave].policy.gap {
            Gap::Elapsed(gap) => at + gap,
            Gap::Counted(period) => {
                let known = calendars.earliest_start(base, at, &period);
                let plain = match period {
                    Period::WorkingDays(days) => Period::Days(days),
                    Period::Elapsed(_) | Period::Days(_) | Period::Weeks(_) => period,
                };
                known
                    .or_else(|_| calendars.earliest_start(base, at, &plain))
                    .unwrap_or(at)
            }
        }
    }

    /// A release moves a tenant only from the version that its plan names, and none that another release takes back.
    pub fn leave_those_elsewhere(&mut self, run: usize, wave: usize) {
        let returning: BTreeSet<TenantName> = self.state.runs[..run]
            .iter()
            .flat_map(Run::members)
            .filter(|(_, member)| matches!(member.place, Place::Returning { .. }))
            .map(|(tenant, _)| tenant.clone())
            .collect();
        let busy = self.state.busy_before(run);
        let settled = self.state.settled_before(run, wave);
        let waits = |tenant: &TenantName| {
            let Some(seat) = self.state.seats.get(tenant) else {
                return false;
            };
            let has_moved = |(version, wave): &(&Version, &WaveRun)| {
                seat.version.as_ref() == Some(*version) && wave.members.contains_key(tenant)
            };
            busy.with(tenant, &seat.cell).is_some() && !settled.iter().any(has_moved)
        };
        let members = self.state.runs[run].waves[wave].members.keys();
        // Asked in every round, and a wave may have many tenants.
        let members = members.filter(|_| !busy.is_empty());
        let waiting: BTreeSet<TenantName> = members.filter(|tenant| waits(tenant)).cloned().collect();
        let seats = &self.state.seats;
        let version = self.state.runs[run].version.clone();
        let mut left = Vec::new();
        let wave = &mut self.state.runs[run].waves[wave];
        for (tenant, member) in &mut wave.members {
            // Where it will be, an earlier release says.
            if waiting.contains(tenant) {
                continue;
            }
            let on = seats.get(tenant).and_then(|seat| seat.version.clone());
            if matches!(member.place, Place::Waiting) && returning.contains(tenant) {
                let reason = "an earlier release takes it back".to_owned();
                member.place = Place::Left { reason: reason.clone() };
                left.push((tenant.clone(), reason));
            } else if matches!(member.place, Place::Waiting) && !member.is_moved_from(on.as_ref()) {
                let in_words = |version: &Option<_>| match version {
                    Some(version) => format!("{version}"),
                    None => "no version".to_owned(),
                };
                let reason = format!(
                    "it is on {}, the plan moves it from {}",
                    in_words(&on),
                    in_words(&member.from)
                );
                member.place = Place::Left { reason: reason.clone() };
                left.push((tenant.clone(), reason));
            }
        }
        let name = wave.name.clone();
        for (tenant, reason) in left {
            self.write_left(&version, &name, vec![tenant], &Cause::system("release", reason));
        }
    }

    pub fn enter(&mut self, run: usize, wave: usize, stage: Stage, reason: &str) {
        let now = self.now;
        let version = self.state.runs[run].version.clone();
        let current = &mut self.state.runs[run].waves[wave];
        current.state = WaveState::Active { stage, since: now };
        let name = current.name.clone();
        let cause = Cause::system("release", format!("{}: {reason}", stage.as_str()));
        self.write(EntryKind::StageEntered, &version, Some(&name), &cause);
    }

    /// What has reached everybody for the first time is new from now on; what nobody can go back to is forgotten.
    fn note_artifacts(&mut self) {
        let now = self.now;
        let known: BTreeSet<(&ComponentName, &Digest)> = self
            .state
            .pinned
            .values()
            .flat_map(|release| &release.components)
            .map(|(name, part)| (name, &part.artifact.digest))
            .collect();
        let mut artifacts = self.state.artifacts.clone();
        for (name, digests) in &mut artifacts {
            digests.retain(|digest, _| known.contains(&(name, digest)));
        }
        artifacts.retain(|_, digests| !digests.is_empty());
        for (name, part) in self
            .state
            .mostly_on()
            .into_iter()
            .flat_map(|release| &release.components)
        {
            let digests = artifacts.entry(name.clone()).or_default();
            digests.entry(part.artifact.digest.clone()).or_insert(now);
        }
        self.state.artifacts = artifacts;
    }

    fn complete(&mut self, run: usize) -> bool {
        if let Some(by) = self.state.runs[run].superseded_by.clone() {
            let reason = format!("nothing of it is on its way any more, and release {by} moves the others");
            self.end_superseded(run, &Cause::system("release", reason));
            return true;
        }
        let waves = &self.state.runs[run].waves;
        if !waves
            .iter()
            .all(|wave| matches!(wave.state, WaveState::Confirmed { .. }))
        {
            return false;
        }
        let (version, now) = (self.state.runs[run].version.clone(), self.now);
        self.state.runs[run].phase = RunPhase::Completed { at: now };
        self.note_artifacts();
        self.write(
            EntryKind::Completed,
            &version,
            None,
            &Cause::system("release", "every wave is confirmed"),
        );
        self.announce(run, None, Milestone::ReleaseCompleted, None);
        true
    }
}

impl Stage {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Verify => "verify",
            Self::Canary => "canary",
            Self::Switch => "switch",
            Self::Bake => "bake",
            Self::Confirm => "confirm",
        }
    }
}

impl RunPhase {
    /// It moves no tenant forward any more. It may still bring some back: see [`Run::in_flight`].
    #[must_use]
    pub const fn has_ended(self) -> bool {
        match self {
            Self::Queued | Self::Moving => false,
            Self::Completed { .. } | Self::RolledBack { .. } | Self::Aborted { .. } | Self::Superseded { .. } => true,
        }
    }

    /// What it had brought was taken back, or a person has ended it.
    #[must_use]
    pub const fn came_back(self) -> bool {
        match self {
            Self::RolledBack { .. } | Self::Aborted { .. } => true,
            Self::Queued | Self::Moving | Self::Completed { .. } | Self::Superseded { .. } => false,
        }
    }

    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Moving => "moving",
            Self::Completed { .. } => "completed",
            Self::RolledBack { .. } => "rolled back",
            Self::Aborted { .. } => "aborted",
            Self::Superseded { .. } => "superseded",
        }
    }
}
