//! What was counted on both versions over the same few seconds.

use crate::exact::Count;

/// More than a bucket of a few seconds can hold. It bounds the work of the exact form, and the rounding of its sums.
pub const TRIALS_MAX: u64 = 1_000_000_000;

/// Requests and events of the old and the new version in one bucket. Never more events than requests, on neither side
/// more than [`TRIALS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    old: Count,
    new: Count,
}

impl Pair {
    /// `None` where a count cannot be.
    pub fn new(old: Count, new: Count) -> Option<Self> {
        let fits = |count: Count| count.events <= count.trials && count.trials <= TRIALS_MAX;
        (fits(old) && fits(new)).then_some(Self { old, new })
    }

    pub fn old(self) -> Count {
        self.old
    }

    pub fn new_version(self) -> Count {
        self.new
    }

    /// Whether it says anything about the ratio: requests on both sides, and an event on one.
    pub(crate) fn speaks(self) -> bool {
        self.old.trials > 0 && self.new.trials > 0 && self.old.events + self.new.events > 0
    }
}
