//! Tenants come and go while releases move.

use std::collections::BTreeSet;

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::{CellName, TenantName, Version};
use crate::journal::{Entry, EntryKind};
use crate::policy::WhileInFlight;
use crate::service::{Member, Place, Run, RunPhase, Seat, WaveRun, WaveState};

impl Turn {
    /// A new tenant starts on its cell's newest confirmed version and joins the last wave of the release in flight.
    pub fn add_tenant(&mut self, tenant: &TenantName, cell: &CellName, cause: &Cause) -> Result<(), Refused> {
        if let Some(seat) = self.state.seats.get(tenant) {
            if seat.cell == *cell {
                return Ok(());
            }
            return Err(Refused::TenantExists {
                tenant: tenant.clone(),
                cell: seat.cell.clone(),
            });
        }
        let mut from = self.seat(tenant, cell, cause);
        match &from {
            Some(version) => self.belong(tenant, cell, version),
            None => from = self.follow_back(tenant, cell),
        }
        if from.is_none() {
            self.start_later(tenant);
        }
        // Beside each other, releases do not wait for a tenant that is new: the last one takes it.
        let beside = |run: &Run| run.phase == RunPhase::Moving && run.policy.while_in_flight != WhileInFlight::Queue;
        let first = self.state.runs.iter().rposition(beside).unwrap_or(0);
        let on = from.clone();
        let leave: BTreeSet<Version> = on
            .iter()
            .flat_map(|on| self.leave_newcomers_on(on).into_keys())
            .collect();
        let seats = &self.state.seats;
        for run in &mut self.state.runs[first..] {
            if run.phase.has_ended() || run.superseded_by.is_some() || leave.contains(&run.version) {
                continue;
            }
            // Who starts on what a hot-fix repairs gets that too, and others move it from there.
            if run.hotfix.is_some() {
                if run.hotfix == on && !run.has_member(tenant) {
                    let last = run.waves.last_mut();
                    last.map(|wave| wave.members.insert(tenant.clone(), Member::waiting(on.clone())));
                }
                continue;
            }
            if !run.has_member(tenant) {
                // Work in downtime is done for all of a cell together.
                let together = run.steps.iter().any(|step| step.cell == *cell && step.is_in_downtime());
                let lives_here = |name: &TenantName| seats.get(name).is_some_and(|seat| seat.cell == *cell);
                let of_cell = |wave: &WaveRun| wave.members.keys().any(lives_here);
                let place = run.waves.iter().position(of_cell).filter(|_| together);
                let place = place.or(run.waves.len().checked_sub(1));
                let Some(wave) = place.map(|place| &mut run.waves[place]) else {
                    continue;
                };
                wave.members.insert(tenant.clone(), Member::waiting(from));
            }
            // A later release moves it from where this one will have put it.
            from = Some(run.version.clone());
        }
        Ok(())
    }

    /// A tenant that came to a release by no move of it goes back with those that the release has moved last.
    pub fn belong(&mut self, tenant: &TenantName, cell: &CellName, version: &Version) {
        let generation = self.next_generation;
        let seats = &self.state.seats;
        let Some(run) = self.state.runs.iter_mut().rfind(|run| run.version == *version) else {
            return;
        };
        let is_on = |wave: &WaveRun| wave.members.get(tenant).is_some_and(|member| member.place.is_on());
        // A later release had moved it on, and takes it back to this one, which is still in flight.
        let members = run.waves.iter_mut().filter_map(|wave| wave.members.get_mut(tenant));
        for member in members.filter(|member| matches!(member.place, Place::Superseded { .. })) {
            member.place = Place::Moved { generation };
        }
        let together = run.downtime_work_in(cell).is_some();
        let ended = run.phase.has_ended();
        if (!ended && !together && run.has_member(tenant)) || run.waves.iter().any(is_on) {
            return;
        }
        let here = |name: &TenantName| seats.get(name).is_some_and(|seat| seat.cell == *cell);
        let before = self.before.entry((cell.clone(), version.clone()));
        let from = before.or_insert_with(|| run.came_from(here).cloned()).clone();
        // On its way, the release has not confirmed what it has moved last.
        let moved = |wave: &WaveRun| match wave.state {
            WaveState::Confirmed { .. } => true,
            WaveState::Active { .. } => !ended,
            WaveState::Waiting | WaveState::RolledBack { .. } | WaveState::Dropped | WaveState::Superseded { .. } => {
                false
            }
        };
        let of_cell = |wave: &WaveRun| {
            wave.members
                .iter()
                .any(|(name, member)| member.place.is_on() && here(name))
        };
        let last = run.waves.iter().rposition(moved);
        let last = run.waves.iter().position(of_cell).filter(|_| together).or(last);
        let Some(last) = last else {
            return;
        };
        // It may have waited for a wave that an abort has dropped.
        for wave in &mut run.waves {
            wave.members.remove(tenant);
        }
        let member = Member {
            from,
            replaces: None,
            place: Place::Moved { generation },
        };
        run.waves[last].members.insert(tenant.clone(), member);
    }

    /// Where all that runs is being taken back and nothing else is ready, a new tenant has no version until it gets, with
    /// the others, the one they go back to, which is returned.
    fn follow_back(&mut self, tenant: &TenantName, cell: &CellName) -> Option<Version> {
        let seats = &self.state.seats;
        let here = |name: &TenantName| seats.get(name).is_some_and(|seat| seat.cell == *cell);
        let returns = |(name, member): (&TenantName, &Member)| {
            (matches!(member.place, Place::Returning { .. }) && here(name)).then(|| member.clone())
        };
        let waves = self.state.runs.iter_mut().rev().flat_map(|run| &mut run.waves);
        for wave in waves.filter(|wave| matches!(wave.state, WaveState::RolledBack { .. })) {
            if let Some(member) = wave.members.iter().find_map(returns) {
                let from = member.from.clone();
                wave.members.insert(tenant.clone(), member);
                return from;
            }
        }
        None
    }

    /// Gives the tenant its seat and returns the version it starts on.
    pub fn seat(&mut self, tenant: &TenantName, cell: &CellName, cause: &Cause) -> Option<Version> {
        let newest = self.newest.entry(cell.clone());
        let version = newest.or_insert_with(|| self.state.newest_confirmed(cell)).clone();
        let seat = Seat::new(cell.clone(), version.clone(), self.next_generation);
        self.state.seats.insert(tenant.clone(), seat);
        self.state.cells.entry(cell.clone()).or_default();
        self.write_tenant(EntryKind::TenantAdded, tenant, version.clone(), cause);
        version
    }

    /// A removed tenant leaves every wave, wait and gate.
    pub fn remove_tenant(&mut self, tenant: &TenantName, cause: &Cause) -> Result<(), Refused> {
        let Some(seat) = self.state.seats.remove(tenant) else {
            return Err(Refused::NoSuchTenant { tenant: tenant.clone() });
        };
        if seat.version.is_some() {
            self.left.insert(seat.cell);
        }
        for run in &mut self.state.runs {
            // Another tenant may have the time that it had reserved.
            run.reservations.remove(tenant);
            run.opted_out.remove(tenant);
            run.unmigrated.remove(tenant);
            for wave in &mut run.waves {
                wave.members.remove(tenant);
                if let Some(maintenance) = &mut wave.maintenance {
                    maintenance.tenants.remove(tenant);
                }
            }
        }
        for known in self.state.migrations.values_mut() {
            known.0.remove(tenant);
        }
        self.write_tenant(EntryKind::TenantRemoved, tenant, None, cause);
        Ok(())
    }

    pub fn write_tenant(&mut self, kind: EntryKind, tenant: &TenantName, now_on: Option<Version>, cause: &Cause) {
        self.journal.push(Entry {
            actor: cause.actor.clone(),
            kind,
            release: None,
            wave: None,
            reason: cause.reason.clone(),
            tenants: vec![tenant.clone()],
            now_on,
        });
    }
}

impl Run {
    pub fn has_member(&self, tenant: &TenantName) -> bool {
        self.waves.iter().any(|wave| wave.members.contains_key(tenant))
    }
}
