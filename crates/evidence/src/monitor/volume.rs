//! The share of requests that reach the new version, against the one that was configured.
//!
//! Fewer than there should be are lost on the way; more are a fault of the split. Both count.

use crate::e_value::log_mean;
use crate::exact::Count;
use crate::ratio::{Form, Likelihood};
use crate::words::{percent, share};

/// Shares between a bound and the weight, as parts of the way.
const ALTERNATIVES: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

/// The odds of a request reaching the new version, as multiples of the configured ones. The weight does not change, so the
/// sums tell everything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Volume {
    weight: f64,
    margin: f64,
    old: u64,
    new: u64,
}

impl Volume {
    /// `weight` is between 0 and 1.
    pub fn new(margin: f64, weight: f64) -> Self {
        Self {
            weight,
            margin,
            old: 0,
            new: 0,
        }
    }

    pub fn observe(&mut self, old: u64, new: u64) {
        self.old = self.old.saturating_add(old);
        self.new = self.new.saturating_add(new);
    }

    fn likelihood(self, ignored: f64) -> Likelihood {
        let mut likelihood = Likelihood::new(Form::Rates, ignored);
        likelihood.observe_split(self.old, self.new, self.weight);
        likelihood
    }

    /// The logarithm of the mean evidence of too many and of too few.
    pub fn log_e(self) -> f64 {
        let excess = self.likelihood(self.margin).log_e_above(self.margin);
        let least = 1.0 / self.margin;
        let drop = self.likelihood(least).log_e_below(least);
        log_mean([excess, drop].into_iter())
    }

    /// The logarithm of the evidence that at most the share `tolerance` of the new version's requests is missing or too much;
    /// without a tolerance, that the odds are within the margin.
    pub fn log_e_within(self, tolerance: Option<f64>) -> f64 {
        let weight = self.weight;
        let by_odds = |factor: f64| weight * factor / (1.0 - weight + weight * factor);
        let (least, most) = match tolerance {
            Some(tolerance) => (weight * (1.0 - tolerance), weight * (1.0 + tolerance)),
            None if self.margin > 1.0 => (by_odds(1.0 / self.margin), by_odds(self.margin)),
            None => return 0.0,
        };
        // Both have to be shown, so the weaker one counts.
        self.log_e_against(least).min(self.log_e_against(most))
    }

    /// Against "the share is `bound`", or beyond it as seen from the weight: the mean over alternatives on the near side.
    fn log_e_against(self, bound: f64) -> f64 {
        if bound >= 1.0 {
            return f64::INFINITY;
        }
        log_mean(ALTERNATIVES.iter().map(|part| {
            let share = bound + part * (self.weight - bound);
            self.new as f64 * (share / bound).ln() + self.old as f64 * ((1.0 - share) / (1.0 - bound)).ln()
        }))
    }

    pub fn estimate(self) -> Option<f64> {
        self.likelihood(1.0).estimate()
    }

    pub fn interval(self, alpha: f64) -> (f64, Option<f64>) {
        self.likelihood(1.0).interval(alpha)
    }

    pub fn in_words(self) -> String {
        let reached = Count {
            events: self.new,
            trials: self.new.saturating_add(self.old),
        };
        format!(
            "{} of the requests reached the new version, {} should",
            share(reached),
            percent(self.weight)
        )
    }
}
