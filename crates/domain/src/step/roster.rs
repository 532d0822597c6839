//! Tenants come and go while releases move.

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::{CellName, TenantName, Version};
use crate::journal::{Entry, EntryKind};
use crate::service::{Member, Place, Seat, WaveState};

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
        if let Some(version) = &from {
            self.belong(tenant, version);
        }
        for run in &mut self.state.runs {
            if run.phase.has_ended() {
                continue;
            }
            let Some(wave) = run.waves.last_mut() else { continue };
            let place = Place::Waiting;
            wave.members.insert(tenant.clone(), Member { from, place });
            // A later release moves it from where this one will have put it.
            from = Some(run.version.clone());
        }
        Ok(())
    }

    /// A tenant that starts on a release goes back with those that the release has moved last.
    fn belong(&mut self, tenant: &TenantName, version: &Version) {
        let generation = self.next_generation;
        let run = self.state.runs.iter_mut().rfind(|run| run.version == *version);
        let waves = run.into_iter().flat_map(|run| &mut run.waves);
        if let Some(wave) = waves
            .filter(|wave| matches!(wave.state, WaveState::Confirmed { .. }))
            .last()
        {
            let from = wave.comes_from().cloned();
            let place = Place::Moved { generation };
            wave.members.insert(tenant.clone(), Member { from, place });
        }
    }

    /// Gives the tenant its seat and returns the version it starts on.
    pub fn seat(&mut self, tenant: &TenantName, cell: &CellName, cause: &Cause) -> Option<Version> {
        let newest = self.newest.entry(cell.clone());
        let version = newest.or_insert_with(|| self.state.newest_confirmed(cell)).clone();
        let seat = Seat {
            cell: cell.clone(),
            version: version.clone(),
            before: None,
            epoch: self.next_generation,
        };
        self.state.seats.insert(tenant.clone(), seat);
        self.state.cells.entry(cell.clone()).or_default();
        self.write_tenant(EntryKind::TenantAdded, tenant, version.clone(), cause);
        version
    }

    /// A removed tenant leaves every wave, wait and gate.
    pub fn remove_tenant(&mut self, tenant: &TenantName, cause: &Cause) -> Result<(), Refused> {
        if self.state.seats.remove(tenant).is_none() {
            return Err(Refused::NoSuchTenant { tenant: tenant.clone() });
        }
        for wave in self.state.runs.iter_mut().flat_map(|run| &mut run.waves) {
            wave.members.remove(tenant);
        }
        self.write_tenant(EntryKind::TenantRemoved, tenant, None, cause);
        Ok(())
    }

    fn write_tenant(&mut self, kind: EntryKind, tenant: &TenantName, now_on: Option<Version>, cause: &Cause) {
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
