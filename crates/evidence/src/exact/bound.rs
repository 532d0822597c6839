//! Bounds of a share by C. J. Clopper and E. S. Pearson (Biometrika 26, 1934): they never miss more often than said.

use super::{Count, binomial};

/// Halvings after which a bound between 0 and 1 is as exact as a number can be.
const HALVINGS: usize = 60;

/// The share is below this with a probability of at most `miss`. 0 where there was no event.
pub fn share_at_least(count: Count, miss: f64) -> f64 {
    if count.events == 0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, count.share());
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if binomial(count, middle) < miss {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The share is above this with a probability of at most `miss`. 1 where nothing but events was seen, or nothing at all.
pub fn share_at_most(count: Count, miss: f64) -> f64 {
    if count.events == 0 && count.trials > 0 {
        // The closed form of the most frequent case.
        return 1.0 - miss.powf(1.0 / count.trials as f64);
    }
    let others = Count {
        events: count.trials - count.events,
        trials: count.trials,
    };
    1.0 - share_at_least(others, miss)
}
