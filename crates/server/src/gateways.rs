//! The gateways: who serves, by which table, and what is in flight there.
//!
//! Who is registered is written down before a gateway gets its first table, so that a server started anew still counts
//! a gateway that it has not heard of again. Everything else is heard again within a second.

mod endpoint;
mod fact;
mod mirrored;
mod seen;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tidegate_domain::id::{Actor, ServiceName, SlotId};
use tidegate_domain::observed::GatewayReport;
use tidegate_gateway::protocol::{Follow, Refused};
use tidegate_store::{FactChange, JournalEntry, Record, Store, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;

pub use self::endpoint::{Endpoint, Published, router};
use self::fact::Registered;
pub use self::seen::Seen;
use crate::clock;

/// For how long a gateway is counted on that does not say anything. It speaks every second.
pub const LEASE: Duration = Duration::from_secs(5);

/// All gateways of a service. A clone is the same registry.
#[derive(Debug, Clone)]
pub struct Gateways {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    service: ServiceName,
    processes: Mutex<BTreeMap<Name, Process>>,
    changes: watch::Sender<u64>,
    begun: Instant,
    ask_for_routes: AtomicBool,
}

/// One gateway process: during a restart there are two of one gateway.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    gateway: String,
    incarnation: String,
}

#[derive(Debug)]
struct Process {
    registered: Registered,
    /// It was registered with an earlier server process.
    adopted: bool,
    lease_until: Instant,
    /// The last call; `None` where this server has not heard of it yet.
    heard: Option<Heard>,
    /// How often this server has heard it.
    calls: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Heard {
    /// Of this store's epoch: a table of another one confirms nothing here.
    confirmed: Option<u64>,
    /// Of whichever epoch.
    holds: Option<u64>,
    /// The version of every tenant by the table it holds, where it was asked.
    routes: Option<BTreeMap<String, String>>,
    /// As the same call said, so that it is true of the table confirmed.
    in_flight: BTreeMap<String, u64>,
    lingering: bool,
    refused: Option<Refused>,
    persist_micros: u64,
}

/// A gateway process as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatewayStatus {
    pub id: String,
    pub incarnation: String,
    pub listening: Vec<String>,
    pub confirmed: Option<u64>,
    pub lapsed: bool,
    pub lingering: bool,
    pub in_flight: u64,
    /// Why it did not take the newest table.
    pub refused: Option<String>,
    /// What it took to persist the table, in microseconds.
    pub persist_micros: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    #[error("there is no gateway `{id}`; `tidegate status` lists them")]
    Unknown { id: String },
    #[error("gateway `{id}` answers; only one that is gone can be forgotten: stop it first")]
    Answers { id: String },
    #[error("cannot forget gateway `{id}`")]
    Store {
        id: String,
        #[source]
        source: StoreError,
    },
}

impl Gateways {
    /// Starts with those that were registered before: each has one lease to be heard again.
    pub async fn load(store: Store, service: ServiceName) -> Result<Self, StoreError> {
        let lease_until = Instant::now() + LEASE;
        let mut processes = BTreeMap::new();
        for fact in store.facts(service.as_str(), fact::KIND).await? {
            let Some(registered) = Registered::read(&fact) else {
                tracing::warn!(
                    key = fact.key,
                    "a registered gateway cannot be understood and is left out"
                );
                continue;
            };
            let process = Process {
                registered: registered.clone(),
                adopted: true,
                lease_until,
                heard: None,
                calls: 0,
            };
            processes.insert(Name::of(&registered), process);
        }
        Ok(Self {
            shared: Arc::new(Shared {
                store,
                service,
                processes: Mutex::new(processes),
                changes: watch::Sender::new(0),
                begun: Instant::now(),
                ask_for_routes: AtomicBool::new(false),
            }),
        })
    }

    /// Tells of everything that may change [`Gateways::report`].
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Takes note of a call. A gateway not known yet is registered for good before this returns.
    pub async fn hear(&self, call: &Follow, now: Instant) -> Result<(), StoreError> {
        let registered = Registered::of(call);
        if call.leaving {
            return self.remove(&[registered]).await;
        }
        let name = Name::of(&registered);
        let heard = Heard::of(call, self.shared.store.epoch());
        let mut written = false;
        loop {
            {
                let mut processes = self.processes();
                let known = processes.get(&name).is_some_and(|known| known.registered == registered);
                if known || written {
                    let process = processes
                        .entry(name)
                        .or_insert_with(|| Process::new(registered.clone(), now));
                    let changed = process.hear(registered, heard, now);
                    drop(processes);
                    if changed {
                        self.tell();
                    }
                    return Ok(());
                }
            }
            self.change_facts(vec![registered.put()]).await?;
            written = true;
        }
    }

    /// What they say together, with what is in flight on `slots`. One that has not been heard since this server began, or that follows another store, has
    /// confirmed nothing.
    #[must_use]
    pub fn report<'a>(&self, slots: impl IntoIterator<Item = &'a SlotId>, now: Instant) -> GatewayReport {
        let processes = self.processes();
        let mut report = GatewayReport::default();
        for (name, process) in processes.iter() {
            let heard = process.heard.as_ref();
            let confirmed = heard.and_then(|heard| heard.confirmed).unwrap_or(0);
            report.confirmed = Some(report.confirmed.map_or(confirmed, |lowest| lowest.min(confirmed)));
            if process.lapsed(now) && !report.lapsed.contains(&name.gateway) {
                report.lapsed.push(name.gateway.clone());
            }
        }
        for slot in slots {
            let counts = processes.values().filter_map(|process| process.in_flight(slot));
            let count: u64 = counts.sum();
            if count > 0 {
                report.in_flight.insert(slot.clone(), count);
            }
        }
        report
    }

    /// Every process, for people.
    #[must_use]
    pub fn status(&self) -> Vec<GatewayStatus> {
        let now = Instant::now();
        let processes = self.processes();
        processes
            .iter()
            .map(|(name, process)| process.status(name, now))
            .collect()
    }

    /// Whether a process was registered with an earlier server process: what it counted until now is of no known time.
    #[must_use]
    pub fn was_adopted(&self, gateway: &str, incarnation: &str) -> bool {
        let name = Name {
            gateway: gateway.to_owned(),
            incarnation: incarnation.to_owned(),
        };
        self.processes().get(&name).is_some_and(|process| process.adopted)
    }

    /// `GATEWAY/INCARNATION` of every process.
    #[must_use]
    pub fn processes_known(&self) -> Vec<String> {
        let processes = self.processes();
        let names = processes
            .keys()
            .map(|name| format!("{}/{}", name.gateway, name.incarnation));
        names.collect()
    }

    /// Forgets the processes that have certainly ended: silent ones that said so, or that another process of the same
    /// gateway has taken over from.
    pub async fn sweep(&self, now: Instant) -> Result<(), StoreError> {
        let ended: Vec<Registered> = {
            let processes = self.processes();
            let silent = processes.iter().filter(|(_, process)| process.lapsed(now));
            let ended = silent.filter(|(name, process)| {
                let said_so = process
                    .heard
                    .as_ref()
                    .is_some_and(|heard| heard.lingering && heard.in_flight.is_empty());
                said_so
                    || processes
                        .iter()
                        .any(|(other, process)| other.gateway == name.gateway && !process.lapsed(now))
            });
            ended.map(|(_, process)| process.registered.clone()).collect()
        };
        self.remove(&ended).await
    }

    /// Takes note that no process of a gateway runs any more.
    pub async fn ended(&self, gateway: &str) -> Result<(), StoreError> {
        let ended = self.registered(gateway);
        self.remove(&ended).await
    }

    /// A person says that a gateway is gone for good.
    pub async fn forget(&self, id: &str, actor: &Actor, reason: &str) -> Result<(), ForgetError> {
        let registered = self.registered(id);
        if registered.is_empty() {
            return Err(ForgetError::Unknown { id: id.to_owned() });
        }
        let now = Instant::now();
        let answers = self
            .processes()
            .iter()
            .any(|(name, process)| name.gateway == id && !process.lapsed(now));
        if answers {
            return Err(ForgetError::Answers { id: id.to_owned() });
        }
        let journal = JournalEntry {
            at_ms: clock::now().0,
            actor: actor.to_string(),
            reason: reason.to_owned(),
            kind: "gateway_forgotten".to_owned(),
            release: None,
            subject: Some(id.to_owned()),
            about: Vec::new(),
            body: serde_json::json!({ "gateway": id }).to_string(),
        };
        let record = Record {
            service: self.shared.service.to_string(),
            facts: registered.iter().map(Registered::delete).collect(),
            journal: vec![journal],
            ..Record::default()
        };
        let written = self.shared.store.record(&record).await;
        written.map_err(|source| ForgetError::Store {
            id: id.to_owned(),
            source,
        })?;
        self.drop_processes(&registered);
        Ok(())
    }

    fn registered(&self, gateway: &str) -> Vec<Registered> {
        let processes = self.processes();
        let of_it = processes.iter().filter(|(name, _)| name.gateway == gateway);
        of_it.map(|(_, process)| process.registered.clone()).collect()
    }

    async fn remove(&self, ended: &[Registered]) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        self.change_facts(ended.iter().map(Registered::delete).collect())
            .await?;
        self.drop_processes(ended);
        Ok(())
    }

    fn drop_processes(&self, ended: &[Registered]) {
        let mut processes = self.processes();
        for registered in ended {
            processes.remove(&Name::of(registered));
        }
        drop(processes);
        self.tell();
    }

    async fn change_facts(&self, changes: Vec<FactChange>) -> Result<(), StoreError> {
        let shared = &self.shared;
        shared.store.change_facts(shared.service.as_str(), &changes).await
    }

    fn tell(&self) {
        self.shared.changes.send_modify(|count| *count += 1);
    }

    fn processes(&self) -> MutexGuard<'_, BTreeMap<Name, Process>> {
        self.shared.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Name {
    fn of(registered: &Registered) -> Self {
        Self {
            gateway: registered.gateway.clone(),
            incarnation: registered.incarnation.clone(),
        }
    }
}

impl Heard {
    fn of(call: &Follow, epoch: &str) -> Self {
        let confirmed = call.confirmed.as_ref().filter(|confirmed| confirmed.epoch == epoch);
        let in_flight = call.in_flight.iter();
        Self {
            confirmed: confirmed.map(|confirmed| confirmed.generation),
            holds: call.confirmed.as_ref().map(|confirmed| confirmed.generation),
            routes: call.routes.as_ref().map(seen::plain),
            in_flight: in_flight.map(|(slot, count)| (slot.to_string(), *count)).collect(),
            lingering: call.lingering,
            refused: call.refused.clone(),
            persist_micros: call.persist_micros,
        }
    }
}

impl Process {
    /// One that is to be heard for the first time.
    fn new(registered: Registered, now: Instant) -> Self {
        Self {
            registered,
            adopted: false,
            lease_until: now,
            heard: None,
            calls: 0,
        }
    }

    /// Whether it said something new.
    fn hear(&mut self, registered: Registered, heard: Heard, now: Instant) -> bool {
        let changed = self.heard.as_ref() != Some(&heard) || self.lapsed(now);
        self.registered = registered;
        self.lease_until = now + LEASE;
        self.heard = Some(heard);
        self.calls = self.calls.saturating_add(1);
        changed
    }

    fn lapsed(&self, now: Instant) -> bool {
        self.lease_until <= now
    }

    fn in_flight(&self, slot: &SlotId) -> Option<u64> {
        self.heard.as_ref()?.in_flight.get(slot.as_str()).copied()
    }

    fn status(&self, name: &Name, now: Instant) -> GatewayStatus {
        let heard = self.heard.clone().unwrap_or_default();
        GatewayStatus {
            id: name.gateway.clone(),
            incarnation: name.incarnation.clone(),
            listening: self.registered.listening.iter().map(ToString::to_string).collect(),
            confirmed: heard.confirmed,
            lapsed: self.lapsed(now),
            lingering: heard.lingering,
            in_flight: heard.in_flight.values().sum(),
            refused: heard.refused.map(|refused| refused.reason),
            persist_micros: heard.persist_micros,
        }
    }
}

#[cfg(test)]
mod tests;
