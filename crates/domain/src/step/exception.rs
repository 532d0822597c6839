//! What people decide at run time about when tenants may be moved: it narrows what a plan allows, or waives what it asks
//! for, and makes no new plan.

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::{TenantName, Version};
use crate::journal::{Entry, EntryKind};
use crate::service::{Choice, Freeze, Place, Selection, Waived, Waiver};
use crate::time::Timestamp;

impl Turn {
    pub fn waive(
        &mut self,
        version: &Version,
        (of, tenants): (Waived, &Selection),
        until: Timestamp,
        cause: &Cause,
    ) -> Result<(), Refused> {
        let run = self.moving(version)?;
        self.check_known(tenants)?;
        if until <= self.now {
            return Err(Refused::OverAlready { until });
        }
        self.state.runs[run].waivers.push(Waiver {
            of,
            tenants: tenants.clone(),
            until,
            by: cause.actor.clone(),
            reason: cause.reason.clone(),
            at: self.now,
        });
        let what = match of {
            Waived::Notice => "notices",
            Waived::Window => "windows",
            Waived::Validation => "customers' reports",
            Waived::Migration => "migrations",
        };
        let reason = format!("{what} for {} until {until}: {}", tenants.in_words(), cause.reason);
        self.write_exception(
            EntryKind::Waived,
            Some(version),
            Some(tenants),
            &cause.actor_says(reason),
        );
        Ok(())
    }

    pub fn freeze(
        &mut self,
        of: &Selection,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        cause: &Cause,
    ) -> Result<(), Refused> {
        self.check_known(of)?;
        let from = from.unwrap_or(self.now);
        if let Some(until) = until.filter(|until| *until <= self.now.max(from)) {
            return Err(Refused::OverAlready { until });
        }
        let number = self.state.next_attempt();
        let freeze = Freeze {
            of: of.clone(),
            from,
            until,
            by: cause.actor.clone(),
            reason: cause.reason.clone(),
            at: self.now,
        };
        self.state.freezes.insert(number, freeze);
        let until = until.map_or_else(|| "until it is lifted".to_owned(), |until| format!("until {until}"));
        let reason = format!(
            "freeze {number} of {} from {from} {until}: {}",
            of.in_words(),
            cause.reason
        );
        self.write_exception(EntryKind::Frozen, None, Some(of), &cause.actor_says(reason));
        Ok(())
    }

    pub fn unfreeze(&mut self, number: u32, cause: &Cause) -> Result<(), Refused> {
        let freeze = self.state.freezes.remove(&number);
        let freeze = freeze.ok_or(Refused::NoSuchFreeze { number })?;
        let reason = format!("freeze {number} of {}: {}", freeze.of.in_words(), cause.reason);
        self.write_exception(EntryKind::Unfrozen, None, Some(&freeze.of), &cause.actor_says(reason));
        Ok(())
    }

    /// Freezes whose time is over are gone, with a row.
    pub fn end_freezes(&mut self) {
        let now = self.now;
        let over = |freeze: &Freeze| freeze.until.is_some_and(|until| until <= now);
        let ended: Vec<u32> = self
            .state
            .freezes
            .iter()
            .filter(|(_, freeze)| over(freeze))
            .map(|(number, _)| *number)
            .collect();
        for number in ended {
            if let Some(freeze) = self.state.freezes.remove(&number) {
                let reason = format!("freeze {number} of {}: its time is over", freeze.of.in_words());
                self.write_exception(
                    EntryKind::Unfrozen,
                    None,
                    Some(&freeze.of),
                    &Cause::system("freeze", reason),
                );
            }
        }
    }

    /// Counts for plans made from now on.
    pub fn opt_in(&mut self, tenant: &TenantName, cause: &Cause) -> Result<(), Refused> {
        self.choose(tenant, true, EntryKind::OptedIn, cause)?;
        for run in &mut self.state.runs {
            run.opted_out.remove(tenant);
        }
        Ok(())
    }

    /// The tenant stays on its version: it leaves the waves that it waits in. One that has moved stays moved, and is not moved
    /// again once it is taken back.
    pub fn opt_out(&mut self, tenant: &TenantName, cause: &Cause) -> Result<(), Refused> {
        self.choose(tenant, false, EntryKind::OptedOut, cause)?;
        let cause = cause.actor_says(format!("opted out: {}", cause.reason));
        for run in 0..self.state.runs.len() {
            let current = &mut self.state.runs[run];
            if current.phase.has_ended() {
                continue;
            }
            // Another tenant may have the time that it had reserved.
            current.reservations.remove(tenant);
            current.opted_out.insert(tenant.clone());
            self.leave_opted_out(run, &cause);
        }
        Ok(())
    }

    /// Who has opted out since the release was applied waits for it no more.
    pub fn leave_opted_out(&mut self, run: usize, cause: &Cause) {
        let goes_on = self.goes_through_downtime(run);
        let current = &mut self.state.runs[run];
        let version = current.version.clone();
        let mut left = Vec::new();
        for wave in &mut current.waves {
            // Whose data are worked on already can no longer stay: it goes with its cell.
            for tenant in current.opted_out.difference(&goes_on) {
                let member = wave.members.get_mut(tenant);
                let Some(member) = member.filter(|member| member.place == Place::Waiting) else {
                    continue;
                };
                let reason = cause.reason.clone();
                member.place = Place::Left { reason };
                left.push((wave.name.clone(), tenant.clone()));
            }
        }
        for (wave, tenant) in left {
            self.write_left(&version, &wave, vec![tenant], cause);
        }
    }

    fn choose(&mut self, tenant: &TenantName, opt_in: bool, kind: EntryKind, cause: &Cause) -> Result<(), Refused> {
        if !self.state.seats.contains_key(tenant) {
            return Err(Refused::NoSuchTenant { tenant: tenant.clone() });
        }
        let choice = Choice {
            opt_in,
            by: cause.actor.clone(),
            at: self.now,
        };
        self.state.choices.insert(tenant.clone(), choice);
        let of = Selection::Tenants([tenant.clone()].into());
        self.write_exception(kind, None, Some(&of), cause);
        Ok(())
    }

    /// A name that nobody has would be a decision about nobody.
    pub fn check_known(&self, selection: &Selection) -> Result<(), Refused> {
        match selection {
            Selection::Everybody => Ok(()),
            Selection::Tenants(tenants) => {
                match tenants.iter().find(|tenant| !self.state.seats.contains_key(*tenant)) {
                    Some(tenant) => Err(Refused::NoSuchTenant { tenant: tenant.clone() }),
                    None => Ok(()),
                }
            }
            Selection::Cells(cells) => match cells.iter().find(|cell| !self.state.cells.contains_key(*cell)) {
                Some(cell) => Err(Refused::NoSuchCell { cell: cell.clone() }),
                None => Ok(()),
            },
        }
    }

    pub fn write_exception(
        &mut self,
        kind: EntryKind,
        release: Option<&Version>,
        of: Option<&Selection>,
        cause: &Cause,
    ) {
        let tenants = match of {
            Some(Selection::Tenants(tenants)) => tenants.iter().cloned().collect(),
            Some(Selection::Everybody | Selection::Cells(_)) | None => Vec::new(),
        };
        self.journal.push(Entry {
            actor: cause.actor.clone(),
            kind,
            release: release.cloned(),
            wave: None,
            reason: cause.reason.clone(),
            tenants,
            now_on: None,
        });
    }
}
