//! Tenants choose when they are moved: never earlier than planned, and no more of them at a time than the playbook allows.

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::{TenantName, Version};
use crate::journal::EntryKind;
use crate::policy::ReservationRule;
use crate::service::{Place, Reservation, Run};
use crate::time::Timestamp;

/// Stretches that are looked at for one with room.
const LOOKED_AT_MAX: i64 = 10_000;

impl Turn {
    /// A later reservation replaces the first; none gives it back.
    pub fn reserve(
        &mut self,
        version: &Version,
        tenant: &TenantName,
        at: Option<Timestamp>,
        cause: &Cause,
    ) -> Result<(), Refused> {
        let index = self.moving(version)?;
        if !self.state.seats.contains_key(tenant) {
            return Err(Refused::NoSuchTenant { tenant: tenant.clone() });
        }
        let run = &self.state.runs[index];
        let rule = run.policy.reservations.ok_or_else(|| Refused::NoReservations {
            release: version.clone(),
        })?;
        let waits = run
            .members()
            .any(|(name, member)| name == tenant && member.place == Place::Waiting);
        if !waits {
            return Err(Refused::NothingToReserve {
                release: version.clone(),
                tenant: tenant.clone(),
            });
        }
        let text = match at {
            Some(at) => {
                self.check_reservable(run, &rule, tenant, at)?;
                format!("to be moved at {at}: {}", cause.reason)
            }
            None => format!("to be moved as planned: {}", cause.reason),
        };
        let reservation = at.map(|at| Reservation {
            at,
            by: cause.actor.clone(),
            made: self.now,
        });
        let reservations = &mut self.state.runs[index].reservations;
        match reservation {
            Some(reservation) => drop(reservations.insert(tenant.clone(), reservation)),
            None => drop(reservations.remove(tenant)),
        }
        self.write(EntryKind::Reserved, version, None, &cause.actor_says(text));
        if let Some(entry) = self.journal.last_mut() {
            entry.tenants.push(tenant.clone());
        }
        Ok(())
    }

    /// Within the time that the playbook allows, when a window is open, and where there is room.
    fn check_reservable(
        &self,
        run: &Run,
        rule: &ReservationRule,
        tenant: &TenantName,
        at: Timestamp,
    ) -> Result<(), Refused> {
        let (earliest, latest) = self.reservable(run, rule, tenant);
        let free = |wanted: Timestamp| {
            let open = run
                .schedule
                .class_of(tenant)
                .is_none_or(|class| run.schedule.calendars.is_open(class, wanted).open);
            (earliest..=latest).contains(&wanted) && open && run.has_room(rule, tenant, rule.number(wanted))
        };
        if free(at) {
            return Ok(());
        }
        let from = rule.number(at.max(earliest));
        let begins = (from..from.saturating_add(LOOKED_AT_MAX)).map(|number| rule.begins(number).max(earliest));
        Err(Refused::NotReservable {
            release: run.version.clone(),
            tenant: tenant.clone(),
            at,
            next: begins
                .take_while(|begins| *begins <= latest)
                .find(|begins| free(*begins)),
        })
    }

    /// From the planned start on, as long as the playbook says.
    fn reservable(&self, run: &Run, rule: &ReservationRule, tenant: &TenantName) -> (Timestamp, Timestamp) {
        let class = run.schedule.class_index(tenant);
        let wave = run.waves.iter().find(|wave| wave.members.contains_key(tenant));
        let planned = wave.and_then(|wave| wave.starts.get(&class)?.at);
        let earliest = planned.map_or(self.now, |planned| planned.max(self.now));
        let zone = run.schedule.class_of(tenant).unwrap_or(&run.schedule.base);
        // Days that a calendar does not know cannot be reserved.
        let latest = run
            .schedule
            .calendars
            .earliest_start(zone, planned.unwrap_or(run.applied), &rule.within);
        (earliest, latest.unwrap_or(earliest))
    }
}

impl Run {
    fn has_room(&self, rule: &ReservationRule, tenant: &TenantName, number: i64) -> bool {
        let taken = self
            .reservations
            .iter()
            .filter(|(other, reservation)| *other != tenant && rule.number(reservation.at) == number);
        taken.count() < rule.capacity as usize
    }
}
