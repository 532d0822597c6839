//! Planned downtime: tenants get the maintenance page, what is in flight ends, they are moved, and are served again by the
//! same table that moves them. What is not done in time is undone, whatever the release waits for.

use std::collections::BTreeSet;

use super::admission::Admission;
use super::turn::{Cause, Turn};
use crate::effect::Milestone;
use crate::id::{CellName, SlotId, TenantName};
use crate::journal::EntryKind;
use crate::service::{Maintenance, Place, Seat, WaveState};
use crate::time::Timestamp;
use crate::waiting::Waiting;

impl Turn {
    /// Takes a batch through its downtime. `None` where the release has none, or nobody has to be taken out of service.
    pub fn through_downtime(
        &mut self,
        run: usize,
        wave: usize,
        admission: &Admission,
        until: Timestamp,
    ) -> Option<bool> {
        self.state.runs[run].policy.downtime?;
        let Some(maintenance) = self.state.runs[run].waves[wave].maintenance.clone() else {
            return self.close(run, wave, admission);
        };
        if self.close_newcomers(run, wave, &maintenance, admission) {
            return Some(true);
        }
        let waiting: BTreeSet<TenantName> = maintenance
            .tenants
            .iter()
            .filter(|tenant| self.waits(run, wave, tenant))
            .cloned()
            .collect();
        if waiting.is_empty() {
            self.end_downtime(run, wave, "everybody is served again");
            return Some(true);
        }
        let admitted = self.go_on(run, &waiting, admission);
        if admitted.is_empty() {
            // A freeze, or the end of a window, came in between: they are served as before.
            self.end_downtime(run, wave, "nobody may be moved any more");
            return Some(true);
        }
        if let Some(reason) = self.not_quiet(run, &maintenance, &admitted, until) {
            self.wait_in_downtime(run, wave, &maintenance, admitted, reason);
            return Some(false);
        }
        if let Some(changed) = self.work_in_downtime(run, wave, &maintenance, &admitted) {
            return Some(changed);
        }
        self.move_tenants(run, wave, admitted);
        Some(true)
    }

    pub fn waits(&self, run: usize, wave: usize, tenant: &TenantName) -> bool {
        let member = self.state.runs[run].waves[wave].members.get(tenant);
        member.is_some_and(|member| member.place == Place::Waiting)
    }

    /// Takes the next batch out of service. Who has no version yet has nothing that could be closed.
    fn close(&mut self, run: usize, wave: usize, admission: &Admission) -> Option<bool> {
        let downtime = self.state.runs[run].policy.downtime?;
        let batch = self.next_batch(run, wave, admission).into_iter();
        let together = self.cells_together(run, wave);
        let closes = |seat: &Seat| seat.version.is_some() || together.contains(&seat.cell);
        let tenants: BTreeSet<TenantName> = batch
            .filter(|tenant| self.state.seats.get(tenant).is_some_and(closes))
            .collect();
        if tenants.is_empty() {
            return None;
        }
        let seats = tenants.iter().filter_map(|tenant| self.state.seats.get(tenant));
        let generation = match self.takes_out_of_table(seats) {
            true => self.next_generation,
            false => self.state.routing.generation,
        };
        let now = self.now;
        let ends = now + downtime.longest;
        self.state.runs[run].waves[wave].maintenance = Some(Maintenance {
            since: now,
            ends,
            extended: false,
            generation,
            tenants,
        });
        let reason = format!("out of service until {ends}, as planned");
        self.tell_downtime(
            run,
            wave,
            (EntryKind::DowntimeStarted, Milestone::DowntimeStarted),
            &reason,
        );
        Some(true)
    }

    /// Closing them makes a new table. Who has no version yet is in none.
    pub fn takes_out_of_table<'a>(&self, mut seats: impl Iterator<Item = &'a Seat>) -> bool {
        seats.any(|seat| seat.version.is_some() || self.left.contains(&seat.cell))
    }

    /// Why the closed tenants cannot be moved yet: some gateway may still serve them, or requests are in flight.
    fn not_quiet(
        &mut self,
        run: usize,
        maintenance: &Maintenance,
        tenants: &[TenantName],
        until: Timestamp,
    ) -> Option<String> {
        let served = self
            .still_served(maintenance, tenants)
            .or_else(|| self.not_left_alone(run, maintenance, tenants));
        if served.is_some() {
            return served;
        }
        let version = self.state.runs[run].version.clone();
        let cells: BTreeSet<_> = tenants
            .iter()
            .filter_map(|name| Some(&self.state.seats.get(name)?.cell))
            .collect();
        let unready = cells.into_iter().find_map(|cell| self.ready_in(cell, &version).err());
        if unready.is_some() {
            self.wake_at(until);
        }
        unready
    }

    /// Why requests of closed tenants may still reach what they run.
    pub fn still_served(&mut self, maintenance: &Maintenance, tenants: &[TenantName]) -> Option<String> {
        let routing = &self.state.routing;
        if routing.confirmed < maintenance.generation || routing.alone {
            return Some(self.gateways_in_words());
        }
        let (in_flight, drained) = self.in_flight_of(tenants, maintenance.since);
        if in_flight > 0 && self.now < drained {
            self.wake_at(drained);
            return Some(format!("{in_flight} in flight, until {drained} at the latest"));
        }
        None
    }

    /// Requests to what the tenants run now, and until when they are waited for.
    pub fn in_flight_of(&self, tenants: &[TenantName], since: Timestamp) -> (u64, Timestamp) {
        let mut slots: BTreeSet<(&CellName, &SlotId)> = BTreeSet::new();
        for seat in tenants.iter().filter_map(|tenant| self.state.seats.get(tenant)) {
            let resolved = self
                .state
                .cells
                .get(&seat.cell)
                .and_then(|cell| cell.resolved.get(seat.version.as_ref()?));
            slots.extend(
                resolved
                    .into_iter()
                    .flat_map(|slots| slots.values())
                    .map(|id| (&seat.cell, id)),
            );
        }
        let (mut in_flight, mut drained) = (0, since);
        for (cell, id) in slots {
            let Some(slot) = self.state.cells.get(cell).and_then(|cell| cell.slots.get(id)) else {
                continue;
            };
            let release = self.state.pinned.get(&slot.version);
            let part = release.and_then(|release| release.components.get(&slot.component));
            in_flight += slot.in_flight;
            // What has nothing in flight needs no time for it.
            let busy = part.filter(|_| slot.in_flight > 0);
            drained = busy.map_or(drained, |part| drained.max(since + part.definition.drain.requests));
        }
        (in_flight, drained)
    }

    fn wait_in_downtime(
        &mut self,
        run: usize,
        wave: usize,
        maintenance: &Maintenance,
        tenants: Vec<TenantName>,
        reason: String,
    ) {
        let run = &self.state.runs[run];
        let Some(downtime) = run.policy.downtime else { return };
        self.waiting.push(Waiting::Downtime {
            release: run.version.clone(),
            wave: run.waves[wave].name.clone(),
            tenants,
            ends: maintenance.ends,
            undone: downtime.undo_at(maintenance.since),
            reason,
        });
    }

    /// Whatever holds a release: an extension is announced before the promised end, and what is not done at the last instant at
    /// which undoing still fits is undone.
    pub fn advance_downtimes(&mut self) -> bool {
        let mut changed = false;
        for run in 0..self.state.runs.len() {
            for wave in 0..self.state.runs[run].waves.len() {
                changed |= self.advance_downtime(run, wave);
            }
        }
        changed
    }

    fn advance_downtime(&mut self, run: usize, wave: usize) -> bool {
        let current = &self.state.runs[run].waves[wave];
        let (Some(maintenance), Some(downtime)) = (&current.maintenance, self.state.runs[run].policy.downtime) else {
            return false;
        };
        let (since, extended) = (maintenance.since, maintenance.extended);
        // One that is over for its wave is kept for work that has to be taken back first, for as long as that takes.
        let active = matches!(current.state, WaveState::Active { .. });
        let undo_at = downtime.undo_at(since);
        let reversible = self.comes_back_by_itself(run, wave).is_ok();
        if undo_at <= self.now && reversible && active {
            let name = current.name.clone();
            let reason = format!(
                "wave {name} was not switched by {undo_at}, the last instant at which undoing it fits into its downtime"
            );
            let cause = Cause::system("downtime", reason);
            self.wave_back(run, wave, &cause);
            self.hold_run(run, None, &cause);
            return true;
        }
        if reversible && active {
            self.wake_at(undo_at);
        }
        match downtime.announce_at(since).filter(|_| !extended) {
            Some(at) if at <= self.now => {
                let ends = downtime.very_end(since);
                if let Some(maintenance) = &mut self.state.runs[run].waves[wave].maintenance {
                    maintenance.extended = true;
                    maintenance.ends = ends;
                }
                let reason = format!("out of service until {ends} at the latest: it is not done yet");
                self.tell_downtime(
                    run,
                    wave,
                    (EntryKind::DowntimeExtended, Milestone::DowntimeExtended),
                    &reason,
                );
                true
            }
            Some(at) => {
                self.wake_at(at);
                false
            }
            None => false,
        }
    }

    /// Routes serve again. Nothing happens where nobody is out of service.
    pub fn end_downtime(&mut self, run: usize, wave: usize, reason: &str) {
        if self.state.runs[run].waves[wave].maintenance.is_none() {
            return;
        }
        self.tell_downtime(run, wave, (EntryKind::DowntimeEnded, Milestone::DowntimeEnded), reason);
        self.state.runs[run].waves[wave].maintenance = None;
    }

    pub fn tell_downtime(&mut self, run: usize, wave: usize, (kind, milestone): (EntryKind, Milestone), reason: &str) {
        let current = &self.state.runs[run];
        let (version, name) = (current.version.clone(), current.waves[wave].name.clone());
        let maintenance = current.waves[wave].maintenance.iter();
        let tenants: Vec<TenantName> = maintenance.flat_map(|it| it.tenants.iter().cloned()).collect();
        let cause = Cause::system("downtime", reason);
        self.write_about(kind, (&version, Some(&name)), tenants, &cause);
        self.announce(run, Some(wave), milestone, Some(reason));
    }
}
