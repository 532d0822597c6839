//! What a series is expected to count, by the hour of the week.

use serde::{Deserialize, Serialize};

use super::numbers;

/// Hours of a week.
pub const HOURS: usize = 168;
const DAY: usize = 24;

/// How much of what was known is left after a week: half of it after two and a half, so about four weeks count.
pub(super) const KEPT_PER_WEEK: f32 = 0.75;
/// As many buckets as the hours alike are worth against the hour's own, in the mean: about two hours of 5 minutes.
const SHRINKAGE: f64 = 24.0;
/// The squared coefficient of variation of what is not chance, before anything is known, and what it may become.
const DISPERSION: f64 = 1.0 / 15.0;
const DISPERSION_LEAST: f64 = 1.0 / 50.0;
const DISPERSION_MOST: f64 = 1.0;
/// Buckets that the dispersion before anything is known is worth.
const DISPERSION_BUCKETS: f64 = 200.0;
/// As long as weekdays and weekends cannot be told apart.
const WEEK_SECONDS: f64 = 604_800.0;

/// The usual week of a population, 1 on average.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape([f64; HOURS]);

/// By how much many series together are above or below what is expected of them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    counted: f64,
    expected: f64,
}

/// The hours of the week of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Season {
    /// Counts and buckets of each hour, older weeks counting less.
    #[serde(with = "numbers")]
    counts: [f32; HOURS],
    #[serde(with = "numbers")]
    buckets: [f32; HOURS],
    /// All of them, of any age.
    seen: u32,
    /// Numerator and denominator of the dispersion.
    excess: (f64, f64),
    /// The hour that was begun, and whether it, or one alike, had been seen by then.
    hour: usize,
    known: bool,
    /// Mean of a bucket, over all hours, by then.
    level: f64,
}

impl Shape {
    /// The week of these series together. `None` where an hour was never seen.
    pub fn of<'a>(seasons: impl Iterator<Item = &'a Season>) -> Option<Self> {
        let (mut counts, mut buckets) = ([0.0; HOURS], [0.0; HOURS]);
        for season in seasons {
            for hour in 0..HOURS {
                counts[hour] += f64::from(season.counts[hour]);
                buckets[hour] += f64::from(season.buckets[hour]);
            }
        }
        let means: [f64; HOURS] = std::array::from_fn(|hour| counts[hour] / buckets[hour]);
        let mean = means.iter().sum::<f64>() / HOURS as f64;
        (mean.is_finite() && mean > 0.0).then(|| Self(means.map(|hour| hour / mean)))
    }
}

impl Common {
    /// How much of the past counts on, where the present is little.
    const KEPT: f64 = 0.85;
    /// Expected counts that are enough to do without the past.
    const ENOUGH: f64 = 500.0;
    /// A large series counts as much as one of which this is expected: its own trouble is not everybody's.
    const SERIES_MOST: f64 = 10.0;
    /// As many expected counts say that all is as usual.
    const PRIOR: f64 = 20.0;
    const LEAST: f64 = 0.05;
    const MOST: f64 = 20.0;

    /// Takes in what was counted and expected of each series in the bucket that is about to be judged.
    pub fn take(&mut self, series: impl Iterator<Item = (f64, f64)>) {
        let (counted, expected) = series.fold((0.0, 0.0), |(counts, sum), (counted, expected)| {
            let weight = (Self::SERIES_MOST / expected).min(1.0);
            (counts + weight * counted, sum + weight * expected)
        });
        let kept = Self::KEPT * Self::ENOUGH / (Self::ENOUGH + expected);
        self.counted = self.counted * kept + counted;
        self.expected = self.expected * kept + expected;
    }

    /// 1 where all is as usual.
    pub fn factor(self) -> f64 {
        ((self.counted + Self::PRIOR) / (self.expected + Self::PRIOR)).clamp(Self::LEAST, Self::MOST)
    }
}

impl Season {
    pub fn new() -> Self {
        Self {
            counts: [0.0; HOURS],
            buckets: [0.0; HOURS],
            seen: 0,
            excess: (0.0, 0.0),
            hour: HOURS,
            known: false,
            level: 0.0,
        }
    }

    /// The mean of a bucket over all hours, as it was at the beginning of this one.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Whether the hour that was begun, or one alike, was seen before.
    pub fn known(&self) -> bool {
        self.known
    }

    /// How long it has been seen.
    pub fn seconds(&self, bucket_seconds: u32) -> f64 {
        f64::from(self.seen) * f64::from(bucket_seconds)
    }

    /// By how much more than `expected` may be missing or too much in the first week.
    pub fn tolerance(&self, bucket_seconds: u32) -> f64 {
        if self.seconds(bucket_seconds) < WEEK_SECONDS {
            2.0
        } else {
            1.0
        }
    }

    /// The mean of the hour, as far as it was seen, drawn to that of hours alike: the posterior mean of a Poisson rate with a Gamma
    /// prior. Alike are the hours of the same population, and without one the same hours of other days: of Monday to Friday
    /// or of the weekend, as the hour is.
    pub fn expected(&self, hour: usize, shape: Option<&Shape>) -> f64 {
        let prior = match shape {
            Some(shape) => self.level * shape.0[hour],
            None => {
                let (counts, buckets) = self.alike(hour);
                (counts + SHRINKAGE * self.level) / (buckets + SHRINKAGE)
            }
        };
        let (counts, buckets) = (f64::from(self.counts[hour]), f64::from(self.buckets[hour]));
        (counts + SHRINKAGE * prior) / (buckets + SHRINKAGE)
    }

    /// Counts and buckets of the same hour on days of the same kind.
    fn alike(&self, hour: usize) -> (f64, f64) {
        let is_weekend = |hour: usize| hour / DAY >= 5;
        let days = (hour % DAY..HOURS).step_by(DAY);
        let days = days.filter(|day| is_weekend(*day) == is_weekend(hour));
        days.fold((0.0, 0.0), |(counts, buckets), hour| {
            (
                counts + f64::from(self.counts[hour]),
                buckets + f64::from(self.buckets[hour]),
            )
        })
    }

    /// The squared coefficient of variation of the rate around what is expected: `1 / r` of the negative binomial distribution.
    pub fn dispersion(&self) -> f64 {
        let known = DISPERSION_BUCKETS / (DISPERSION * DISPERSION);
        let dispersion = (self.excess.0 + known * DISPERSION) / (self.excess.1 + known);
        dispersion.clamp(DISPERSION_LEAST, DISPERSION_MOST)
    }

    /// Takes a bucket in, of which `expected` was said.
    pub fn learn(&mut self, hour: usize, count: f64, expected: f64) {
        self.counts[hour] += count as f32;
        self.buckets[hour] += 1.0;
        self.seen = self.seen.saturating_add(1);
        // Before the first day is over nothing that was expected means anything. A single count counts as far as it may be chance.
        if expected > 0.0 && self.level > 0.0 {
            let count = count.min(4.0 * expected + 10.0);
            let weight = 1.0 / (1.0 + expected * DISPERSION).powi(2);
            self.excess.0 += weight * ((count - expected).powi(2) - expected);
            self.excess.1 += weight * expected * expected;
        }
    }

    /// Before each bucket. In the first one of an hour what is older begins to count less, and the level is what it is by now.
    pub fn begin(&mut self, hour: usize, shape: Option<&Shape>) {
        if hour == self.hour {
            return;
        }
        self.hour = hour;
        self.known = shape.is_some() || self.alike(hour).1 > 0.0;
        let sum = |of: &[f32; HOURS]| of.iter().map(|value| f64::from(*value)).sum::<f64>();
        let buckets = sum(&self.buckets);
        if buckets > 0.0 {
            self.level = sum(&self.counts) / buckets;
        }
        self.counts[hour] *= KEPT_PER_WEEK;
        self.buckets[hour] *= KEPT_PER_WEEK;
    }

    /// Everything is `factor` times as much from now on.
    pub fn rescale(&mut self, factor: f64) {
        for count in &mut self.counts {
            *count = (f64::from(*count) * factor) as f32;
        }
        self.level *= factor;
    }
}

impl Default for Season {
    fn default() -> Self {
        Self::new()
    }
}
