//! Releases of several services that go together: none begins before all are applied, each begins when those before it are
//! completed, and what one takes back, all take back. Each service's server asks the others; nobody stands above them.

use super::turn::{Cause, Turn};
use crate::effect::Milestone;
use crate::id::Version;
use crate::journal::EntryKind;
use crate::release::Companion;
use crate::service::{CompanionPhase, CompanionRun, RunPhase};
use crate::waiting::Waiting;

impl Turn {
    /// What another service's server tells. Of a release that nobody goes together with: ignored.
    pub fn companion_seen(&mut self, release: &Version, companion: &Companion, phase: &CompanionPhase) {
        let mut runs = self.state.runs.iter_mut().rev();
        let run = runs.find(|run| run.version == *release);
        let mut known = run.into_iter().flat_map(|run| &mut run.together);
        let Some(known) = known.find(|known| known.companion == *companion && known.phase != *phase) else {
            return;
        };
        known.phase = phase.clone();
        known.answered = false;
        let reason = format!("{companion} {}", phase.in_words());
        self.write(
            EntryKind::CompanionSeen,
            release,
            None,
            &Cause::system("together", reason),
        );
    }

    /// True while a release that has not begun has to wait for one of another service.
    pub fn waits_for_companions(&mut self, run: usize) -> bool {
        let run = &self.state.runs[run];
        if run.has_begun() {
            return false;
        }
        let Some(companion) = run.together.iter().find(|companion| !companion.lets_begin()) else {
            return false;
        };
        self.waiting.push(Waiting::Companion {
            release: run.version.clone(),
            companion: companion.companion.clone(),
            reason: format!("it {}{}", companion.phase.in_words(), companion.remedy()),
        });
        true
    }

    /// A release of which a companion has come back goes back with it, as far as it can by itself. One that has not begun waits.
    pub fn go_back_together(&mut self) -> bool {
        let mut changed = false;
        for run in 0..self.state.runs.len() {
            let current = &self.state.runs[run];
            let came_back = |one: &CompanionRun| one.phase == CompanionPhase::RolledBack && !one.answered;
            let Some(companion) = current.together.iter().position(came_back) else {
                continue;
            };
            let follows = match current.phase {
                RunPhase::Moving | RunPhase::Completed { .. } | RunPhase::Superseded { .. } => current.has_begun(),
                RunPhase::Queued | RunPhase::RolledBack { .. } | RunPhase::Aborted { .. } => false,
            };
            if follows {
                let reason = format!("{} was rolled back", current.together[companion].companion);
                self.state.runs[run].together[companion].answered = true;
                self.follow_companion(run, &Cause::system("together", reason));
                changed = true;
            }
        }
        changed
    }

    /// All of it or nothing: half of a release is in nobody's plan.
    fn follow_companion(&mut self, run: usize, cause: &Cause) {
        let waves = self.state.runs[run].waves.iter().enumerate();
        let started = waves.filter(|(_, wave)| wave.can_come_back());
        let started: Vec<usize> = started.map(|(index, _)| index).collect();
        let possible = started.iter().try_for_each(|&wave| {
            self.check_not_moved_on(run, wave, None)?;
            self.comes_back_by_itself(run, wave)
        });
        let moving = self.state.runs[run].phase == RunPhase::Moving;
        let reason = match &possible {
            Ok(()) => cause.reason.clone(),
            Err(refused) => format!("{}; not rolled back by itself: {refused}", cause.reason),
        };
        if possible.is_ok() {
            started.into_iter().for_each(|wave| self.wave_back(run, wave, cause));
        } else if !moving {
            self.announce(run, None, Milestone::RollbackRefused, Some(&reason));
        }
        if moving {
            self.hold_run(run, None, &cause.actor_says(reason));
        }
    }
}

impl CompanionRun {
    /// A release that goes together with it may begin.
    const fn lets_begin(&self) -> bool {
        match self.phase {
            CompanionPhase::Completed => true,
            CompanionPhase::Applied => !self.earlier,
            CompanionPhase::Unclear { .. }
            | CompanionPhase::NotApplied
            | CompanionPhase::RolledBack
            | CompanionPhase::Stopped => false,
        }
    }

    /// What a person can do, where nothing goes on by itself.
    const fn remedy(&self) -> &'static str {
        match self.phase {
            CompanionPhase::Unclear { .. } | CompanionPhase::Applied | CompanionPhase::Completed => "",
            CompanionPhase::NotApplied => "; apply it",
            CompanionPhase::RolledBack | CompanionPhase::Stopped => "; apply it again, or abort this one",
        }
    }
}
