//! Where gates and gateways meet: what a gate wants to be mirrored, and what the gateways have seen of it.
//!
//! Nothing of it outlives the server. A gate that ends, in whatever way, takes its wish back; gateways that are not told of a wish again let go
//! of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tidegate_domain::id::{CellName, ComponentName, TenantName, Version};
use tokio::sync::mpsc;

/// Pairs that wait for the gate, each with up to three bodies. What comes beyond is counted and dropped.
const WAITING_MAX: usize = 200;

/// All wishes of a server. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Taps(Arc<Mutex<BTreeMap<String, Open>>>);

/// Requests to be mirrored.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub component: ComponentName,
    pub tenants: BTreeSet<TenantName>,
    /// Where these tenants are.
    pub from: BTreeSet<(CellName, Version)>,
    /// The version that is asked the same, in the same cell.
    pub to: Version,
    /// Hundredths of a percent.
    pub basis_points: u16,
    pub endpoints: Vec<Endpoint>,
    pub body_bytes_max: usize,
    pub in_flight_max: usize,
    pub timeout: Duration,
    /// In lower case.
    pub without_headers: Vec<String>,
}

/// A kind of request. In the path `*` is any one step, and `**` at its end any number of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    pub method: String,
    pub path: String,
}

/// The answers to one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    pub id: String,
    pub tenant: TenantName,
    pub method: String,
    pub path: String,
    /// What the client got.
    pub old: Answer,
    pub new: Answer,
    /// Of the old version once more.
    pub again: Answer,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Answered {
        status: u16,
        /// By lower-case name.
        headers: BTreeMap<String, Vec<String>>,
        body: Vec<u8>,
        milliseconds: Option<f64>,
    },
    /// None came, or not in time.
    Failed { timed_out: bool },
}

/// What became of the requests that were wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    pub matched: u64,
    /// Of those, fell into the share.
    pub chosen: u64,
    pub mirrored: u64,
    /// Chosen and not mirrored: too many were under way, or there was no memory for more.
    pub busy: u64,
    pub too_large: u64,
    /// Ended early, became a stream, or were answered by the gateway itself.
    pub incomplete: u64,
    pub no_instance: u64,
    /// Mirrored, and the answers were lost on the way to the gate.
    pub undelivered: u64,
}

#[derive(Debug)]
struct Open {
    order: Arc<Order>,
    pairs: mpsc::Sender<Pair>,
    heard: Heard,
}

/// What gateways have said of a wish.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Every process that has reported since, by its gateway, and whether it can mirror.
    pub reported: BTreeMap<String, bool>,
    /// By gateway process.
    counts: BTreeMap<String, Counts>,
    unread: u64,
}

/// A wish while it lasts.
#[derive(Debug)]
pub struct Tap {
    taps: Taps,
    id: String,
    pairs: mpsc::Receiver<Pair>,
}

impl Taps {
    /// Wishes for something until what is returned is dropped.
    #[must_use]
    pub fn open(&self, order: Order) -> Tap {
        let id = new_id();
        let (sender, pairs) = mpsc::channel(WAITING_MAX);
        let open = Open {
            order: Arc::new(order),
            pairs: sender,
            heard: Heard::default(),
        };
        self.lock().insert(id.clone(), open);
        Tap {
            taps: self.clone(),
            id,
            pairs,
        }
    }

    /// What a gateway that reports is to be told. `can_mirror` is what it says of itself.
    #[must_use]
    pub fn wanted(&self, gateway: &str, can_mirror: bool) -> Vec<(String, Arc<Order>)> {
        let mut taps = self.lock();
        let wanted = taps.iter_mut().map(|(id, open)| {
            open.heard.reported.insert(gateway.to_owned(), can_mirror);
            (id.clone(), Arc::clone(&open.order))
        });
        wanted.collect()
    }

    /// Takes in what a gateway process has counted until now.
    pub fn count(&self, tap: &str, process: &str, counts: Counts) {
        if let Some(open) = self.lock().get_mut(tap) {
            open.heard.counts.insert(process.to_owned(), counts);
        }
    }

    /// Takes in what a gateway has seen. It does not wait for the gate.
    pub fn see(&self, tap: &str, pair: Pair) {
        if let Some(open) = self.lock().get_mut(tap)
            && open.pairs.try_send(pair).is_err()
        {
            open.heard.unread += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap {
    /// Appends what has been seen, at least one and at most so many; waits for it.
    pub async fn next(&mut self, pairs: &mut Vec<Pair>, at_most: usize) {
        self.pairs.recv_many(pairs, at_most).await;
    }

    #[must_use]
    pub fn heard(&self) -> Heard {
        let taps = self.taps.lock();
        taps.get(&self.id).map(|open| open.heard.clone()).unwrap_or_default()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.taps.lock().remove(&self.id);
    }
}

impl Heard {
    /// Of all gateways together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut sum = Counts {
            undelivered: self.unread,
            ..Counts::default()
        };
        for counts in self.counts.values() {
            sum.matched += counts.matched;
            sum.chosen += counts.chosen;
            sum.mirrored += counts.mirrored;
            sum.busy += counts.busy;
            sum.too_large += counts.too_large;
            sum.incomplete += counts.incomplete;
            sum.no_instance += counts.no_instance;
            sum.undelivered += counts.undelivered;
        }
        sum
    }

    /// The gateways that report and cannot mirror.
    #[must_use]
    pub fn unable(&self) -> Vec<&str> {
        let unable = self.reported.iter().filter(|(_, can_mirror)| !**can_mirror);
        unable.map(|(gateway, _)| gateway.as_str()).collect()
    }
}

/// Never used before, by no earlier server either: gateways keep plans by it.
fn new_id() -> String {
    static OPENED: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", since.as_micros(), OPENED.fetch_add(1, Ordering::Relaxed))
}
