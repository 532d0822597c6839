//! What gateways counted, by tenant and version: totals since this server began, and how much of that is recent.
//!
//! A gateway tells figures that are cumulative since it began, so that a lost call loses nothing; here they become
//! differences. Of a gateway that began before this server did, the first figures say nothing of when: they are only what
//! later ones are counted from. They are kept by gateway process too, so that who took figures down under an earlier server knows
//! what has come since.

mod totals;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::time::Timestamp;
use tidegate_gateway::protocol::{Report, SeriesTotals};

pub use self::totals::Totals;

/// How far back [`Counters::recent`] looks.
const RECENT_MS: i64 = 600_000;

/// Recent figures are kept in pieces of this length.
const PIECE_MS: i64 = 30_000;

/// Tenants times versions. More than these are not counted: memory is bounded whatever a gateway sends.
const SERIES_MAX: usize = 100_000;

/// A series that nothing was added to for so long is forgotten.
const IDLE_MS: i64 = 24 * 3_600_000;

#[derive(Debug)]
pub struct Counters {
    publisher: String,
    table: Mutex<Table>,
}

type Key = (TenantName, Version);

#[derive(Debug, Default)]
struct Table {
    gateways: HashMap<String, Told>,
    series: BTreeMap<Key, Series>,
    /// Of all versions of a tenant, also those that are forgotten: these figures only grow.
    tenants: BTreeMap<TenantName, Totals>,
    /// What was added since somebody took it, by tenant.
    requests: HashMap<TenantName, u64>,
    newest: Option<Timestamp>,
}

/// The figures that one gateway process told last.
#[derive(Debug, Default)]
struct Told {
    /// It knows this server, and has told it every series that there is.
    everything: bool,
    series: HashMap<Key, (u64, Totals)>,
}

/// Figures by gateway process, as each told them.
pub type ByGateway = BTreeMap<String, Totals>;

#[derive(Debug, Default)]
struct Series {
    total: Totals,
    /// What gateways that are older than this server told first.
    first: ByGateway,
    /// By the beginning of the piece, oldest first.
    recent: VecDeque<(i64, Totals)>,
}

impl Counters {
    /// No figures yet. Gateways know this process of the server by `publisher`.
    #[must_use]
    pub fn new(publisher: &str) -> Self {
        Self {
            publisher: publisher.to_owned(),
            table: Mutex::default(),
        }
    }

    #[must_use]
    pub fn publisher(&self) -> &str {
        &self.publisher
    }

    /// Adds what is new in a report. The same report twice adds nothing; neither does an older one that comes late.
    pub fn take(&self, report: &Report, adopted: bool, now: Timestamp) {
        let mut table = self.table();
        let Table {
            gateways,
            series,
            tenants,
            requests,
            newest,
        } = &mut *table;
        let process = format!("{}/{}", report.gateway, report.incarnation);
        let told = gateways.entry(process.clone()).or_default();
        for mark in &report.marks {
            for row in &mark.series {
                let Some(key) = key(row) else { continue };
                if !series.contains_key(&key) && series.len() >= SERIES_MAX {
                    continue;
                }
                let figures = Totals::of(row);
                let series = series.entry(key.clone()).or_default();
                let added = match told.series.get(&key) {
                    Some((at_ms, _)) if *at_ms >= mark.at_ms => continue,
                    Some((_, before)) => figures.since(before),
                    None if adopted => {
                        series.first.insert(process.clone(), figures.clone());
                        Totals::default()
                    }
                    None => figures.clone(),
                };
                tenants.entry(key.0.clone()).or_default().add(&added);
                if added.requests > 0 {
                    *requests.entry(key.0.clone()).or_default() += added.requests;
                }
                told.series.insert(key, (mark.at_ms, figures));
                series.add(&added, mark.at_ms);
            }
        }
        told.everything |= report.publisher.as_ref() == Some(&self.publisher) && !report.more;
        *newest = Some(now);
    }

    /// Everything since this server began.
    #[must_use]
    pub fn total(&self, tenant: &TenantName, version: &Version) -> Totals {
        let table = self.table();
        let series = table.series.get(&(tenant.clone(), version.clone()));
        series.map(|series| series.total.clone()).unwrap_or_default()
    }

    /// Everything since this server began, of all versions of each tenant together.
    #[must_use]
    pub fn by_tenant(&self) -> BTreeMap<TenantName, Totals> {
        self.table().tenants.clone()
    }

    /// The requests of each tenant that were added since this was last asked. One asks, and nobody else gets them then.
    #[must_use]
    pub fn take_requests(&self) -> HashMap<TenantName, u64> {
        std::mem::take(&mut self.table().requests)
    }

    /// What each gateway process told last. A process that has told nothing of it is not there.
    #[must_use]
    pub fn figures(&self, tenant: &TenantName, version: &Version) -> ByGateway {
        let table = self.table();
        let key = (tenant.clone(), version.clone());
        let told = table.gateways.iter().filter_map(|(process, told)| {
            let (_, figures) = told.series.get(&key)?;
            Some((process.clone(), figures.clone()))
        });
        told.collect()
    }

    /// What came between `earlier` figures, taken down under an earlier server, and the beginning of this one. What a gateway counted that has ended
    /// meanwhile is not known.
    #[must_use]
    pub fn between(&self, tenant: &TenantName, version: &Version, earlier: &ByGateway) -> Totals {
        let table = self.table();
        let mut sum = Totals::default();
        let first = table.series.get(&(tenant.clone(), version.clone()));
        for (process, figures) in first.into_iter().flat_map(|series| &series.first) {
            match earlier.get(process) {
                Some(earlier) => sum.add(&figures.since(earlier)),
                None => sum.add(figures),
            }
        }
        sum
    }

    /// What was added within the last ten minutes.
    #[must_use]
    pub fn recent(&self, tenant: &TenantName, version: &Version, now: Timestamp) -> Totals {
        let table = self.table();
        let mut sum = Totals::default();
        if let Some(series) = table.series.get(&(tenant.clone(), version.clone())) {
            let recent = series.recent.iter().filter(|(begin, _)| *begin > now.0 - RECENT_MS);
            recent.for_each(|(_, piece)| sum.add(piece));
        }
        sum
    }

    /// Whether each of these gateway processes has told all that it has counted: until then figures are not the whole.
    #[must_use]
    pub fn has_heard(&self, processes: &[String]) -> bool {
        let table = self.table();
        let told = |process| table.gateways.get(process).is_some_and(|told| told.everything);
        processes.iter().all(told)
    }

    /// When a gateway last told something.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.table().newest
    }

    /// Forgets gateways that are not among `alive`, and what has been silent for a day.
    pub fn tidy(&self, alive: &[String], now: Timestamp) {
        let mut table = self.table();
        table.gateways.retain(|name, _| alive.contains(name));
        let is_idle = |series: &Series| series.recent.back().is_none_or(|(begin, _)| *begin < now.0 - IDLE_MS);
        table.series.retain(|_, series| !is_idle(series));
        let Table { series, tenants, .. } = &mut *table;
        let counted: BTreeSet<&TenantName> = series.keys().map(|(tenant, _)| tenant).collect();
        tenants.retain(|tenant, _| counted.contains(tenant));
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None` for names that are none: a gateway only counts tenants and versions of the table, so there are none.
fn key(row: &SeriesTotals) -> Option<Key> {
    Some((TenantName::new(&row.tenant).ok()?, Version::new(&row.version).ok()?))
}

impl Series {
    fn add(&mut self, added: &Totals, at_ms: u64) {
        self.total.add(added);
        // A mark on the border closes the piece before it.
        let last = i64::try_from(at_ms).unwrap_or(i64::MAX) - 1;
        let begin = last - last.rem_euclid(PIECE_MS);
        while self
            .recent
            .front()
            .is_some_and(|(oldest, _)| *oldest <= begin - RECENT_MS)
        {
            self.recent.pop_front();
        }
        match self.recent.back_mut() {
            // Gateways' clocks differ a little; what comes late counts with the newest.
            Some((newest, piece)) if *newest >= begin => piece.add(added),
            Some(_) | None => self.recent.push_back((begin, added.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
