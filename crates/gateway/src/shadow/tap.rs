//! A wish of the publisher, as requests are held against it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

use super::Asked;
use crate::clock;
use crate::protocol::{MirrorCounts, TapPlan};
use crate::table::{ComponentName, TenantName, VersionKey};

#[derive(Debug)]
pub(super) struct HeldTap {
    pub(super) id: String,
    pub(super) plan: TapPlan,
    /// Taken out of the plan, because every request is looked up here.
    tenants: HashSet<TenantName>,
    pub(super) in_flight: Arc<Semaphore>,
    pub(super) counts: Counts,
    /// On the process clock.
    until_ms: AtomicU64,
}

/// [`MirrorCounts`] while they grow.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) matched: AtomicU64,
    pub(super) chosen: AtomicU64,
    pub(super) mirrored: AtomicU64,
    pub(super) busy: AtomicU64,
    pub(super) too_large: AtomicU64,
    pub(super) incomplete: AtomicU64,
    pub(super) no_instance: AtomicU64,
    pub(super) undelivered: AtomicU64,
}

impl HeldTap {
    pub(super) fn new(id: String, lease_ms: u64, mut plan: TapPlan) -> Self {
        Self {
            id,
            in_flight: Arc::new(Semaphore::new(plan.in_flight_max.min(Semaphore::MAX_PERMITS))),
            tenants: std::mem::take(&mut plan.tenants).into_iter().collect(),
            plan,
            counts: Counts::default(),
            until_ms: AtomicU64::new(clock::millis() + lease_ms),
        }
    }

    pub(super) fn renew(&self, lease_ms: u64) {
        self.until_ms.store(clock::millis() + lease_ms, Ordering::Relaxed);
    }

    pub(super) fn is_live(&self) -> bool {
        clock::millis() < self.until_ms.load(Ordering::Relaxed)
    }

    /// The version to ask, where this tap is for such a request.
    pub(super) fn wants(&self, asked: &Asked<'_>, component: &ComponentName) -> Option<&VersionKey> {
        let to = self.plan.versions.get(&asked.forward.version.key)?;
        let head = &asked.outgoing.head;
        let is_wanted = self.is_live()
            && self.plan.component == *component
            && self.tenants.contains(asked.tenant)
            && self.plan.endpoints.iter().any(|endpoint| {
                endpoint.method == head.method.as_str() && is_path_like(head.uri.path(), &endpoint.path)
            });
        is_wanted.then_some(to)
    }
}

impl Counts {
    pub(super) fn told(&self) -> MirrorCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        MirrorCounts {
            matched: load(&self.matched),
            chosen: load(&self.chosen),
            mirrored: load(&self.mirrored),
            busy: load(&self.busy),
            too_large: load(&self.too_large),
            incomplete: load(&self.incomplete),
            no_instance: load(&self.no_instance),
            undelivered: load(&self.undelivered),
        }
    }
}

/// Step by step: `*` is any one, `**` all that are left, none included.
pub(super) fn is_path_like(path: &str, pattern: &str) -> bool {
    let mut steps = path.split('/');
    for wanted in pattern.split('/') {
        if wanted == "**" {
            return true;
        }
        match steps.next() {
            Some(step) if wanted == "*" && !step.is_empty() || step == wanted => {}
            Some(_) | None => return false,
        }
    }
    steps.next().is_none()
}
