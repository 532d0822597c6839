//! How the new version is judged against the old one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Duration;

/// How the new version is judged against the old one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
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
    /// Percentage points that the new version may be worse than the old one.
    #[schemars(range(min = 0, max = 100))]
    pub margin_percent: f64,
    /// The share, in percent, that is too much whatever the old version did.
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
    /// How many times the old version's time is too slow.
    #[schemars(range(min = 1, max = 100))]
    pub ratio: f64,
    /// Milliseconds that are never too slow by themselves.
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
