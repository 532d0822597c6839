//! Work on data around a release: each step once in each cell, one at a time on a database, and taken back with the release.

use std::collections::BTreeSet;

use super::turn::{Cause, Turn};
use crate::effect::{Effect, EffectBody, EffectId, Milestone, StepTask};
use crate::event::{Judgement, Verdict};
use crate::id::{CellName, SlotId, TenantName, Version};
use crate::journal::EntryKind;
use crate::plan::Plan;
use crate::release::DataStepKind;
use crate::service::{Place, Run, RunPhase, StepPhase, StepRun, WaveRun, WaveState};
use crate::time::{Duration, Timestamp};
use crate::waiting::Waiting;

/// The pause before a failed step is tried again, doubled with each failure in a row.
const PAUSE_SECS: u32 = 60;
const PAUSE_MAX: Duration = Duration::from_hours(1);
const PAUSES_DOUBLED_MAX: u32 = 6;

impl Turn {
    /// What an earlier run of the release has done to the data, it has done.
    pub fn steps_before(&self, plan: &Plan) -> Vec<StepRun> {
        let run = self.state.run(&plan.release.version);
        let before = run.into_iter().flat_map(|run| &run.steps);
        before
            .filter(|before| before.has_begun() && plan.release.steps.contains(&before.step))
            .cloned()
            .collect()
    }

    /// Runs what has to be done before slots of the release start in the cells of a wave. `None`: it is all done.
    pub fn expand(&mut self, run: usize, wave: usize) -> Option<bool> {
        // Asked in every round; most releases have no step, and a wave may have many tenants.
        let release = self.state.pinned.get(&self.state.runs[run].version);
        if release.is_some_and(|release| release.steps.is_empty()) {
            return None;
        }
        let mut cells = self.state.runs[run].waves[wave].cells(&self.state.seats);
        // There the data is still that of an earlier release.
        let busy = self.state.busy_before(run);
        cells.retain(|cell| !busy.in_cell(cell));
        self.add_steps(run, &cells);
        let mut open = false;
        for cell in &cells {
            let Some(step) = self.next_step(run, cell, DataStepKind::Expand) else {
                continue;
            };
            open = true;
            let current = &self.state.runs[run].steps[step];
            if current.phase == StepPhase::Failed {
                let reason = format!(
                    "step {} in cell {cell} has failed: {}",
                    current.step.name, current.outcome
                );
                self.hold_run(run, None, &Cause::system("step", reason));
                return Some(true);
            }
            if self.work_on(run, step) {
                return Some(true);
            }
        }
        open.then_some(false)
    }

    /// The same for a version in a cell that a tenant comes to by no wave: whether something changed, and what it waits for. What is
    /// done in downtime is done before anybody comes who is on the version; who is moved to it there waits for it with the others.
    pub fn expand_for(&mut self, version: &Version, cell: &CellName, moved_there: bool) -> (bool, Option<String>) {
        let Some(run) = self.state.runs.iter().rposition(|run| run.version == *version) else {
            return (false, None);
        };
        let added = self.add_steps(run, &BTreeSet::from([cell.clone()]));
        let expand = self.next_step(run, cell, DataStepKind::Expand);
        let in_downtime = || self.next_step(run, cell, DataStepKind::DuringDowntime);
        let Some(step) = expand.or_else(|| in_downtime().filter(|_| !moved_there)) else {
            return (added, None);
        };
        let closed = || match self.served_in(cell) {
            Some(tenant) => Some(format!(
                "tenant {tenant} is served there, and the release has to move it first"
            )),
            None => self.reached_by_who_left(cell),
        };
        if let Some(reason) = expand.is_none().then(closed).flatten() {
            let run = &self.state.runs[run];
            let (version, step) = (&run.version, &run.steps[step].step.name);
            let reason = format!("step {step} of release {version} in cell {cell}: {reason}");
            return (added, Some(reason));
        }
        let began = self.work_on(run, step);
        let (version, step) = (&self.state.runs[run].version, &self.state.runs[run].steps[step]);
        let reason = format!(
            "step {} of release {version} in cell {cell}: it is {}",
            step.step.name,
            step.phase.in_words()
        );
        (added || began, Some(reason))
    }

    /// Somebody who is on a version in a cell.
    fn served_in(&self, cell: &CellName) -> Option<&TenantName> {
        let mut here = self.state.seats.iter();
        let (tenant, _) = here.find(|(_, seat)| seat.cell == *cell && seat.version.is_some())?;
        Some(tenant)
    }

    /// Has the data of a cell made ready for a version, and asks whether it runs there. Whether something changed, and what is
    /// missing.
    pub fn ready_with_data(&mut self, version: &Version, cell: &CellName) -> (bool, Result<(), String>) {
        let (expands, missing) = self.expand_for(version, cell, false);
        (expands, missing.map_or_else(|| self.ready_in(cell, version), Err))
    }

    /// Its data is ready for the release in this cell.
    pub fn is_expanded(&self, run: &Run, cell: &CellName) -> bool {
        let release = self.state.pinned.get(&run.version);
        let steps = release.into_iter().flat_map(|release| &release.steps);
        let mut expands = steps.filter(|step| step.kind == DataStepKind::Expand && step.is_for(cell));
        expands.all(|step| run.step(cell, &step.name).is_some_and(StepRun::is_done))
    }

    /// The steps that a release has in cells where it had no tenant before. True where there are some.
    fn add_steps(&mut self, run: usize, cells: &BTreeSet<CellName>) -> bool {
        let now = self.now;
        let run = &mut self.state.runs[run];
        let Some(release) = self.state.pinned.get(&run.version) else {
            return false;
        };
        let known = run.steps.len();
        for cell in cells {
            for step in release.steps.iter().filter(|step| step.is_for(cell)) {
                if run.step(cell, &step.name).is_none() {
                    run.steps.push(StepRun::waiting(step.clone(), cell.clone(), now));
                }
            }
        }
        run.steps.len() > known
    }

    /// The first step of a kind in a cell that is not done.
    pub fn next_step(&self, run: usize, cell: &CellName, kind: DataStepKind) -> Option<usize> {
        let open = |step: &StepRun| step.cell == *cell && step.step.kind == kind && !step.is_done();
        self.state.runs[run].steps.iter().position(open)
    }

    /// Begins a step whose time has come, or says what it waits for.
    pub fn work_on(&mut self, run: usize, step: usize) -> bool {
        let current = &self.state.runs[run].steps[step];
        let again = current.again_at();
        let reason = match current.phase {
            StepPhase::Waiting | StepPhase::Undone => None,
            StepPhase::Failed | StepPhase::UndoFailed => again
                .filter(|at| *at > self.now)
                .map(|at| format!("tried again at {at}: {}", current.outcome)),
            StepPhase::Running | StepPhase::Undoing => Some(format!("it is {}", current.phase.in_words())),
            StepPhase::Done | StepPhase::Kept => return false,
        };
        let until = again.filter(|_| reason.is_some());
        if let Some(reason) = reason.or_else(|| self.busy(run, step, false)) {
            self.wait_for_step(run, step, reason, until);
            return false;
        }
        self.begin(run, step, false);
        true
    }

    /// What works on the same database, or has to be taken back there first: before anything new is done, all of it; before
    /// work is taken back, that of later releases.
    pub fn busy(&self, run: usize, step: usize, undo: bool) -> Option<String> {
        let wanted = &self.state.runs[run].steps[step];
        let mut others = self.state.runs.iter().enumerate().flat_map(|(index, run)| {
            let steps = run.steps.iter().filter(|step| step.is_beside(wanted));
            steps.map(move |step| (index, run, step))
        });
        others.find_map(|(index, other, step)| {
            let (name, version) = (&step.step.name, &other.version);
            let what = if step.is_at_work() {
                format!("is worked on by step {name} of release {version}")
            } else if (index > run || (index < run && !undo)) && other.takes_back(step) {
                format!("still has the work of step {name} of release {version}, which has come back")
            } else {
                return None;
            };
            Some(format!("database {} {what}", step.step.database))
        })
    }

    pub fn wait_for_step(&mut self, run: usize, step: usize, reason: String, until: Option<Timestamp>) {
        let run = &self.state.runs[run];
        let step = &run.steps[step];
        self.waiting.push(Waiting::Step {
            release: run.version.clone(),
            cell: step.cell.clone(),
            step: step.step.name.clone(),
            reason,
            until,
        });
        until.into_iter().for_each(|at| self.wake_at(at));
    }

    pub fn begin(&mut self, run: usize, step: usize, undo: bool) {
        let (now, attempt) = (self.now, self.state.next_attempt());
        let version = self.state.runs[run].version.clone();
        let current = &mut self.state.runs[run].steps[step];
        let spec = self
            .state
            .pinned
            .get(&version)
            .and_then(|release| release.slot(&current.cell, &current.step.component));
        // Its release is pinned as long as it has work ahead, and a plan without the component is refused.
        let Some(spec) = spec else { return };
        current.attempt = attempt;
        current.since = now;
        // While nobody is served, a pause is one of taking back, not of what had failed before.
        if undo && current.is_in_downtime() && current.phase == StepPhase::Failed {
            current.failures = 0;
        }
        current.phase = if undo { StepPhase::Undoing } else { StepPhase::Running };
        if current.step.kind == DataStepKind::Contract
            && let Some(cell) = self.state.cells.get_mut(&current.cell)
        {
            cell.contracted = cell.contracted.take().max(Some(version.clone()));
        }
        let id = current.effect(&version);
        let (name, cell) = (current.step.name.clone(), current.cell.clone());
        let body = EffectBody::Step(Box::new(StepTask {
            version: version.clone(),
            step: name.clone(),
            database: current.step.database.clone(),
            spec,
            command: if undo {
                current.step.undo.clone()
            } else {
                current.step.command.clone()
            },
            timeout: current.step.timeout,
        }));
        self.effects.push(Effect { id, body });
        let what = if undo { "takes its work back" } else { "begins" };
        let cause = Cause::system("step", format!("step {name} in cell {cell} {what}"));
        self.write(EntryKind::StepStarted, &version, None, &cause);
    }

    /// The outcome of a step. Of another attempt: ignored.
    pub fn step_performed(&mut self, effect: &EffectId, judgement: &Judgement) {
        let found = self.state.runs.iter().enumerate().find_map(|(index, run)| {
            let is_it = |step: &StepRun| step.is_at_work() && step.effect(&run.version) == *effect;
            Some((index, run.steps.iter().position(is_it)?))
        });
        let Some((run, step)) = found else { return };
        let (now, passed) = (self.now, judgement.verdict == Verdict::Pass);
        let version = self.state.runs[run].version.clone();
        let current = &mut self.state.runs[run].steps[step];
        let (phase, kind) = match (current.phase == StepPhase::Undoing, passed) {
            (false, true) => (StepPhase::Done, EntryKind::StepDone),
            (false, false) => (StepPhase::Failed, EntryKind::StepFailed),
            (true, true) => (StepPhase::Undone, EntryKind::StepUndone),
            (true, false) => (StepPhase::UndoFailed, EntryKind::StepFailed),
        };
        current.phase = phase;
        current.since = now;
        current.failures = if passed { 0 } else { current.failures.saturating_add(1) };
        current.outcome.clone_from(&judgement.reason);
        let reason = format!(
            "step {} in cell {} {}: {}",
            current.step.name,
            current.cell,
            match phase {
                StepPhase::Done => "is done",
                StepPhase::Undone => "is undone",
                StepPhase::UndoFailed => "could not be undone",
                StepPhase::Waiting | StepPhase::Running | StepPhase::Failed | StepPhase::Undoing | StepPhase::Kept =>
                    "has failed",
            },
            judgement.reason
        );
        self.write(kind, &version, None, &Cause::system("step", reason.clone()));
        if !passed {
            self.announce(run, None, Milestone::StepFailed, Some(&reason));
        }
    }

    /// A person lets the release go on: what has failed is tried again now.
    pub fn steps_again(&mut self, run: usize) {
        let now = self.now;
        let failed = |step: &&mut StepRun| step.phase == StepPhase::Failed;
        for step in self.state.runs[run].steps.iter_mut().filter(failed) {
            step.failures = 0;
            // Of work in downtime, what it has done until then keeps tenants out of service.
            if !step.is_in_downtime() {
                step.phase = StepPhase::Waiting;
                step.since = now;
            }
        }
    }

    /// What is done behind a release, in its cells.
    pub fn advance_data(&mut self) -> bool {
        let mut changed = false;
        for run in 0..self.state.runs.len() {
            changed |= match self.state.runs[run].phase {
                RunPhase::Moving => self.state.runs[run].hold.is_none() && self.migrate(run),
                RunPhase::Completed { .. } => self.migrate(run),
                RunPhase::RolledBack { .. } | RunPhase::Aborted { .. } => self.keep_what_is_built_on(run),
                RunPhase::Queued | RunPhase::Superseded { .. } => false,
            };
        }
        changed
    }

    /// What is taken away from data, once the slots that needed it are gone.
    pub fn clean_data(&mut self) {
        for run in 0..self.state.runs.len() {
            match self.state.runs[run].phase {
                RunPhase::Completed { at } => {
                    let open = at + self.state.runs[run].policy.rollback_window;
                    self.contract(run, open);
                }
                RunPhase::RolledBack { .. } | RunPhase::Aborted { .. } => self.undo(run),
                RunPhase::Queued | RunPhase::Moving | RunPhase::Superseded { .. } => {}
            }
        }
    }

    fn cells_of_steps(&self, run: usize, kind: DataStepKind) -> BTreeSet<CellName> {
        let steps = self.state.runs[run].steps.iter();
        let open = steps.filter(|step| step.step.kind == kind && !step.is_done());
        open.map(|step| step.cell.clone()).collect()
    }

    /// Behind the release: where all its waves in a cell are confirmed.
    fn migrate(&mut self, run: usize) -> bool {
        let mut changed = false;
        for cell in self.cells_of_steps(run, DataStepKind::Migrate) {
            // A tenant may just have come to a cell that a completed release had not reached.
            if self.is_expanded(&self.state.runs[run], &cell)
                && self.state.runs[run].is_confirmed_in(&cell, |wave| wave.cells(&self.state.seats))
                && let Some(step) = self.next_step(run, &cell, DataStepKind::Migrate)
            {
                changed |= self.work_on(run, step);
            }
        }
        changed
    }

    /// What earlier versions need is taken away when nobody runs one, or can return to one.
    fn contract(&mut self, run: usize, open: Timestamp) {
        for cell in self.cells_of_steps(run, DataStepKind::Contract) {
            let Some(step) = self.next_step(run, &cell, DataStepKind::Contract) else {
                continue;
            };
            let needed = if self.state.runs[run].steps[step].has_begun() {
                None
            } else if self.next_step(run, &cell, DataStepKind::Migrate).is_some() {
                Some(("its data is not migrated yet".to_owned(), None))
            } else if open > self.now {
                Some((format!("tenants can be taken back until {open}"), Some(open)))
            } else {
                self.needs_what_was_before(run, &cell)
            };
            match needed {
                Some((reason, until)) => self.wait_for_step(run, step, reason, until),
                None => {
                    self.work_on(run, step);
                }
            }
        }
    }

    /// A tenant of the cell that is on a version before the run's, or can come to one, and until when, where that is known; or a
    /// slot or a run of a job of one.
    fn needs_what_was_before(&self, index: usize, cell: &CellName) -> Option<(String, Option<Timestamp>)> {
        let own = &self.state.runs[index].version;
        let later: BTreeSet<&Version> = self.state.runs[index..].iter().map(|run| &run.version).collect();
        // One with a lower number that was applied later knows as little of this release.
        let is_earlier = |version: &Version| version < own || !later.contains(version);
        let lives_here = |tenant: &TenantName| self.state.seats.get(tenant).is_some_and(|seat| seat.belongs_to(cell));
        let mut here = self.state.seats.iter().filter(|(_, seat)| seat.belongs_to(cell));
        let found = here.find_map(|(tenant, seat)| Some((tenant, seat.version.as_ref().filter(|on| is_earlier(on))?)));
        if let Some((tenant, version)) = found {
            return Some((format!("tenant {tenant} still runs {version}"), None));
        }
        let can_come = self.state.runs.iter().find_map(|run| {
            let until = run.taken_back_until();
            if until.is_some_and(|until| until <= self.now) {
                return None;
            }
            let comes = run.in_flight() && is_earlier(&run.version);
            run.members().find_map(|(tenant, member)| {
                if comes && member.place == Place::Waiting && lives_here(tenant) {
                    return Some((format!("tenant {tenant} waits to be moved to {}", run.version), None));
                }
                let goes = matches!(member.place, Place::Moved { .. } | Place::Returning { .. });
                let from = member.from.as_ref().filter(|from| goes && is_earlier(from))?;
                lives_here(tenant).then(|| (format!("tenant {tenant} can be taken back to {from}"), until))
            })
        });
        let starts = || {
            let version = self.starts_on(cell).filter(|version| is_earlier(version))?;
            Some((format!("a new tenant of the cell starts on {version}"), None))
        };
        let runs = || Some((self.state.job_running(cell, is_earlier)?, None));
        let drains = || Some((self.slot_of_none(cell, |version| !is_earlier(version))?, None));
        can_come.or_else(starts).or_else(drains).or_else(runs)
    }

    /// A slot in the cell that no version which `may` run there has: it still drains.
    pub fn slot_of_none(&self, cell: &CellName, may: impl Fn(&Version) -> bool) -> Option<String> {
        let cell = self.state.cells.get(cell)?;
        let resolved = cell.resolved.iter().filter(|(version, _)| may(version));
        let known: BTreeSet<&SlotId> = resolved.flat_map(|(_, slots)| slots.values()).collect();
        let (slot, _) = cell.slots.iter().find(|(slot, _)| !known.contains(slot))?;
        Some(format!("slot {slot} is not stopped yet"))
    }
}

impl StepRun {
    /// On the same database.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.cell == other.cell && self.step.database == other.step.database
    }

    /// When a failed step is tried again by itself.
    pub fn again_at(&self) -> Option<Timestamp> {
        let doubled = self.failures.checked_sub(1)?.min(PAUSES_DOUBLED_MAX);
        let pause = Duration::from_secs(PAUSE_SECS << doubled).min(PAUSE_MAX);
        matches!(self.phase, StepPhase::Failed | StepPhase::UndoFailed).then(|| self.since + pause)
    }
}

impl Run {
    /// Every wave that moves tenants of the cell is done; where the last of them is gone, every wave.
    fn is_confirmed_in(&self, cell: &CellName, cells: impl Fn(&WaveRun) -> BTreeSet<CellName>) -> bool {
        let mut here = self.waves.iter().filter(|wave| cells(wave).contains(cell)).peekable();
        if here.peek().is_none() {
            return matches!(self.phase, RunPhase::Completed { .. });
        }
        here.all(|wave| matches!(wave.state, WaveState::Confirmed { .. }))
    }

    /// Until when the tenants that it has moved can be taken back; `None`: it is in flight, and nobody knows.
    fn taken_back_until(&self) -> Option<Timestamp> {
        match self.phase {
            RunPhase::Completed { at } if !self.returning() => Some(at + self.policy.rollback_window),
            RunPhase::RolledBack { at } | RunPhase::Aborted { at } | RunPhase::Superseded { at }
                if !self.returning() =>
            {
                Some(at + self.policy.rollback_window)
            }
            RunPhase::Queued
            | RunPhase::Moving
            | RunPhase::Completed { .. }
            | RunPhase::RolledBack { .. }
            | RunPhase::Aborted { .. }
            | RunPhase::Superseded { .. } => None,
        }
    }
}
