//! What gateways hold, whichever store they have it from: a server whose state was restored learns it from them alone.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use tidegate_gateway::table::{TenantName, VersionKey};
use tokio::time::Instant;

use super::{Gateways, LEASE};

/// One gateway process, as it was heard last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub id: String,
    pub incarnation: String,
    /// This server has heard of it.
    pub heard: bool,
    pub lapsed: bool,
    /// It is silent, and another process of the same gateway answers.
    pub superseded: bool,
    /// How often this server has heard it.
    pub calls: u32,
    /// The generation of the table that it serves by, of whichever store.
    pub holds: Option<u64>,
    /// The highest generation that it was ever offered and did not take.
    pub refused: Option<u64>,
    /// The version of every tenant, as its table names it; `None` where it has not told.
    pub routes: Option<BTreeMap<String, String>>,
}

impl Seen {
    /// The highest generation that it speaks of.
    #[must_use]
    pub fn highest(&self) -> Option<u64> {
        self.holds.max(self.refused)
    }
}

impl Gateways {
    /// Every process that is registered, with what it holds.
    #[must_use]
    pub fn seen(&self, now: Instant) -> Vec<Seen> {
        let processes = self.processes();
        let answers = |gateway: &str| {
            let mut others = processes.iter().filter(|(name, _)| name.gateway == gateway);
            others.any(|(_, process)| process.heard.is_some() && !process.lapsed(now))
        };
        let seen = processes.iter().map(|(name, process)| {
            let heard = process.heard.as_ref();
            let silent = heard.is_none() || process.lapsed(now);
            Seen {
                id: name.gateway.clone(),
                incarnation: name.incarnation.clone(),
                heard: heard.is_some(),
                lapsed: process.lapsed(now),
                superseded: silent && answers(&name.gateway),
                calls: process.calls,
                holds: heard.and_then(|heard| heard.holds),
                refused: heard.and_then(|heard| Some(heard.refused.as_ref()?.generation)),
                routes: heard.and_then(|heard| heard.routes.clone()),
            }
        });
        seen.collect()
    }

    /// Every gateway that runs has had the time to call.
    #[must_use]
    pub fn heard_for_a_lease(&self, now: Instant) -> bool {
        now >= self.shared.begun + LEASE
    }

    /// Whether gateways are asked whom they serve by which version.
    pub fn ask_for_routes(&self, ask: bool) {
        self.shared.ask_for_routes.store(ask, Ordering::SeqCst);
    }

    #[must_use]
    pub fn asks_for_routes(&self) -> bool {
        self.shared.ask_for_routes.load(Ordering::SeqCst)
    }

    /// What is in flight on slots that are not `known`.
    #[must_use]
    pub fn in_flight_beside(&self, known: impl Fn(&str) -> bool) -> u64 {
        let processes = self.processes();
        let heard = processes.values().filter_map(|process| process.heard.as_ref());
        let counts = heard.flat_map(|heard| &heard.in_flight);
        counts.filter(|(slot, _)| !known(slot)).map(|(_, count)| count).sum()
    }
}

pub fn plain(routes: &BTreeMap<TenantName, VersionKey>) -> BTreeMap<String, String> {
    let routes = routes.iter();
    routes
        .map(|(tenant, version)| (tenant.to_string(), version.to_string()))
        .collect()
}
