//! Tenants choose when they are moved: never earlier than planned, and no more of them at a time than the playbook allows.

use std::collections::BTreeMap;

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
        self.keep_reservation(index, tenant, reservation, &cause.actor_says(text));
        Ok(())
    }

    fn keep_reservation(&mut self, run: usize, tenant: &TenantName, reservation: Option<Reservation>, cause: &Cause) {
        let run = &mut self.state.runs[run];
        let version = run.version.clone();
        match reservation {
            Some(reservation) => drop(run.reservations.insert(tenant.clone(), reservation)),
            None => drop(run.reservations.remove(tenant)),
        }
        self.write(EntryKind::Reserved, &version, None, cause);
        if let Some(entry) = self.journal.last_mut() {
            entry.tenants.push(tenant.clone());
        }
    }

    /// What tenants have reserved of a release that another patches, they have of the patch, where it can still be kept. The
    /// journal says where it cannot.
    pub fn take_reservations_over(
        &mut self,
        version: &Version,
        reserved: BTreeMap<TenantName, Reservation>,
        cause: &Cause,
    ) {
        let Ok(index) = self.moving(version) else { return };
        for (tenant, reservation) in reserved {
            let at = reservation.at;
            let Ok(reservable) = self.state.reservable(version, &tenant, self.now) else {
                continue;
            };
            let (kept, text) = if reservable.takes(at) {
                let text = format!("to be moved at {at}: as reserved of the release that this one patches");
                (Some(reservation), text)
            } else {
                (
                    None,
                    format!("to be moved as planned: {at}, which was reserved, is no time of this release"),
                )
            };
            self.keep_reservation(index, &tenant, kept, &cause.actor_says(text));
        }
    }
}
