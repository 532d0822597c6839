//! Mirroring: requests that were answered are sent once more, to another version and to their own, and the three answers are told to the publisher.
//!
//! It refuses to be felt. What a client gets never waits for it: a request is mirrored after its own answer is complete, by a task of its own, over
//! connections of its own. Where there is no room it is not mirrored, and counted. Answers to mirrored requests go nowhere but to the publisher.
//! Nothing is kept: who is to be mirrored is told again each second, and ends when it is not.

mod deliver;
mod mirror;
mod room;
mod tap;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use http::header::{ACCEPT, UPGRADE};
use http::{HeaderMap, HeaderValue};
use tokio::sync::Notify;

use crate::clock;
use crate::protocol::{MirrorCounts, MirroredPair, Tap};
use crate::proxy::{Outgoing, header};
use crate::routing::{Asker, Forward, Routing};
use crate::table::{Policy, TenantName};
use crate::upstream::Instance;

use room::{Room, Rooms};
use tap::HeldTap;

pub(crate) use deliver::deliver;
pub(crate) use mirror::Mirroring;

/// Taps held at once. A publisher has one for each gate that runs.
const TAPS_MAX: usize = 16;
/// Bodies of all that is being mirrored and not yet delivered, with what answers may still bring.
const ROOM_BYTES: usize = 32 * 1024 * 1024;
/// A request, and three answers.
const BODIES: usize = 4;

/// What is mirrored by one gateway process.
#[derive(Debug)]
pub(crate) struct Shadow {
    taps: ArcSwap<Vec<Arc<HeldTap>>>,
    rooms: Arc<Rooms>,
    /// Connections of mirrored requests alone: how they fare says nothing of those of clients.
    instances: Mutex<HashMap<SocketAddr, Arc<Instance>>>,
    seen: Mutex<VecDeque<Seen>>,
    news: Notify,
    drawn: AtomicU64,
}

/// A mirrored request that the publisher does not know of yet.
#[derive(Debug)]
struct Seen {
    pair: MirroredPair,
    tap: Arc<HeldTap>,
    room: Room,
}

/// A request on its way to its own instance.
pub(crate) struct Asked<'a> {
    pub(crate) outgoing: &'a Outgoing,
    pub(crate) forward: &'a Forward,
    pub(crate) tenant: &'a TenantName,
    pub(crate) policy: Policy,
    pub(crate) asker: Asker,
}

impl Shadow {
    pub(crate) fn new() -> Self {
        Self {
            taps: ArcSwap::from_pointee(Vec::new()),
            rooms: Rooms::new(ROOM_BYTES),
            instances: Mutex::default(),
            seen: Mutex::default(),
            news: Notify::new(),
            drawn: AtomicU64::new(clock::unix_micros()),
        }
    }

    /// Holds these taps and no others. One that comes without its plan and is not known waits for the next answer.
    pub(crate) fn hold(&self, wanted: Vec<Tap>) {
        let held = self.taps.load_full();
        if held.is_empty() && wanted.is_empty() {
            return;
        }
        let taps = wanted.into_iter().take(TAPS_MAX).filter_map(|tap| {
            let known = held.iter().find(|held| held.id == tap.id);
            let tap = match known {
                Some(known) => {
                    known.renew(tap.lease_ms);
                    known.clone()
                }
                None => Arc::new(HeldTap::new(tap.id, tap.lease_ms, tap.plan?)),
            };
            Some(tap)
        });
        self.taps.store(Arc::new(taps.collect()));
    }

    /// The taps whose lease has not lapsed.
    pub(crate) fn held(&self) -> BTreeSet<String> {
        let taps = self.taps.load();
        taps.iter()
            .filter(|tap| tap.is_live())
            .map(|tap| tap.id.clone())
            .collect()
    }

    /// Begins to mirror a request, if it is wanted and there is room.
    pub(crate) fn begin(self: &Arc<Self>, asked: &Asked<'_>, routing: &Routing) -> Option<Mirroring> {
        let taps = self.taps.load();
        if taps.is_empty() || !may_be_repeated(&asked.outgoing.head.headers, asked.asker) {
            return None;
        }
        // Decided by one table. With a newer one, the next request is mirrored.
        let snapshot = routing
            .current()
            .filter(|snapshot| snapshot.serial == asked.forward.serial)?;
        let component = snapshot.component_at(asked.forward.position)?;
        let (tap, to) = taps.iter().find_map(|tap| {
            let to = tap.wants(asked, component)?;
            Some((tap, to))
        })?;
        let counts = &tap.counts;
        counts.matched.fetch_add(1, Ordering::Relaxed);
        if self.draw() % 10_000 >= u64::from(tap.plan.basis_points) {
            return None;
        }
        counts.chosen.fetch_add(1, Ordering::Relaxed);
        if asked.outgoing.size.lower() > tap.plan.body_bytes_max as u64 {
            counts.too_large.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let Some(target) = snapshot.target(asked.forward.position, to) else {
            counts.no_instance.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let permit = tap.in_flight.clone().try_acquire_owned().ok();
        let room = self.rooms.take(BODIES * tap.plan.body_bytes_max);
        let (Some(permit), Some(room)) = (permit, room) else {
            counts.busy.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        Some(Mirroring::new(self, tap, asked, target, permit, room))
    }

    /// Closes connections that were idle for too long; all of them where nothing is mirrored any more.
    pub(crate) fn tend(&self) {
        let taps = self.taps.load();
        if !taps.is_empty() && !taps.iter().any(|tap| tap.is_live()) {
            self.taps.store(Arc::new(Vec::new()));
        }
        let mut instances = lock(&self.instances);
        if taps.is_empty() {
            instances.clear();
        }
        instances.values().for_each(|instance| instance.sweep());
    }

    /// What became of all requests, by tap.
    fn counts(&self) -> BTreeMap<String, MirrorCounts> {
        let taps = self.taps.load();
        taps.iter().map(|tap| (tap.id.clone(), tap.counts.told())).collect()
    }

    /// The same for metrics, over the taps that are held.
    pub(crate) fn total(&self) -> MirrorCounts {
        let mut total = MirrorCounts::default();
        for counts in self.counts().into_values() {
            total.mirrored += counts.mirrored;
            total.busy += counts.busy;
            total.too_large += counts.too_large;
            total.incomplete += counts.incomplete;
        }
        total
    }

    fn keep(&self, seen: Seen) {
        lock(&self.seen).push_back(seen);
        self.news.notify_one();
    }

    fn instance(&self, address: SocketAddr) -> Arc<Instance> {
        let mut instances = lock(&self.instances);
        let made = || Arc::new(Instance::new(address.to_string().into(), address));
        instances.entry(address).or_insert_with(made).clone()
    }

    /// A number that follows from nothing that a client says (splitmix64, G. Steele et al., OOPSLA 2014).
    fn draw(&self) -> u64 {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.drawn.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Not what becomes a stream or another protocol, what is meant for one version only, and what was mirrored already.
fn may_be_repeated(headers: &HeaderMap, asker: Asker) -> bool {
    let wants_events = |accept: &HeaderValue| {
        let text = accept.to_str().unwrap_or_default();
        text.contains("text/event-stream")
    };
    let is_part_of_mirrored = match asker {
        Asker::Client => false,
        Asker::Component => headers.contains_key(header::SHADOW),
    };
    !is_part_of_mirrored
        && !headers.contains_key(UPGRADE)
        && !headers.contains_key(header::PREVIEW)
        && !headers.get_all(ACCEPT).iter().any(wants_events)
}

/// Nothing that holds these locks can leave them half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
