//! The table in use, swapped whole.

mod compile;
mod decide;
mod snapshot;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use crate::clock;
use crate::protocol::Confirmed;
use crate::table::{ComponentName, InstanceId, Phase, Refusal, SlotId, Table, TenantName, VersionKey};
use crate::upstream::{Busy, Class, Instance, Slot, SlotLoad};

pub(crate) use decide::{Asker, Forward, Turned, Verdict};
pub(crate) use snapshot::{ComponentHolds, Snapshot, Target, TenantIdentity};

/// What every request reads and only a new table writes.
#[derive(Debug)]
pub(crate) struct Routing {
    current: ArcSwapOption<Snapshot>,
    /// Serial of the current snapshot. Written after it, see [`Routing::enter`].
    serial: AtomicU64,
    changed: watch::Sender<u64>,
    fleet: Mutex<Fleet>,
}

/// Slots and instances that outlive one table: their connections, ejections and counts are kept from table to table.
#[derive(Debug, Default)]
struct Fleet {
    instances: HashMap<(SlotId, InstanceId, SocketAddr), Arc<Instance>>,
    loads: BTreeMap<SlotId, Arc<SlotLoad>>,
    holds: HashMap<ComponentName, Arc<ComponentHolds>>,
}

impl Routing {
    pub(crate) fn new() -> Self {
        Self {
            current: ArcSwapOption::empty(),
            serial: AtomicU64::new(0),
            changed: watch::Sender::new(0),
            fleet: Mutex::default(),
        }
    }

    pub(crate) fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    /// The table in use, by its identity.
    pub(crate) fn confirmed(&self) -> Option<Confirmed> {
        self.current.load().as_ref().map(|snapshot| Confirmed {
            epoch: snapshot.table.epoch.clone(),
            generation: snapshot.table.generation,
        })
    }

    /// Which version every tenant is on by the table in use.
    pub(crate) fn routes(&self) -> Option<BTreeMap<TenantName, VersionKey>> {
        let current = self.current()?;
        let routes = current.table.routes.iter();
        Some(
            routes
                .map(|(tenant, route)| (tenant.clone(), route.version.clone()))
                .collect(),
        )
    }

    /// Tells of every swap.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Checks a table and prepares everything, without using it yet.
    pub(crate) fn prepare(&self, table: Table) -> Result<Snapshot, Refusal> {
        table.validate().map_err(Refusal::Invalid)?;
        if let Some(current) = self.current() {
            table.may_follow(&current.table)?;
        }
        let fleet = self.fleet();
        compile::compile(table, self.serial.load(Ordering::SeqCst) + 1, &fleet).map_err(Refusal::Invalid)
    }

    /// Uses a prepared snapshot: every request that is decided from now on is decided by it.
    pub(crate) fn install(&self, snapshot: Snapshot) {
        let mut fleet = self.fleet();
        let serial = snapshot.serial;
        let snapshot = Arc::new(snapshot);
        self.current.store(Some(snapshot.clone()));
        self.serial.store(serial, Ordering::SeqCst);
        fleet.follow(&snapshot);
        self.changed.send_replace(serial);
    }

    /// Counts a request in on a slot, if the snapshot that chose the slot is still the one in use; else the request must be
    /// decided again.
    ///
    /// The order makes "nothing is in flight" true once it is said: either this sees the new serial, or whoever reads the
    /// count after the swap sees the request.
    pub(crate) fn enter(&self, serial: u64, slot: &Slot) -> Option<Busy> {
        let busy = slot.load.enter();
        (self.serial.load(Ordering::SeqCst) == serial).then_some(busy)
    }

    /// What is under way per slot, zeros left out. Slots that have left the table are in it until they are empty.
    pub(crate) fn under_way(&self) -> BTreeMap<SlotId, u64> {
        let mut fleet = self.fleet();
        let current = self.current();
        fleet.loads.retain(|id, load| {
            load.under_way() > 0
                || current
                    .as_ref()
                    .is_some_and(|snapshot| snapshot.table.slots.contains_key(id))
        });
        let counts = fleet.loads.iter().map(|(id, load)| (id.clone(), load.under_way()));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Whether anything is under way on a slot that is draining or has left the table.
    pub(crate) fn is_draining(&self) -> bool {
        let under_way = self.under_way();
        self.current().is_some_and(|snapshot| {
            under_way
                .keys()
                .any(|id| match snapshot.table.slots.get(id).map(|slot| slot.phase) {
                    Some(Phase::Active) => false,
                    Some(Phase::Draining { .. }) | None => true,
                })
        })
    }

    /// Regular care: closes connections that were idle for too long, and cuts what is past its drain deadline.
    pub(crate) fn tend(&self) {
        let now_ms = clock::unix_ms();
        let Some(snapshot) = self.current() else { return };
        for slot in snapshot.slots.values() {
            slot.instances.iter().for_each(|instance| instance.sweep());
            let (requests, streams) = match slot.phase {
                Phase::Active => (None, None),
                Phase::Draining {
                    requests_until_ms,
                    streams_until_ms,
                } => (requests_until_ms, streams_until_ms),
            };
            for (class, until_ms) in [(Class::Request, requests), (Class::Stream, streams)] {
                let is_over = until_ms.is_some_and(|until_ms| until_ms <= now_ms);
                if is_over && slot.load.under_way() > 0 {
                    slot.instances.iter().for_each(|instance| instance.cut(class));
                }
            }
        }
    }

    fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    fn load(&self, id: &SlotId) -> Arc<SlotLoad> {
        self.loads.get(id).cloned().unwrap_or_else(|| Arc::new(SlotLoad::new()))
    }

    fn instance(&self, slot: &SlotId, instance: &crate::table::Instance) -> Arc<Instance> {
        let key = (slot.clone(), instance.id.clone(), instance.address);
        self.instances
            .get(&key)
            .cloned()
            .unwrap_or_else(|| Arc::new(Instance::new(instance.id.clone(), instance.address)))
    }

    /// Keeps what the snapshot uses; closes the idle connections of what it does not, and of what is draining.
    fn follow(&mut self, snapshot: &Snapshot) {
        let holds = snapshot
            .components
            .iter()
            .map(|component| (component.name.clone(), component.holds.clone()));
        self.holds = holds.collect();
        let mut instances = HashMap::new();
        for (id, slot) in &snapshot.slots {
            self.loads.entry(id.clone()).or_insert_with(|| slot.load.clone());
            for instance in &slot.instances {
                match slot.phase {
                    Phase::Active => {}
                    Phase::Draining { .. } => instance.close_idle(false),
                }
                instances.insert((id.clone(), instance.id.clone(), instance.address), instance.clone());
            }
        }
        for (key, instance) in std::mem::replace(&mut self.instances, instances) {
            if !self.instances.contains_key(&key) {
                instance.close_idle(true);
            }
        }
    }
}
