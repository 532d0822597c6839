//! A tenant, or a wave as a whole, watched from its move on.

use serde::{Deserialize, Serialize};

use crate::e_value::log_mean;
use crate::sample::Sample;
use crate::words::{grouped, percent, rounded, share};

use super::bets::Test;
use super::terms::{AllTerms, History, Terms};
use super::track::Track;
use super::{HealthRule, TenantEvidence};

/// How a rule is read for one subject.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    pub rule: &'a HealthRule,
    /// Upper edges of the latency bins in microseconds, rising.
    pub edges: &'a [u64],
    /// How often a bound that is read from the history may not hold.
    pub miss: f64,
}

/// What one look finds.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Before the move, and everything since.
    pub own: &'a TenantEvidence,
    /// Those who stayed, over the time before the move.
    pub stayed_before: &'a Sample,
    /// What they have counted since the look before.
    pub stayed: &'a Sample,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    history: History,
    miss: f64,
    terms: AllTerms,
    seen: Seen,
    /// Its requests on the old version as of the last look, where chance assigns them.
    beside: Option<Sample>,
}

/// What was taken in, and what it has come to: all that has to be kept of a subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Everything since the move that was taken in.
    counted: Sample,
    errors: Track,
    slow: Track,
}

impl Seen {
    fn nothing() -> Self {
        Self {
            counted: Sample::default(),
            errors: Track::new(),
            slow: Track::new(),
        }
    }
}

impl Subject {
    /// Nothing is known of it before the first look.
    pub fn new(reading: Reading<'_>) -> Self {
        let history = History::default();
        Self {
            terms: AllTerms::new(reading.rule, reading.edges, &history, reading.miss),
            miss: reading.miss,
            history,
            seen: Seen::nothing(),
            beside: None,
        }
    }

    /// What it has counted on the old version since the look before; nothing at the first look, and where a part of the figures has gone.
    pub fn beside(&mut self, own: &TenantEvidence) -> Sample {
        let more = self.beside.as_ref().and_then(|earlier| own.beside.since(earlier));
        self.beside = Some(own.beside.clone());
        more.unwrap_or_default()
    }

    /// Goes on from what was kept.
    pub fn resume(&mut self, seen: Seen) {
        self.seen = seen;
    }

    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Takes in what has come since the look before.
    pub fn observe(&mut self, reading: Reading<'_>, look: Look<'_>) {
        let TenantEvidence {
            before,
            after,
            beside: _,
        } = look.own;
        let stayed = look.stayed;
        let is_known = self.history.own == *before && self.history.stayed == *look.stayed_before;
        if !is_known || self.miss != reading.miss {
            self.history = History {
                own: before.clone(),
                stayed: look.stayed_before.clone(),
            };
            self.miss = reading.miss;
            self.terms = AllTerms::new(reading.rule, reading.edges, &self.history, self.miss);
        }
        let new = after.since(&self.seen.counted).unwrap_or_else(|| {
            // A part of the figures has gone, with the gateway that had counted them. Nothing tells which of the buckets it was in.
            self.begin_anew();
            after.clone()
        });
        self.seen.errors.observe(
            self.terms.errors,
            (new.failed(), stayed.failed()),
            (new.incidents(), stayed.incidents()),
        );
        if let Some(slow) = self.terms.slow {
            let above = (new.above(slow.bin), stayed.above(slow.bin));
            self.seen.slow.observe(slow.terms, above, above);
        }
        self.seen.counted = after.clone();
    }

    /// Forgets what was taken in: the next bucket has everything since the move.
    pub fn begin_anew(&mut self) {
        self.seen = Seen::nothing();
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    pub fn counted(&self) -> &Sample {
        &self.seen.counted
    }

    pub fn has_history(&self) -> bool {
        self.history.own.requests > 0
    }

    /// The logarithm of the evidence that the new version is at fault: the mean over both kinds of events.
    pub fn log(&self, test: Test) -> f64 {
        log_mean([self.seen.errors.log(test), self.seen.slow.log(test)].into_iter())
    }

    /// Whether it is worse than tolerated, and those who stayed may be no better off.
    pub fn may_be_an_outage(&self, test: Test, needed: f64) -> bool {
        let tracks = [&self.seen.errors, &self.seen.slow];
        tracks.into_iter().any(|track| track.may_be_an_outage(test, needed))
    }

    /// Both kinds of events were shown to be as tolerated.
    pub fn is_shown(&self) -> bool {
        let slow = self.terms.slow;
        self.seen.errors.is_shown(self.terms.errors) && slow.is_none_or(|slow| self.seen.slow.is_shown(slow.terms))
    }

    /// What would show it.
    pub fn needs(&self) -> Vec<String> {
        let mut needs = Vec::new();
        if !self.seen.errors.is_shown(self.terms.errors) {
            let missing = grouped(self.seen.errors.missing(self.terms.errors));
            needs.push(format!("{missing} more requests without an error"));
        }
        if let Some(slow) = self.terms.slow.filter(|slow| !self.seen.slow.is_shown(slow.terms)) {
            let (missing, ms) = (
                grouped(self.seen.slow.missing(slow.terms)),
                milliseconds(slow.edge_micros),
            );
            needs.push(format!("{missing} more within {ms} ms"));
        }
        needs
    }

    /// Both kinds of events with their numbers, the louder one first.
    pub fn in_words(&self, alpha: f64) -> String {
        let others = self.terms.others;
        let errors = in_words(("errors", others), &self.seen.errors, self.terms.errors, alpha);
        let Some(slow) = self.terms.slow else {
            return errors;
        };
        let what = format!("slower than {} ms", milliseconds(slow.edge_micros));
        let slow = in_words((&what, others), &self.seen.slow, slow.terms, alpha);
        if self.seen.slow.log(Test::Fixed) > self.seen.errors.log(Test::Fixed) {
            format!("{slow}; {errors}")
        } else {
            format!("{errors}; {slow}")
        }
    }
}

fn milliseconds(micros: u64) -> String {
    rounded(micros as f64 / 1000.0)
}

fn in_words((what, others): (&str, &str), track: &Track, terms: Terms, alpha: f64) -> String {
    let (low, high) = track.interval(terms, alpha);
    let stayed = if track.asks_those_who_stayed() {
        format!(", {} of {others}", share(track.stayed))
    } else {
        String::new()
    };
    format!(
        "{what} {}, between {} and {}; up to {} is tolerated, {} before{stayed}",
        share(track.new),
        percent(low),
        percent(high),
        percent(terms.tolerance),
        share(terms.before)
    )
}
