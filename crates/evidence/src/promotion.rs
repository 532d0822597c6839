//! Showing that the new version is good, which is more than not having found it bad.

#[cfg(test)]
mod tests;

use crate::e_value::log_mean;
use crate::exact::Count;

/// How often a version may be taken for good enough that is not.
pub const ALPHA: f64 = 0.05;

/// Rates that the new version may have, as shares of the one that is tolerated.
const ALTERNATIVES: [f64; 6] = [0.0, 0.05, 0.1, 0.2, 0.4, 0.6];
/// More requests than anybody waits for.
const REQUESTS_MAX: f64 = 1e15;

/// The logarithm of the e-value against "the rate is at least `tolerance`", between 0 and 1: the mean over alternatives `q`
/// below it of `(q / p)^A ((1 - q) / (1 - p))^(N - A)`. It is read from totals, so the tolerance must not change on the way.
pub fn log_e(count: Count, tolerance: f64) -> f64 {
    let (events, others) = (count.events as f64, (count.trials - count.events) as f64);
    log_e_of(events, others, tolerance)
}

fn log_e_of(events: f64, others: f64, tolerance: f64) -> f64 {
    log_mean(ALTERNATIVES.iter().map(|&share| {
        let of_events = if events == 0.0 { 0.0 } else { events * share.ln() };
        of_events + others * ((-share * tolerance).ln_1p() - (-tolerance).ln_1p())
    }))
}

/// How many more requests, none of them an event, show that the rate is below `tolerance`, between 0 and 1.
pub fn missing(count: Count, tolerance: f64) -> u64 {
    let (events, others) = (count.events as f64, (count.trials - count.events) as f64);
    let enough = |more: f64| log_e_of(events, others + more, tolerance) >= (1.0 / ALPHA).ln();
    least(enough).map_or(u64::MAX, |more| more as u64)
}

/// How many requests typically show that the rate is below `tolerance` if it is `rate`, both between 0 and 1. `None`
/// where no number does, because the rate is too near.
pub fn expected(rate: f64, tolerance: f64) -> Option<f64> {
    least(|requests| {
        let events = requests * rate;
        log_e_of(events, requests - events, tolerance) >= (1.0 / ALPHA).ln()
    })
}

/// The least whole number from 0 on that is `enough`, where every larger one is, too.
pub(crate) fn least(enough: impl Fn(f64) -> bool) -> Option<f64> {
    if enough(0.0) {
        return Some(0.0);
    }
    let mut high = 1.0;
    while !enough(high) {
        high *= 2.0;
        if high > REQUESTS_MAX {
            return None;
        }
    }
    let mut low = (high / 2.0).floor();
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
