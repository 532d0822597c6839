use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::Period;
use crate::time::Duration;

/// Tenants may reserve the time at which they move: no earlier than the plan has it, first come, first served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationRule {
    /// How many tenants may have reserved the same stretch of time.
    #[schemars(range(min = 1))]
    pub capacity: u32,
    /// How long a stretch is; the first of a day begins at midnight UTC.
    #[serde(default = "stretch")]
    pub stretch: Duration,
    /// The latest time that can be reserved, counted from the tenant's planned start.
    #[serde(default = "within")]
    pub within: Period,
}

fn stretch() -> Duration {
    Duration::from_hours(1)
}

fn within() -> Period {
    Period::Days(7)
}
