//! The way back: never waits for anything but the slots it returns to.

use std::collections::BTreeMap;

use super::turn::{Cause, Turn};
use crate::effect::Milestone;
use crate::id::{Actor, CellName, TenantName, Version};
use crate::journal::EntryKind;
use crate::service::{Place, RunPhase, WaveState};
use crate::waiting::Waiting;

impl Turn {
    /// The whole wave: it ends here, its tenants follow.
    pub fn wave_back(&mut self, run: usize, wave: usize, cause: &Cause) {
        let now = self.now;
        self.serve_again(run, wave, &cause.reason);
        let moved: Vec<TenantName> = {
            let wave = &mut self.state.runs[run].waves[wave];
            wave.state = WaveState::RolledBack {
                at: now,
                reason: cause.reason.clone(),
            };
            let moved = |place: &Place| matches!(place, Place::Moved { .. });
            wave.members
                .iter()
                .filter(|(_, m)| moved(&m.place))
                .map(|(name, _)| name.clone())
                .collect()
        };
        let (version, name) = (
            self.state.runs[run].version.clone(),
            self.state.runs[run].waves[wave].name.clone(),
        );
        self.write(EntryKind::WaveRolledBack, &version, Some(&name), cause);
        self.announce(run, Some(wave), Milestone::WaveRolledBack, Some(&cause.reason));
        self.tenants_back(run, wave, &moved, cause);
        self.cell_workers_back(run, wave);
    }

    /// Marks the tenants; [`Turn::advance_returns`] moves them.
    pub fn tenants_back(&mut self, run: usize, wave: usize, tenants: &[TenantName], cause: &Cause) {
        // The actor travels in the reason's place of the member: the move itself may come turns later.
        let reason = format!("{}: {}", cause.actor, cause.reason);
        self.go_where_others_go(run, wave, tenants);
        let members = &mut self.state.runs[run].waves[wave].members;
        for tenant in tenants {
            if let Some(member) = members.get_mut(tenant)
                && matches!(member.place, Place::Moved { .. })
                && member.from.is_some()
            {
                member.place = Place::Returning { reason: reason.clone() };
            }
        }
    }

    /// Who had no version before gets that of the others of its cell, else that of most others.
    fn go_where_others_go(&mut self, run: usize, wave: usize, tenants: &[TenantName]) {
        let seats = &self.state.seats;
        let run = &mut self.state.runs[run];
        let mut found: BTreeMap<CellName, Option<Version>> = BTreeMap::new();
        for tenant in tenants {
            let (Some(member), Some(seat)) = (run.waves[wave].members.get(tenant), seats.get(tenant)) else {
                continue;
            };
            if member.from.is_some() {
                continue;
            }
            let from = found.entry(seat.cell.clone()).or_insert_with(|| {
                let here = |name: &TenantName| seats.get(name).is_some_and(|other| other.cell == seat.cell);
                run.came_from(here).or_else(|| run.came_from(|_| true)).cloned()
            });
            if let Some(member) = run.waves[wave].members.get_mut(tenant) {
                member.from.clone_from(from);
            }
        }
    }

    /// Moves every returning tenant whose earlier version is ready in its cell, in one generation.
    pub fn advance_returns(&mut self) -> bool {
        let mut changed = false;
        for run in 0..self.state.runs.len() {
            for wave in 0..self.state.runs[run].waves.len() {
                changed |= self.undo_in_downtime(run, wave);
                changed |= self.return_members(run, wave);
            }
            changed |= self.end_if_back(run);
        }
        changed
    }

    fn return_members(&mut self, run: usize, wave: usize) -> bool {
        let generation = self.next_generation;
        let version = self.state.runs[run].version.clone();
        let mut ready: BTreeMap<(CellName, Version), Result<(), String>> = BTreeMap::new();
        let mut moves: BTreeMap<(String, Version), Vec<TenantName>> = BTreeMap::new();
        let mut waiting = Vec::new();
        let mut changed = false;
        let members: Vec<_> = self.state.runs[run].waves[wave]
            .members
            .iter()
            .filter_map(|(tenant, member)| match (&member.place, &member.from) {
                (Place::Returning { reason }, Some(from)) => Some((tenant.clone(), from.clone(), reason.clone())),
                _ => None,
            })
            .collect();
        for (tenant, from, reason) in members {
            let Some(seat) = self.state.seats.get(&tenant) else {
                continue;
            };
            let cell = seat.cell.clone();
            let ready = ready.entry((cell.clone(), from.clone())).or_insert_with(|| {
                // The tenant may have come to a cell in which that version has never run.
                let (expands, ready) = self.ready_with_data(&from, &cell);
                changed |= expands;
                ready
            });
            if let Err(reason) = ready {
                let reason = reason.clone();
                waiting.push(Waiting::Return {
                    release: version.clone(),
                    tenant,
                    cell,
                    reason,
                });
                continue;
            }
            // Its data are still those of this release.
            if self.state.runs[run].downtime_work_in(&cell).is_some() {
                continue;
            }
            self.reseat(&tenant, &from);
            self.belong(&tenant, &cell, &from);
            let place = Place::Returned {
                generation,
                reason: reason.clone(),
            };
            if let Some(member) = self.state.runs[run].waves[wave].members.get_mut(&tenant) {
                member.place = place;
            }
            moves.entry((reason, from)).or_default().push(tenant);
        }
        changed |= !moves.is_empty();
        let name = self.state.runs[run].waves[wave].name.clone();
        for ((reason, from), tenants) in moves {
            self.moves_from(run, &tenants, &from);
            let (actor, reason) = reason.split_once(": ").unwrap_or(("tidegate", &reason));
            let cause = Cause {
                actor: Actor::principal(actor),
                reason: reason.to_owned(),
            };
            self.write_moves(
                EntryKind::Returned,
                &version,
                &name,
                BTreeMap::from([(from, tenants)]),
                &cause,
            );
        }
        self.waiting.extend(waiting);
        changed
    }

    /// The only place where a tenant changes its version.
    pub fn reseat(&mut self, tenant: &TenantName, version: &Version) {
        let generation = self.next_generation;
        if let Some(seat) = self.state.seats.get_mut(tenant) {
            seat.before = seat.version.replace(version.clone());
            seat.epoch = generation;
            seat.starting = false;
        }
    }

    /// A release that was rolled back everywhere has ended.
    fn end_if_back(&mut self, index: usize) -> bool {
        let run = &self.state.runs[index];
        let any_back = run
            .waves
            .iter()
            .any(|wave| matches!(wave.state, WaveState::RolledBack { .. }));
        let over = match run.phase {
            RunPhase::Moving | RunPhase::Completed { .. } | RunPhase::Superseded { .. } => {
                any_back && !run.holds_tenants() && !run.undoes_in_downtime()
            }
            RunPhase::Queued | RunPhase::RolledBack { .. } | RunPhase::Aborted { .. } => false,
        };
        if !over {
            return false;
        }
        let (version, now) = (run.version.clone(), self.now);
        for wave in 0..self.state.runs[index].waves.len() {
            self.end_downtime(index, wave, "the release is rolled back");
        }
        let run = &self.state.runs[index];
        let back = run.waves.iter().filter_map(|wave| match &wave.state {
            WaveState::RolledBack { at, reason } => Some((*at, reason)),
            WaveState::Waiting
            | WaveState::Active { .. }
            | WaveState::Confirmed { .. }
            | WaveState::Dropped
            | WaveState::Superseded { .. } => None,
        });
        let last = back.max_by_key(|(at, _)| *at);
        let reason = last.map(|(_, reason)| reason.clone()).unwrap_or_default();
        let run = &mut self.state.runs[index];
        run.phase = RunPhase::RolledBack { at: now };
        run.hold = None;
        for wave in &mut run.waves {
            // One that was being prepared has moved nobody.
            if wave.is_open() {
                wave.state = WaveState::Dropped;
            }
        }
        self.withdraw_notices(index);
        self.write(
            EntryKind::RolledBack,
            &version,
            None,
            &Cause::system("release", reason.clone()),
        );
        self.announce(index, None, Milestone::ReleaseRolledBack, Some(&reason));
        true
    }
}
