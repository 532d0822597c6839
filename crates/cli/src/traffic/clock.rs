//! The monotonic clock of the machine: the same number in every process, so that what one confirmed can be compared with when another sent.

use rustix::time::{ClockId, clock_gettime};

/// Microseconds since an instant that is the same for all processes until the machine restarts.
pub fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(now.tv_sec) * 1_000_000 + part(now.tv_nsec) / 1_000
}
