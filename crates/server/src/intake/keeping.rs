//! The artifacts of releases that wait: no tenant runs them yet, and still they must not be thrown away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_domain::id::{Digest, ServiceName, Version};
use tidegate_store::{Store, StoreError};

use super::{Progress, WAITING_KIND};

/// By the version of the release that waits.
#[derive(Debug, Default)]
pub struct Keeping {
    by_version: Mutex<BTreeMap<Version, BTreeSet<Digest>>>,
}

impl Keeping {
    /// As the store says. What cannot be understood is told where it is needed.
    pub async fn load(store: &Store, service: &ServiceName) -> Result<Self, StoreError> {
        let facts = store.facts(service.as_str(), WAITING_KIND).await?;
        let waiting = facts
            .iter()
            .filter_map(|fact| serde_json::from_str::<Progress>(&fact.body).ok());
        let by_version = waiting.map(|one| (one.version, one.artifacts.into_values().collect()));
        Ok(Self {
            by_version: Mutex::new(by_version.collect()),
        })
    }

    pub fn keep(&self, version: &Version, digests: BTreeSet<Digest>) {
        self.by_version().insert(version.clone(), digests);
    }

    pub fn forget(&self, version: &Version) {
        self.by_version().remove(version);
    }

    #[must_use]
    pub fn digests(&self) -> BTreeSet<Digest> {
        self.by_version().values().flatten().cloned().collect()
    }

    /// Every change is one call, so that a panic elsewhere leaves no half of one.
    fn by_version(&self) -> MutexGuard<'_, BTreeMap<Version, BTreeSet<Digest>>> {
        self.by_version.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
