//! When a release counts as hurting.

use serde::{Deserialize, Serialize};

use crate::monitor::Assignment;

/// Of alpha, what is spent on the counts after the move. The rest is spent on the history before it.
const SHARE_OF_COUNTS: f64 = 0.8;
/// Two kinds of events, of the whole wave and of its tenants, share what is spent on the history.
const HISTORIES: usize = 4;

/// What is tolerated, and how often a release that keeps it may be failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthRule {
    /// Who decides which requests the new version gets. By their tenant: it is compared with its own history, and with those who stayed. By
    /// chance: with its other requests at the same time.
    pub assignment: Assignment,
    /// The probability of failing a wave that is no worse than tolerated, over its whole bake; between 0 and 1.
    pub alpha: f64,
    /// The probability of failing it on one day of the standing watch; between 0 and 1.
    pub alarms_per_day: f64,
    /// How often a day the numbers are looked at, at least once.
    pub looks_per_day: u32,
    /// How many times the usual share of events is no cause to act, at least 1: tenants change from day to day without a release, too.
    pub margin: f64,
    /// Percentage points by which the share of errors may exceed the usual one.
    pub error_margin_percent: f64,
    /// Where the share of errors would be above this, in percent, it may only exceed the usual one by `margin`.
    pub error_ceiling_percent: f64,
    /// The latency that is compared, between 0 and 1.
    pub latency_quantile: f64,
    /// The new latency may be this many times the old one, ...
    pub latency_ratio: f64,
    /// ... plus this.
    pub latency_slack_micros: u64,
    /// Older numbers are no numbers.
    pub age_max_ms: u64,
}

impl Default for HealthRule {
    fn default() -> Self {
        Self {
            assignment: Assignment::Tenants,
            alpha: 0.01,
            alarms_per_day: 0.01,
            looks_per_day: 8_640,
            margin: 1.5,
            error_margin_percent: 1.0,
            error_ceiling_percent: 5.0,
            latency_quantile: 0.95,
            latency_ratio: 1.5,
            latency_slack_micros: 50_000,
            age_max_ms: 30_000,
        }
    }
}

impl HealthRule {
    /// What is wrong with it, in words.
    pub(super) fn problem(&self) -> Option<String> {
        let is_share = |number: f64| number > 0.0 && number < 1.0;
        let is_least = |least: f64, number: f64| number.is_finite() && number >= least;
        let problem = if !is_share(self.alpha) {
            format!("alpha {} is not between 0 and 1", self.alpha)
        } else if !is_share(self.alarms_per_day) {
            format!("{} false alarms a day are not between 0 and 1", self.alarms_per_day)
        } else if self.looks_per_day == 0 {
            "the numbers are looked at no time a day".to_owned()
        } else if !is_least(1.0, self.margin) {
            format!("the margin {} is not 1 or more", self.margin)
        } else if !is_least(0.0, self.error_margin_percent) || !is_least(0.0, self.error_ceiling_percent) {
            "shares of errors are not 0 or more".to_owned()
        } else if !is_share(self.latency_quantile) {
            format!("the latency quantile {} is not between 0 and 1", self.latency_quantile)
        } else if !is_least(0.0, self.latency_ratio) {
            format!("the latency ratio {} is not 0 or more", self.latency_ratio)
        } else {
            return None;
        };
        Some(problem)
    }

    /// What is spent on the counts after the move.
    pub(super) fn alpha_of_counts(&self) -> f64 {
        self.alpha * SHARE_OF_COUNTS
    }

    /// How often a bound that is read from a history may miss, where so many subjects share what is spent on all histories.
    pub(super) fn miss(&self, subjects: usize) -> f64 {
        (self.alpha - self.alpha_of_counts()) / (HISTORIES * subjects.max(1)) as f64
    }
}
