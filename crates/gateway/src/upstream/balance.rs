//! Which instance of a slot takes the next request, and what is under way on a slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::budget::RetryBudget;
use super::pool::Instance;
use crate::table::Phase;

/// A slot as one snapshot sees it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) load: Arc<SlotLoad>,
    pub(crate) instances: Vec<Arc<Instance>>,
    pub(crate) phase: Phase,
}

/// What lives as long as anything is under way on the slot, whatever the tables say meanwhile.
#[derive(Debug)]
pub(crate) struct SlotLoad {
    pub(crate) budget: RetryBudget,
    under_way: AtomicU64,
    turn: AtomicUsize,
}

/// Something under way on a slot. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<SlotLoad>);

impl Slot {
    /// The least busy instance that is not ejected and not in `tried`; then an ejected one; then a tried one. `None` only
    /// where the slot has no instances.
    pub(crate) fn choose(&self, tried: &[Arc<Instance>], now_ms: u64) -> Option<Arc<Instance>> {
        if let [only] = self.instances.as_slice() {
            return Some(only.clone());
        }
        let turn = self.load.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.instances.len();
        (0..count)
            .map(|offset| &self.instances[(turn.wrapping_add(offset)) % count])
            .min_by_key(|instance| {
                let is_tried = tried.iter().any(|tried| Arc::ptr_eq(tried, instance));
                (is_tried, instance.is_ejected(now_ms), instance.busy())
            })
            .cloned()
    }
}

impl SlotLoad {
    pub(crate) fn new() -> Self {
        Self {
            budget: RetryBudget::new(),
            under_way: AtomicU64::new(0),
            turn: AtomicUsize::new(0),
        }
    }

    /// Counts one more. Sequentially consistent, because whether a drained slot is empty is decided by this number and the
    /// serial of the snapshot together.
    pub(crate) fn enter(self: &Arc<Self>) -> Busy {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        Busy(self.clone())
    }

    pub(crate) fn under_way(&self) -> u64 {
        self.under_way.load(Ordering::SeqCst)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}
