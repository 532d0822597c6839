//! What was taken down when tenants moved, or when their clients were split, and where counting goes on from there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::monitor::Monitor;
use tidegate_store::{Fact, FactChange};

use super::Key;
use crate::counters::{ByGateway, Counters, Totals};

/// The kind of facts that it is kept as.
pub(super) const KIND: &str = "history";

#[derive(Debug)]
pub(super) struct Moved {
    /// On its old version, in the time before the move.
    pub(super) before: Totals,
    /// Where counting on its new version begins.
    pub(super) start: Start,
    /// In a canary, where counting its other requests begins.
    pub(super) beside: Option<Start>,
}

/// What came before is of an earlier attempt.
#[derive(Debug)]
pub(super) enum Start {
    /// The move was seen by this process: what it had counted until then.
    Here(Totals),
    /// By an earlier process: what each gateway had told it until then.
    Earlier(ByGateway),
}

/// A fact: the history of the tenants that were seen to have moved together.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    pub(super) of: Key,
    pub(super) before: BTreeMap<TenantName, Totals>,
    /// Those who stayed on the version that the wave has left, over the same time.
    #[serde(default, skip_serializing_if = "Totals::is_empty")]
    pub(super) stayed: Totals,
    /// What each gateway had counted on the new version. Tenants that were never there are not listed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) start: BTreeMap<TenantName, ByGateway>,
    /// In a canary, what each had counted on the old one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) beside: BTreeMap<TenantName, ByGateway>,
}

/// The histories of other attempts of the same wave: tenants that stay on the new version when it is resumed have no other.
pub(super) fn earlier<'a>(
    kept: impl Iterator<Item = &'a (String, History)>,
    key: &Key,
) -> BTreeMap<&'a TenantName, &'a Totals> {
    let same = |of: &Key| of.version == key.version && of.wave == key.wave && of.attempt != key.attempt;
    let kept = kept.filter(|(_, history)| same(&history.of));
    kept.flat_map(|(_, history)| &history.before).collect()
}

/// Writes down the histories that were found late.
pub(super) fn completed<'a>(
    kept: impl Iterator<Item = &'a mut (String, History)>,
    found: &BTreeMap<TenantName, Totals>,
    monitor: &Monitor,
) -> Vec<FactChange> {
    let mut changes = Vec::new();
    let key = Key::of(monitor);
    for (name, history) in kept.filter(|(_, history)| !found.is_empty() && history.of == key) {
        let late = found.iter().filter(|(tenant, _)| history.before.contains_key(*tenant));
        let late: BTreeMap<TenantName, Totals> =
            late.map(|(tenant, before)| (tenant.clone(), before.clone())).collect();
        if !late.is_empty() {
            history.before.extend(late);
            changes.push(put(name, history));
        }
    }
    changes
}

pub(super) fn put(name: &str, history: &History) -> FactChange {
    FactChange::Put(Fact {
        kind: KIND.to_owned(),
        key: name.to_owned(),
        body: serde_json::to_string(history).expect("it has text keys only"),
    })
}

impl History {
    pub(super) fn moved(&self) -> impl Iterator<Item = (TenantName, Moved)> {
        self.before.iter().map(|(tenant, before)| {
            let start = Start::Earlier(self.start.get(tenant).cloned().unwrap_or_default());
            let beside = self.beside.get(tenant).cloned().map(Start::Earlier);
            let before = before.clone();
            (tenant.clone(), Moved { before, start, beside })
        })
    }
}

impl Start {
    /// What was counted from here on.
    pub(super) fn until_now(&self, tenant: &TenantName, version: &Version, counters: &Counters) -> Totals {
        let total = counters.total(tenant, version);
        match self {
            Self::Here(start) => total.since(start),
            Self::Earlier(figures) => {
                let mut until_now = counters.between(tenant, version, figures);
                until_now.add(&total);
                until_now
            }
        }
    }
}
