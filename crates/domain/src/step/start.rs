//! A tenant that comes to a cell where nothing runs starts on the newest completed release, once that is ready there.

use std::collections::BTreeMap;

use super::turn::{Cause, Turn};
use crate::id::{CellName, TenantName, Version};
use crate::journal::EntryKind;
use crate::service::{Member, Place, Run};

impl Turn {
    /// It has no version yet, and gets one as soon as it can.
    pub fn start_later(&mut self, tenant: &TenantName) {
        if let Some(seat) = self.state.seats.get_mut(tenant) {
            seat.starting = seat.version.is_none();
        }
    }

    /// The newest release that has reached everybody, as far as the cell's data still lets it run there.
    pub fn starts_on(&self, cell: &CellName) -> Option<Version> {
        let newest = self.state.completed().into_iter().find(|run| {
            !run.is_being_rolled_back()
                && self.state.pinned.contains_key(&run.version)
                && self.state.contracted_past(cell, &run.version).is_none()
                // Its own work there is done, or done again, before anybody starts.
                && self.state.worked_on_by_another(cell, &run.version, &run.version).is_none()
        });
        newest.map(|run| run.version.clone())
    }

    /// Who waits, where, and for what.
    fn starting(&self) -> Vec<(TenantName, CellName, Version)> {
        let seats = self.state.seats.iter();
        let waiting = seats.filter(|(_, seat)| seat.starting && seat.version.is_none() && seat.moving.is_none());
        let starts = waiting.filter_map(|(tenant, seat)| {
            let version = self.starts_on(&seat.cell)?;
            // Whom that release has left where it was, it has left.
            let left = self.state.run(&version).is_some_and(|run| run.has_member(tenant));
            (!left).then(|| (tenant.clone(), seat.cell.clone(), version))
        });
        starts.collect()
    }

    pub fn needed_to_start(&self) -> Vec<(CellName, Version)> {
        let starting = self.starting().into_iter().map(|(_, cell, version)| (cell, version));
        starting
            .filter(|(cell, version)| self.is_expanded_for(version, cell))
            .collect()
    }

    /// True where something changed.
    pub fn advance_starts(&mut self) -> bool {
        let mut changed = false;
        for (tenant, cell, version) in self.starting() {
            let (expands, ready) = self.ready_with_data(&version, &cell);
            changed |= expands;
            // What the slots are is known once they are asked for.
            if ready.is_ok() {
                self.start_on(&tenant, &cell, &version);
                changed = true;
            }
        }
        changed
    }

    fn start_on(&mut self, tenant: &TenantName, cell: &CellName, version: &Version) {
        self.reseat(tenant, version);
        self.belong(tenant, cell, version);
        self.own_where_nobody_does(cell, version);
        let cause = Cause::system("tenants", format!("{version} is ready in cell {cell}"));
        self.write_tenant(EntryKind::TenantStarted, tenant, Some(version.clone()), &cause);
        self.is_moved_from(tenant, version);
    }

    /// The releases that leave whoever starts on `version` there, and why: those from before it, and those that lack a fix it has or
    /// is about to get.
    pub fn leave_newcomers_on(&self, version: &Version) -> BTreeMap<Version, &'static str> {
        let runs = &self.state.runs;
        let comes = |fix: &&Run| fix.hotfix.as_ref() == Some(version) && !fix.phase.has_ended();
        let root = self.state.root_of(version);
        let newest = runs.iter().position(|run| run.version == *root).unwrap_or(0);
        let lacking = runs.iter().filter(|run| self.state.loses_a_fix(version, &run.version));
        let lacking = lacking.map(|run| (run.version.clone(), "has a fix that this release lacks"));
        let coming = runs.iter().filter(comes).flat_map(|fix| {
            // One that is held goes on at the word of a person, who knows of the fix.
            let goes_on = runs.iter().filter(|run| run.hold.is_none());
            let lacking = goes_on.filter(|run| self.state.loses_a_fix(&fix.version, &run.version));
            lacking.map(|run| (run.version.clone(), "gets a fix that this release lacks"))
        });
        let older = runs[..newest].iter().map(|run| (run.version.clone(), "is newer"));
        coming.chain(lacking).chain(older).collect()
    }

    /// Releases on their way move it from where it is now.
    fn is_moved_from(&mut self, tenant: &TenantName, version: &Version) {
        let leave = self.leave_newcomers_on(version);
        let mut left = Vec::new();
        for run in &mut self.state.runs {
            let waves = run.waves.iter_mut().filter(|_| !run.phase.has_ended());
            for wave in waves {
                let waits = |member: &&mut Member| member.place == Place::Waiting && member.from.is_none();
                let Some(member) = wave.members.get_mut(tenant).filter(waits) else {
                    continue;
                };
                if let Some(why) = leave.get(&run.version) {
                    let reason = format!("it started on {version}, which {why}");
                    member.place = Place::Left { reason: reason.clone() };
                    left.push((run.version.clone(), wave.name.clone(), reason));
                } else {
                    member.from = Some(version.clone());
                }
            }
        }
        for (release, wave, reason) in left {
            let cause = Cause::system("tenants", reason);
            self.write_left(&release, &wave, vec![tenant.clone()], &cause);
        }
    }
}
