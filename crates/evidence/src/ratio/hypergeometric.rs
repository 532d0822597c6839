//! The sums of Fisher's noncentral hypergeometric distribution.

use super::POINTS;
use crate::exact::log_choose;
use crate::pair::Pair;

/// Terms below this share of the sum are left out.
const NEGLIGIBLE: f64 = 1e-15;
/// As far as powers of ratios stay within the range of numbers, and what falls out of it does not count.
const EXPONENT_MAX: f64 = 600.0;

/// The four sums of a bucket, and how many events can have been on the new version.
struct Table {
    new: f64,
    old: f64,
    events: f64,
    least: f64,
    most: f64,
}

/// `ln sum_j h(j) r^j` at each ratio: `h(j)` is the probability that `j` of the events fall on the requests of the new version if
/// all fall at random.
pub fn log_generating(pair: Pair, ratios: &[f64; POINTS], logs: &[f64; POINTS]) -> [f64; POINTS] {
    let table = Table::new(pair);
    let steepest = logs[0].abs().max(logs[POINTS - 1].abs());
    if (table.most - table.least) * steepest < EXPONENT_MAX {
        return table.narrow(ratios, logs);
    }
    std::array::from_fn(|k| table.wide(ratios[k], logs[k]))
}

impl Table {
    fn new(pair: Pair) -> Self {
        let (new, old) = (pair.new_version().trials as f64, pair.old().trials as f64);
        let events = pair.new_version().events as f64 + pair.old().events as f64;
        Self {
            new,
            old,
            events,
            least: (events - old).max(0.0),
            most: events.min(new),
        }
    }

    /// `h(j + 1) / h(j)`.
    fn step(&self, j: f64) -> f64 {
        (self.events - j) * (self.new - j) / ((j + 1.0) * (self.old - self.events + j + 1.0))
    }

    /// The largest term of `h(j) r^j`: the terms rise as long as their quotient is above 1, and it only falls.
    fn mode(&self, ratio: f64) -> f64 {
        let (mut low, mut high) = (self.least, self.most);
        while low < high {
            let middle = ((low + high) / 2.0).floor();
            if ratio * self.step(middle) > 1.0 {
                low = middle + 1.0;
            } else {
                high = middle;
            }
        }
        low
    }

    /// All terms, for all ratios in one go, as multiples of `h` at its mode.
    fn narrow(&self, ratios: &[f64; POINTS], logs: &[f64; POINTS]) -> [f64; POINTS] {
        let mode = self.mode(1.0);
        let (mut all, mut sums) = (1.0, [1.0; POINTS]);
        let (mut weight, mut powers, mut j) = (1.0, [1.0; POINTS], mode);
        while j < self.most {
            weight *= self.step(j);
            j += 1.0;
            all += weight;
            for k in 0..POINTS {
                powers[k] *= ratios[k];
                sums[k] += weight * powers[k];
            }
        }
        // A multiplication is several times as fast as a division.
        let inverse = ratios.map(f64::recip);
        (weight, powers, j) = (1.0, [1.0; POINTS], mode);
        while j > self.least {
            j -= 1.0;
            weight /= self.step(j);
            all += weight;
            for k in 0..POINTS {
                powers[k] *= inverse[k];
                sums[k] += weight * powers[k];
            }
        }
        std::array::from_fn(|k| mode * logs[k] + (sums[k] / all).ln())
    }

    /// The terms of one ratio outward from the largest, until they do not count.
    fn wide(&self, ratio: f64, log: f64) -> f64 {
        let mode = self.mode(ratio);
        let log_largest = log_choose(self.new, mode) + log_choose(self.old, self.events - mode)
            - log_choose(self.new + self.old, self.events)
            + mode * log;
        let (mut sum, mut term, mut j) = (1.0, 1.0, mode);
        while j < self.most && term > sum * NEGLIGIBLE {
            term *= ratio * self.step(j);
            j += 1.0;
            sum += term;
        }
        (term, j) = (1.0, mode);
        while j > self.least && term > sum * NEGLIGIBLE {
            j -= 1.0;
            term /= ratio * self.step(j);
            sum += term;
        }
        log_largest + f64::ln(sum)
    }
}
