//! One instance: its pooled connections, how busy it is, and its ejection after failures.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::client::conn::http2;
use thiserror::Error;

use super::connection::{Class, Connection, Cut, open_http2};
use crate::clock;
use crate::proxy::RequestBody;
use crate::table::InstanceId;

/// Below the 5 s after which common servers close an idle connection.
const IDLE_MAX: Duration = Duration::from_secs(4);
/// What was learnt about an instance's own limit is trusted for this long, then twice that limit is tried.
const LEARNT_FOR: Duration = Duration::from_secs(10);
/// A request that cannot be sent again keeps at least this far from the limit: between the decision and the arrival of the
/// request both machines may be busy with something else.
const CAREFUL_MARGIN: Duration = Duration::from_millis(250);
const POOLED_MAX: usize = 256;
const FAILURES_TO_EJECT: u32 = 3;
const EJECTED_MS_MIN: u64 = 500;
const EJECTED_MS_MAX: u64 = 15_000;

#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) address: SocketAddr,
    pooled: Mutex<Vec<Connection>>,
    /// Locked while it is opened, so that only one is.
    shared: tokio::sync::Mutex<Option<http2::SendRequest<RequestBody>>>,
    connections: Mutex<Vec<Weak<Cut>>>,
    busy: AtomicU32,
    is_retired: AtomicBool,
    failures: AtomicU32,
    ejected_until_ms: AtomicU64,
    /// Idle age at which the instance was last seen to close a connection, and when, both in microseconds.
    closes_after: AtomicU64,
    closed_at: AtomicU64,
}

/// An instance that works on a request until this is dropped.
#[derive(Debug)]
pub(crate) struct Engaged(Arc<Instance>);

/// How careful a request must be with a pooled connection: an idle one may be closed by the peer at any moment, and only
/// some requests can be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Can be sent again.
    Freely,
    /// Cannot: keep well away from the age at which the instance closes idle connections.
    Carefully,
    /// Open a new one.
    Never,
}

#[derive(Debug, Error)]
pub(crate) enum CheckoutError {
    #[error("could not connect to the instance in time")]
    Timeout,
    #[error("could not connect to the instance")]
    Connect(#[source] io::Error),
}

impl Instance {
    pub(crate) fn new(id: InstanceId, address: SocketAddr) -> Self {
        Self {
            id,
            address,
            pooled: Mutex::default(),
            shared: tokio::sync::Mutex::default(),
            connections: Mutex::default(),
            busy: AtomicU32::new(0),
            is_retired: AtomicBool::new(false),
            failures: AtomicU32::new(0),
            ejected_until_ms: AtomicU64::new(0),
            closes_after: AtomicU64::new(u64::MAX),
            closed_at: AtomicU64::new(0),
        }
    }

    /// A connection that nobody else uses: a pooled one where `reuse` allows, else a new one.
    pub(crate) async fn checkout(
        self: &Arc<Self>,
        reuse: Reuse,
        connect_limit: Duration,
    ) -> Result<Connection, CheckoutError> {
        let idle_max = match reuse {
            Reuse::Freely => self.idle_limit(),
            Reuse::Carefully => (self.idle_limit() / 2).min(self.idle_limit().saturating_sub(CAREFUL_MARGIN)),
            Reuse::Never => Duration::ZERO,
        };
        while let Some(mut connection) = self.take_pooled(idle_max) {
            if connection.wake().await {
                return Ok(connection);
            }
            self.learn_idle_limit(connection.idle());
        }
        // Apart, because most requests find a connection: what each of them is moved around with would be thrice as large.
        Ok(Box::pin(Connection::open(self, connect_limit)).await?)
    }

    /// A share of the instance's HTTP/2 connection, which is opened where there is none or `reuse` forbids it.
    pub(crate) async fn share(&self, reuse: Reuse, connect_limit: Duration) -> Result<Connection, CheckoutError> {
        let mut shared = self.shared.lock().await;
        if let Some(sender) = shared
            .as_ref()
            .filter(|sender| !sender.is_closed() && reuse != Reuse::Never)
        {
            return Ok(Connection::share(self, sender.clone(), true));
        }
        let sender = Box::pin(open_http2(self, connect_limit)).await?;
        if !self.is_retired.load(Ordering::Relaxed) {
            *shared = Some(sender.clone());
        }
        Ok(Connection::share(self, sender, false))
    }

    /// Takes a connection back after a complete exchange.
    pub(crate) fn checkin(&self, mut connection: Connection) {
        if !connection.is_poolable() || self.is_retired.load(Ordering::Relaxed) {
            return;
        }
        connection.rest();
        let mut pooled = lock(&self.pooled);
        if pooled.len() < POOLED_MAX {
            pooled.push(connection);
        }
    }

    /// Closes what has been idle for too long. Oldest stand first, because the newest is always taken.
    pub(crate) fn sweep(&self) {
        let idle_max = self.idle_limit();
        lock(&self.pooled).retain(|connection| !connection.is_closed() && connection.idle() < idle_max);
        lock(&self.connections).retain(|cut| cut.strong_count() > 0);
    }

    /// Closes every idle connection now; with `is_for_good`, those in use are not kept after use either.
    pub(crate) fn close_idle(&self, is_for_good: bool) {
        self.is_retired.store(is_for_good, Ordering::Relaxed);
        lock(&self.pooled).clear();
        // One that is being opened just now sees the flag.
        if let Ok(mut shared) = self.shared.try_lock() {
            *shared = None;
        }
    }

    pub(crate) fn register(&self, cut: &Arc<Cut>) {
        lock(&self.connections).push(Arc::downgrade(cut));
    }

    /// Ends what is under way in a class.
    pub(crate) fn cut(&self, class: Class) {
        for cut in lock(&self.connections).iter().filter_map(Weak::upgrade) {
            cut.cut(class);
        }
    }

    pub(crate) fn busy(&self) -> u32 {
        self.busy.load(Ordering::Relaxed)
    }

    pub(crate) fn is_ejected(&self, now_ms: u64) -> bool {
        now_ms < self.ejected_until_ms.load(Ordering::Relaxed)
    }

    /// An answer came: whatever it says, the instance is there.
    pub(crate) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.ejected_until_ms.store(0, Ordering::Relaxed);
        }
    }

    /// No connection or no answer. After three in a row the instance is left alone for a while, each time for longer; the
    /// first request after that decides.
    pub(crate) fn failed(&self, now_ms: u64) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= FAILURES_TO_EJECT {
            let doublings = (failures - FAILURES_TO_EJECT).min(5);
            let ejected_ms = (EJECTED_MS_MIN << doublings).min(EJECTED_MS_MAX);
            self.ejected_until_ms.store(now_ms + ejected_ms, Ordering::Relaxed);
        }
    }

    /// The instance closed a connection that had been idle for `idle`.
    pub(super) fn learn_idle_limit(&self, idle: Duration) {
        let idle = u64::try_from(idle.as_micros()).unwrap_or(u64::MAX);
        if Duration::from_micros(idle) < self.idle_limit() * 2 {
            self.closes_after.store(idle, Ordering::Relaxed);
            self.closed_at.store(clock::micros(), Ordering::Relaxed);
        }
    }

    /// For how long a connection may have been idle and still be used: three quarters of what the instance itself allows,
    /// where that is known.
    pub(super) fn idle_limit(&self) -> Duration {
        let learnt = self.closes_after.load(Ordering::Relaxed);
        if learnt == u64::MAX {
            return IDLE_MAX;
        }
        let age = Duration::from_micros(clock::micros().saturating_sub(self.closed_at.load(Ordering::Relaxed)));
        let doublings = u32::try_from(age.as_secs() / LEARNT_FOR.as_secs())
            .unwrap_or(u32::MAX)
            .min(20);
        Duration::from_micros(learnt / 4 * 3)
            .saturating_mul(1 << doublings)
            .min(IDLE_MAX)
    }

    fn take_pooled(&self, idle_max: Duration) -> Option<Connection> {
        let mut pooled = lock(&self.pooled);
        let newest = pooled.last()?;
        if newest.idle() < idle_max { pooled.pop() } else { None }
    }
}

impl From<io::Error> for CheckoutError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::TimedOut {
            CheckoutError::Timeout
        } else {
            CheckoutError::Connect(error)
        }
    }
}

impl Engaged {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        instance.busy.fetch_add(1, Ordering::Relaxed);
        Self(instance)
    }

    pub(crate) fn instance(&self) -> &Arc<Instance> {
        &self.0
    }
}

impl Drop for Engaged {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Nothing that holds these locks can leave them half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
