//! What happened, counted where it happens: atomics only on the way of a request.

mod marks;
mod metrics;
mod series;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::protocol::ErrorReason;
use crate::table::TenantName;

pub(crate) use marks::Reporter;
pub(crate) use metrics::render;
pub(crate) use series::{Series, SeriesKey};

/// All counters of one gateway process.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    series: RwLock<HashMap<SeriesKey, Arc<Series>>>,
    /// Requests refused before their tenant and version were known.
    unattributed: [AtomicU64; ErrorReason::ALL.len()],
    pub(crate) connections: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) assets_from_before: AtomicU64,
    pub(crate) held: AtomicU64,
    pub(crate) maintenance: AtomicU64,
    pub(crate) closed: AtomicU64,
}

impl Counters {
    /// The series of one tenant on one version in one cell.
    pub(crate) fn series(&self, tenant: &TenantName, version: &Arc<str>, cell: &Arc<str>) -> Arc<Series> {
        let key = SeriesKey {
            tenant: tenant.clone(),
            version: version.clone(),
            cell: cell.clone(),
        };
        let known = self
            .series
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        known.unwrap_or_else(|| {
            let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
            series
                .entry(key.clone())
                .or_insert_with(|| Arc::new(Series::new(key)))
                .clone()
        })
    }

    /// Counts a refusal that belongs to no tenant.
    pub(crate) fn refused(&self, reason: ErrorReason) {
        self.unattributed[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unattributed(&self) -> impl Iterator<Item = (ErrorReason, u64)> {
        ErrorReason::ALL
            .iter()
            .map(|reason| (*reason, self.unattributed[*reason as usize].load(Ordering::Relaxed)))
    }

    pub(crate) fn all_series(&self) -> Vec<Arc<Series>> {
        self.series
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// Forgets a series, unless something still counts on it: a snapshot, a request, or the caller beside the reporter.
    fn forget(&self, key: &SeriesKey) -> bool {
        const REGISTRY_AND_REPORTER: usize = 2;
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        let is_unused = all
            .get(key)
            .is_some_and(|series| Arc::strong_count(series) <= REGISTRY_AND_REPORTER);
        if is_unused {
            all.remove(key);
        }
        is_unused
    }
}
