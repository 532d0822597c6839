//! The supervisor of one cell: compares the wish with what there is, and hands each instance its orders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_domain::desired::{CellDesired, SlotDesired};
use tidegate_domain::id::{CellName, ComponentName, SlotId, Version};
use tidegate_domain::observed::{CellReport, Instance, SlotState};
use tidegate_domain::release::ComponentKind;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use self::leftovers::Leftover;
use super::instance::{self, Order, Ready, Teller, View};
use super::ownership::{self, Assignment, InForce, Worker};
use super::record::SlotRecord;
use super::{Layout, Shared, after};

mod leftovers;

/// The part of a cell's desired document that is of interest here: routes are the gateway's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub generation: u64,
    pub slots: BTreeMap<SlotId, SlotDesired>,
    pub versions: BTreeMap<Version, BTreeMap<ComponentName, SlotId>>,
}

pub(super) struct Supervisor {
    shared: Arc<Shared>,
    cell: CellName,
    wishes: watch::Receiver<Option<Arc<Wish>>>,
    reports: watch::Sender<CellReport>,
    changes: watch::Sender<u64>,
    slots: BTreeMap<SlotId, Slot>,
    turns: Arc<Semaphore>,
    news: Arc<Notify>,
    /// Everything that runs for this cell ends with its supervisor.
    tasks: JoinSet<()>,
    assignments: watch::Sender<Assignment>,
    in_force: watch::Receiver<InForce>,
}

/// A slot that there is, or is to be.
struct Slot {
    record: SlotRecord,
    instances: BTreeMap<u16, Handle>,
    replacing: Arc<Semaphore>,
}

/// An instance with a task that sees to it.
struct Handle {
    order: watch::Sender<Order>,
    view: watch::Receiver<View>,
}

impl Wish {
    pub fn new(generation: u64, desired: &CellDesired) -> Self {
        Self {
            generation,
            slots: desired.slots.clone(),
            versions: desired.versions.clone(),
        }
    }
}

impl Supervisor {
    pub fn new(
        shared: Arc<Shared>,
        cell: CellName,
        wishes: watch::Receiver<Option<Arc<Wish>>>,
        reports: watch::Sender<CellReport>,
        changes: watch::Sender<u64>,
    ) -> Self {
        let news = Arc::new(Notify::new());
        let (assignments, receiver) = watch::channel(Assignment::default());
        let (sender, in_force) = watch::channel(InForce::default());
        let mut tasks = JoinSet::new();
        let keeper = ownership::Keeper {
            assignments: receiver,
            in_force: sender,
            news: Arc::clone(&news),
            hand_over_max: shared.options.hand_over_max,
        };
        tasks.spawn(keeper.run());
        Self {
            turns: Arc::new(Semaphore::new(shared.options.starting_max)),
            shared,
            cell,
            wishes,
            reports,
            changes,
            slots: BTreeMap::new(),
            news,
            tasks,
            assignments,
            in_force,
        }
    }

    pub async fn run(mut self) {
        let mut looked = false;
        loop {
            let wish = self.wishes.borrow_and_update().clone();
            if let Some(wish) = wish {
                if !looked {
                    self.adopt(&wish);
                    looked = true;
                }
                self.adjust(&wish);
            }
            tokio::select! {
                () = self.news.notified() => {}
                changed = self.wishes.changed() => if changed.is_err() { return },
                // A task that has ended is done with: its view said so.
                Some(_) = self.tasks.join_next() => {}
            }
        }
    }

    /// Finds what runs in this cell and is not wished for. What is wished for finds itself.
    fn adopt(&mut self, wish: &Wish) {
        for leftover in leftovers::running(&self.shared.layout.cell(&self.cell)) {
            let count = wish.slots.get(&leftover.slot).map_or(0, instances);
            if leftover.index >= count {
                self.dismiss(leftover);
            }
        }
    }

    fn dismiss(&mut self, leftover: Leftover) {
        let (order, mut orders) = watch::channel(Order::Run);
        let (view, views) = watch::channel(View::Stopping);
        let news = Arc::clone(&self.news);
        self.tasks.spawn(async move {
            instance::stop_ordered(&mut orders).await;
            instance::dismiss(&leftover.directory, &Teller { view, news }).await;
        });
        let slot = self
            .slots
            .entry(leftover.slot)
            .or_insert_with(|| Slot::new(leftover.record));
        slot.instances.insert(leftover.index, Handle { order, view: views });
    }

    /// One step towards the wish, from whatever is the case.
    fn adjust(&mut self, wish: &Wish) {
        self.forget_gone();
        for (id, desired) in &wish.slots {
            self.appoint(id, desired);
        }
        let states = self.states(wish);
        for (id, slot) in &self.slots {
            if let Some(desired) = wish.slots.get(id) {
                let order = match after::start_waits_for(id, wish, &states) {
                    Some(reason) => Order::Wait(reason),
                    None => Order::Run,
                };
                slot.order(instances(desired), &order);
            }
        }
        let leaving = self.slots.iter().filter(|(id, _)| !wish.slots.contains_key(*id));
        let stopping: BTreeMap<_, _> = leaving.map(|(id, slot)| (id.clone(), slot.record.clone())).collect();
        for id in stopping.keys().filter(|id| !after::stop_waits(id, &stopping)) {
            self.slots[id].order(0, &Order::Run);
        }
        self.assign(wish);
        self.report(wish, states);
    }

    fn forget_gone(&mut self) {
        for slot in self.slots.values_mut() {
            slot.instances.retain(|_, handle| *handle.view.borrow() != View::Gone);
        }
        let before = self.slots.len();
        self.slots.retain(|_, slot| !slot.instances.is_empty());
        if self.slots.len() < before {
            let used: BTreeSet<_> = self.slots.keys().cloned().collect();
            let folder = self.shared.layout.cell(&self.cell);
            leftovers::collect(&folder, &used, self.shared.options.stopped_slots_kept);
        }
    }

    /// Gives every instance that is wished for a task.
    fn appoint(&mut self, id: &SlotId, desired: &SlotDesired) {
        if refusal(desired).is_some() {
            return;
        }
        let spec = Arc::new(desired.spec.clone());
        for index in 0..instances(desired) {
            let slot = self
                .slots
                .entry(id.clone())
                .or_insert_with(|| Slot::new(SlotRecord::of(&spec)));
            if slot.instances.contains_key(&index) {
                continue;
            }
            let (order, orders) = watch::channel(Order::Wait("waits for its turn".to_owned()));
            let (view, views) = watch::channel(View::Unknown);
            let supervisor = instance::Supervisor {
                shared: Arc::clone(&self.shared),
                slot: id.clone(),
                spec: Arc::clone(&spec),
                index,
                directory: self.shared.layout.instance(&self.cell, id, index),
                order: orders,
                teller: Teller {
                    view,
                    news: Arc::clone(&self.news),
                },
                turns: Arc::clone(&self.turns),
                replacing: Arc::clone(&slot.replacing),
            };
            slot.instances.insert(index, Handle { order, view: views });
            self.tasks.spawn(supervisor.run());
        }
    }

    fn states(&self, wish: &Wish) -> BTreeMap<SlotId, SlotState> {
        let wished = wish.slots.iter().map(|(id, desired)| {
            let state = match (refusal(desired), self.slots.get(id)) {
                (Some(reason), _) => SlotState::Failed {
                    reason,
                    ready: Vec::new(),
                },
                (None, Some(slot)) => slot.state(instances(desired)),
                // Wished for with no instance at all.
                (None, None) => SlotState::Ready { ready: Vec::new() },
            };
            (id.clone(), state)
        });
        let leaving = self.slots.keys().filter(|id| !wish.slots.contains_key(*id));
        wished
            .chain(leaving.map(|id| (id.clone(), SlotState::Stopping)))
            .collect()
    }

    fn assign(&self, wish: &Wish) {
        let mut workers = BTreeMap::new();
        for (id, desired) in &wish.slots {
            if let ComponentKind::Worker { .. } = desired.spec.definition.kind {
                let ready = self.slots.get(id).and_then(|slot| slot.ready(0));
                let worker = Worker {
                    owns: desired.owns.clone(),
                    ready,
                };
                workers.insert(id.clone(), worker);
            }
        }
        let assignment = Assignment {
            generation: wish.generation,
            workers,
        };
        self.assignments.send_if_modified(|held| {
            let new = *held != assignment;
            *held = assignment;
            new
        });
    }

    fn report(&self, wish: &Wish, slots: BTreeMap<SlotId, SlotState>) {
        let in_force = self.in_force.borrow();
        let report = CellReport {
            slots,
            ownership: in_force.generation.min(wish.generation),
        };
        let told = self.reports.send_if_modified(|held| {
            let new = *held != report;
            *held = report;
            new
        });
        if told {
            self.changes.send_modify(|count| *count += 1);
        }
    }
}

/// The report on a cell before anything is done about it: the slots of which something runs.
pub(super) fn found(layout: &Layout, cell: &CellName) -> CellReport {
    let running = leftovers::running(&layout.cell(cell));
    CellReport {
        slots: running.into_iter().map(|one| (one.slot, SlotState::Unknown)).collect(),
        ownership: 0,
    }
}

/// How many instances are wished for.
fn instances(desired: &SlotDesired) -> u16 {
    desired.spec.definition.instances
}

/// What cannot be run as it is wished.
fn refusal(desired: &SlotDesired) -> Option<String> {
    let definition = &desired.spec.definition;
    match definition.kind {
        ComponentKind::Worker { .. } if definition.instances > 1 => Some(format!(
            "a worker runs as one instance, for ownership has one owner; `instances: {}` is asked for",
            definition.instances
        )),
        ComponentKind::Worker { .. } | ComponentKind::Http { .. } | ComponentKind::Job => None,
    }
}

impl SlotRecord {
    fn of(spec: &tidegate_domain::release::SlotSpec) -> Self {
        Self {
            component: spec.component.clone(),
            after: spec.definition.after.clone(),
        }
    }
}

impl Slot {
    fn new(record: SlotRecord) -> Self {
        Self {
            record,
            instances: BTreeMap::new(),
            replacing: Arc::new(Semaphore::new(1)),
        }
    }

    /// `order` for the first `count` instances; the others stop.
    fn order(&self, count: u16, order: &Order) {
        for (index, handle) in &self.instances {
            let order = if *index < count { order } else { &Order::Stop };
            handle.order.send_if_modified(|held| {
                // A stop is for good: should the instance be wanted again, it gets a new task.
                let new = held != order && *held != Order::Stop;
                if new {
                    *held = order.clone();
                }
                new
            });
        }
    }

    fn ready(&self, index: u16) -> Option<Ready> {
        match &*self.instances.get(&index)?.view.borrow() {
            View::Ready(ready) => Some(ready.clone()),
            View::Unknown | View::Starting(_) | View::Done | View::Failed(_) | View::Stopping | View::Gone => None,
        }
    }

    /// The state of the first `count` instances together.
    fn state(&self, count: u16) -> SlotState {
        let mut ready: Vec<Instance> = Vec::new();
        let (mut starting, mut failed, mut unknown) = (None, None, false);
        for index in 0..count {
            let view = self.instances.get(&index).map(|handle| handle.view.borrow().clone());
            match view {
                Some(View::Ready(one)) => ready.push(one.instance),
                Some(View::Done) => {}
                Some(View::Starting(reason)) => {
                    starting.get_or_insert(format!("instance {index}: {reason}"));
                }
                Some(View::Failed(reason)) => {
                    failed.get_or_insert(format!("instance {index}: {reason}"));
                }
                Some(View::Stopping | View::Gone) => {
                    starting.get_or_insert(format!("instance {index}: an earlier one is being stopped"));
                }
                Some(View::Unknown) | None => unknown = true,
            }
        }
        match (failed, unknown, starting) {
            (Some(reason), _, _) => SlotState::Failed { reason, ready },
            (None, true, _) => SlotState::Unknown,
            (None, false, Some(reason)) => SlotState::Starting { reason, ready },
            (None, false, None) => SlotState::Ready { ready },
        }
    }
}
