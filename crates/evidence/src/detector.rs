//! A test that stays awake: for monitors that stand for days.
//!
//! A test with a fixed start grows deaf. After a healthy week its stake is lost, and a fault has to win all of it back first. This one
//! begins anew with every bucket and adds up all its beginnings (an e-detector of the kind of Shiryaev and Roberts: J. Shin,
//! A. Ramdas and A. Rinaldo, 2023): `M_t = (M_{t-1} + 1) * factor_t`. Where nothing is wrong, `M_t - t` does not rise on average, so a false alarm
//! within `T` buckets has a probability of at most `T / threshold`.

#[cfg(test)]
mod tests;

use crate::e_value::log_weighted_mean;
use crate::pair::Pair;
use crate::ratio::{CENTRE, Form, Ladder};

/// How many false alarms there may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Between 0 and 1: the probability of a false alarm on one day.
    pub per_day: f64,
    pub buckets_per_day: u32,
    /// Monitors that share it, at least one.
    pub monitors: u32,
}

/// An e-detector against "the ratio is at most the one that is ignored".
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    ladder: Ladder,
    form: Form,
    /// `ln M` at each ratio above the one that is ignored; minus infinity before the first bucket.
    logs: [f64; CENTRE],
}

impl Budget {
    /// What the detector has to reach, as a logarithm.
    pub fn log_threshold(self) -> f64 {
        (f64::from(self.buckets_per_day) * f64::from(self.monitors) / self.per_day).ln()
    }
}

impl Detector {
    /// `ignored` is the largest ratio that is no cause to act; positive and finite.
    pub fn new(form: Form, ignored: f64) -> Self {
        Self {
            ladder: Ladder::new(ignored),
            form,
            logs: [f64::NEG_INFINITY; CENTRE],
        }
    }

    /// Takes the next bucket in. One that says nothing is no beginning either.
    pub fn observe(&mut self, pair: Pair) {
        if !pair.speaks() {
            return;
        }
        let likelihood = self.ladder.log_likelihood(pair, self.form);
        for (log, (_, factor)) in self.logs.iter_mut().zip(Ladder::above(&likelihood, self.form)) {
            *log = log_add_one(*log) + factor;
        }
    }

    /// The logarithm of the weighted mean of `M` over the alternatives.
    pub fn log(&self) -> f64 {
        log_weighted_mean(self.form.stakes().into_iter().zip(self.logs))
    }

    /// Whether something has begun to go wrong, within what the budget allows to err.
    pub fn alarms(&self, budget: Budget) -> bool {
        self.log() >= budget.log_threshold()
    }
}

/// `ln(1 + e^log)`.
pub(crate) fn log_add_one(log: f64) -> f64 {
    log.max(0.0) + (-log.abs()).exp().ln_1p()
}
