//! The times that tenants have reserved to be moved at.

use serde::{Deserialize, Serialize};

use crate::id::Actor;
use crate::policy::ReservationRule;
use crate::time::Timestamp;

/// The tenant is not moved before this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// The tenant moves then, or as soon after it as it may.
    pub at: Timestamp,
    pub by: Actor,
    pub made: Timestamp,
}

impl ReservationRule {
    /// Counts stretches from 1970 on: what has the same number shares its capacity.
    #[must_use]
    pub fn number(&self, at: Timestamp) -> i64 {
        at.0.div_euclid(self.stretch.as_millis().max(1))
    }

    /// When a stretch begins.
    #[must_use]
    pub fn begins(&self, number: i64) -> Timestamp {
        Timestamp(number.saturating_mul(self.stretch.as_millis().max(1)))
    }
}
