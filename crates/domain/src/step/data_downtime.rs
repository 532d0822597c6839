//! Work on data in downtime: begun in a cell when nobody there is served or worked for. It is taken back in the same way, before anybody
//! is served by an earlier version again: see `data_back`.

use std::collections::{BTreeMap, BTreeSet};

use super::admission::Admission;
use super::turn::{Cause, Turn};
use crate::id::{CellName, TenantName, Version};
use crate::journal::EntryKind;
use crate::release::{ComponentKind, DataStepKind};
use crate::service::{Maintenance, Member, Place, Seat, Slot, StepPhase, StepRun};
use crate::time::Duration;

/// Who of a cell in its downtime is moved.
enum Goes {
    Whole,
    WhoMay,
    Nobody,
}

impl Turn {
    /// The cells of a wave whose tenants are moved together, because work in downtime is ahead of them.
    pub fn cells_together(&self, run: usize, wave: usize) -> BTreeSet<CellName> {
        let current = &self.state.runs[run];
        let open = current
            .steps
            .iter()
            .filter(|step| step.is_in_downtime() && !step.is_done());
        let open: BTreeSet<&CellName> = open.map(|step| &step.cell).collect();
        if open.is_empty() || current.policy.downtime.is_none() {
            return BTreeSet::new();
        }
        let cells = current.waves[wave].cells(&self.state.seats).into_iter();
        cells.filter(|cell| open.contains(cell)).collect()
    }

    /// A tenant that is served in a cell, or on its way to it, and may not be moved now. Who comes to it on `version` finds there what
    /// it needs.
    pub fn apart(&self, version: &Version, cell: &CellName, may_move: &BTreeSet<TenantName>) -> Option<&TenantName> {
        let comes_on_it = |seat: &Seat| seat.cell != *cell && seat.version.as_ref() == Some(version);
        let seats = self.state.seats.iter();
        let mut seats = seats.filter(|(_, seat)| seat.belongs_to(cell) && !comes_on_it(seat));
        let found = seats.find(|(tenant, seat)| {
            seat.leaves_for().is_some() || (seat.version.is_some() && !may_move.contains(*tenant))
        });
        found.map(|(tenant, _)| tenant)
    }

    /// Tenants that may move wait for the others of their cell; where one of these stays for good, a person has to say what comes of
    /// it. `None`: no cell has to be waited for, else whether something changed.
    pub fn wait_for_whole_cells(&mut self, run: usize, wave: usize, admission: &Admission) -> Option<bool> {
        let mut waits = Vec::new();
        for cell in self.cells_together(run, wave) {
            let here = |tenant: &&TenantName| self.state.seats.get(*tenant).is_some_and(|seat| seat.cell == cell);
            let (Some(_), Some(apart), Some(step)) = (
                admission.may_move.iter().find(here),
                self.apart(&self.state.runs[run].version, &cell, &admission.may_move),
                self.next_step(run, &cell, DataStepKind::DuringDowntime),
            ) else {
                continue;
            };
            let member = self.state.runs[run].waves[wave].members.get(apart);
            let comes = member.is_some_and(|member| member.place == Place::Waiting);
            let leaves = self
                .state
                .seats
                .get(apart)
                .is_some_and(|seat| seat.leaves_for().is_some());
            if !comes && !leaves {
                let name = &self.state.runs[run].steps[step].step.name;
                let reason = format!(
                    "tenant {apart} stays where it is, and step {name} is done for all tenants of cell {cell} together"
                );
                self.hold_run(run, None, &Cause::system("step", reason));
                return Some(true);
            }
            let reason = format!("tenant {apart} may not be moved yet, and it is done for all of the cell together");
            waits.push((step, reason));
        }
        let waiting = !waits.is_empty();
        for (step, reason) in waits {
            self.wait_for_step(run, step, reason, None);
        }
        waiting.then_some(false)
    }

    /// Those of a closed batch that are moved: who may be, by whole cells, and whoever is in a cell in which work has begun.
    pub fn go_on(&self, run: usize, waiting: &BTreeSet<TenantName>, admission: &Admission) -> Vec<TenantName> {
        let current = &self.state.runs[run];
        let mut by_cell: BTreeMap<&CellName, Goes> = BTreeMap::new();
        let mut goes = |tenant: &&TenantName| {
            let Some(seat) = self.state.seats.get(*tenant) else {
                return false;
            };
            // A cell may have many tenants.
            let cell = by_cell.entry(&seat.cell).or_insert_with(|| {
                let steps = current.steps.iter();
                let mut open = steps.filter(|step| step.cell == seat.cell && step.is_in_downtime() && !step.is_done());
                if current.downtime_work_in(&seat.cell).is_some() {
                    Goes::Whole
                } else if open.next().is_some()
                    && self.apart(&current.version, &seat.cell, &admission.may_move).is_some()
                {
                    Goes::Nobody
                } else {
                    Goes::WhoMay
                }
            });
            match cell {
                Goes::Whole => true,
                Goes::WhoMay => admission.may_move.contains(*tenant),
                Goes::Nobody => false,
            }
        };
        waiting.iter().filter(|tenant| goes(tenant)).cloned().collect()
    }

    /// Why something may still reach the data of the closed tenants, where they are to be worked on.
    pub fn not_left_alone(&self, run: usize, maintenance: &Maintenance, tenants: &[TenantName]) -> Option<String> {
        let steps = &self.state.runs[run].steps;
        let seats = tenants.iter().filter_map(|tenant| self.state.seats.get(tenant));
        let cells = seats.map(|seat| &seat.cell);
        let worked_on = |cell: &&CellName| steps.iter().any(|step| step.cell == **cell && step.is_in_downtime());
        let cells: BTreeSet<&CellName> = cells.filter(worked_on).collect();
        self.reached(&cells, maintenance.generation)
    }

    /// Why something may still reach data of cells in which tables serve nobody since `generation`: requests, of whatever length,
    /// through whatever gateway and to whatever version, runs of jobs, and workers.
    pub fn reached(&self, cells: &BTreeSet<&CellName>, generation: u64) -> Option<String> {
        let known = || {
            cells
                .iter()
                .filter_map(|cell| Some((*cell, self.state.cells.get(*cell)?)))
        };
        // Nothing has ever run where there is no slot.
        if known().all(|(_, cell)| cell.slots.is_empty()) {
            return None;
        }
        let routing = &self.state.routing;
        if routing.reported < generation || routing.alone || !routing.lapsed.is_empty() {
            return Some(format!("every gateway gives the page: {}", self.gateways_in_words()));
        }
        let in_flight: u64 = known()
            .flat_map(|(_, cell)| cell.slots.values())
            .map(|slot| slot.in_flight)
            .sum();
        if in_flight > 0 {
            return Some(format!(
                "{in_flight} in flight, which have to end before the data are worked on"
            ));
        }
        if let Some(run) = cells.iter().find_map(|cell| self.state.job_running(cell, |_| true)) {
            return Some(run);
        }
        let is_worker = |slot: &Slot| {
            let release = self.state.pinned.get(&slot.version);
            let part = release.and_then(|release| release.components.get(&slot.component));
            part.is_some_and(|part| matches!(part.definition.kind, ComponentKind::Worker { .. }))
        };
        let mut working = known().filter(|(_, cell)| cell.slots.values().any(is_worker));
        let (cell, _) = working.find(|(_, cell)| cell.ownership < generation)?;
        Some(format!("the workers of cell {cell} have not left it"))
    }

    /// The same of a cell in which nobody is served, whoever was there before.
    pub fn reached_by_who_left(&self, cell: &CellName) -> Option<String> {
        // Who leaves in this step is still in the table that gateways have.
        let routing = &self.state.routing;
        let generation = if self.left.contains(cell) {
            self.next_generation
        } else {
            routing.generation
        };
        self.reached(&BTreeSet::from([cell]), generation)
    }

    /// Who has come to a cell since it was closed for work on its data is closed with the others before that begins.
    pub fn close_newcomers(
        &mut self,
        run: usize,
        wave: usize,
        maintenance: &Maintenance,
        admission: &Admission,
    ) -> bool {
        // Asked in every round of every downtime; few are for work on data.
        let together = self.cells_together(run, wave);
        if together.is_empty() {
            return false;
        }
        let here = |tenant: &TenantName| {
            self.state
                .seats
                .get(tenant)
                .filter(|seat| together.contains(&seat.cell))
        };
        let closed = maintenance.tenants.iter().filter_map(here);
        let closed: BTreeSet<&CellName> = closed.map(|seat| &seat.cell).collect();
        let comes = |(tenant, member): &(&TenantName, &Member)| {
            let seat = here(tenant).filter(|seat| closed.contains(&seat.cell) && seat.version.is_some());
            let admitted = member.place == Place::Waiting && admission.may_move.contains(*tenant);
            admitted && seat.is_some() && !maintenance.tenants.contains(*tenant)
        };
        let members = self.state.runs[run].waves[wave].members.iter();
        let new: Vec<TenantName> = members.filter(comes).map(|(tenant, _)| tenant.clone()).collect();
        if new.is_empty() {
            return false;
        }
        let (generation, ends) = (self.next_generation, maintenance.ends);
        let wave = &mut self.state.runs[run].waves[wave];
        let name = wave.name.clone();
        if let Some(maintenance) = &mut wave.maintenance {
            maintenance.tenants.extend(new.iter().cloned());
            maintenance.generation = generation;
        }
        let version = self.state.runs[run].version.clone();
        let reason = format!("out of service until {ends}, with the others of the cell");
        let cause = Cause::system("downtime", reason);
        self.write_about(EntryKind::DowntimeStarted, (&version, Some(&name)), new, &cause);
        true
    }

    /// Does the work in the cells of closed tenants, of which nothing is in flight. `None`: it is all done.
    pub fn work_in_downtime(
        &mut self,
        run: usize,
        wave: usize,
        maintenance: &Maintenance,
        tenants: &[TenantName],
    ) -> Option<bool> {
        let seats = tenants.iter().filter_map(|tenant| self.state.seats.get(tenant));
        let cells: BTreeSet<CellName> = seats.map(|seat| seat.cell.clone()).collect();
        let mut open = false;
        for cell in cells {
            let Some(step) = self.next_step(run, &cell, DataStepKind::DuringDowntime) else {
                continue;
            };
            open = true;
            let current = &self.state.runs[run].steps[step];
            if current.phase == StepPhase::Failed && current.failures > 0 {
                self.fail_in_downtime(run, wave, step);
                return Some(true);
            }
            if !current.has_begun()
                && let Some(reason) = self.not_to_begin(run, wave, &cell, maintenance)
            {
                self.wait_for_step(run, step, reason, None);
                continue;
            }
            if self.work_on(run, step) {
                return Some(true);
            }
        }
        open.then_some(false)
    }

    /// Why the work in a cell does not begin in this downtime, or not yet.
    fn not_to_begin(&self, run: usize, wave: usize, cell: &CellName, maintenance: &Maintenance) -> Option<String> {
        let version = &self.state.runs[run].version;
        if let Some(tenant) = self.apart(version, cell, &maintenance.tenants) {
            return Some(format!("tenant {tenant} of the cell is not out of service"));
        }
        let fits = self.fits(run, wave, cell, maintenance);
        (!fits).then(|| "what is left of the downtime is too short for it".to_owned())
    }

    /// What is left of the work in a cell ends before the downtime has to be undone. What is never undone takes its time.
    fn fits(&self, run: usize, wave: usize, cell: &CellName, maintenance: &Maintenance) -> bool {
        let current = &self.state.runs[run];
        let Some(downtime) = current.policy.downtime else {
            return true;
        };
        let open = current
            .steps
            .iter()
            .filter(|step| step.cell == *cell && step.is_in_downtime() && !step.is_done());
        let takes = open.fold(Duration::ZERO, |sum, step| sum + step.step.timeout);
        self.now + takes <= downtime.undo_at(maintenance.since) || self.comes_back_by_itself(run, wave).is_err()
    }

    /// What can be undone is; else nobody can be served until a person has helped it.
    fn fail_in_downtime(&mut self, run: usize, wave: usize, step: usize) {
        let StepRun {
            step, cell, outcome, ..
        } = self.state.runs[run].steps[step].clone();
        let failed = format!(
            "step {} in cell {cell} has failed in its downtime: {outcome}",
            step.name
        );
        match self.comes_back_by_itself(run, wave) {
            Ok(()) => {
                let cause = Cause::system("step", failed);
                self.wave_back(run, wave, &cause);
                self.hold_run(run, None, &cause);
            }
            Err(refused) => {
                let reason = format!("{failed}; tenants of the cell stay out of service: {refused}");
                self.hold_run(run, None, &Cause::system("step", reason));
            }
        }
    }

    /// Who was closed is served as before, but for the cells where work has begun: there it has to be taken back first. Who was
    /// moved is served already, and is closed anew for that.
    pub fn serve_again(&mut self, run: usize, wave: usize, reason: &str) {
        let current = &self.state.runs[run];
        let stays = |tenant: &TenantName| {
            let seat = self.state.seats.get(tenant);
            let is_worked_on = seat.is_some_and(|seat| current.downtime_work_in(&seat.cell).is_some());
            is_worked_on && self.waits(run, wave, tenant)
        };
        let maintenance = current.waves[wave].maintenance.iter();
        let tenants: BTreeSet<TenantName> = maintenance
            .flat_map(|it| &it.tenants)
            .filter(|tenant| stays(tenant))
            .cloned()
            .collect();
        if tenants.is_empty() {
            return self.end_downtime(run, wave, reason);
        }
        if let Some(maintenance) = &mut self.state.runs[run].waves[wave].maintenance {
            maintenance.tenants = tenants;
        }
    }

    /// Tenants that go through their downtime whatever has come in between: work on their data has begun.
    pub fn goes_through_downtime(&self, run: usize) -> BTreeSet<TenantName> {
        let current = &self.state.runs[run];
        let closed = current.waves.iter().filter_map(|wave| wave.maintenance.as_ref());
        let tenants = closed.flat_map(|maintenance| &maintenance.tenants);
        let begun = |tenant: &&TenantName| {
            let seat = self.state.seats.get(*tenant);
            seat.is_some_and(|seat| current.downtime_work_in(&seat.cell).is_some())
        };
        tenants.filter(begun).cloned().collect()
    }
}
