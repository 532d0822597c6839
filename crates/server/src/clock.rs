//! The only place of the house that reads the wall clock on behalf of decisions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidegate_domain::time::Timestamp;

/// The time by the machine's clock; a clock before 1970 reads as 1970.
#[must_use]
pub fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

/// How long it is until `at`; nothing where it is over.
#[must_use]
pub fn until(at: Timestamp) -> Duration {
    (at - now()).to_std()
}
