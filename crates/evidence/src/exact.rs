//! Exact one-sided tests on counts. No normal approximation: the counts that decide early are small.

mod bound;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use bound::{share_at_least, share_at_most};

/// Events among trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    pub events: u64,
    pub trials: u64,
}

impl Count {
    /// Between 0 and 1; of no trials 0.
    pub fn share(self) -> f64 {
        if self.trials == 0 {
            0.0
        } else {
            self.events as f64 / self.trials as f64
        }
    }
}

/// Exact binomial test (C. J. Clopper and E. S. Pearson, Biometrika 26, 1934), one-sided: the probability of at
/// least `count.events` events if each trial has the probability `limit`, between 0 and 1. 1 where the share is not above it.
pub fn binomial(count: Count, limit: f64) -> f64 {
    if count.share() <= limit {
        return 1.0;
    }
    if limit <= 0.0 {
        return 0.0;
    }
    let (n, first) = (count.trials as f64, count.events as f64);
    let log_first = log_choose(n, first) + first * limit.ln() + (n - first) * (-limit).ln_1p();
    let odds = limit / (1.0 - limit);
    tail(log_first, first, n, |x| (n - x) / (x + 1.0) * odds)
}

/// The sum of the terms from `first` to `last`, each `ratio` of the one before. They begin above the mean and so only fall.
fn tail(log_first: f64, first: f64, last: f64, ratio: impl Fn(f64) -> f64) -> f64 {
    let (mut sum, mut term, mut x) = (1.0, 1.0, first);
    while x < last && term > sum * 1e-16 {
        term *= ratio(x);
        sum += term;
        x += 1.0;
    }
    (log_first + f64::ln(sum)).exp().min(1.0)
}

/// `ln C(n, k)`.
pub(crate) fn log_choose(n: f64, k: f64) -> f64 {
    log_factorial(n) - log_factorial(k) - log_factorial(n - k)
}

/// `ln n!`: a sum where `n` is small, else Stirling's series (Abramowitz and Stegun 6.1.41; error below 1e-12 from 16 on).
fn log_factorial(n: f64) -> f64 {
    if n < 16.0 {
        return (2..=n as u32).map(|factor| f64::from(factor).ln()).sum();
    }
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + series
}

/// Which hypotheses fall when all of them together may err with `significance` (S. Holm, Scand. J. Statist. 6, 1979): the
/// `i`-th smallest of `m` probabilities is compared with `significance / (m - i)`, until the first that is larger.
pub fn holm(probabilities: &[f64], significance: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let mut rejected = vec![false; probabilities.len()];
    for (rank, &index) in order.iter().enumerate() {
        if probabilities[index] > significance / (probabilities.len() - rank) as f64 {
            break;
        }
        rejected[index] = true;
    }
    rejected
}
