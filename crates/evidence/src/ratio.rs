//! How much more often something happens on the new version than on the old one: one state for every question about it.
//!
//! Counts come in buckets of a few seconds, and each bucket compares the versions with each other at that time. So neither a base
//! rate that drifts nor a split that changes is taken for a difference; counts pooled over buckets would be (Simpson's paradox).
//! In a bucket with `n_new` and `n_old` requests and `m` events, `a` of them on the new version, the likelihood of a ratio `r`
//! given `m` is, in two forms,
//!
//! - [`Form::Rates`]: `r^a / (1 - rho + rho r)^m` with `rho = n_new / (n_new + n_old)`, `r` the ratio of the rates;
//! - [`Form::Odds`]: `r^a / C(r)` with `C(r) = sum_j h(j) r^j`, `h` the hypergeometric distribution of `a` given all four sums,
//!   `r` the ratio of the odds (R. A. Fisher, J. R. Stat. Soc. 98, 1935).
//!
//! The e-value against "the ratio is at most `c`" is a weighted mean of `L(r) / L(c)` over alternatives `r > c`; against "at least `c`"
//! over `r < c`. Each factor is 1 on average at the most where the null hypothesis holds, whatever has happened before:
//!
//! - *odds*: `L(r) / L(c)` is the likelihood ratio of two distributions of `a` given the sums. It is 1 on average at `c`, and less
//!   on its other side, since the likelihood ratio is monotone.
//! - *rates, with `m` given and `c = 1`*: where requests fall on the versions at random, `a` is hypergeometric; that is below the
//!   binomial distribution of `m` and `rho` in convex order (W. Hoeffding, J. Am. Stat. Assoc. 58, 1963, theorem 4), and `r^a` is
//!   convex. Nothing is asked of how events depend on each other.
//! - *rates, any `c`*: where events of different requests are independent, with `D = (1 - rho + rho r) / (1 - rho + rho c)` and
//!   rates `p_new <= c p_old`, the mean of the factor is at most `exp(n_new p_new (r / (c D) - 1) + n_old p_old (1 / D - 1)) <= 1`, because
//!   `ln(1 + x) <= x` and the exponent is 0 at `p_new = c p_old`. The same holds for `r < c` and `p_new >= c p_old`.

mod hypergeometric;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::LazyLock;

use crate::e_value::log_weighted_mean;
use crate::pair::Pair;

/// Points on the ladder.
pub(crate) const POINTS: usize = 21;
pub(crate) const CENTRE: usize = POINTS / 2;

/// Ratios, as multiples of the one that is ignored.
const LADDER: [f64; POINTS] = [
    1.0 / 100.0,
    1.0 / 30.0,
    1.0 / 10.0,
    1.0 / 5.0,
    1.0 / 3.0,
    1.0 / 2.0,
    1.0 / 1.75,
    1.0 / 1.5,
    1.0 / 1.25,
    1.0 / 1.1,
    1.0,
    1.1,
    1.25,
    1.5,
    1.75,
    2.0,
    3.0,
    5.0,
    10.0,
    30.0,
    100.0,
];

/// What the ratio is a ratio of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Of rates. Short, and sharp where events are rare.
    Rates,
    /// Of odds, exact: sharper where events are frequent, as "slower than the median" is.
    Odds,
}

/// How much is bet on each step away from the ratio that is ignored. Any weights are fair. A fault multiplies errors; a shift of all
/// latencies moves the odds of being slow by little.
const STAKES_ON_RATES: [f64; CENTRE] = [0.5, 1.0, 1.0, 0.5, 1.5, 1.5, 1.5, 1.5, 0.5, 0.5];
const STAKES_ON_ODDS: [f64; CENTRE] = [1.0, 1.5, 1.5, 1.5, 1.5, 1.0, 1.0, 0.5, 0.25, 0.25];

static LOG_LADDER: LazyLock<[f64; POINTS]> = LazyLock::new(|| LADDER.map(f64::ln));

/// The ratios at which the likelihood is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ladder {
    ignored: f64,
    log_ignored: f64,
}

/// The log-likelihood of the ratio of the new version to the old one, on a ladder around the ratio that is ignored. It is a
/// sum over buckets, so their order does not matter, and two can be added.
#[derive(Debug, Clone, PartialEq)]
pub struct Likelihood {
    ladder: Ladder,
    form: Form,
    log: [f64; POINTS],
    /// Numerator and denominator of the estimate by Mantel and Haenszel (J. Natl. Cancer Inst. 22, 1959), which adds up over
    /// buckets without pooling them; for rates as by S. Greenland and J. M. Robins (Biometrics 41, 1985).
    estimate: (f64, f64),
}

impl Ladder {
    /// Around `ignored`, which is positive and finite.
    pub(crate) fn new(ignored: f64) -> Self {
        Self {
            ignored,
            log_ignored: ignored.ln(),
        }
    }

    fn ratios(self) -> [f64; POINTS] {
        LADDER.map(|step| self.ignored * step)
    }

    fn logs(self) -> [f64; POINTS] {
        LOG_LADDER.map(|step| self.log_ignored + step)
    }

    /// The log-likelihood that one bucket adds at each ratio, up to a constant.
    pub(crate) fn log_likelihood(self, pair: Pair, form: Form) -> [f64; POINTS] {
        if !pair.speaks() {
            return [0.0; POINTS];
        }
        let (old, new) = (pair.old(), pair.new_version());
        let share = new.trials as f64 / (new.trials as f64 + old.trials as f64);
        match form {
            Form::Rates => self.log_binomial(new.events as f64, (old.events + new.events) as f64, share),
            Form::Odds => {
                let logs = self.logs();
                let constant = hypergeometric::log_generating(pair, &self.ratios(), &logs);
                std::array::from_fn(|k| new.events as f64 * logs[k] - constant[k])
            }
        }
    }

    /// `events` of `all` fell on the new version, to which `share` of the requests go, between 0 and 1.
    pub(crate) fn log_binomial(self, events: f64, all: f64, share: f64) -> [f64; POINTS] {
        let (ratios, logs) = (self.ratios(), self.logs());
        std::array::from_fn(|k| events * logs[k] - all * (share * (ratios[k] - 1.0)).ln_1p())
    }

    /// What is bet on each ratio above the one that is ignored, and its log-likelihood beyond that one's in `log`.
    pub(crate) fn above(log: &[f64; POINTS], form: Form) -> impl Iterator<Item = (f64, f64)> + Clone {
        let ignored = log[CENTRE];
        let beyond = log[CENTRE + 1..].iter().map(move |log| log - ignored);
        form.stakes().into_iter().zip(beyond)
    }
}

impl Form {
    pub(crate) fn stakes(self) -> [f64; CENTRE] {
        match self {
            Self::Rates => STAKES_ON_RATES,
            Self::Odds => STAKES_ON_ODDS,
        }
    }

    /// What is bet on the point `k` of the ladder.
    fn stake(self, k: usize) -> f64 {
        let steps = k.abs_diff(CENTRE);
        self.stakes()[steps.max(1) - 1]
    }
}

impl Likelihood {
    /// Nothing is known yet. `ignored` is the largest ratio that is no cause to act, 1 where none is; positive and finite.
    pub fn new(form: Form, ignored: f64) -> Self {
        Self {
            ladder: Ladder::new(ignored),
            form,
            log: [0.0; POINTS],
            estimate: (0.0, 0.0),
        }
    }

    /// Takes a bucket in. One without requests on both sides, or without an event, says nothing.
    pub fn observe(&mut self, pair: Pair) {
        if !pair.speaks() {
            return;
        }
        self.add(self.ladder.log_likelihood(pair, self.form));
        let count = |count: u64| count as f64;
        let (old, new) = (pair.old(), pair.new_version());
        let all = count(old.trials) + count(new.trials);
        let (others_old, others_new) = match self.form {
            Form::Rates => (old.trials, new.trials),
            Form::Odds => (old.trials - old.events, new.trials - new.events),
        };
        self.estimate.0 += count(new.events) * count(others_old) / all;
        self.estimate.1 += count(old.events) * count(others_new) / all;
    }

    /// Takes in that `new` of `new + old` requests came to the new version, which was to get `share` of them, between 0 and 1.
    pub fn observe_split(&mut self, old: u64, new: u64, share: f64) {
        let (old, new) = (old as f64, new as f64);
        self.add(self.ladder.log_binomial(new, old + new, share));
        self.estimate.0 += new * (1.0 - share);
        self.estimate.1 += old * share;
    }

    fn add(&mut self, more: [f64; POINTS]) {
        for (log, more) in self.log.iter_mut().zip(more) {
            *log += more;
        }
    }

    /// The logarithm of the e-value against "the ratio is at most `bound`", of the next point of the ladder from `bound` on.
    pub fn log_e_above(&self, bound: f64) -> f64 {
        match self.ladder.ratios().iter().position(|ratio| *ratio >= bound) {
            Some(at) => self.log_e_over(at + 1..POINTS, at),
            None => 0.0,
        }
    }

    /// The logarithm of the e-value against "the ratio is at least `bound`", of the next point of the ladder from `bound` down.
    pub fn log_e_below(&self, bound: f64) -> f64 {
        match self.ladder.ratios().iter().rposition(|ratio| *ratio <= bound) {
            Some(at) => self.log_e_over(0..at, at),
            None => 0.0,
        }
    }

    fn log_e_over(&self, alternatives: Range<usize>, null: usize) -> f64 {
        log_weighted_mean(alternatives.map(|k| (self.form.stake(k), self.log[k] - self.log[null])))
    }

    /// The ratio that is ignored.
    pub fn ignored(&self) -> f64 {
        self.ladder.ignored
    }

    /// The ratio, estimated. `None` where nothing has happened on the old version.
    pub fn estimate(&self) -> Option<f64> {
        let (numerator, denominator) = self.estimate;
        (denominator > 0.0).then(|| numerator / denominator)
    }

    /// Points of the ladder between which the ratio lies; not always so with a probability of at most `alpha`, over all
    /// instants together. The lower one is 0 and the upper one `None` where there is no bound yet.
    pub fn interval(&self, alpha: f64) -> (f64, Option<f64>) {
        let needed = (2.0 / alpha).ln();
        let ratios = self.ladder.ratios();
        let low = ratios.iter().rfind(|ratio| self.log_e_above(**ratio) >= needed);
        let high = ratios.iter().find(|ratio| self.log_e_below(**ratio) >= needed);
        (low.copied().unwrap_or(0.0), high.copied())
    }
}
