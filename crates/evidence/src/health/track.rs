//! One kind of event of one subject, bucket by bucket.
//!
//! Two hypotheses have to fall before the new version is at fault: that its share of events is at most the limit that its own history
//! sets, and that it is no worse beside those who stayed than it always was. Where either of them holds, the smaller of their two
//! e-values is one.

use serde::{Deserialize, Serialize};

use crate::exact::Count;
use crate::pair::Pair;
use crate::promotion;
use crate::ratio::{Form, Ladder, Likelihood};

use super::bets::{Bets, Test};
use super::terms::Terms;

/// Those who stayed are asked as long as they have at least this share of the subject's requests: fewer could not show in time that they
/// are hurt, too, and a fault would go on until they had.
const STAYED_LEAST: f64 = 0.1;
/// What is left of a bucket's weight with each further one when that share is taken: some fifty count.
const FADING: f64 = 0.98;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    limit: Bets,
    beside: Bets,
    /// On the new version.
    pub new: Count,
    /// Those who stayed, at the same time.
    pub stayed: Count,
    /// Requests of both, as of lately.
    lately: (f64, f64),
    shown: bool,
}

impl Track {
    pub fn new() -> Self {
        Self {
            limit: Bets::new(),
            beside: Bets::new(),
            new: Count::default(),
            stayed: Count::default(),
            lately: (0.0, 0.0),
            shown: false,
        }
    }

    /// Takes a bucket in: what was counted, and what of it is compared between both sides. One that cannot be is left out.
    pub fn observe(&mut self, terms: Terms, (new, stayed): (Count, Count), compared: (Count, Count)) {
        let (Some(_), Some(pair)) = (Pair::new(stayed, new), Pair::new(compared.1, compared.0)) else {
            return;
        };
        // Nothing is above all.
        if terms.limit < 1.0 && new.trials > 0 {
            let (events, trials) = (new.events as f64, new.trials as f64);
            self.limit
                .observe(&Ladder::new(1.0).log_binomial(events, trials, terms.limit));
        }
        if pair.speaks() {
            self.beside
                .observe(&Ladder::new(terms.beside).log_likelihood(pair, Form::Rates));
        }
        self.lately.0 = self.lately.0 * FADING + new.trials as f64;
        self.lately.1 = self.lately.1 * FADING + stayed.trials as f64;
        for (sum, more) in [(&mut self.new, new), (&mut self.stayed, stayed)] {
            sum.events = sum.events.saturating_add(more.events);
            sum.trials = sum.trials.saturating_add(more.trials);
        }
        self.shown |= self.log_shown(terms) >= (1.0 / promotion::ALPHA).ln();
    }

    /// The logarithm of the evidence that the new version is at fault.
    pub fn log(&self, test: Test) -> f64 {
        let against = self.limit.log(test);
        if self.asks_those_who_stayed() {
            against.min(self.beside.log(test))
        } else {
            against
        }
    }

    pub fn asks_those_who_stayed(&self) -> bool {
        self.lately.1 > 0.0 && self.lately.1 >= self.lately.0 * STAYED_LEAST
    }

    /// Whether it is worse than tolerated, and those who stayed may be no better off.
    pub fn may_be_an_outage(&self, test: Test, needed: f64) -> bool {
        self.limit.log(test) >= needed && self.log(test) < needed
    }

    /// It was shown to keep the tolerance, and nothing has taken that back.
    pub fn is_shown(&self, terms: Terms) -> bool {
        terms.tolerance >= 1.0 || (self.shown && self.log_shown(terms) >= 0.0)
    }

    /// How many more requests, none of them an event, show it.
    pub fn missing(&self, terms: Terms) -> u64 {
        promotion::missing(self.new, terms.tolerance)
    }

    /// The share lies between these, with an error of at most `alpha` over all instants together.
    pub fn interval(&self, terms: Terms, alpha: f64) -> (f64, f64) {
        if terms.limit >= 1.0 {
            return (0.0, 1.0);
        }
        let share = |odds: f64| terms.limit * odds / (1.0 - terms.limit + terms.limit * odds);
        let mut likelihood = Likelihood::new(Form::Rates, 1.0);
        likelihood.observe_split(self.new.trials - self.new.events, self.new.events, terms.limit);
        let (low, high) = likelihood.interval(alpha);
        (share(low), high.map_or(1.0, share))
    }

    fn log_shown(&self, terms: Terms) -> f64 {
        if terms.tolerance < 1.0 {
            promotion::log_e(self.new, terms.tolerance)
        } else {
            0.0
        }
    }
}
