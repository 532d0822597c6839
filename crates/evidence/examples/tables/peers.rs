//! The rules of other programs, on the same traffic.
//!
//! - A threshold, as in Flagger's analysis (`success-rate` at least 99 %, `request-duration` p99 at most 500 ms, over one minute of
//!   the new version): rolled back at the first or at the fifth failed check; checks that failed add up.
//! - A Mann-Whitney judge, as in Kayenta's classifier: each bucket gives one point for each version. High where the lower end of the
//!   98 % interval of the shift is above a quarter of the shift itself, and the mean has not fallen.

use crate::world::edges_ms;

/// Buckets of a minute.
const MINUTE: usize = 6;
const SUCCESS_LEAST: f64 = 0.99;
const P99_MOST_MS: f64 = 500.0;
/// Failed checks that roll back.
const FIFTH: usize = 5;
/// Of a 98 % interval, two-sided.
const NORMAL_98: f64 = 2.326_347_9;
const TOLERANCE: f64 = 0.25;

/// Failed checks of a threshold.
#[derive(Debug, Default)]
pub struct Threshold {
    window: Vec<Vec<u64>>,
    failed: usize,
}

/// What a window of the new version is held to.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// A bucket is its requests and its errors.
    Success,
    /// A bucket is its histogram.
    Duration,
}

impl Threshold {
    /// The rules that roll back now: at the first failed check, at the fifth.
    pub fn look(&mut self, check: Check, bucket: Vec<u64>) -> (bool, bool) {
        self.window.push(bucket);
        if self.window.len() > MINUTE {
            self.window.remove(0);
        }
        let mut sums = self.window[0].clone();
        for bucket in &self.window[1..] {
            for (sum, count) in sums.iter_mut().zip(bucket) {
                *sum += count;
            }
        }
        let failed = match check {
            Check::Success => sums[0] > 0 && 1.0 - sums[1] as f64 / sums[0] as f64 <= SUCCESS_LEAST - 1e-12,
            Check::Duration => quantile(&sums, 0.99).is_some_and(|p99| p99 > P99_MOST_MS),
        };
        self.failed += usize::from(failed);
        (self.failed >= 1, self.failed >= FIFTH)
    }
}

/// Linear within its bin, as Prometheus has it. `None` of nothing.
pub fn quantile(hist: &[u64], quantile: f64) -> Option<f64> {
    let all: u64 = hist.iter().sum();
    if all == 0 {
        return None;
    }
    let (edges, rank) = (edges_ms(), quantile * all as f64);
    let mut seen = 0.0;
    for (index, bin) in hist.iter().enumerate() {
        let bin = *bin as f64;
        if seen + bin >= rank && bin > 0.0 {
            let low = if index == 0 { 0.0 } else { edges[index - 1] };
            let high = edges.get(index).copied().unwrap_or(low);
            return Some(low + (high - low) * (rank - seen) / bin);
        }
        seen += bin;
    }
    None
}

/// Points of both versions, sorted.
#[derive(Debug, Default)]
pub struct MannWhitney {
    old: Vec<f64>,
    new: Vec<f64>,
}

impl MannWhitney {
    /// Takes a point of each version where there is one; whether the new one is judged higher.
    pub fn look(&mut self, old: Option<f64>, new: Option<f64>) -> bool {
        for (points, point) in [(&mut self.old, old), (&mut self.new, new)] {
            if let Some(point) = point {
                let at = points.partition_point(|other| *other < point);
                points.insert(at, point);
            }
        }
        self.is_higher()
    }

    fn is_higher(&self) -> bool {
        let (n, m) = (self.old.len() as f64, self.new.len() as f64);
        let mean = |points: &[f64]| points.iter().sum::<f64>() / points.len() as f64;
        // Of the `n m` differences this many lie below the lower end of the interval.
        let below = (n * m / 2.0 - NORMAL_98 * (n * m * (n + m + 1.0) / 12.0).sqrt()).floor();
        if below < 1.0 || self.differences_up_to(0.0) >= below || mean(&self.new) < mean(&self.old) {
            return false;
        }
        let shift = self.middle_difference(n * m / 2.0);
        self.differences_up_to(TOLERANCE * shift.abs()) < below
    }

    /// How many differences of a new and an old point are at most `bound`.
    fn differences_up_to(&self, bound: f64) -> f64 {
        let (mut from, mut count) = (0, 0);
        for new in &self.new {
            while from < self.old.len() && self.old[from] < new - bound {
                from += 1;
            }
            count += self.old.len() - from;
        }
        count as f64
    }

    /// The median of the differences (J. L. Hodges and E. L. Lehmann, 1963), by halving.
    fn middle_difference(&self, rank: f64) -> f64 {
        let (mut low, mut high) = (0.0, self.new[self.new.len() - 1] - self.old[0]);
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.differences_up_to(middle) >= rank {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }
}
