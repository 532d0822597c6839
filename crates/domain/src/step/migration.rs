//! What people say of migrations, and what becomes of tenants that a release would break.

use std::collections::BTreeMap;

use super::Refused;
use super::turn::{Cause, Turn};
use crate::event::MigrationsSet;
use crate::id::{TenantName, WaveName};
use crate::journal::EntryKind;
use crate::plan::PlannedMigration;
use crate::policy::OnUnmigrated;
use crate::service::{Member, Migration, MigrationState, Place, Run, Selection, Service};

impl Turn {
    /// The later word counts, also where it takes an earlier one back.
    pub fn set_migrations(&mut self, said: &MigrationsSet, cause: &Cause) -> Result<(), Refused> {
        let of = Selection::Tenants(said.tenants.clone());
        self.check_known(&of)?;
        let known = self.state.migrations.entry(said.change.clone()).or_default();
        for tenant in &said.tenants {
            let before = known.0.get(tenant);
            let migration = Migration {
                state: said.state,
                owner: said.owner.clone().or_else(|| before?.owner.clone()),
                deadline: said.deadline.or_else(|| before?.deadline),
                at: self.now,
                by: cause.actor.clone(),
                reason: cause.reason.clone(),
            };
            known.0.insert(tenant.clone(), migration);
        }
        let reason = format!("{}, {}: {}", said.change, said.state.as_str(), cause.reason);
        self.write_exception(EntryKind::MigrationSet, None, Some(&of), &cause.actor_says(reason));
        Ok(())
    }

    /// Waiting members that the release would break stay where they are, and it goes on without them.
    pub fn leave_unmigrated(&mut self, run: usize, wave: usize) {
        let asks = &self.state.runs[run];
        if asks.schedule.migrations.is_empty() || asks.policy.on_unmigrated != Some(OnUnmigrated::LeaveBehind) {
            return;
        }
        // Whose data are worked on already can no longer stay: it goes with its cell.
        let goes_on = self.goes_through_downtime(run);
        let current = &self.state.runs[run];
        let version = current.version.clone();
        let (name, members) = (current.waves[wave].name.clone(), &current.waves[wave].members);
        let waiting = members.iter().filter(|(_, member)| member.place == Place::Waiting);
        let waiting = waiting
            .map(|(tenant, _)| tenant)
            .filter(|tenant| !goes_on.contains(*tenant));
        let mut left: BTreeMap<String, Vec<TenantName>> = BTreeMap::new();
        for tenant in waiting {
            if let Some(planned) = self.kept_by_migration(current, tenant) {
                let reason = self.state.behind_in_words(planned, tenant);
                left.entry(reason).or_default().push(tenant.clone());
            }
        }
        for (reason, tenants) in left {
            let current = &mut self.state.runs[run];
            for tenant in &tenants {
                if let Some(member) = current.waves[wave].members.get_mut(tenant) {
                    member.place = Place::Left { reason: reason.clone() };
                }
                current.unmigrated.insert(tenant.clone());
            }
            self.write_left(&version, &name, tenants, &Cause::system("migration", reason));
        }
    }

    /// Who was left and has migrated since moves with its wave, or with the last one where that is over; true where somebody does.
    pub fn take_up_migrated(&mut self, run: usize) -> bool {
        let current = &self.state.runs[run];
        let ready = |tenant: &&TenantName| self.kept_by_migration(current, tenant).is_none();
        let ready: Vec<TenantName> = current.unmigrated.iter().filter(ready).cloned().collect();
        let mut taken = false;
        for tenant in ready {
            self.state.runs[run].unmigrated.remove(&tenant);
            let Some(wave) = self.take_up(run, &tenant) else {
                continue;
            };
            let version = self.state.runs[run].version.clone();
            let cause = Cause::system("migration", "nothing of the release breaks it any more");
            self.write_about(EntryKind::TakenUp, (&version, Some(&wave)), vec![tenant], &cause);
            taken = true;
        }
        taken
    }

    /// The wave that a tenant which was left waits in again. `None`: somebody else has decided about it since, or no wave is open.
    fn take_up(&mut self, run: usize, tenant: &TenantName) -> Option<WaveName> {
        let current = &mut self.state.runs[run];
        let left = |member: &Member| matches!(member.place, Place::Left { .. });
        let own = current
            .waves
            .iter()
            .position(|wave| wave.members.get(tenant).is_some_and(left))?;
        if current.opted_out.contains(tenant) || current.superseded_by.is_some() {
            return None;
        }
        let open = |index: &usize| current.waves[*index].is_open();
        let into = Some(own)
            .filter(open)
            .or_else(|| current.waves.len().checked_sub(1).filter(open))?;
        current.waves[own].members.get_mut(tenant)?.place = Place::Waiting;
        current.hand_on(tenant, own, into);
        Some(current.waves[into].name.clone())
    }

    /// The first change that keeps a member where it is, and that no person has waived for it.
    fn kept_by_migration<'a>(&'a self, run: &'a Run, tenant: &'a TenantName) -> Option<&'a PlannedMigration> {
        let planned = self.state.unmigrated(run, tenant).next()?;
        let seat = self.state.seats.get(tenant)?;
        (!run.waived(tenant, &seat.cell, self.now).migration).then_some(planned)
    }
}

impl Service {
    /// Why a tenant is not moved, with who sees to it and until when.
    #[must_use]
    pub fn behind_in_words(&self, planned: &PlannedMigration, tenant: &TenantName) -> String {
        let known = self.migration(&planned.change, tenant);
        let state = known.map_or("nobody has said that it is ready", |known| match known.state {
            MigrationState::Contacted => "it has been contacted",
            MigrationState::Acknowledged => "it has acknowledged",
            MigrationState::Migrated => "it has migrated",
            MigrationState::NotAffected => "it is not affected",
        });
        let owner = known.and_then(|known| known.owner.as_ref()).or(planned.owner.as_ref());
        let owner = owner.map_or_else(|| "nobody sees to it".to_owned(), |owner| format!("{owner} sees to it"));
        let deadline = known.and_then(|known| known.deadline).or(planned.deadline);
        let until = deadline.map_or(String::new(), |day| format!(", until {day}"));
        format!("change {} would break it: {state}; {owner}{until}", planned.change)
    }
}
