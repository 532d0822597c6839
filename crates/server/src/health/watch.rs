//! What was counted before each tenant of a wave moved, from where counting its new version begins, and what has been seen since.

mod history;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::{ServiceName, TenantName, Version, WaveName};
use tidegate_domain::monitor::Monitor;
use tidegate_domain::service::Service;
use tidegate_domain::time::Timestamp;
use tidegate_evidence::{Evidence, Kept, Sample, TenantEvidence, WaveHealth};
use tidegate_gateway::protocol::LATENCY_EDGES_MICROS;
use tidegate_store::{Fact, FactChange, Store, StoreError};

use self::history::{History, KIND, Moved, Start, completed, earlier, put};
use super::rule::{canary_rule, rule};
use crate::counters::{ByGateway, Counters, Totals};

/// What the health of a wave has come to.
const KEPT: &str = "health";

/// A canary's tenant with fewer requests on the old version has no history yet, and makes one meanwhile.
const HISTORY_LEAST: u64 = 100;

/// How often that is written. Between two of them a restart loses no count: it is taken in later, in one bucket.
const KEEP_EVERY_MS: i64 = 10_000;

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
    /// What an earlier process has kept of what it had seen, by the name of the wave's attempt.
    seen: BTreeMap<String, Kept>,
}

#[derive(Debug)]
pub struct Watch {
    /// What all looks have said. The message where the rule cannot be used.
    health: Result<WaveHealth, String>,
    /// What was last written of it, and when.
    kept: Option<(Timestamp, String)>,
    moved: BTreeMap<TenantName, Moved>,
    /// Before the first of them moved, those who did not.
    stayed_before: Totals,
    /// Where counting began for those who stay on the version that others have left.
    stayed: BTreeMap<(TenantName, Version), Totals>,
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

    fn name(&self) -> String {
        format!("{}/{}/{}", self.version, self.wave, self.attempt)
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
            seen: BTreeMap::new(),
        }
    }

    pub fn get_mut(&mut self, key: &Key) -> Option<&mut Watch> {
        self.watches.get_mut(key)
    }

    /// Begins to watch whom `monitors` name and forgets whom they do not. `heard` says that the counters are the whole.
    pub async fn follow(
        &mut self,
        monitors: &[Monitor],
        state: &Service,
        (counters, heard): (&Counters, bool),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.read().await?;
        let mut changes = Vec::new();
        for monitor in monitors {
            let key = Key::of(monitor);
            if !self.watches.contains_key(&key) {
                let watch = self.watch(monitor, state, counters, now);
                self.watches.insert(key.clone(), watch);
            }
            let earlier = earlier(self.kept.iter().flatten(), &key);
            let Some(watch) = self.watches.get_mut(&key) else {
                continue;
            };
            let before = watch.begin(monitor, &earlier, counters, now);
            if let Some(first) = before.keys().next() {
                let name = format!("{}/{first}", key.name());
                let figures = |tenant: &TenantName| (tenant.clone(), counters.figures(tenant, &key.version));
                let mut start: BTreeMap<_, _> = before.keys().map(figures).collect();
                start.retain(|_, figures| !figures.is_empty());
                let others = before.keys().filter(|_| monitor.is_canary());
                let others = others.filter_map(|tenant| {
                    let on = monitor.tenants.get(tenant)?.as_ref()?;
                    Some((tenant.clone(), counters.figures(tenant, on)))
                });
                let history = History {
                    beside: others.collect(),
                    of: key,
                    before,
                    stayed: watch.stayed_before.clone(),
                    start,
                };
                changes.push(put(&name, &history));
                self.kept.get_or_insert_default().push((name, history));
            }
            if heard {
                let found = watch.complete(monitor, counters);
                changes.extend(completed(self.kept.iter_mut().flatten(), &found, monitor));
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
            let seen = self.store.facts(self.service.as_str(), KEPT).await?;
            let read_seen = |fact: Fact| Some((fact.key, serde_json::from_str(&fact.body).ok()?));
            self.seen = seen.into_iter().filter_map(read_seen).collect();
            self.kept = Some(facts.into_iter().filter_map(read).collect());
        }
        Ok(())
    }

    /// Writes what the watches have come to, where that is due.
    pub async fn keep(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        for (key, watch) in &mut self.watches {
            if let Some(body) = watch.take_down(now) {
                changes.push(FactChange::Put(Fact {
                    kind: KEPT.to_owned(),
                    key: key.name(),
                    body,
                }));
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.store.change_facts(self.service.as_str(), &changes).await
    }

    /// A watch that begins, with what an earlier process kept of it.
    fn watch(&mut self, monitor: &Monitor, state: &Service, counters: &Counters, now: Timestamp) -> Watch {
        let key = Key::of(monitor);
        let kept = || self.kept.iter().flatten().filter(|(_, history)| history.of == key);
        let stayed = stayed(monitor, state, counters);
        let stayed_before = kept().next().map_or_else(
            || before_of(stayed.keys(), counters, now),
            |(_, history)| history.stayed.clone(),
        );
        let moved = kept().flat_map(|(_, history)| history.moved()).collect();
        let rule = match monitor.is_canary() {
            true => canary_rule(&monitor.policy),
            false => rule(&monitor.policy),
        };
        let mut health = WaveHealth::new(rule, &LATENCY_EDGES_MICROS);
        let seen = self.seen.remove(&key.name());
        // What an earlier process has written is this one's to take away.
        let kept = seen.as_ref().map(|_| (now, String::new()));
        if let (Ok(health), Some(seen)) = (&mut health, seen) {
            health.resume(seen);
        }
        Watch {
            health,
            kept,
            moved,
            stayed_before,
            stayed,
        }
    }

    /// Forgets what nobody watches any more.
    fn forget(&mut self, monitors: &[Monitor], changes: &mut Vec<FactChange>) {
        let keys: BTreeSet<Key> = monitors.iter().map(Key::of).collect();
        let names: BTreeSet<String> = keys.iter().map(Key::name).collect();
        let written = self.watches.iter().filter(|(_, watch)| watch.kept.is_some());
        let written = written.map(|(key, _)| key.name()).chain(self.seen.keys().cloned());
        let over = written.filter(|name| !names.contains(name));
        changes.extend(over.map(|key| FactChange::Delete {
            kind: KEPT.to_owned(),
            key,
        }));
        self.seen.retain(|name, _| names.contains(name));
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

/// Where counting begins for those who are on a version that the wave has left, and are not of the wave.
fn stayed(monitor: &Monitor, state: &Service, counters: &Counters) -> BTreeMap<(TenantName, Version), Totals> {
    // A canary is compared with the other requests of its own tenants.
    if monitor.is_canary() {
        return BTreeMap::new();
    }
    let left: BTreeSet<&Version> = monitor.tenants.values().flatten().collect();
    let there = state.seats.iter().filter_map(|(tenant, seat)| {
        let version = seat.version.as_ref().filter(|version| left.contains(version))?;
        Some(((tenant.clone(), version.clone()), counters.total(tenant, version)))
    });
    there.collect()
}

fn before_of<'a>(
    series: impl Iterator<Item = &'a (TenantName, Version)>,
    counters: &Counters,
    now: Timestamp,
) -> Totals {
    let mut sum = Totals::default();
    series.for_each(|(tenant, version)| sum.add(&counters.recent(tenant, version, now)));
    sum
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
            let on = from.as_ref().filter(|_| monitor.is_canary());
            let beside = on.map(|on| Start::Here(counters.total(tenant, on)));
            self.moved.insert(tenant.clone(), Moved { before, start, beside });
        }
        begun
    }

    /// The history of those who moved while no server looked, or before one that had just begun had heard of them. What gateways have counted of
    /// the version that they came from is from before the move: nothing is sent there any more. In a canary it is what the same version goes on
    /// counting, until that is a history.
    fn complete(&mut self, monitor: &Monitor, counters: &Counters) -> BTreeMap<TenantName, Totals> {
        let mut found = BTreeMap::new();
        let enough = if monitor.is_canary() { HISTORY_LEAST } else { 1 };
        for (tenant, moved) in self
            .moved
            .iter_mut()
            .filter(|(_, moved)| moved.before.requests < enough)
        {
            let Some(Some(from)) = monitor.tenants.get(tenant) else {
                continue;
            };
            let mut before = counters.between(tenant, from, &ByGateway::new());
            before.add(&counters.total(tenant, from));
            if before.requests > moved.before.requests {
                moved.before = before;
                found.insert(tenant.clone(), moved.before.clone());
            }
        }
        found
    }

    /// Looks at what has come since the last look.
    pub fn look(&mut self, monitor: &Monitor, state: &Service, counters: &Counters) {
        let evidence = self.evidence(monitor, state, counters);
        if let Ok(health) = &mut self.health {
            health.observe(&evidence);
        }
    }

    /// What is to be written now.
    fn take_down(&mut self, now: Timestamp) -> Option<String> {
        if self
            .kept
            .as_ref()
            .is_some_and(|(at, _)| (now - *at).as_millis() < KEEP_EVERY_MS)
        {
            return None;
        }
        let health = self.health.as_ref().ok()?;
        let body = serde_json::to_string(&health.kept()).expect("it has text keys only");
        let is_new = self.kept.as_ref().is_none_or(|(_, before)| *before != body);
        self.kept = Some((now, body.clone()));
        is_new.then_some(body)
    }

    /// All that was counted so far.
    pub fn evidence(&self, monitor: &Monitor, state: &Service, counters: &Counters) -> Evidence {
        let tenants = monitor.tenants.keys().filter_map(|tenant| {
            let evidence = self.of_tenant(tenant, monitor, counters)?;
            Some((tenant.to_string(), evidence))
        });
        Evidence {
            tenants: tenants.collect(),
            stayed_before: self.stayed_before.sample(),
            stayed: self.stayed(state, monitor, counters).sample(),
        }
    }

    /// What all looks so far say; `age_ms` as for [`WaveHealth::judge`].
    pub fn judge(&self, monitor: &Monitor, age_ms: Option<u64>) -> Judgement {
        match &self.health {
            Ok(health) => judgement(health.judge(age_ms, monitor.confirmed)),
            Err(problem) => Judgement::new(Verdict::Error, problem.clone()),
        }
    }

    /// What those count meanwhile who are still on the version that others have left.
    fn stayed(&self, state: &Service, monitor: &Monitor, counters: &Counters) -> Totals {
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
    fn of_tenant(&self, tenant: &TenantName, monitor: &Monitor, counters: &Counters) -> Option<TenantEvidence> {
        let moved = self.moved.get(tenant)?;
        let after = moved.start.until_now(tenant, &monitor.version, counters);
        let Some(beside) = &moved.beside else {
            return Some(TenantEvidence {
                before: moved.before.sample(),
                after: after.sample(),
                beside: Sample::default(),
            });
        };
        let on = monitor.tenants.get(tenant)?.as_ref()?;
        Some(TenantEvidence {
            before: moved.before.sample_of_clients(),
            after: after.sample_of_clients(),
            beside: beside.until_now(tenant, on, counters).sample_of_clients(),
        })
    }
}

/// The evidence's words are the domain's.
fn judgement(judged: tidegate_evidence::Judgement) -> Judgement {
    let culprits = judged.culprits.into_iter();
    Judgement {
        verdict: match judged.verdict {
            tidegate_evidence::Verdict::Pass => Verdict::Pass,
            tidegate_evidence::Verdict::Fail => Verdict::Fail,
            tidegate_evidence::Verdict::Inconclusive => Verdict::Inconclusive,
            tidegate_evidence::Verdict::NoData => Verdict::NoData,
            tidegate_evidence::Verdict::Error => Verdict::Error,
        },
        reason: judged.reason,
        needs: judged.needs,
        requests: judged.requests,
        culprits: culprits
            .filter_map(|culprit| Some((TenantName::new(&culprit.tenant).ok()?, culprit.reason)))
            .collect(),
    }
}
