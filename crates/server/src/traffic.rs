//! The traffic of each tenant by the hour of its own week, measured from what gateways have counted.
//!
//! It is held in memory and kept in the store, a row for each tenant. Requests and the time over which they came go into one row
//! together: whatever a crash loses, it loses of both, so that no mean is wrong by it. What gateways had counted before this server
//! began is never added, so that nothing is added twice.

mod kept;
mod meter;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_domain::calendar::{LocalHour, Measured, Profile, Week};
use tidegate_domain::files::TimeZoneName;
use tidegate_domain::id::{ServiceName, TenantName};
use tidegate_domain::time::Timestamp;
use tidegate_store::{Store, StoreError};

pub use self::meter::Meter;

/// Rows written in one transaction: turns wait for no more than these.
const BATCH: usize = 1_000;

/// The weeks of all tenants. A clone is the same.
#[derive(Debug, Clone)]
pub struct Traffic {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    service: ServiceName,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    tenants: BTreeMap<TenantName, Tenant>,
    /// Those of which no row is to be left.
    gone: BTreeSet<TenantName>,
}

/// What is known of one tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// Whose clocks its week is by.
    pub zone: TimeZoneName,
    pub week: Week,
    /// When it was measured last.
    pub until: Timestamp,
    /// It has changed since its row was written.
    unwritten: bool,
}

/// What came within a time that is wholly known.
#[derive(Debug)]
struct Came {
    from: Timestamp,
    until: Timestamp,
    requests: HashMap<TenantName, u64>,
}

impl Traffic {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(store: Store, service: ServiceName) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                service,
                table: Mutex::default(),
            }),
        }
    }

    /// With what earlier servers have kept.
    pub async fn load(store: Store, service: ServiceName) -> Result<Self, StoreError> {
        let tenants = kept::read(&store, &service).await?;
        let traffic = Self::new(store, service);
        traffic.table().tenants = tenants;
        Ok(traffic)
    }

    /// The profile that plans are made with. None where nothing was measured.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        let table = self.table();
        let measured = Measured {
            until: table.tenants.values().map(|tenant| tenant.until).max()?,
            // Whole hours, and no more than were there.
            hours: table
                .tenants
                .values()
                .map(|tenant| tenant.week.hours_measured() as u64)
                .max()?,
            whole: table.tenants.values().filter(|tenant| tenant.is_whole()).count(),
        };
        let tenants = table.tenants.iter();
        let tenants: BTreeMap<_, _> = tenants
            .filter_map(|(name, tenant)| Some((name.clone(), tenant.week.traffic()?)))
            .collect();
        (!tenants.is_empty()).then_some(Profile {
            schema_version: 1,
            measured: Some(measured),
            tenants,
        })
    }

    /// What is known of the tenants that are asked for.
    #[must_use]
    pub fn known(&self, asked: impl Fn(&TenantName) -> bool) -> BTreeMap<TenantName, Tenant> {
        let table = self.table();
        let known = table.tenants.iter().filter(|(name, _)| asked(name));
        known.map(|(name, tenant)| (name.clone(), tenant.clone())).collect()
    }

    /// Adds what came to each of `tenants`, the clocks of which are those of `zones`. One that has sent nothing was quiet all the time.
    fn add<'t>(
        &self,
        came: &Came,
        tenants: impl Iterator<Item = &'t TenantName>,
        zones: &BTreeMap<TenantName, TimeZoneName>,
    ) {
        let seconds = (came.until - came.from).as_millis() as f64 / 1_000.0;
        let utc = TimeZoneName::utc();
        // Of ten thousand tenants there are few zones.
        let mut hours: BTreeMap<&TimeZoneName, LocalHour> = BTreeMap::new();
        let mut table = self.table();
        for name in tenants {
            let zone = zones.get(name).unwrap_or(&utc);
            let hour = *hours.entry(zone).or_insert_with(|| LocalHour::at(zone, came.from));
            if !table.tenants.contains_key(name) {
                table.gone.remove(name);
                table.tenants.insert(name.clone(), Tenant::new(zone.clone()));
            }
            let Some(tenant) = table.tenants.get_mut(name) else {
                continue;
            };
            tenant.follow(zone, came.from);
            let requests = came.requests.get(name).copied().unwrap_or(0);
            tenant.week.add(hour, requests, seconds);
            tenant.until = came.until;
            tenant.unwritten = true;
        }
    }

    /// Forgets whoever is no tenant any more.
    fn keep_only(&self, is_tenant: impl Fn(&TenantName) -> bool) {
        let mut table = self.table();
        let gone: Vec<TenantName> = table.tenants.keys().filter(|name| !is_tenant(name)).cloned().collect();
        for name in gone {
            table.tenants.remove(&name);
            table.gone.insert(name);
        }
    }

    /// Writes what has changed, a batch of rows at a time. What cannot be written is tried again with the next.
    pub async fn write(&self) -> Result<usize, StoreError> {
        let mut written = 0;
        loop {
            let batch = self.batch();
            if batch.is_empty() {
                return Ok(written);
            }
            written += batch.len();
            let changes: Vec<_> = batch
                .iter()
                .map(|(name, tenant)| kept::change(name, tenant.as_ref()))
                .collect();
            let shared = &self.shared;
            if let Err(error) = shared.store.change_facts(shared.service.as_str(), &changes).await {
                self.not_written(batch);
                return Err(error);
            }
        }
    }

    /// Some of what has changed, as it is now. It counts as written.
    fn batch(&self) -> Vec<(TenantName, Option<Tenant>)> {
        let mut table = self.table();
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && let Some(name) = table.gone.pop_first()
        {
            batch.push((name, None));
        }
        for (name, tenant) in table.tenants.iter_mut().filter(|(_, tenant)| tenant.unwritten) {
            if batch.len() == BATCH {
                break;
            }
            tenant.unwritten = false;
            batch.push((name.clone(), Some(tenant.clone())));
        }
        batch
    }

    fn not_written(&self, batch: Vec<(TenantName, Option<Tenant>)>) {
        let mut table = self.table();
        for (name, _) in batch {
            match table.tenants.get_mut(&name) {
                Some(tenant) => tenant.unwritten = true,
                None => drop(table.gone.insert(name)),
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tenant {
    fn new(zone: TimeZoneName) -> Self {
        Self {
            zone,
            week: Week::default(),
            until: Timestamp(0),
            unwritten: true,
        }
    }

    /// Every hour of the week was measured.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.week.hours_known() == tidegate_domain::calendar::HOURS
    }

    /// Its clocks turn out to be others: what was measured was at other hours by them.
    fn follow(&mut self, zone: &TimeZoneName, now: Timestamp) {
        if self.zone != *zone {
            let ahead = LocalHour::at(zone, now).hours_after(LocalHour::at(&self.zone, now));
            self.week.turn(ahead);
            self.zone = zone.clone();
        }
    }
}

#[cfg(test)]
mod tests;
