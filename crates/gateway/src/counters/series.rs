//! The counters of one tenant on one version in one cell.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;

use crate::clock;
use crate::protocol::{BUCKET_MS, ErrorReason, LATENCY_EDGES_MICROS, RequestClasses, SeriesTotals, latency_bin};
use crate::table::TenantName;

/// Clients with an error are told apart up to here, in one bucket.
const ERROR_CLIENTS_MAX: usize = 8_192;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SeriesKey {
    pub(crate) tenant: TenantName,
    pub(crate) version: Arc<str>,
    pub(crate) cell: Arc<str>,
}

#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) key: SeriesKey,
    /// Successes, redirections, client errors, server errors.
    classes: [AtomicU64; 4],
    errors: [AtomicU64; ErrorReason::ALL.len()],
    latency: [AtomicU64; LATENCY_EDGES_MICROS.len() + 1],
    error_clients: Mutex<ErrorClients>,
    in_flight: AtomicU64,
    /// Raised with everything that is counted, so that a reporter sees what is new.
    changes: AtomicU64,
}

/// Failures, of which one client's within a bucket count once.
#[derive(Debug, Default)]
struct ErrorClients {
    count: u64,
    /// Those of the bucket that began here, in Unix milliseconds.
    bucket: u64,
    seen: HashSet<u64>,
}

impl ErrorClients {
    fn saw(&mut self, client: u64, now_ms: u64) {
        let bucket = now_ms - now_ms % BUCKET_MS;
        // Clocks may be set back: what matters is that it is another bucket.
        if self.bucket != bucket {
            self.bucket = bucket;
            self.seen.clear();
        }
        if self.seen.len() < ERROR_CLIENTS_MAX && self.seen.insert(client) {
            self.count += 1;
        }
    }
}

impl Series {
    pub(super) fn new(key: SeriesKey) -> Self {
        Self {
            key,
            classes: Default::default(),
            errors: Default::default(),
            latency: std::array::from_fn(|_| AtomicU64::new(0)),
            error_clients: Mutex::default(),
            in_flight: AtomicU64::new(0),
            changes: AtomicU64::new(0),
        }
    }

    pub(crate) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// The service answered.
    pub(crate) fn answered(&self, status: StatusCode, micros: u64, client: u64) {
        let class = match status.as_u16() {
            0..300 => 0,
            300..400 => 1,
            400..500 => 2,
            500.. => 3,
        };
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        self.latency[latency_bin(micros)].fetch_add(1, Ordering::Relaxed);
        if class == 3 {
            self.saw_error(client);
        }
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// The gateway answered instead, or the service's answer broke.
    pub(crate) fn failed(&self, reason: ErrorReason, client: u64) {
        self.errors[reason as usize].fetch_add(1, Ordering::Relaxed);
        if reason.is_of_service() {
            self.saw_error(client);
        }
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn latency(&self) -> impl Iterator<Item = u64> {
        self.latency.iter().map(|count| count.load(Ordering::Relaxed))
    }

    pub(crate) fn totals(&self) -> SeriesTotals {
        let [successes, redirections, client_errors, server_errors] =
            [0, 1, 2, 3].map(|class: usize| self.classes[class].load(Ordering::Relaxed));
        let count = |reason: ErrorReason| self.errors[reason as usize].load(Ordering::Relaxed);
        let errors = ErrorReason::ALL.into_iter().map(|reason| (reason, count(reason)));
        let latency = (0_u8..).zip(self.latency());
        SeriesTotals {
            tenant: self.key.tenant.to_string(),
            version: self.key.version.to_string(),
            cell: self.key.cell.to_string(),
            requests: RequestClasses {
                successes,
                redirections,
                client_errors,
                server_errors,
            },
            errors: errors.filter(|(_, count)| *count > 0).collect(),
            timeouts: count(ErrorReason::UpstreamTimeout),
            error_clients: self.error_clients.lock().unwrap_or_else(PoisonError::into_inner).count,
            latency: latency.filter(|(_, count)| *count > 0).collect(),
            in_flight: self.in_flight(),
        }
    }

    fn saw_error(&self, client: u64) {
        let mut clients = self.error_clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.saw(client, clock::unix_ms());
    }
}

#[cfg(test)]
mod tests;
