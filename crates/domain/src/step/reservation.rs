//! Tenants choose when they are moved: never earlier than planned, and no more of them at a time than the playbook allows.

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::{TenantName, Version};
use crate::journal::EntryKind;
use crate::service::{Place, Reservable, Reservation, Service};
use crate::time::Timestamp;

impl Service {
    /// What a tenant can reserve of a release at an instant. Whether a reservation is taken and which times are free is
    /// answered by this alone.
    ///
    /// # Errors
    /// If the release moves no tenants any more, lets nobody reserve, or does not move this tenant.
    pub fn reservable<'s>(
        &'s self,
        version: &Version,
        tenant: &'s TenantName,
        now: Timestamp,
    ) -> Result<Reservable<'s>, Refused> {
        let run = &self.runs[self.moving(version)?];
        let Some(seat) = self.seats.get(tenant) else {
            return Err(Refused::NoSuchTenant { tenant: tenant.clone() });
        };
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
        Ok(Reservable::new(self, run, rule, (tenant, seat), now))
    }
}

impl Turn {
    /// A later reservation replaces the first; none gives it back.
    pub fn reserve(
        &mut self,
        version: &Version,
        tenant: &TenantName,
        at: Option<Timestamp>,
        cause: &Cause,
    ) -> Result<(), Refused> {
        let reservable = self.state.reservable(version, tenant, self.now)?;
        let text = match at {
            Some(at) if !reservable.takes(at) => {
                return Err(Refused::NotReservable {
                    release: version.clone(),
                    tenant: tenant.clone(),
                    at,
                    next: reservable.times(at).next().map(|free| free.at),
                });
            }
            Some(at) => format!("to be moved at {at}: {}", cause.reason),
            None => format!("to be moved as planned: {}", cause.reason),
        };
        let reservation = at.map(|at| Reservation {
            at,
            by: cause.actor.clone(),
            made: self.now,
        });
        let index = self.moving(version)?;
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
}
