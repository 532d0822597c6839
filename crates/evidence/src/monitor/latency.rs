//! Latency, as shares of requests above thresholds that were known before.
//!
//! A threshold is the edge of the bin in which a quantile of the old version lies, by everything strictly before the bucket that
//! is judged: so it cannot follow from what it judges. Where tenants are assigned it stays where their history has put it, since
//! what is usual is known for that one alone.

use crate::e_value::log_weighted_mean;
use crate::exact::Count;
use crate::pair::Pair;
use crate::ratio::Form;

use super::comparison::Comparison;
use super::history::Usual;
use super::{Assignment, Bucket, Counts, Rule};

/// A shift of everything shows at the middle, one of the slowest in the tail, and which it is, nobody knows before.
const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.975, 0.99];
/// What is bet on each.
const STAKES: [f64; QUANTILES.len()] = [4.0, 1.5, 1.0, 2.0, 1.5];
/// The one that `tolerance` is about.
const TOLERATED: usize = 4;

/// One comparison for each quantile.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    /// Requests of the old version by bin, so far.
    baseline: Vec<u64>,
    /// The bin above whose edge requests are slow; `None` where it is not known, or is the one above the last edge.
    bins: [Option<usize>; QUANTILES.len()],
    /// In the order of the quantiles.
    comparisons: Vec<Comparison>,
    /// Whether the thresholds follow the baseline.
    follows: bool,
}

impl Latency {
    pub fn new(rule: &Rule, history: &[Bucket]) -> Self {
        let mut baseline = vec![0; rule.edges_ms.len() + 1];
        for bucket in history {
            // Before the new version both sides were on the old one.
            add(&mut baseline, &bucket.old.hist);
            add(&mut baseline, &bucket.new.hist);
        }
        let bins = QUANTILES.map(|quantile| quantile_bin(&baseline, quantile));
        let form = match rule.assignment {
            Assignment::Requests => Form::Odds,
            Assignment::Tenants => Form::Rates,
        };
        let comparisons = bins.iter().map(|bin| {
            let usual = match rule.assignment {
                Assignment::Requests => Some(Usual::EQUAL),
                Assignment::Tenants => {
                    bin.and_then(|bin| Usual::of(rule, history, QUANTILES.len(), |counts| above(&counts.hist, bin)))
                }
            };
            Comparison::new(form, usual, rule.margin)
        });
        Self {
            baseline,
            bins,
            comparisons: comparisons.collect(),
            follows: rule.assignment == Assignment::Requests,
        }
    }

    /// Takes a bucket in that was checked. Requests that were measured: of the old version, of the new one.
    pub fn observe(&mut self, old: &Counts, new: &Counts) -> (u64, u64) {
        for (bin, comparison) in self.bins.iter().zip(&mut self.comparisons) {
            let pair = bin.and_then(|bin| Pair::new(above(&old.hist, bin), above(&new.hist, bin)));
            if let Some(pair) = pair {
                comparison.observe(pair);
            }
        }
        if self.follows {
            add(&mut self.baseline, &old.hist);
            self.bins = QUANTILES.map(|quantile| quantile_bin(&self.baseline, quantile));
        }
        (old.hist.iter().sum(), new.hist.iter().sum())
    }

    /// The logarithm of the weighted mean of the evidence of all quantiles.
    pub fn log_e(&self) -> f64 {
        log_weighted_mean(STAKES.into_iter().zip(self.comparisons.iter().map(Comparison::log_e)))
    }

    /// The logarithm of the evidence that at every quantile the new version is worse by less than the margin.
    pub fn log_e_below_margin(&self) -> f64 {
        let logs = self.comparisons.iter().map(Comparison::log_e_below_margin);
        logs.fold(f64::INFINITY, f64::min)
    }

    /// Requests of the new version above the old one's p99.
    pub fn slow(&self) -> Count {
        self.comparisons[TOLERATED].new
    }

    /// The ratio at the quantile that speaks loudest, and where it lies.
    pub fn estimate(&self, alpha: f64) -> (Option<f64>, (f64, Option<f64>)) {
        let (_, loudest) = self.loudest();
        // Which one is shown was chosen by the numbers, so all of them have to hold together.
        (loudest.estimate(), loudest.interval(alpha / QUANTILES.len() as f64))
    }

    pub fn in_words(&self) -> String {
        let (quantile, loudest) = self.loudest();
        loudest.in_words(&format!("slower than the old version's p{}:", quantile * 100.0))
    }

    fn loudest(&self) -> (f64, &Comparison) {
        let first = (QUANTILES[0], &self.comparisons[0]);
        let rest = QUANTILES.into_iter().zip(&self.comparisons).skip(1);
        rest.fold(first, |loudest, next| {
            if next.1.log_e() > loudest.1.log_e() {
                next
            } else {
                loudest
            }
        })
    }
}

fn add(sums: &mut [u64], bins: &[u64]) {
    for (sum, bin) in sums.iter_mut().zip(bins) {
        *sum = sum.saturating_add(*bin);
    }
}

/// The bin that holds the quantile by nearest rank. `None` of nothing, and where it has no upper edge.
fn quantile_bin(bins: &[u64], quantile: f64) -> Option<usize> {
    let all: f64 = bins.iter().map(|bin| *bin as f64).sum();
    let mut seen = 0.0;
    let bin = bins.iter().position(|bin| {
        seen += *bin as f64;
        seen >= quantile * all
    })?;
    (all > 0.0 && bin + 1 < bins.len()).then_some(bin)
}

/// Requests that took longer than the edge of `bin`.
fn above(bins: &[u64], bin: usize) -> Count {
    Count {
        events: bins[bin + 1..].iter().sum(),
        trials: bins.iter().sum(),
    }
}
