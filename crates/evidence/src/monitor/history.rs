//! How the two sides compared before the new version.

use crate::exact::{Count, share_at_least, share_at_most};

use super::{Assignment, Bucket, Counts, Rule};

/// The ratio of the rates of events of the two sides while both were on the old version. The bounds miss it with the
/// probability that is spent on them, each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    pub low: f64,
    pub point: f64,
    pub high: f64,
}

impl Usual {
    /// Where chance has assigned the requests, nothing distinguishes the sides but their version.
    pub const EQUAL: Self = Self {
        low: 1.0,
        point: 1.0,
        high: 1.0,
    };

    /// `None` where the history has too few events to bound the ratio.
    pub fn of_errors(rule: &Rule, history: &[Bucket]) -> Option<Self> {
        Self::of(rule, history, 1, Counts::failed)
    }

    /// The same for events that `count` finds in a bucket, where that is one of `questions` that share what is spent.
    pub fn of(rule: &Rule, history: &[Bucket], questions: usize, count: impl Fn(&Counts) -> Count) -> Option<Self> {
        if rule.assignment == Assignment::Requests {
            return Some(Self::EQUAL);
        }
        let sum = |side: fn(&Bucket) -> &Counts| {
            let counts = history.iter().map(|bucket| count(side(bucket)));
            counts.fold((0.0, 0.0), |sum, count| {
                (sum.0 + count.events as f64, sum.1 + count.trials as f64)
            })
        };
        let (old, new) = (sum(|bucket| &bucket.old), sum(|bucket| &bucket.new));
        let miss = (rule.alpha - rule.alpha_of_counts()) / questions as f64;
        let share = Count {
            events: new.0 as u64,
            trials: (new.0 + old.0) as u64,
        };
        let ratio = |share: f64| share / (1.0 - share) * old.1 / new.1;
        let usual = Self {
            low: ratio(share_at_least(share, miss)),
            point: ratio(share.share()),
            high: ratio(share_at_most(share, miss)),
        };
        // Infinite, or no number at all, where one side had no requests or the old one no events.
        (usual.high.is_finite() && usual.high > 0.0 && new.1 > 0.0).then_some(usual)
    }
}
