//! Which slots a cell needs, follows from where its tenants are, go to, and may go back to.

use std::collections::{BTreeMap, BTreeSet};

use super::needed::Needed;
use super::turn::{Cause, Turn};
use crate::id::{CellName, SlotId, Version};
use crate::journal::EntryKind;
use crate::observed::SlotState;
use crate::release::{ComponentKind, JobPer, Ownership, Stage};
use crate::service::{CellOwner, PINNED_VERSIONS, Phase, Run, RunPhase, Slot};
use crate::waiting::Waiting;

impl Turn {
    /// Every component of `version` takes work in `cell`; else what is missing.
    pub fn ready_in(&self, cell: &CellName, version: &Version) -> Result<(), String> {
        match self.unready(cell, version).into_iter().next() {
            None => Ok(()),
            Some((slot, state)) => Err(format!("slot {slot} is {}", state.in_words())),
        }
    }

    /// The slots of `version` in `cell` that are not ready.
    pub fn unready(&self, cell: &CellName, version: &Version) -> Vec<(SlotId, SlotState)> {
        let Some(cell) = self.state.cells.get(cell) else {
            return Vec::new();
        };
        let state = |id: &SlotId| cell.slots.get(id).map_or(SlotState::Unknown, |slot| slot.state.clone());
        let ids = cell.resolved.get(version).into_iter().flat_map(BTreeMap::values);
        ids.map(|id| (id.clone(), state(id)))
            .filter(|(_, state)| !state.is_ready())
            .collect()
    }

    /// Starts what is needed, leaves what is not, stops what is left and empty.
    pub fn settle_slots(&mut self) {
        let needed = self.needed();
        self.hand_over_left(&needed);
        let since = self.next_generation;
        let cells: Vec<CellName> = self.state.cells.keys().cloned().collect();
        for cell in cells {
            let resolved = self.state.cells.get(&cell).map(|cell| &cell.resolved);
            let mut wanted: BTreeMap<SlotId, Slot> = BTreeMap::new();
            for version in needed.get(&cell).into_iter().flatten() {
                let slots = resolved.and_then(|resolved| resolved.get(version));
                for (component, id) in slots.into_iter().flatten() {
                    wanted.entry(id.clone()).or_insert_with(|| Slot {
                        component: component.clone(),
                        version: version.clone(),
                        phase: Phase::Run,
                        since,
                        state: SlotState::Unknown,
                        in_flight: 0,
                    });
                }
            }
            self.start_slots(&cell, &wanted);
            self.leave_slots(&cell, &wanted);
            self.stop_slots(&cell);
        }
    }

    fn start_slots(&mut self, cell: &CellName, wanted: &BTreeMap<SlotId, Slot>) {
        let Some(cell) = self.state.cells.get_mut(cell) else {
            return;
        };
        for (id, slot) in wanted {
            let present = cell.slots.entry(id.clone()).or_insert_with(|| slot.clone());
            present.phase = Phase::Run;
            if !self.state.pinned.contains_key(&present.version) {
                present.version = slot.version.clone();
            }
        }
    }

    fn leave_slots(&mut self, name: &CellName, wanted: &BTreeMap<SlotId, Slot>) {
        let (now, generation) = (self.now, self.next_generation);
        let mut left = Vec::new();
        let Some(cell) = self.state.cells.get_mut(name) else {
            return;
        };
        for (id, slot) in &mut cell.slots {
            if slot.phase == Phase::Run && !wanted.contains_key(id) {
                slot.phase = Phase::Drain { since: now, generation };
                left.push((id.clone(), slot.version.clone()));
            }
        }
        for (id, version) in left {
            let cause = Cause::system(
                "slots",
                format!("slot {id} in cell {name}: no tenant needs it any more"),
            );
            self.write(EntryKind::SlotLeft, &version, None, &cause);
        }
    }

    /// A slot is stopped when no table that a gateway may serve names it and nothing is in flight, or when its time to
    /// drain is over, and then the journal says how much was cut.
    fn stop_slots(&mut self, name: &CellName) {
        let Some(cell) = self.state.cells.get(name) else { return };
        let mut stop = Vec::new();
        let mut wake = Vec::new();
        let mut waiting = Vec::new();
        let routing = &self.state.routing;
        for (id, slot) in &cell.slots {
            let Phase::Drain { since, generation } = slot.phase else {
                continue;
            };
            let definition = self
                .state
                .pinned
                .get(&slot.version)
                .and_then(|r| r.components.get(&slot.component));
            let drain = definition.map(|part| part.definition.drain.requests.max(part.definition.drain.streams));
            let until = drain.map_or(since, |drain| since + drain);
            let served_nowhere = routing.reported >= generation && routing.lapsed.is_empty() && !routing.alone;
            let worker = definition.is_some_and(|p| matches!(p.definition.kind, ComponentKind::Worker { .. }));
            let owned_nowhere = !worker || cell.ownership >= generation;
            if served_nowhere && owned_nowhere && (slot.in_flight == 0 || until <= self.now) {
                stop.push((id.clone(), slot.version.clone(), slot.in_flight));
            } else {
                wake.push(until);
                waiting.push(Waiting::Drain {
                    cell: name.clone(),
                    slot: id.clone(),
                    in_flight: slot.in_flight,
                    until,
                });
            }
        }
        for (id, version, cut) in stop {
            if let Some(cell) = self.state.cells.get_mut(name) {
                cell.slots.remove(&id);
            }
            let how = if cut == 0 {
                "nothing is in flight".to_owned()
            } else {
                format!("{cut} in flight are cut")
            };
            let cause = Cause::system("slots", format!("slot {id} in cell {name}: {how}"));
            self.write(EntryKind::SlotStopped, &version, None, &cause);
        }
        wake.into_iter().for_each(|at| self.wake_at(at));
        self.waiting.extend(waiting);
    }

    /// Forgets the runs and versions that nobody can come from or go back to.
    pub fn settle_pins(&mut self) {
        let is_over = |run: &Run| !run.in_flight() && !run.has_data_ahead();
        let ended = self.state.runs.iter().filter(|run| is_over(run)).count();
        let mut surplus = ended.saturating_sub(PINNED_VERSIONS);
        let owed = if surplus > 0 {
            self.owed_to_somebody()
        } else {
            BTreeSet::new()
        };
        let seats = &self.state.seats;
        let mut reached = BTreeSet::new();
        self.state.runs.retain(|run| {
            let seated = || seats.values().any(|seat| seat.version.as_ref() == Some(&run.version));
            if surplus == 0 || !is_over(run) || owed.contains(&run.version) || seated() {
                return true;
            }
            surplus -= 1;
            if matches!(run.phase, RunPhase::Completed { .. }) {
                let release = self.state.pinned.get(&run.version);
                let changes = release.into_iter().flat_map(|release| &release.changes);
                reached.extend(changes.map(|change| change.id.clone()));
            }
            false
        });
        let mut keep: BTreeSet<&Version> = seats.values().filter_map(|seat| seat.version.as_ref()).collect();
        for run in &self.state.runs {
            keep.insert(&run.version);
            keep.extend(run.members().filter_map(|(_, member)| member.from.as_ref()));
        }
        for cell in self.state.cells.values() {
            keep.extend(cell.slots.values().map(|slot| &slot.version));
            keep.extend(cell.owners.values().map(|owner| &owner.version));
            keep.extend(&cell.jobs_on);
        }
        let running = self.state.jobs.values().filter_map(|job| job.run.as_ref());
        keep.extend(running.map(|run| &run.version));
        let keep: BTreeSet<Version> = keep.into_iter().cloned().collect();
        self.state.pinned.retain(|version, _| keep.contains(version));
        // Nobody is without them any more.
        let known = self.state.pinned.values().flat_map(|release| &release.changes);
        for change in known {
            reached.remove(&change.id);
        }
        self.state.migrations.retain(|change, _| !reached.contains(change));
        for job in self.state.jobs.values_mut() {
            job.failed.retain(|version, _| keep.contains(version));
        }
        self.state.resolve();
    }

    /// The releases whose changes ask something of tenants that have not got them yet: these are told of them, and asked to
    /// migrate, with whatever release takes them on in the end.
    fn owed_to_somebody(&self) -> BTreeSet<Version> {
        let runs = &self.state.runs;
        let place = |version: &Version| {
            let root = self.state.root_of(version);
            runs.iter().rposition(|run| run.version == *root)
        };
        let on: BTreeSet<&Version> = self
            .state
            .seats
            .values()
            .filter_map(|seat| seat.version.as_ref())
            .collect();
        // What is older than all that is known comes before the first of them.
        let Some(oldest) = on.into_iter().map(place).min() else {
            return BTreeSet::new();
        };
        let asks = |run: &&Run| {
            let release = self.state.pinned.get(&run.version);
            release.is_some_and(|release| release.impact().asks_for_action()) && !run.phase.came_back()
        };
        let later = &runs[oldest.map_or(0, |oldest| oldest + 1)..];
        later.iter().filter(asks).map(|run| run.version.clone()).collect()
    }

    /// Workers that own a whole cell follow when its last tenant has moved.
    pub fn hand_over_cells(&mut self, run: usize) {
        let version = self.state.runs[run].version.clone();
        let cells: BTreeSet<CellName> = self.state.runs[run]
            .waves
            .iter()
            .flat_map(|wave| wave.cells(&self.state.seats))
            .collect();
        for cell in cells {
            let mut here = self.state.seats.values().filter(|seat| seat.cell == cell);
            if here.all(|seat| seat.version.as_ref() == Some(&version)) {
                self.set_owner(&cell, &version);
            }
        }
    }

    /// An owner needs no slots of its own: who has work for it needs them. Where nobody does any more, the version that most
    /// tenants of the cell run takes the work over; where there is none, no work is left, and the owner stays known, for its epoch
    /// must never come again.
    fn hand_over_left(&mut self, needed: &Needed) {
        let is_needed = |cell: &CellName, version| needed.get(cell).is_some_and(|needed| needed.contains(version));
        let left = self.state.cells.iter().filter(|(name, cell)| {
            let owners = cell.owners.values().map(|owner| &owner.version);
            let mut versions = owners.chain(&cell.jobs_on);
            versions.any(|version| !is_needed(name, version))
        });
        let left: Vec<CellName> = left.map(|(name, _)| name.clone()).collect();
        for cell in left {
            let mut counts: BTreeMap<&Version, usize> = BTreeMap::new();
            let here = self.state.seats.values().filter(|seat| seat.cell == cell);
            for version in here.filter_map(|seat| seat.version.as_ref()) {
                *counts.entry(version).or_default() += 1;
            }
            let most = counts.into_iter().max_by_key(|(_, count)| *count);
            if let Some(version) = most.map(|(version, _)| version.clone()) {
                self.set_owner(&cell, &version);
            }
        }
    }

    /// The hand-over of a cell is part of the wave that caused it, and goes back with that wave.
    pub fn cell_workers_back(&mut self, run: usize, wave: usize) {
        let current = &self.state.runs[run];
        let Some(from) = current.waves[wave].comes_from().cloned() else {
            return;
        };
        let members = current.waves[wave].members.keys();
        let cells: BTreeSet<CellName> = members
            .filter_map(|tenant| self.state.seats.get(tenant))
            .map(|seat| seat.cell.clone())
            .collect();
        let version = current.version.clone();
        for cell in cells {
            let owned = |turn: &Self| {
                turn.state.cells.get(&cell).is_some_and(|cell| {
                    let mut owners = cell.owners.values();
                    cell.jobs_on.as_ref() == Some(&version) || owners.any(|owner| owner.version == version)
                })
            };
            if owned(self) {
                self.set_owner(&cell, &from);
            }
        }
    }

    /// The next runs of the cell's jobs follow at once: what goes on ends as it began.
    pub fn set_owner(&mut self, name: &CellName, version: &Version) {
        let generation = self.next_generation;
        let (Some(release), Some(cell)) = (self.state.pinned.get(version), self.state.cells.get_mut(name)) else {
            return;
        };
        if cell.jobs_on.is_some() || release.jobs().any(|(_, job)| job.per == JobPer::Cell) {
            cell.jobs_on = Some(version.clone());
        }
        let mut handed_over = false;
        for (component, part) in &release.components {
            if part.definition.kind
                != (ComponentKind::Worker {
                    ownership: Ownership::Cell,
                })
            {
                continue;
            }
            let before = cell.owners.get(component);
            if before.is_none_or(|owner| owner.version != *version) {
                let epoch = before.map_or(1, |owner| owner.epoch + 1);
                cell.owners.insert(
                    component.clone(),
                    CellOwner {
                        version: version.clone(),
                        epoch,
                        generation,
                    },
                );
                handed_over = true;
            }
        }
        if handed_over {
            self.note_hand_over(name);
        }
    }

    /// Whoever the hand-over is for, each wave that has moved somebody there waits for it, for as long as for one of its own.
    fn note_hand_over(&mut self, cell: &CellName) {
        let (now, seats) = (self.now, &self.state.seats);
        let waves = self.state.runs.iter_mut().flat_map(|run| &mut run.waves);
        let waiting = waves.filter(|wave| wave.state.is_in(Stage::Switch) && wave.cells(seats).contains(cell));
        waiting.for_each(|wave| wave.handed_over = Some(now));
    }
}
