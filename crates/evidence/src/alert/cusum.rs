//! Evidence that adds up: how much better a drop or a spike explains the counts than anything that is tolerated.
//!
//! For each alternative rate `g` times the expected one, `S = max(S, 0) + ln NB(y; g mu, r) - ln NB(y; b mu, r)` with the bound `b` of
//! what is tolerated (E. S. Page, Biometrika 41, 1954): the likelihood ratio is monotone in `y`, so at any tolerated rate the
//! factors are at most 1 on average. The mean of `exp(S)` over the alternatives reaches a threshold by chance once in that
//! many buckets at the most, on average (J. Shin, A. Ramdas and A. Rinaldo, 2023).

use serde::{Deserialize, Serialize};

use crate::e_value::log_mean;

use super::Alarm;

const ALTERNATIVES: usize = 4;
/// What is expected at the least where a spike is looked for: a single request is no spike, however rare they are.
const SPIKE_EXPECTED_LEAST: f64 = 0.2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Drop,
    Spike,
}

/// The sums of one direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cusum {
    direction: Direction,
    sums: [f64; ALTERNATIVES],
    /// Since when the largest of them is above 0, and what was counted and expected since.
    since: Option<i64>,
    counted: f64,
    expected: f64,
}

impl Direction {
    /// What is tolerated, as a multiple of what is expected.
    pub fn bound(self) -> f64 {
        match self {
            Self::Drop => 0.6,
            Self::Spike => 1.6,
        }
    }

    fn alternatives(self) -> [f64; ALTERNATIVES] {
        match self {
            Self::Drop => [0.01, 0.05, 0.1, 0.25],
            Self::Spike => [2.0, 3.0, 5.0, 10.0],
        }
    }
}

impl Cusum {
    pub fn new(direction: Direction) -> Self {
        Self {
            direction,
            sums: [0.0; ALTERNATIVES],
            since: None,
            counted: 0.0,
            expected: 0.0,
        }
    }

    /// Takes a bucket in that begins at `second`; the logarithm of the evidence. `tolerance` widens what is tolerated.
    pub fn take(&mut self, second: i64, count: f64, expected: f64, dispersion: f64, tolerance: f64) -> f64 {
        let reference = match self.direction {
            Direction::Drop => expected / tolerance,
            Direction::Spike => expected.max(SPIKE_EXPECTED_LEAST) * tolerance,
        };
        let bound = self.direction.bound() * reference;
        for (sum, factor) in self.sums.iter_mut().zip(self.direction.alternatives()) {
            *sum = sum.max(0.0) + log_ratio(count, factor * reference, bound, dispersion);
        }
        let largest = self.sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if largest <= 0.0 {
            self.since = None;
            (self.counted, self.expected) = (0.0, 0.0);
        } else {
            self.since = self.since.or(Some(second));
            self.counted += count;
            self.expected += expected;
        }
        log_mean(self.sums.iter().copied())
    }

    pub fn log_evidence(&self) -> f64 {
        self.sums.iter().copied().fold(0.0, f64::max)
    }

    pub fn alarm(&self, second: i64, log_evidence: f64) -> Alarm {
        Alarm {
            direction: self.direction,
            at: second,
            since: self.since.unwrap_or(second),
            counted: self.counted,
            of: None,
            expected: self.expected,
            log_evidence,
        }
    }
}

/// `ln NB(count; mean, r) - ln NB(count; other, r)` with `r = 1 / dispersion`.
pub fn log_ratio(count: f64, mean: f64, other: f64, dispersion: f64) -> f64 {
    if mean <= 0.0 || other <= 0.0 {
        return 0.0;
    }
    let r = 1.0 / dispersion;
    count * (mean / other).ln() + (count + r) * ((r + other) / (r + mean)).ln()
}
