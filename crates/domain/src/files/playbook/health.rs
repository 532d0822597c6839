//! How the new version is judged against the old one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::health;
use crate::time::Duration;

/// How the new version is judged against the old one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// How often a wave that is no worse than tolerated may be failed over its whole bake: the probability.
    #[schemars(range(min = 0.000_001, max = 0.5))]
    pub alpha: f64,
    /// How often a wave may be failed without cause on one day after its bake: the probability.
    #[schemars(range(min = 0.000_001, max = 0.5))]
    pub false_alarms_per_day: f64,
    /// How many times as many errors and slow answers as before are no cause to act.
    #[schemars(range(min = 1, max = 100))]
    pub margin: f64,
    /// The share of requests that fail.
    pub errors: Errors,
    /// The time that answers take.
    pub latency: Latency,
    /// How often it is judged.
    pub interval: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            alpha: health::alpha(),
            false_alarms_per_day: health::false_alarms_per_day(),
            margin: health::margin(),
            errors: Errors::default(),
            latency: Latency::default(),
            interval: Duration::from_secs(10),
        }
    }
}

/// The share of requests that may fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Errors {
    /// Percentage points by which the new version may be worse than the old one.
    #[schemars(range(min = 0, max = 100))]
    pub margin_percent: f64,
    /// The share, in percent, above which these points are not granted: what is above it may only be `margin` times the old share.
    #[schemars(range(min = 0, max = 100))]
    pub ceiling_percent: f64,
}

impl Default for Errors {
    fn default() -> Self {
        Self {
            margin_percent: 1.0,
            ceiling_percent: 5.0,
        }
    }
}

/// The time that answers may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// The quantile that is compared.
    #[schemars(range(min = 0.5, max = 0.999))]
    pub quantile: f64,
    /// An answer is slow that takes more than this many times the old version's time, ...
    #[schemars(range(min = 1, max = 100))]
    pub ratio: f64,
    /// ... and so many milliseconds more.
    #[schemars(range(max = 3_600_000))]
    pub slack_ms: u32,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            quantile: 0.95,
            ratio: 1.5,
            slack_ms: 50,
        }
    }
}
