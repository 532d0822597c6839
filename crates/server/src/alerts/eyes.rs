//! What there is to see: what gateways count, and whether they are there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_domain::id::TenantName;

use crate::counters::{Counters, Totals};
use crate::gateways::Gateways;

/// What alerts look with.
#[derive(Debug, Clone)]
pub struct Eyes {
    counters: Arc<Counters>,
    gateways: Gateways,
}

impl Eyes {
    #[must_use]
    pub fn new(counters: Arc<Counters>, gateways: Gateways) -> Self {
        Self { counters, gateways }
    }

    pub(super) fn totals(&self) -> BTreeMap<TenantName, Totals> {
        self.counters.by_tenant()
    }

    /// Every gateway is there and has told all that it has counted. Where there is none, nothing is known.
    pub(super) fn see_everything(&self) -> bool {
        let processes = self.gateways.processes_known();
        let is_silent = self.gateways.status().iter().any(|process| process.lapsed);
        !processes.is_empty() && !is_silent && self.counters.has_heard(&processes)
    }

    /// Gateways of which no process is heard.
    pub(super) fn silent(&self) -> BTreeSet<String> {
        let status = self.gateways.status();
        let heard = status.iter().filter(|process| !process.lapsed);
        let heard: BTreeSet<&str> = heard.map(|process| process.id.as_str()).collect();
        let all = status.iter().map(|process| process.id.as_str());
        all.filter(|id| !heard.contains(id)).map(ToOwned::to_owned).collect()
    }
}
