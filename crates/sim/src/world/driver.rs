//! The drivers of all cells: slots that take their time, fail, crash and come up again; workers that own what the document
//! says. An older document is refused.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_domain::desired::{Desired, Owns, SlotDesired, SlotPhase};
use tidegate_domain::id::{CellName, SlotId, Version};
use tidegate_domain::observed::{CellReport, CellReports, Instance, SlotState};
use tidegate_domain::release::ComponentKind;
use tidegate_domain::time::Timestamp;

use super::gateway::Gateways;
use super::resource::{Resource, Write};
use super::{Happening, World};
use crate::boundary::{Kind, Moment};
use crate::check::Checker;
use crate::script::SlotMood;

const START_MS: i64 = 2_000;
const FAIL_MS: i64 = 5_000;
/// A worker that does not answer is killed after this.
const FROZEN_MS_MAX: i64 = 10_000;

#[derive(Debug, Clone, Default)]
pub struct Driver {
    generation: u64,
    /// Since when the document is there.
    taken_at: i64,
    cells: BTreeMap<CellName, BTreeMap<SlotId, Running>>,
    /// The last document and the one before.
    documents: Vec<Arc<Desired>>,
    moods: BTreeMap<(Version, CellName), Mood>,
    starts: u64,
    resource: Resource,
}

#[derive(Debug, Clone)]
struct Mood {
    start_ms: i64,
    fails: bool,
}

#[derive(Debug, Clone)]
struct Running {
    version: Version,
    worker: bool,
    /// Which start this is; a timer of an earlier one means nothing.
    start: u64,
    state: State,
    /// It was ready once: if it is not now, it has crashed.
    served: bool,
    shall_own: Owns,
    owns: Owns,
    frozen: bool,
    /// Frozen for so long that the document is in force without it.
    given_up: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Starting,
    Ready,
    Failed,
}

/// What a gateway meets where a table leads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    Serving,
    /// It served and has crashed.
    Crashed,
    NeverReady,
    Gone,
}

impl Driver {
    pub fn reached(&self, cell: &CellName, slot: &SlotId) -> Reached {
        match self.cells.get(cell).and_then(|slots| slots.get(slot)) {
            None => Reached::Gone,
            Some(running) if running.state == State::Ready => Reached::Serving,
            Some(running) if running.served => Reached::Crashed,
            Some(_) => Reached::NeverReady,
        }
    }

    fn mood(&self, version: &Version, cell: &CellName) -> Mood {
        let usual = Mood {
            start_ms: START_MS,
            fails: false,
        };
        self.moods
            .get(&(version.clone(), cell.clone()))
            .cloned()
            .unwrap_or(usual)
    }

    pub fn report(&self) -> CellReports {
        let report = |slots: &BTreeMap<SlotId, Running>| CellReport {
            generation: self.generation,
            slots: slots.iter().map(|(id, slot)| (id.clone(), slot.seen())).collect(),
            ownership: if slots.values().all(Running::obeys) {
                self.generation
            } else {
                0
            },
        };
        self.cells
            .iter()
            .map(|(name, slots)| (name.clone(), report(slots)))
            .collect()
    }

    /// Every worker that runs writes for all that it owns.
    pub fn work(&mut self, checker: &mut Checker) {
        for (cell, slots) in &mut self.cells {
            for (id, slot) in slots {
                if slot.state != State::Ready || slot.frozen || !slot.worker {
                    continue;
                }
                let owned: Vec<(&str, u64)> = match &slot.owns {
                    Owns::Nothing => Vec::new(),
                    Owns::Tenants(tenants) => tenants.iter().map(|(name, epoch)| (name.as_str(), *epoch)).collect(),
                    Owns::Cell(epoch) => vec![(cell.as_str(), *epoch)],
                };
                for (owned, epoch) in owned {
                    if let Write::Shared(other) = self.resource.write(owned, epoch, id) {
                        let detail = format!("{id} and {other} both write for {owned} under epoch {epoch}");
                        checker.violate("one worker writes under an epoch", detail);
                    }
                }
                slot.owns.clone_from(&slot.shall_own);
            }
        }
    }

    /// Somebody who shall work can: tenants whose owner the resource refuses or who have none.
    pub fn starved(&mut self) -> Option<String> {
        let Self { cells, resource, .. } = self;
        for (cell, slots) in cells {
            for (id, slot) in slots
                .iter()
                .filter(|(_, slot)| slot.worker && slot.state == State::Ready)
            {
                let owned: Vec<(&str, u64)> = match &slot.shall_own {
                    Owns::Nothing => continue,
                    Owns::Tenants(tenants) => tenants.iter().map(|(name, epoch)| (name.as_str(), *epoch)).collect(),
                    Owns::Cell(epoch) => vec![(cell.as_str(), *epoch)],
                };
                for (owned, epoch) in owned {
                    if resource.write(owned, epoch, id) != Write::Taken {
                        return Some(format!(
                            "{id} shall work for {owned} with epoch {epoch}, which is fenced off"
                        ));
                    }
                }
            }
        }
        None
    }

    pub fn give_up_frozen(&mut self, at: i64) {
        if at - self.taken_at < FROZEN_MS_MAX {
            return;
        }
        for slot in self.cells.values_mut().flat_map(BTreeMap::values_mut) {
            slot.given_up |= slot.frozen && slot.owns != slot.shall_own;
        }
    }

    pub fn freeze(&mut self, version: &Version, cell: &CellName, frozen: bool) {
        for slot in self.cells.get_mut(cell).into_iter().flat_map(BTreeMap::values_mut) {
            if slot.worker && slot.version == *version {
                slot.frozen = frozen;
                slot.given_up &= frozen;
            }
        }
    }

    /// Makes it so. Returns the starts to wait for: when, where, which.
    fn take(&mut self, document: &Arc<Desired>, at: i64) -> Vec<(i64, CellName, SlotId, u64)> {
        let mut starts = Vec::new();
        self.generation = document.generation;
        self.taken_at = at;
        for (name, cell) in &document.cells {
            for (id, wanted) in &cell.slots {
                let present = self.cells.entry(name.clone()).or_default();
                if let Some(slot) = present.get_mut(id) {
                    slot.shall_own = wanted.owns.clone();
                    continue;
                }
                self.starts += 1;
                present.insert(id.clone(), Running::starting(wanted, self.starts));
                starts.push((name.clone(), id.clone()));
            }
            if let Some(present) = self.cells.get_mut(name) {
                present.retain(|id, _| cell.slots.contains_key(id));
            }
        }
        self.documents.push(Arc::clone(document));
        let surplus = self.documents.len().saturating_sub(2);
        self.documents.drain(..surplus);
        starts
            .into_iter()
            .filter_map(|(cell, id)| self.timer(at, cell, id))
            .collect()
    }

    /// Takes a document as one that was in force long ago: all that it names is ready.
    pub fn adopt(&mut self, document: &Arc<Desired>) {
        self.take(document, 0);
        for slot in self.cells.values_mut().flat_map(BTreeMap::values_mut) {
            slot.state = State::Ready;
            slot.served = true;
            slot.owns = slot.shall_own.clone();
        }
    }

    fn timer(&self, at: i64, cell: CellName, id: SlotId) -> Option<(i64, CellName, SlotId, u64)> {
        let slot = self.cells.get(&cell)?.get(&id)?;
        let mood = self.mood(&slot.version, &cell);
        let in_ms = if mood.fails { FAIL_MS } else { mood.start_ms };
        Some((at + in_ms, cell, id, slot.start))
    }

    /// Slots that the document no longer names are stopped; none of them may be needed any more.
    fn check_stops(&self, document: &Desired, now: Timestamp, gateways: &Gateways, checker: &mut Checker) {
        let before = self.documents.last();
        for (name, slots) in &self.cells {
            let wanted = document.cells.get(name);
            let gone = slots
                .keys()
                .filter(|id| wanted.is_none_or(|cell| !cell.slots.contains_key(*id)));
            for id in gone {
                let phase = before.and_then(|before| Some(before.cells.get(name)?.slots.get(id)?.phase));
                gateways.check_stop(name, id, drain_until(phase), now, checker);
            }
        }
    }
}

fn drain_until(phase: Option<SlotPhase>) -> Option<Timestamp> {
    match phase {
        Some(SlotPhase::Drain {
            requests_until,
            streams_until,
        }) => Some(requests_until.max(streams_until)),
        Some(SlotPhase::Run) | None => None,
    }
}

impl Running {
    fn starting(wanted: &SlotDesired, start: u64) -> Self {
        Self {
            version: wanted.spec.version.clone(),
            worker: matches!(wanted.spec.definition.kind, ComponentKind::Worker { .. }),
            start,
            state: State::Starting,
            served: false,
            shall_own: wanted.owns.clone(),
            owns: Owns::Nothing,
            frozen: false,
            given_up: false,
        }
    }

    fn seen(&self) -> SlotState {
        let port = 20_000 + u16::try_from(self.start % 40_000).unwrap_or(0);
        match self.state {
            State::Starting => SlotState::Starting {
                reason: "no answer yet".to_owned(),
                ready: Vec::new(),
            },
            State::Failed => SlotState::Failed {
                reason: "it ended before it was ready".to_owned(),
                ready: Vec::new(),
            },
            State::Ready => SlotState::Ready {
                ready: vec![Instance {
                    id: "0".to_owned(),
                    address: SocketAddr::from(([127, 0, 0, 1], port)),
                }],
            },
        }
    }

    /// It owns what it shall, or nothing can be expected of it.
    fn obeys(&self) -> bool {
        !self.worker || self.given_up || self.state != State::Ready || self.owns == self.shall_own
    }
}

impl World {
    pub fn actuate(&mut self) {
        let Some(document) = self.server.published.clone() else {
            return;
        };
        let fault = self.fault(Kind::Slots);
        if let Some(moment) = fault {
            self.hit(Kind::Slots, moment);
        }
        if fault == Some(Moment::Before) {
            return self.crash();
        }
        self.hand_to_driver(&document);
        match fault {
            Some(Moment::After) => self.crash(),
            Some(Moment::Twice) => self.schedule(5_000, Happening::ActuateStale(document.generation)),
            Some(Moment::Before) | None => {}
        }
    }

    fn hand_to_driver(&mut self, document: &Arc<Desired>) {
        if document.generation < self.driver.generation {
            return;
        }
        let now = self.now();
        self.driver
            .check_stops(document, now, &self.gateways, &mut self.checker);
        for (at, cell, slot, start) in self.driver.take(document, self.at) {
            self.schedule_at(at, Happening::SlotStarted { cell, slot, start });
        }
        self.schedule(FROZEN_MS_MAX, Happening::Look);
        self.observe_soon();
    }

    /// A server that was held up tells the drivers what it wanted long ago.
    pub fn actuate_stale(&mut self, generation: u64) {
        let older = self
            .driver
            .documents
            .iter()
            .find(|document| document.generation <= generation);
        if let Some(document) = older.cloned() {
            self.hand_to_driver(&document);
        }
    }

    pub fn slot_started(&mut self, cell: &CellName, id: &SlotId, start: u64) {
        let Some(slot) = self.driver.cells.get(cell).and_then(|slots| slots.get(id)) else {
            return;
        };
        if slot.start != start || slot.state == State::Ready {
            return;
        }
        let fails = self.driver.mood(&slot.version, cell).fails;
        if let Some(slot) = self.driver.cells.get_mut(cell).and_then(|slots| slots.get_mut(id)) {
            slot.state = if fails { State::Failed } else { State::Ready };
            slot.served |= !fails;
            if !fails {
                slot.owns = slot.shall_own.clone();
            }
        }
        self.observe_soon();
    }

    pub fn slots_mood(&mut self, version: &Version, cell: &CellName, mood: SlotMood) {
        let mut changed = self.driver.mood(version, cell);
        let restarts = match mood {
            SlotMood::Takes(length) => {
                changed.start_ms = length.as_millis();
                None
            }
            SlotMood::Fails => {
                changed.fails = true;
                None
            }
            SlotMood::Crashes => Some(State::Ready),
            SlotMood::Heals => {
                changed.fails = false;
                Some(State::Failed)
            }
        };
        self.driver.moods.insert((version.clone(), cell.clone()), changed);
        let Some(restarts) = restarts else { return };
        let mut timers = Vec::new();
        for (id, slot) in self.driver.cells.get_mut(cell).into_iter().flatten() {
            if slot.version == *version && slot.state == restarts {
                self.driver.starts += 1;
                slot.start = self.driver.starts;
                slot.state = State::Starting;
                slot.owns = Owns::Nothing;
                slot.frozen = false;
                timers.push(id.clone());
            }
        }
        for id in timers {
            if let Some((at, cell, slot, start)) = self.driver.timer(self.at, cell.clone(), id) {
                self.schedule_at(at + 1_000, Happening::SlotStarted { cell, slot, start });
            }
        }
        self.observe_soon();
    }

    /// All that fails comes up, all that is frozen goes on.
    pub fn heal_slots(&mut self) {
        for mood in self.driver.moods.values_mut() {
            mood.fails = false;
        }
        let cells = self.driver.cells.iter();
        let all: Vec<_> = cells
            .flat_map(|(cell, slots)| slots.values().map(|slot| (slot.version.clone(), cell.clone())))
            .collect();
        for (version, cell) in all {
            self.driver.freeze(&version, &cell, false);
            self.slots_mood(&version, &cell, SlotMood::Heals);
        }
    }
}
