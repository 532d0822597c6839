//! The supervisor of one cell: compares the wish with what there is, and hands each instance its orders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_domain::desired::{CellDesired, SlotDesired};
use tidegate_domain::id::{CellName, ComponentName, SlotId, Version};
use tidegate_domain::observed::{CellReport, Instance, SlotState};
use tidegate_domain::release::ComponentKind;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use super::instance::{self, Course, Order, Ready, Teller, View};
use super::ownership::{self, Assignment, InForce, Worker};
use super::record::{InstanceDirectory, SlotRecord};
use super::{Shared, after};

mod leftovers;

/// The part of a cell's desired document that is of interest here: routes are the gateway's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub generation: u64,
    pub slots: BTreeMap<SlotId, SlotDesired>,
    pub versions: BTreeMap<Version, BTreeMap<ComponentName, SlotId>>,
    /// Slots that are not named here run on.
    pub leaves_unnamed: bool,
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
    /// Instances that run and that no task sees to yet.
    found: BTreeMap<u16, InstanceDirectory>,
    replacing: Arc<Semaphore>,
}

/// An instance with a task that sees to it.
struct Handle {
    order: watch::Sender<Order>,
    view: watch::Receiver<View>,
}

impl Wish {
    pub fn new(generation: u64, desired: &CellDesired, leaves_unnamed: bool) -> Self {
        Self {
            generation,
            slots: desired.slots.clone(),
            versions: desired.versions.clone(),
            leaves_unnamed,
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
        let mut slots: BTreeMap<SlotId, Slot> = BTreeMap::new();
        for running in leftovers::running(&shared.layout.cell(&cell)) {
            let slot = slots.entry(running.slot).or_insert_with(|| Slot::new(running.record));
            slot.found.insert(running.index, running.directory);
        }
        // Before anybody can ask: a slot that runs is never reported as if it were gone.
        reports.send_modify(|report| report.slots = slots.keys().map(|id| (id.clone(), SlotState::Unknown)).collect());
        Self {
            turns: Arc::new(Semaphore::new(shared.options.starting_max_in(&cell))),
            shared,
            cell,
            wishes,
            reports,
            changes,
            slots,
            news,
            tasks,
            assignments,
            in_force,
        }
    }

    pub async fn run(mut self) {
        loop {
            let wish = self.wishes.borrow_and_update().clone();
            if let Some(wish) = wish {
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

    /// One step towards the wish, from whatever is the case.
    fn adjust(&mut self, wish: &Wish) {
        self.forget_gone(wish);
        for (id, desired) in &wish.slots {
            self.appoint(id, desired);
        }
        let states = self.states(wish);
        let mut orders = Vec::new();
        for (id, desired) in &wish.slots {
            let order = match after::start_waits_for(id, wish, &states) {
                Some(reason) => Order::Wait(reason),
                None => Order::Run,
            };
            orders.push((id.clone(), instances(desired), order));
        }
        let leaving = self
            .slots
            .iter()
            .filter(|(id, _)| !wish.leaves_unnamed && !wish.slots.contains_key(*id));
        let stopping: BTreeMap<_, _> = leaving.map(|(id, slot)| (id.clone(), slot.record.clone())).collect();
        let stops = stopping.keys().filter(|id| !after::stop_waits(id, &stopping));
        orders.extend(stops.map(|id| (id.clone(), 0, Order::Stop)));
        for (id, count, order) in orders {
            self.order(&id, count, &order);
        }
        self.assign(wish);
        self.report(wish, states);
    }

    /// `order` for the first `count` instances of a slot; the others stop.
    fn order(&mut self, id: &SlotId, count: u16, order: &Order) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        for (index, directory) in slot.found.split_off(&count) {
            let (view, views) = watch::channel(View::Stopping);
            let news = Arc::clone(&self.news);
            self.tasks
                .spawn(async move { instance::dismiss(&directory, &Teller { view, news }).await });
            let (order, _) = watch::channel(Order::Stop);
            slot.instances.insert(index, Handle { order, view: views });
        }
        for (index, handle) in &slot.instances {
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

    fn forget_gone(&mut self, wish: &Wish) {
        for slot in self.slots.values_mut() {
            slot.instances.retain(|_, handle| *handle.view.borrow() != View::Gone);
        }
        let before = self.slots.len();
        self.slots
            .retain(|_, slot| !slot.instances.is_empty() || !slot.found.is_empty());
        if self.slots.len() < before {
            let used: BTreeSet<_> = self.slots.keys().chain(wish.slots.keys()).cloned().collect();
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
                course: Course::default(),
            };
            slot.instances.insert(index, Handle { order, view: views });
            // It finds what runs there by itself.
            slot.found.remove(&index);
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
            generation: wish.generation,
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

/// The slots of which something runs, one for each instance.
pub(super) fn running(folder: &std::path::Path) -> Vec<SlotId> {
    leftovers::running(folder).into_iter().map(|found| found.slot).collect()
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
            found: BTreeMap::new(),
            replacing: Arc::new(Semaphore::new(1)),
        }
    }

    fn ready(&self, index: u16) -> Option<Ready> {
        match &*self.instances.get(&index)?.view.borrow() {
            View::Ready(ready) => Some(ready.clone()),
            View::Unknown | View::Starting(_) | View::Failed(_) | View::Stopping | View::Gone => None,
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
