//! How long answers take as a rule.

use serde::{Deserialize, Serialize};

use super::numbers::{self, Numbers};
use super::{DAY, KEPT_PER_WEEK};

/// Answers that have to be known before any is called slow.
const ANSWERS_LEAST: f32 = 500.0;
/// One of a hundred takes longer.
const QUANTILE: f32 = 0.99;

/// A histogram in which older weeks count less.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usual {
    #[serde(with = "numbers")]
    bins: Numbers,
}

impl Usual {
    /// Takes the answers of a bucket in, by bin.
    pub fn learn(&mut self, bins: &[u64], bucket_seconds: u32) {
        let kept = KEPT_PER_WEEK.powf((f64::from(bucket_seconds) / (7.0 * DAY)) as f32);
        if self.bins.len() < bins.len() {
            self.bins.resize(bins.len(), 0.0);
        }
        for (known, new) in self.bins.iter_mut().zip(bins) {
            *known = *known * kept + *new as f32;
        }
    }

    /// The upper edge of the bin that 99 of 100 answers are in or below. `None` where too few are known, or it has no upper edge.
    pub fn slowest(&self, edges: &[u64]) -> Option<u64> {
        let all: f32 = self.bins.iter().sum();
        if all < ANSWERS_LEAST {
            return None;
        }
        let mut below = 0.0;
        let bin = self.bins.iter().position(|count| {
            below += count;
            below >= QUANTILE * all
        });
        edges.get(bin?).copied()
    }
}
