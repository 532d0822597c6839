//! Traffic that is made up: who calls, how often it fails and how long it takes.

use tidegate_evidence::Counts;

use crate::random::Random;

/// Seconds of a bucket, between two looks.
pub const BUCKET: f64 = 10.0;
/// Buckets of an hour.
pub const HOUR: usize = 360;

/// As the gateway has them: each 5/4 of the one before.
const EDGES: usize = 56;
const FIRST_EDGE_MS: f64 = 0.25;

/// Latency without a release: lognormal, median 80 ms, p99 400 ms.
const MEDIAN_MS: f64 = 80.0;
const P99_MS: f64 = 400.0;
const NORMAL_P95: f64 = 1.644_853_6;
const NORMAL_P99: f64 = 2.326_347_9;

/// What the new version does to latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slower {
    No,
    /// Every request by a fifth.
    All,
    /// Requests above the p95 by a fifth.
    Tail,
}

/// The latency of one version, as shares of the bins.
#[derive(Debug, Clone)]
pub struct Latency {
    shares: Vec<f64>,
    sums: Vec<f64>,
}

pub fn edges_ms() -> Vec<f64> {
    (0..EDGES)
        .map(|index| FIRST_EDGE_MS * 1.25_f64.powi(index as i32))
        .collect()
}

impl Latency {
    pub fn new(slower: Slower) -> Self {
        let mut sums: Vec<f64> = edges_ms().into_iter().map(|edge| faster_than(edge, slower)).collect();
        sums.push(1.0);
        let shares = (0..sums.len()).map(|index| sums[index] - if index == 0 { 0.0 } else { sums[index - 1] });
        Self {
            shares: shares.collect(),
            sums,
        }
    }

    /// Adds requests, `mean` of them on average.
    pub fn draw(&self, random: &mut Random, mean: f64, hist: &mut Vec<u64>) {
        hist.clear();
        hist.resize(self.shares.len(), 0);
        if mean > 200.0 {
            for (bin, share) in hist.iter_mut().zip(&self.shares) {
                *bin = random.poisson(mean * share);
            }
        } else {
            for _ in 0..random.poisson(mean) {
                let share = random.share();
                hist[self.sums.partition_point(|sum| *sum < share)] += 1;
            }
        }
    }
}

/// The share of requests up to `edge`.
fn faster_than(edge: f64, slower: Slower) -> f64 {
    let sigma = (P99_MS / MEDIAN_MS).ln() / NORMAL_P99;
    let usual = |latency: f64| normal_cdf((latency / MEDIAN_MS).ln() / sigma);
    match slower {
        Slower::No => usual(edge),
        Slower::All => usual(edge / 1.2),
        Slower::Tail => {
            let p95 = MEDIAN_MS * (sigma * NORMAL_P95).exp();
            // As ever up to the p95, then a gap: nothing is left between it and 1.2 times of it.
            if edge <= 1.2 * p95 {
                usual(edge.min(p95))
            } else {
                usual(edge / 1.2)
            }
        }
    }
}

/// The normal distribution, by its series near 0 and its continued fraction far from it (M. Abramowitz and I. A. Stegun
/// 26.2.11 and 26.2.14).
fn normal_cdf(x: f64) -> f64 {
    if x < 0.0 {
        return 1.0 - normal_cdf(-x);
    }
    let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    if x < 3.0 {
        let (mut term, mut sum, mut n) = (x, x, 1.0);
        while term > 1e-17 * sum {
            n += 2.0;
            term *= x * x / n;
            sum += term;
        }
        return 0.5 + density * sum;
    }
    let fraction = (1..60).rev().fold(0.0, |fraction, n| f64::from(n) / (x + fraction));
    1.0 - density / (x + fraction)
}

/// Requests, `mean` of them on average, of which errors have this rate.
pub fn counts(random: &mut Random, mean: f64, rate: f64) -> Counts {
    let events = random.poisson(mean * rate);
    Counts {
        n: events + random.poisson(mean * (1.0 - rate)),
        events,
        hist: Vec::new(),
    }
}

/// One hour of a canary by random split.
#[derive(Debug, Clone)]
pub struct Canary {
    pub per_second: f64,
    /// Of the new version.
    pub split: f64,
    pub error_rates: (f64, f64),
    pub latency: (Latency, Latency),
}

impl Canary {
    pub fn errors(&self, random: &mut Random) -> (Counts, Counts) {
        self.errors_at(random, self.split, 1.0)
    }

    /// At another split, and with all error rates multiplied.
    pub fn errors_at(&self, random: &mut Random, split: f64, factor: f64) -> (Counts, Counts) {
        let mut side = |share: f64, rate: f64| counts(random, self.per_second * BUCKET * share, rate * factor);
        (side(1.0 - split, self.error_rates.0), side(split, self.error_rates.1))
    }

    pub fn latencies(&self, random: &mut Random, old: &mut Counts, new: &mut Counts) {
        let mean = self.per_second * BUCKET;
        self.latency.0.draw(random, mean * (1.0 - self.split), &mut old.hist);
        self.latency.1.draw(random, mean * self.split, &mut new.hist);
    }
}
