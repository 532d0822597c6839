//! How many requests may be sent again: a fifth of those sent, and ten a second where there are few. A service that fails
//! everything must not get more load for it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// One retry costs this; one request earns a fifth of it.
const COST: i64 = 10;
const EARNED: i64 = 2;
const EARNED_PER_SECOND: i64 = 10 * COST;
const SAVED_MAX: i64 = 100 * COST;

#[derive(Debug)]
pub(crate) struct RetryBudget {
    saved: AtomicI64,
    second: AtomicU64,
}

impl RetryBudget {
    pub(crate) fn new() -> Self {
        Self {
            saved: AtomicI64::new(EARNED_PER_SECOND),
            second: AtomicU64::new(0),
        }
    }

    pub(crate) fn earn(&self) {
        if self.saved.load(Ordering::Relaxed) < SAVED_MAX {
            self.saved.fetch_add(EARNED, Ordering::Relaxed);
        }
    }

    /// Whether one retry may be made now.
    pub(crate) fn spend(&self, now_ms: u64) -> bool {
        let second = now_ms / 1_000;
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.saved.fetch_max(EARNED_PER_SECOND, Ordering::Relaxed);
        }
        let spent = self.saved.fetch_sub(COST, Ordering::Relaxed);
        if spent < COST {
            self.saved.fetch_add(COST, Ordering::Relaxed);
        }
        spent >= COST
    }
}
