//! The switch: tenants change their version in batches, each when it may, and the next batch when everybody has confirmed
//! the last.

use std::collections::{BTreeMap, BTreeSet};

use super::admission::Admission;
use super::turn::{Cause, Turn};
use crate::effect::Milestone;
use crate::id::{CellName, SlotId, TenantName};
use crate::journal::EntryKind;
use crate::observed::SlotState;
use crate::release::{ComponentKind, Stage};
use crate::service::Place;
use crate::time::Timestamp;
use crate::waiting::Waiting;

impl Turn {
    /// Moves batch after batch; the next one when the last is confirmed by every gateway and every worker.
    pub fn switch(&mut self, run: usize, wave: usize, since: Timestamp) -> bool {
        let until = self.switch_deadline(run, wave, since);
        if let Some(changed) = self.move_rest(run, wave, until) {
            return changed;
        }
        self.hand_over_cells(run);
        let until = self.switch_deadline(run, wave, since);
        if let Some(changed) = self.wait_for_confirmation(run, wave, until) {
            return changed;
        }
        self.announce(run, Some(wave), Milestone::WaveSwitched, None);
        self.enter(run, wave, Stage::Bake, "every gateway has confirmed");
        true
    }

    /// Counted from the last batch, from when somebody could move at all, and from the last hand-over of workers: a cell's may
    /// come long after, when the last tenant of the version before leaves.
    fn switch_deadline(&self, run: usize, wave: usize, since: Timestamp) -> Timestamp {
        let current = &self.state.runs[run].waves[wave];
        let closed = current.maintenance.as_ref().map(|maintenance| maintenance.since);
        let moved = current.moved.max(current.admitted).max(current.handed_over);
        let begun = Some(since).max(moved).max(closed);
        let begun = begun.unwrap_or(since);
        begun + self.state.runs[run].policy.switch_within
    }

    /// `None` when every member has moved and nothing is unconfirmed, else whether something changed.
    pub fn move_rest(&mut self, run: usize, wave: usize, until: Timestamp) -> Option<bool> {
        if let Some(changed) = self.wait_for_confirmation(run, wave, until) {
            return Some(changed);
        }
        self.leave_those_elsewhere(run, wave);
        self.leave_unmigrated(run, wave);
        let admission = self.admission(run, wave);
        if self.note_admission(run, wave, &admission) {
            return Some(true);
        }
        if let Some(changed) = self.through_downtime(run, wave, &admission, until) {
            return Some(changed);
        }
        if self.move_batch(run, wave, &admission) {
            return Some(true);
        }
        if let Some(changed) = self.wait_for_whole_cells(run, wave, &admission) {
            if !changed {
                self.wait_for_admission(run, wave, &admission);
            }
            return Some(changed);
        }
        let version = &self.state.runs[run].version;
        let left = admission.may_move.iter();
        let cells: BTreeSet<&CellName> = left
            .filter_map(|name| Some(&self.state.seats.get(name)?.cell))
            .collect();
        let unready: Vec<(CellName, SlotId, SlotState)> = cells
            .into_iter()
            .flat_map(|cell| {
                self.unready(cell, version)
                    .into_iter()
                    .map(|(slot, state)| (cell.clone(), slot, state))
            })
            .collect();
        let Some((cell, slot, state)) = unready.first() else {
            return self.wait_for_kept(run, wave, &admission).then_some(false);
        };
        if until <= self.now {
            let reason = format!(
                "slot {slot} in cell {cell} is not ready to take its tenants: {}",
                state.in_words()
            );
            self.hold_run(run, None, &Cause::system("switch", reason));
            return Some(true);
        }
        self.wait_for_slots(run, wave, unready, until);
        Some(false)
    }

    /// Remembers since when somebody may move; true where that is news.
    fn note_admission(&mut self, run: usize, wave: usize, admission: &Admission) -> bool {
        let now = self.now;
        let current = &mut self.state.runs[run].waves[wave];
        let begins = !admission.may_move.is_empty() && current.admitted.is_none();
        let ends = admission.may_move.is_empty() && !admission.is_free() && current.admitted.is_some();
        if begins {
            current.admitted = Some(now);
        } else if ends {
            current.admitted = None;
        }
        begins || ends
    }

    /// True where members have to be waited for. Those that a freeze put on at run time keeps do not hold up the others.
    fn wait_for_kept(&mut self, run: usize, wave: usize, admission: &Admission) -> bool {
        if admission.is_free() {
            return false;
        }
        self.wait_for_admission(run, wave, admission);
        let begun = self.state.runs[run].waves[wave].switched.is_some();
        !(begun && admission.only_frozen())
    }

    /// `None` when nothing is unconfirmed, else whether something changed.
    fn wait_for_confirmation(&mut self, run: usize, wave: usize, until: Timestamp) -> Option<bool> {
        let version = self.state.runs[run].version.clone();
        let name = self.state.runs[run].waves[wave].name.clone();
        let mut waits = Vec::new();
        if let Some(generation) = self.unconfirmed(run, wave) {
            let reason = self.gateways_in_words();
            let (release, wave) = (version.clone(), name.clone());
            waits.push(Waiting::Gateways {
                release,
                wave,
                generation,
                reason,
                until,
            });
        }
        for (cell, generation) in self.workers_behind(run, wave) {
            waits.push(Waiting::Workers {
                release: version.clone(),
                wave: name.clone(),
                cell,
                generation,
                until,
            });
        }
        let reason = waits.first()?.to_string();
        self.waiting.extend(waits);
        if until <= self.now {
            self.hold_run(
                run,
                None,
                &Cause::system("switch", format!("wave {name} still waits for {reason}")),
            );
            return Some(true);
        }
        self.wake_at(until);
        Some(false)
    }

    pub fn gateways_in_words(&self) -> String {
        let routing = &self.state.routing;
        if routing.alone {
            return "no gateway is registered".to_owned();
        }
        let lapsed = if routing.lapsed.is_empty() {
            String::new()
        } else {
            format!(", not heard: {}", routing.lapsed.join(", "))
        };
        format!("confirmed is {}{lapsed}", routing.confirmed)
    }

    /// Cells of moved members whose workers have not been told yet.
    fn workers_behind(&self, run: usize, wave: usize) -> Vec<(CellName, u64)> {
        let Some(release) = self.state.pinned.get(&self.state.runs[run].version) else {
            return Vec::new();
        };
        let worker = |kind: &ComponentKind| matches!(kind, ComponentKind::Worker { .. });
        if !release
            .components
            .values()
            .any(|component| worker(&component.definition.kind))
        {
            return Vec::new();
        }
        let mut behind: BTreeMap<CellName, u64> = BTreeMap::new();
        for (tenant, member) in &self.state.runs[run].waves[wave].members {
            let (Place::Moved { generation }, Some(seat)) = (&member.place, self.state.seats.get(tenant)) else {
                continue;
            };
            let Some(cell) = self.state.cells.get(&seat.cell) else {
                continue;
            };
            let handed_over = cell.owners.values().map(|owner| owner.generation).max().unwrap_or(0);
            let generation = handed_over.max(*generation);
            if generation > cell.ownership {
                let highest = behind.entry(seat.cell.clone()).or_default();
                *highest = (*highest).max(generation);
            }
        }
        behind.into_iter().collect()
    }

    fn move_batch(&mut self, run: usize, wave: usize, admission: &Admission) -> bool {
        let batch = self.next_batch(run, wave, admission);
        let moved = !batch.is_empty();
        if moved {
            self.move_tenants(run, wave, batch);
        }
        moved
    }

    /// As many members as the playbook lets be between two versions, of cells whose slots are ready.
    pub fn next_batch(&self, run: usize, wave: usize, admission: &Admission) -> Vec<TenantName> {
        let version = self.state.runs[run].version.clone();
        let current = &self.state.runs[run].waves[wave];
        let tenants_max = current.policy.max_parallel.tenants.map_or(usize::MAX, |n| n as usize);
        let cells_max = current.policy.max_parallel.cells.map_or(usize::MAX, |n| n as usize);
        let together = self.cells_together(run, wave);
        let mut cells: BTreeSet<CellName> = BTreeSet::new();
        let mut ready: BTreeMap<CellName, bool> = BTreeMap::new();
        let mut batch: Vec<TenantName> = Vec::new();
        for tenant in &admission.may_move {
            let Some(seat) = self.state.seats.get(tenant) else {
                continue;
            };
            let is_ready = *ready.entry(seat.cell.clone()).or_insert_with(|| {
                let whole =
                    !together.contains(&seat.cell) || self.apart(&version, &seat.cell, &admission.may_move).is_none();
                whole && self.ready_in(&seat.cell, &version).is_ok()
            });
            if !is_ready || (!cells.contains(&seat.cell) && cells.len() == cells_max) {
                continue;
            }
            let follows = together.contains(&seat.cell) && cells.contains(&seat.cell);
            if batch.len() >= tenants_max && !follows {
                continue;
            }
            cells.insert(seat.cell.clone());
            batch.push(tenant.clone());
            if batch.len() == tenants_max && together.is_empty() {
                break;
            }
        }
        batch
    }

    /// Gives them their new version.
    pub fn move_tenants(&mut self, run: usize, wave: usize, batch: Vec<TenantName>) {
        let generation = self.next_generation;
        let version = self.state.runs[run].version.clone();
        for tenant in &batch {
            self.reseat(tenant, &version);
            self.take_over(run, wave, tenant);
            self.moves_on(run, tenant);
            if let Some(member) = self.state.runs[run].waves[wave].members.get_mut(tenant) {
                member.place = Place::Moved { generation };
            }
        }
        self.moves_from(run, &batch, &version);
        let now = self.now;
        let current = &mut self.state.runs[run].waves[wave];
        current.switched.get_or_insert(now);
        current.moved = Some(now);
        let name = current.name.clone();
        self.note_finishing(run, wave, &batch);
        let cause = Cause::system("release", format!("wave {name} switches"));
        self.write_moves(
            EntryKind::Moved,
            &version,
            &name,
            BTreeMap::from([(version.clone(), batch)]),
            &cause,
        );
    }
}
