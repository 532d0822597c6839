//! Two versions measured one after the other, again and again: how many times as long the new one takes.
//!
//! Of each pair the logarithm of the ratio is kept. If both are equal but for a factor, what is left is as often above as below that factor,
//! whatever its distribution: the signed-rank test (F. Wilcoxon, Biometrics Bulletin 1, 1945) asks for nothing else than that symmetry. The
//! interval is the set of factors it does not reject, the estimate the median of all means of two (J. L. Hodges and E. L. Lehmann,
//! Annals of Mathematical Statistics 34, 1963). A few pairs that a busy machine has spoiled move neither far.
//!
//! It is read once, when all pairs are there.

mod blocks;
#[cfg(test)]
mod tests;

pub use blocks::{BLOCKS_MIN, independent_blocks};

/// The work grows with the third power of this.
pub const PAIRS_MAX: usize = 200;

/// How many times as long the new version takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedRatio {
    pub estimate: f64,
    /// The ratio is below this with a probability of at most `miss_low`.
    pub low: f64,
    /// The ratio is above this with a probability of at most `miss_high`.
    pub high: f64,
}

/// What is shown of a ratio and a margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    Above,
    AtMost,
    /// Neither.
    Open,
}

impl PairedRatio {
    /// Each with the probability of error that the ratio was made with.
    pub fn decide(&self, margin: f64) -> Against {
        if self.low > margin {
            Against::Above
        } else if self.high <= margin {
            Against::AtMost
        } else {
            Against::Open
        }
    }

    /// Of `(old, new)`, both above 0 and in the same unit. `None` where these are too few, which is fewer than seven at 0.01, more
    /// than [`PAIRS_MAX`], or no such numbers.
    pub fn of(pairs: &[(f64, f64)], miss_low: f64, miss_high: f64) -> Option<Self> {
        let is_time = |time: f64| time.is_finite() && time > 0.0;
        if pairs.len() > PAIRS_MAX || !pairs.iter().all(|&(old, new)| is_time(old) && is_time(new)) {
            return None;
        }
        let (below, above) = (outside(pairs.len(), miss_low)?, outside(pairs.len(), miss_high)?);
        let logs: Vec<f64> = pairs.iter().map(|(old, new)| (new / old).ln()).collect();
        let mut means: Vec<f64> = Vec::with_capacity(logs.len() * (logs.len() + 1) / 2);
        for (index, &one) in logs.iter().enumerate() {
            means.extend(logs[index..].iter().map(|&other| f64::midpoint(one, other)));
        }
        means.sort_by(f64::total_cmp);
        let last = means.len() - 1;
        Some(Self {
            estimate: f64::midpoint(means[last / 2], means[last.div_ceil(2)]).exp(),
            low: means[below].exp(),
            high: means[last - above].exp(),
        })
    }
}

/// The largest rank sum that is reached or stayed below with a probability of at most `alpha`, if there is one: each of the ranks
/// from 1 to `pairs` is counted or not, by the throw of a coin.
fn outside(pairs: usize, alpha: f64) -> Option<usize> {
    let most = pairs * (pairs + 1) / 2;
    let mut probability = vec![0.0; most + 1];
    probability[0] = 1.0;
    for rank in 1..=pairs {
        for sum in (0..=most).rev() {
            let before = if sum >= rank { probability[sum - rank] } else { 0.0 };
            probability[sum] = f64::midpoint(probability[sum], before);
        }
    }
    let mut together = 0.0;
    let reached = probability.iter().take_while(|&&one| {
        together += one;
        together <= alpha
    });
    reached.count().checked_sub(1)
}
