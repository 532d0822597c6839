//! Bets that a share of events is above a bound, bucket by bucket.
//!
//! No bucket multiplies a stake by more than ten. A smaller factor is as fair, and what fails within a few seconds is one incident, however many
//! requests it has: a client that tries again and again must not decide alone.

use serde::{Deserialize, Serialize};

use crate::detector::log_add_one;
use crate::e_value::log_weighted_mean;
use crate::ratio::{CENTRE, Form, Ladder, POINTS};

const MOST: f64 = 10.0;

/// Which stake is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// Placed once, at the move.
    Fixed,
    /// Placed anew with every bucket, as by a [`crate::Detector`].
    Standing,
}

/// What has become of the stakes on each alternative, as logarithms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bets {
    fixed: [f64; CENTRE],
    /// Nothing before the first bucket.
    standing: Option<[f64; CENTRE]>,
}

impl Bets {
    pub fn new() -> Self {
        Self {
            fixed: [0.0; CENTRE],
            standing: None,
        }
    }

    /// Takes in a bucket of which the log-likelihood was kept on a ladder around the bound.
    pub fn observe(&mut self, likelihood: &[f64; POINTS]) {
        let factors = Ladder::above(likelihood, Form::Rates).map(|(_, factor)| factor.min(MOST.ln()));
        let standing = self.standing.get_or_insert([f64::NEG_INFINITY; CENTRE]);
        for ((fixed, standing), factor) in self.fixed.iter_mut().zip(standing).zip(factors) {
            *fixed += factor;
            *standing = log_add_one(*standing) + factor;
        }
    }

    /// The logarithm of the weighted mean over the alternatives.
    pub fn log(&self, test: Test) -> f64 {
        let logs = match test {
            Test::Fixed => Some(self.fixed),
            Test::Standing => self.standing,
        };
        logs.map_or(f64::NEG_INFINITY, |logs| {
            log_weighted_mean(Form::Rates.stakes().into_iter().zip(logs))
        })
    }
}
