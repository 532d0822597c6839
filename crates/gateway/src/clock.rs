//! The two clocks of the data plane: Unix time for what is told to others, process time for everything else.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Microseconds on the process clock. Never goes back.
pub(crate) fn micros() -> u64 {
    u64::try_from(START.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds on the process clock.
pub(crate) fn millis() -> u64 {
    micros() / 1_000
}

/// Unix time in milliseconds; 0 where the machine believes to be before 1970.
pub(crate) fn unix_ms() -> u64 {
    unix_micros() / 1_000
}

/// Unix time in microseconds.
pub(crate) fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
