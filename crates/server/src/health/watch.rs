//! What was counted before each tenant of a wave moved, and from where counting its new version begins.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tidegate_domain::id::{ServiceName, TenantName, Version, WaveName};
use tidegate_domain::monitor::Monitor;
use tidegate_domain::service::Service;
use tidegate_domain::time::Timestamp;
use tidegate_evidence::TenantEvidence;
use tidegate_store::{Fact, FactChange, Store, StoreError};

use crate::counters::{ByGateway, Counters, Totals};

const KIND: &str = "history";

/// One attempt of one wave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub version: Version,
    pub wave: WaveName,
    pub attempt: u32,
}

/// All waves that are being watched.
#[derive(Debug)]
pub struct Watches {
    store: Store,
    service: ServiceName,
    watches: BTreeMap<Key, Watch>,
    /// Facts are read once, at the first wave.
    kept: Option<Vec<(String, History)>>,
}

#[derive(Debug, Default)]
pub struct Watch {
    moved: BTreeMap<TenantName, Moved>,
    /// Where counting began for those who stay on the version that others have left.
    stayed: BTreeMap<(TenantName, Version), Totals>,
}

#[derive(Debug)]
struct Moved {
    /// On its old version, in the time before the move.
    before: Totals,
    /// Where counting on its new version begins.
    start: Start,
}

/// What came before is of an earlier attempt.
#[derive(Debug)]
enum Start {
    /// The move was seen by this process: what it had counted until then.
    Here(Totals),
    /// By an earlier process: what each gateway had told it until then.
    Earlier(ByGateway),
}

/// A fact: the history of the tenants that were seen to have moved together.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    of: Key,
    before: BTreeMap<TenantName, Totals>,
    /// What each gateway had counted on the new version. Tenants that were never there are not listed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    start: BTreeMap<TenantName, ByGateway>,
}

impl Key {
    #[must_use]
    pub fn of(monitor: &Monitor) -> Self {
        Self {
            version: monitor.version.clone(),
            wave: monitor.wave.clone(),
            attempt: monitor.attempt,
        }
    }
}

impl Watches {
    #[must_use]
    pub fn new(store: Store, service: ServiceName) -> Self {
        Self {
            store,
            service,
            watches: BTreeMap::new(),
            kept: None,
        }
    }

    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Watch> {
        self.watches.get(key)
    }

    /// Begins to watch whom `monitors` name and forgets whom they do not.
    pub async fn follow(
        &mut self,
        monitors: &[Monitor],
        state: &Service,
        counters: &Counters,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.read().await?;
        let mut changes = Vec::new();
        for monitor in monitors {
            let key = Key::of(monitor);
            if !self.watches.contains_key(&key) {
                self.watches.insert(key.clone(), self.watch(monitor, state, counters));
            }
            let earlier = earlier(self.kept.iter().flatten(), &key);
            let Some(watch) = self.watches.get_mut(&key) else {
                continue;
            };
            let before = watch.begin(monitor, &earlier, counters, now);
            if let Some(first) = before.keys().next() {
                let name = format!("{}/{}/{}/{first}", key.version, key.wave, key.attempt);
                let figures = |tenant: &TenantName| (tenant.clone(), counters.figures(tenant, &key.version));
                let mut start: BTreeMap<_, _> = before.keys().map(figures).collect();
                start.retain(|_, figures| !figures.is_empty());
                let history = History { of: key, before, start };
                changes.push(put(&name, &history));
                self.kept.get_or_insert_default().push((name, history));
            }
        }
        self.forget(monitors, &mut changes);
        if !changes.is_empty() {
            self.store.change_facts(self.service.as_str(), &changes).await?;
        }
        Ok(())
    }

    /// Reads what an earlier process kept.
    async fn read(&mut self) -> Result<(), StoreError> {
        if self.kept.is_none() {
            let facts = self.store.facts(self.service.as_str(), KIND).await?;
            let read = |fact: Fact| Some((fact.key, serde_json::from_str(&fact.body).ok()?));
            self.kept = Some(facts.into_iter().filter_map(read).collect());
        }
        Ok(())
    }

    /// A watch that begins, with what an earlier process kept of it.
    fn watch(&self, monitor: &Monitor, state: &Service, counters: &Counters) -> Watch {
        let key = Key::of(monitor);
        let kept = self.kept.iter().flatten().filter(|(_, history)| history.of == key);
        Watch {
            moved: kept.flat_map(|(_, history)| history.moved()).collect(),
            stayed: stayed(monitor, state, counters),
        }
    }

    /// Forgets what nobody watches any more.
    fn forget(&mut self, monitors: &[Monitor], changes: &mut Vec<FactChange>) {
        let keys: BTreeSet<Key> = monitors.iter().map(Key::of).collect();
        self.watches.retain(|key, _| keys.contains(key));
        self.kept.get_or_insert_default().retain(|(name, history)| {
            let wanted = keys.contains(&history.of);
            if !wanted {
                changes.push(FactChange::Delete {
                    kind: KIND.to_owned(),
                    key: name.clone(),
                });
            }
            wanted
        });
    }
}

/// The histories of other attempts of the same wave: tenants that stay on the new version when it is resumed have no other.
fn earlier<'a>(kept: impl Iterator<Item = &'a (String, History)>, key: &Key) -> BTreeMap<&'a TenantName, &'a Totals> {
    let same = |of: &Key| of.version == key.version && of.wave == key.wave && of.attempt != key.attempt;
    let kept = kept.filter(|(_, history)| same(&history.of));
    kept.flat_map(|(_, history)| &history.before).collect()
}

fn stayed(monitor: &Monitor, state: &Service, counters: &Counters) -> BTreeMap<(TenantName, Version), Totals> {
    let left: BTreeSet<&Version> = monitor.tenants.values().flatten().collect();
    let there = state.seats.iter().filter_map(|(tenant, seat)| {
        let version = seat.version.as_ref().filter(|version| left.contains(version))?;
        Some(((tenant.clone(), version.clone()), counters.total(tenant, version)))
    });
    there.collect()
}

fn put(name: &str, history: &History) -> FactChange {
    FactChange::Put(Fact {
        kind: KIND.to_owned(),
        key: name.to_owned(),
        body: serde_json::to_string(history).expect("it has text keys only"),
    })
}

impl History {
    fn moved(&self) -> impl Iterator<Item = (TenantName, Moved)> {
        self.before.iter().map(|(tenant, before)| {
            let start = Start::Earlier(self.start.get(tenant).cloned().unwrap_or_default());
            let before = before.clone();
            (tenant.clone(), Moved { before, start })
        })
    }
}

impl Watch {
    /// Takes down the history of those who were not watched yet, and answers it.
    fn begin(
        &mut self,
        monitor: &Monitor,
        earlier: &BTreeMap<&TenantName, &Totals>,
        counters: &Counters,
        now: Timestamp,
    ) -> BTreeMap<TenantName, Totals> {
        let mut begun = BTreeMap::new();
        for (tenant, from) in &monitor.tenants {
            if self.moved.contains_key(tenant) {
                continue;
            }
            let recent = from.as_ref().map(|version| counters.recent(tenant, version, now));
            let recent = recent.filter(|recent| recent.requests > 0);
            let before = recent
                .or_else(|| earlier.get(tenant).copied().cloned())
                .unwrap_or_default();
            begun.insert(tenant.clone(), before.clone());
            let start = Start::Here(counters.total(tenant, &monitor.version));
            self.moved.insert(tenant.clone(), Moved { before, start });
        }
        begun
    }

    /// What those count meanwhile who are still on the version that others have left.
    #[must_use]
    pub fn control(&self, state: &Service, monitor: &Monitor, counters: &Counters) -> Totals {
        let mut sum = Totals::default();
        for ((tenant, version), start) in &self.stayed {
            let seat = state.seats.get(tenant);
            let is_there = seat.is_some_and(|seat| seat.version.as_ref() == Some(version));
            if is_there && !monitor.tenants.contains_key(tenant) {
                sum.add(&counters.total(tenant, version).since(start));
            }
        }
        sum
    }

    /// Before and after the move of one tenant.
    #[must_use]
    pub fn evidence(&self, tenant: &TenantName, monitor: &Monitor, counters: &Counters) -> Option<TenantEvidence> {
        let moved = self.moved.get(tenant)?;
        let version = &monitor.version;
        let total = counters.total(tenant, version);
        let after = match &moved.start {
            Start::Here(start) => total.since(start),
            Start::Earlier(figures) => {
                let mut after = counters.between(tenant, version, figures);
                after.add(&total);
                after
            }
        };
        let before = match monitor.tenants.get(tenant)? {
            // It moved while no server looked, or before one that had just begun had heard of it. What gateways have counted of the version
            // that it came from is from before the move: nothing is sent there any more.
            Some(from) if moved.before.requests == 0 => {
                let mut before = counters.between(tenant, from, &ByGateway::new());
                before.add(&counters.total(tenant, from));
                before
            }
            Some(_) | None => moved.before.clone(),
        };
        Some(TenantEvidence {
            before: before.sample(),
            after: after.sample(),
        })
    }
}
