//! The way back of data, and where data allow none.

use std::collections::{BTreeMap, BTreeSet};

use super::Refused;
use super::turn::{Cause, Turn};
use crate::effect::Milestone;
use crate::id::{CellName, TenantName, Version};
use crate::journal::EntryKind;
use crate::plan::Plan;
use crate::service::{Maintenance, Member, Place, Run, Seat, StepPhase, StepRun, WaveState};

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

    /// Takes the work of a wave that is rolled back out of the data while nobody there is served. Each cell goes by itself: it is
    /// closed when what it goes back to is ready there, and served when its own data are undone.
    pub fn undo_in_downtime(&mut self, run: usize, wave: usize) -> bool {
        if !matches!(self.state.runs[run].waves[wave].state, WaveState::RolledBack { .. }) {
            return false;
        }
        let cells = self.cells_with_downtime_work(run, wave);
        let mut changed = self.close_to_undo(run, wave, &cells) | self.serve_undone(run, wave, &cells);
        let Some(maintenance) = self.state.runs[run].waves[wave].maintenance.clone() else {
            return changed;
        };
        let mut apart = self.not_out_of_service(&cells);
        for cell in cells {
            let apart = apart.remove(&cell);
            let served = apart.map(|tenant| format!("tenant {tenant} of the cell is not out of service"));
            let served = served.or_else(|| self.reached(&BTreeSet::from([&cell]), maintenance.generation));
            changed |= self.undo_last(run, &cell, served.as_deref());
        }
        changed
    }

    /// The cells of a wave in which work in downtime was begun and is not taken back.
    pub fn cells_with_downtime_work(&self, run: usize, wave: usize) -> BTreeSet<CellName> {
        let current = &self.state.runs[run];
        if !current.steps.iter().any(StepRun::holds_data) {
            return BTreeSet::new();
        }
        let seats = current.waves[wave]
            .members
            .keys()
            .filter_map(|tenant| self.state.seats.get(tenant));
        let cells = seats
            .map(|seat| &seat.cell)
            .filter(|cell| current.downtime_work_in(cell).is_some());
        cells.cloned().collect()
    }

    /// Takes the tenants of cells that go back out of service, once all that those of a cell go back to is ready there.
    fn close_to_undo(&mut self, run: usize, wave: usize, cells: &BTreeSet<CellName>) -> bool {
        let current = &self.state.runs[run];
        let (closed, members) = (&current.waves[wave].maintenance, &current.waves[wave].members);
        let is_closed = |tenant| closed.as_ref().is_some_and(|it| it.tenants.contains(tenant));
        let back = members.iter().filter_map(|(tenant, member)| match member.place {
            Place::Returning { .. } => Some((tenant, member.from.as_ref()?, self.state.seats.get(tenant)?)),
            Place::Waiting
            | Place::Moved { .. }
            | Place::Returned { .. }
            | Place::Left { .. }
            | Place::Superseded { .. } => None,
        });
        let back = back.filter(|(tenant, _, seat)| cells.contains(&seat.cell) && !is_closed(*tenant));
        let mut back: Vec<(&TenantName, &Version, &Seat)> = back.collect();
        let unready = back
            .iter()
            .filter(|(_, from, seat)| self.ready_in(&seat.cell, from).is_err());
        let unready: BTreeSet<&CellName> = unready.map(|(_, _, seat)| &seat.cell).collect();
        back.retain(|(_, _, seat)| !unready.contains(&seat.cell));
        let Some(downtime) = current.policy.downtime.filter(|_| !back.is_empty()) else {
            return false;
        };
        let generation = match self.takes_out_of_table(back.iter().map(|(_, _, seat)| *seat)) {
            true => self.next_generation,
            false => closed
                .as_ref()
                .map_or(self.state.routing.generation, |it| it.generation),
        };
        let tenants: Vec<TenantName> = back.into_iter().map(|(tenant, _, _)| tenant.clone()).collect();
        let (since, ends) = (self.now, self.now + downtime.undo);
        let current = &mut self.state.runs[run];
        let maintenance = current.waves[wave].maintenance.get_or_insert(Maintenance {
            since,
            ends,
            extended: false,
            generation,
            tenants: BTreeSet::new(),
        });
        maintenance.tenants.extend(tenants.iter().cloned());
        maintenance.generation = generation;
        maintenance.ends = maintenance.ends.max(ends);
        let reason = format!(
            "out of service until {}, while what was done in the downtime is undone",
            maintenance.ends
        );
        let (version, name) = (current.version.clone(), current.waves[wave].name.clone());
        let cause = Cause::system("downtime", reason.clone());
        self.write_about(EntryKind::DowntimeStarted, (&version, Some(&name)), tenants, &cause);
        self.announce(run, Some(wave), Milestone::DowntimeStarted, Some(&reason));
        true
    }

    /// Whose data are those of the version before again is served by that, once it is ready, whatever is undone in other cells.
    fn serve_undone(&mut self, run: usize, wave: usize, cells: &BTreeSet<CellName>) -> bool {
        let current = &self.state.runs[run];
        let Some(maintenance) = &current.waves[wave].maintenance else {
            return false;
        };
        let members = &current.waves[wave].members;
        let stays = |tenant: &&TenantName| {
            let Some(seat) = self.state.seats.get(*tenant) else {
                return false;
            };
            let returns = |member: &&Member| matches!(member.place, Place::Returning { .. });
            let from = members
                .get(*tenant)
                .filter(returns)
                .and_then(|member| member.from.as_ref());
            // On what it still runs, nobody is served any more.
            let unready = || from.is_some_and(|from| self.ready_in(&seat.cell, from).is_err());
            cells.contains(&seat.cell) || unready()
        };
        let (stay, served): (Vec<_>, Vec<_>) = maintenance.tenants.iter().partition(stays);
        let stay: BTreeSet<TenantName> = stay.into_iter().cloned().collect();
        let served: Vec<TenantName> = served.into_iter().cloned().collect();
        // Who was closed may be gone.
        let half_done = |cell| current.downtime_work_in(cell).is_some_and(|step| !step.is_done());
        let is_over = stay.is_empty() && !cells.iter().any(half_done);
        let reason = "what was done in it is undone";
        if is_over && (cells.is_empty() || !served.is_empty()) {
            self.end_downtime(run, wave, reason);
            return true;
        }
        if served.is_empty() {
            return false;
        }
        let current = &mut self.state.runs[run];
        let (version, name) = (current.version.clone(), current.waves[wave].name.clone());
        if let Some(maintenance) = &mut current.waves[wave].maintenance {
            maintenance.tenants = stay;
        }
        let cause = Cause::system("downtime", reason);
        self.write_about(EntryKind::DowntimeEnded, (&version, Some(&name)), served, &cause);
        true
    }

    /// Somebody who is served, of each of the cells where there is one.
    fn not_out_of_service(&self, cells: &BTreeSet<CellName>) -> BTreeMap<CellName, TenantName> {
        if cells.is_empty() {
            return BTreeMap::new();
        }
        let closed = self.state.out_of_service();
        let seats = self.state.seats.iter();
        let served = seats.filter(|(tenant, seat)| seat.version.is_some() && !closed.contains_key(tenant));
        let here = served.filter(|(_, seat)| cells.contains(&seat.cell));
        here.map(|(tenant, seat)| (seat.cell.clone(), tenant.clone())).collect()
    }

    /// The last step of a cell, down to the first one that was done in downtime.
    fn undo_last(&mut self, run: usize, cell: &CellName, served: Option<&str>) -> bool {
        let steps = &self.state.runs[run].steps;
        let first = steps.iter().position(|step| step.cell == *cell && step.holds_data());
        let open = |step: &StepRun| step.cell == *cell && (step.is_at_work() || step.is_to_be_undone());
        let (Some(first), Some(last)) = (first, steps.iter().rposition(open)) else {
            return false;
        };
        if last < first {
            return false;
        }
        let current = &steps[last];
        let again = current
            .again_at()
            .filter(|at| current.phase == StepPhase::UndoFailed && *at > self.now);
        let (reason, until) = if current.is_at_work() {
            (Some(format!("it is {}", current.phase.in_words())), None)
        } else if let Some(at) = again {
            (
                Some(format!(
                    "taking its work back is tried again at {at}: {}",
                    current.outcome
                )),
                Some(at),
            )
        } else {
            (served.map(str::to_owned).or_else(|| self.busy(run, last, true)), None)
        };
        match reason {
            Some(reason) => {
                self.wait_for_step(run, last, reason, until);
                false
            }
            None => {
                self.begin(run, last, true);
                true
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
