//! A table with its indexes: everything one request needs, found in two look-ups.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};

use http::HeaderValue;

use crate::counters::Series;
use crate::preview::PreviewVerifier;
use crate::table::{ComponentName, Policy, SlotId, Table, TenantName, VersionKey};
use crate::tenant::{CompiledClientSource, Pattern, TenantSources};
use crate::upstream::Slot;

#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Counts the swaps of this process.
    pub(crate) serial: u64,
    pub(crate) table: Arc<Table>,
    pub(crate) slots: BTreeMap<SlotId, Arc<Slot>>,
    pub(super) sources: Arc<TenantSources>,
    pub(super) client: CompiledClientSource,
    pub(super) tenants: HashMap<TenantName, Tenant>,
    pub(super) versions: HashMap<VersionKey, Arc<Version>>,
    pub(super) components: Vec<Component>,
    pub(super) preview: Option<PreviewVerifier>,
}

#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) route: Arc<Route>,
    /// Made at the tenant's first request, because most tables are replaced before most tenants send one.
    pub(super) identity: OnceLock<Arc<TenantIdentity>>,
}

/// Where a mirrored request goes.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) version: Arc<VersionIdentity>,
    pub(crate) slot: Arc<Slot>,
}

/// A tenant on its version, as requests carry it on.
#[derive(Debug)]
pub(crate) struct TenantIdentity {
    pub(crate) header: HeaderValue,
    pub(crate) series: Arc<Series>,
}

#[derive(Debug)]
pub(super) struct Route {
    pub(super) mode: crate::table::Mode,
    pub(super) closed: Option<crate::table::Closed>,
    pub(super) version: Arc<Version>,
    pub(super) split: Option<Split>,
    pub(super) assets_from: Option<Arc<Version>>,
}

#[derive(Debug)]
pub(super) struct Split {
    pub(super) version: Arc<Version>,
    pub(super) basis_points: u16,
    pub(super) salt: String,
}

#[derive(Debug)]
pub(super) struct Version {
    pub(super) identity: Arc<VersionIdentity>,
    /// By the position of the component.
    pub(super) slots: Vec<Option<Arc<Slot>>>,
}

/// A version as requests carry it on.
#[derive(Debug)]
pub(crate) struct VersionIdentity {
    pub(crate) key: VersionKey,
    pub(crate) header: HeaderValue,
    pub(crate) label: Arc<str>,
    pub(crate) cell: Arc<str>,
}

#[derive(Debug)]
pub(super) struct Component {
    pub(super) name: ComponentName,
    pub(super) host: Option<HostRule>,
    pub(super) path: String,
    pub(super) policy: Policy,
    pub(super) holds: Arc<ComponentHolds>,
}

#[derive(Debug)]
pub(super) enum HostRule {
    Exact(String),
    Tenant(Pattern),
}

/// How many requests of a component are held now. Kept from table to table.
#[derive(Debug, Default)]
pub(crate) struct ComponentHolds(pub(crate) AtomicU32);

impl Snapshot {
    pub(crate) fn component_at(&self, position: usize) -> Option<&ComponentName> {
        self.components.get(position).map(|component| &component.name)
    }

    /// The slot of a version for a component, where it has instances.
    pub(crate) fn target(&self, position: usize, version: &VersionKey) -> Option<Target> {
        let version = self.versions.get(version)?;
        let slot = version.slots.get(position)?.as_ref()?;
        (!slot.instances.is_empty()).then(|| Target {
            version: version.identity.clone(),
            slot: slot.clone(),
        })
    }
}

impl Component {
    pub(super) fn matches(&self, host: &str, path: &str) -> bool {
        let is_host = match &self.host {
            None => true,
            Some(HostRule::Exact(exact)) => exact == host,
            Some(HostRule::Tenant(pattern)) => pattern.whole(host, '.').is_some(),
        };
        is_host
            && path
                .strip_prefix(self.path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'))
    }
}
