//! The way back of data, and where data allow none.

use std::collections::BTreeSet;

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::{CellName, TenantName};
use crate::journal::EntryKind;
use crate::plan::Plan;
use crate::service::{Place, Run, StepPhase, StepRun};

impl Turn {
    /// The work of a release that has come back is taken back, the last step first.
    pub fn undo(&mut self, run: usize) {
        let current = &self.state.runs[run];
        if current.steps.is_empty() || current.holds_tenants() {
            return;
        }
        let steps = current.steps.iter();
        let cells: BTreeSet<CellName> = steps.map(|step| step.cell.clone()).collect();
        for cell in cells {
            let (version, steps) = (&self.state.runs[run].version, &self.state.runs[run].steps);
            let in_downtime = self.state.runs[run].undoes_in_downtime();
            let here = |step: &StepRun| {
                let own = step.cell == cell && !(in_downtime && step.is_in_downtime());
                own && (step.is_at_work() || step.is_to_be_undone())
            };
            let Some(step) = steps.iter().rposition(here) else {
                continue;
            };
            let current = &steps[step];
            let again = current
                .again_at()
                .filter(|at| current.phase == StepPhase::UndoFailed && *at > self.now);
            let needed = if current.is_at_work() {
                Some((format!("it is {}", current.phase.in_words()), None))
            } else if let Some(at) = again {
                let reason = format!("taking its work back is tried again at {at}: {}", current.outcome);
                Some((reason, Some(at)))
            } else {
                let busy = self.busy(run, step, true);
                let slot = || self.slot_of_none(&cell, |other| other != version);
                let needed = busy
                    .or_else(slot)
                    .or_else(|| self.state.job_running(&cell, |on| on == version));
                needed.map(|reason| (reason, None))
            };
            match needed {
                Some((reason, until)) => self.wait_for_step(run, step, reason, until),
                None => self.begin(run, step, true),
            }
        }
    }

    /// A later release has done work on the same database, and may need what it has found there.
    pub fn keep_what_is_built_on(&mut self, run: usize) -> bool {
        let current = &self.state.runs[run];
        if !current.steps.iter().any(|step| current.takes_back(step)) {
            return false;
        }
        let (before, later) = self.state.runs.split_at_mut(run + 1);
        let Some(current) = before.last_mut() else { return false };
        let version = current.version.clone();
        let mut kept = Vec::new();
        for step in current.steps.iter_mut().filter(|step| step.is_to_be_undone()) {
            let stays = |run: &Run, other: &StepRun| {
                other.is_beside(step)
                    && other.has_begun()
                    && other.phase != StepPhase::Undoing
                    && !run.takes_back(other)
            };
            let Some(on_it) = later.iter().find(|run| run.steps.iter().any(|other| stays(run, other))) else {
                continue;
            };
            kept.push(format!(
                "step {} in cell {} is kept: release {} has worked on database {} since",
                step.step.name, step.cell, on_it.version, step.step.database
            ));
            step.phase = StepPhase::Kept;
        }
        for reason in &kept {
            self.write(
                EntryKind::StepKept,
                &version,
                None,
                &Cause::system("step", reason.clone()),
            );
        }
        !kept.is_empty()
    }

    /// Nobody is moved to a version that does not find what it needs.
    pub fn check_data(&self, plan: &Plan) -> Result<(), Refused> {
        let version = &plan.release.version;
        let mut planned = plan.waves.iter().flat_map(|wave| wave.tenants.values());
        let past = planned.find_map(|at| Some((&at.cell, self.state.contracted_past(&at.cell, version)?)));
        match past {
            Some((cell, contracted)) => Err(Refused::ContractedPast {
                release: version.clone(),
                cell: cell.clone(),
                contracted: contracted.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The version that each tenant of the wave, or one of them, would go back to finds what it needs.
    pub fn check_not_contracted(&self, run: usize, wave: usize, only: Option<&TenantName>) -> Result<(), Refused> {
        let run = &self.state.runs[run];
        let asked = |name: &TenantName| only.is_none_or(|only| only == name);
        let members = run.waves[wave].members.iter();
        for (tenant, member) in members.filter(|(name, member)| asked(name) && member.place.is_on()) {
            let Some(seat) = self.state.seats.get(tenant) else {
                continue;
            };
            if let Some(contracted) = run.contracted_in(&seat.cell) {
                return Err(Refused::Contracted {
                    release: run.version.clone(),
                    cell: seat.cell.clone(),
                    step: contracted.step.name.clone(),
                });
            }
            let Some(from) = &member.from else { continue };
            if let Some(contracted) = self.state.contracted_past(&seat.cell, from) {
                return Err(Refused::ContractedPast {
                    release: from.clone(),
                    cell: seat.cell.clone(),
                    contracted: contracted.clone(),
                });
            }
        }
        Ok(())
    }

    /// No step in the cells of the wave makes the earlier version lose what was written since.
    /// Nothing is rolled back by itself behind it: what was written since may be worth more than what hurts.
    pub fn check_loses_nothing(&self, run: usize, wave: usize) -> Result<(), Refused> {
        let run = &self.state.runs[run];
        let cells = run.waves[wave].cells(&self.state.seats);
        let served = |cell: &CellName| {
            let mut members = run.waves[wave].members.iter();
            let here = |tenant: &TenantName| self.state.seats.get(tenant).is_some_and(|seat| seat.cell == *cell);
            members.any(|(tenant, member)| member.place.is_on() && here(tenant))
        };
        let mut steps = run.steps.iter().filter(|step| cells.contains(&step.cell));
        // Within the downtime, nobody writes.
        match steps.find(|step| step.loses_new_writes() && (!step.is_in_downtime() || served(&step.cell))) {
            Some(step) => Err(Refused::LosesNewWrites {
                release: run.version.clone(),
                step: step.step.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Nobody goes back to data that are not those of the version he goes back to.
    pub fn check_downtime_work(&self, run: usize, wave: usize, only: Option<&TenantName>) -> Result<(), Refused> {
        let current = &self.state.runs[run];
        // Whoever has left the cell: half of it is nobody's data, and only the release can end it.
        let half_done = |step: &&StepRun| step.holds_data() && !step.is_done() && step.step.undo.is_empty();
        if let (None, Some(step)) = (only, current.steps.iter().find(half_done)) {
            return Err(Refused::NoUndo {
                release: current.version.clone(),
                cell: step.cell.clone(),
                step: step.step.name.clone(),
            });
        }
        let asked = |name: &TenantName| only.is_none_or(|only| only == name);
        for (tenant, member) in current.waves[wave].members.iter().filter(|(name, _)| asked(name)) {
            let Some(seat) = self.state.seats.get(tenant) else {
                continue;
            };
            let counts = match member.place {
                Place::Waiting | Place::Moved { .. } | Place::Returning { .. } => true,
                Place::Returned { .. } | Place::Left { .. } | Place::Superseded { .. } => false,
            };
            let of_cell = |step: &&StepRun| counts && step.cell == seat.cell && step.holds_data();
            let mut steps = current.steps.iter().filter(of_cell);
            if let Some(step) = steps.clone().find(|step| step.step.undo.is_empty()) {
                return Err(Refused::NoUndo {
                    release: current.version.clone(),
                    cell: seat.cell.clone(),
                    step: step.step.name.clone(),
                });
            }
            if let (Some(_), Some(step)) = (only, steps.next()) {
                return Err(Refused::BackTogether {
                    release: current.version.clone(),
                    tenant: tenant.clone(),
                    cell: seat.cell.clone(),
                    step: step.step.name.clone(),
                    wave: current.waves[wave].name.clone(),
                });
            }
            let Some(from) = member.from.as_ref().filter(|_| member.place.is_on()) else {
                continue;
            };
            if let Some(later) = self.state.worked_on_by_another(&seat.cell, from, &current.version) {
                return Err(Refused::WorkedOnSince {
                    from: from.clone(),
                    cell: seat.cell.clone(),
                    later: later.clone(),
                });
            }
        }
        Ok(())
    }
}
