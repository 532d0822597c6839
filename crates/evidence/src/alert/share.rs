//! Alarms about the share of requests to which something happens: errors, timeouts, slow answers.
//!
//! The requests themselves say how many events there may be, so no season is needed, and the first requests of a tenant count already. What
//! is tolerated is declared, or 1.6 times of what is usual where that is more. Beyond it evidence adds up as it does for volume
//! (E. S. Page, Biometrika 41, 1954), by the likelihoods of the binomial distribution. Events come in clumps, for one client tries again and
//! again: evidence is divided by how much more the counts vary than chance alone would have them (quasi-likelihood, R. W. M. Wedderburn, Biometrika 61, 1974).

use serde::{Deserialize, Serialize};

use super::{Alarm, Budget, Change, DAY, Direction, Ended, KEPT_PER_WEEK, LOG_RECOVERED};
use crate::e_value::log_mean;

/// What may be more than usual, as a multiple of it.
const BOUND: f64 = 1.6;
const ALTERNATIVES: [f64; 4] = [2.0, 3.0, 5.0, 10.0];
/// How clumped events are before anything is known, as many events as that is worth, and what it may become.
const CLUMP: f64 = 2.0;
const CLUMP_EVENTS: f64 = 20.0;
const CLUMP_MOST: f64 = 20.0;
/// Requests that what is tolerated is worth against what is usual.
const PRIOR_REQUESTS: f64 = 200.0;
/// No share that is judged is above.
const SHARE_MOST: f64 = 0.9;

/// What is tolerated, and how sure an alarm has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareRule {
    /// The share of requests that is no cause for an alarm, however unusual; above 0.
    pub tolerated: f64,
    /// From 1 to a day.
    pub bucket_seconds: u32,
    pub budget: Budget,
}

/// One share of one series, watched. About 200 bytes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareWatch {
    /// Requests and events, older weeks counting less.
    requests: f64,
    events: f64,
    /// The squared difference from what was expected, and what was expected.
    spread: (f64, f64),
    sums: [f64; ALTERNATIVES.len()],
    since: Option<i64>,
    counted: f64,
    /// Requests since then.
    of: f64,
    expected: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alarm: Option<Lasting>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lasting {
    alarm: Alarm,
    /// The logarithm of the evidence that it is over.
    recovery: f64,
    requests: f64,
    events: f64,
    buckets: u32,
}

impl ShareRule {
    fn log_threshold(&self) -> f64 {
        self.budget.log_threshold(self.bucket_seconds)
    }
}

impl ShareWatch {
    /// The alarm that lasts.
    pub fn alarm(&self) -> Option<Alarm> {
        self.alarm.map(|lasting| lasting.alarm)
    }

    /// The largest logarithm of evidence that has come together.
    pub fn log_evidence(&self) -> f64 {
        self.sums.iter().copied().fold(0.0, f64::max)
    }

    /// The share that is usual: what was seen, or nothing.
    pub fn usual(&self) -> f64 {
        self.events / (self.requests + PRIOR_REQUESTS)
    }

    /// Takes the next bucket in, which begins at `second`. There are no more events than requests.
    pub fn observe(&mut self, second: i64, requests: u64, events: u64, rule: &ShareRule) -> Option<Change> {
        let (requests, events) = (requests as f64, events.min(requests) as f64);
        let reference = self.usual().max(rule.tolerated / BOUND).min(SHARE_MOST / BOUND);
        if let Some(lasting) = &mut self.alarm {
            lasting.take(requests, events, reference);
            return self.end(second, rule);
        }
        let (expected, clump) = (self.usual() * requests, self.clump());
        for (sum, factor) in self.sums.iter_mut().zip(ALTERNATIVES) {
            *sum = sum.max(0.0) + log_ratio(requests, events, worse(reference, factor), BOUND * reference) / clump;
        }
        if self.log_evidence() <= 0.0 {
            self.since = None;
            (self.counted, self.of, self.expected) = (0.0, 0.0, 0.0);
        } else {
            self.since = self.since.or(Some(second));
            self.counted += events;
            self.of += requests;
            self.expected += expected;
        }
        let log_evidence = log_mean(self.sums.iter().copied());
        if log_evidence < rule.log_threshold() {
            self.learn(requests, events, expected, rule);
            return None;
        }
        let alarm = Alarm {
            direction: Direction::Spike,
            at: second,
            since: self.since.unwrap_or(second),
            counted: self.counted,
            of: Some(self.of),
            expected: self.expected,
            log_evidence,
        };
        self.sums = [0.0; ALTERNATIVES.len()];
        self.since = None;
        (self.counted, self.of, self.expected) = (0.0, 0.0, 0.0);
        self.alarm = Some(Lasting {
            alarm,
            recovery: 0.0,
            requests: 0.0,
            events: 0.0,
            buckets: 0,
        });
        Some(Change::Began(alarm))
    }

    fn learn(&mut self, requests: f64, events: f64, expected: f64, rule: &ShareRule) {
        let kept = f64::from(KEPT_PER_WEEK).powf(f64::from(rule.bucket_seconds) / (7.0 * DAY));
        self.requests = self.requests * kept + requests;
        self.events = self.events * kept + events;
        if expected > 0.0 {
            self.spread.0 = self.spread.0 * kept + (events - expected).powi(2);
            self.spread.1 = self.spread.1 * kept + expected;
        }
    }

    fn clump(&self) -> f64 {
        let clump = (self.spread.0 + CLUMP * CLUMP_EVENTS) / (self.spread.1 + CLUMP_EVENTS);
        clump.clamp(1.0, CLUMP_MOST)
    }

    fn end(&mut self, at: i64, rule: &ShareRule) -> Option<Change> {
        let lasting = self.alarm?;
        let why = if lasting.recovery >= LOG_RECOVERED {
            Ended::Recovered
        } else if f64::from(lasting.buckets) * f64::from(rule.bucket_seconds) >= DAY {
            let share = lasting.events / lasting.requests.max(1.0);
            self.requests = self.requests.max(lasting.requests);
            self.events = share * (self.requests + PRIOR_REQUESTS);
            Ended::Accepted
        } else {
            return None;
        };
        self.alarm = None;
        Some(Change::Ended {
            alarm: lasting.alarm,
            at,
            why,
        })
    }
}

impl Lasting {
    /// Over is an alarm when the share is tolerated again, rather than half-way, by its logarithm, to where it was.
    fn take(&mut self, requests: f64, events: f64, reference: f64) {
        self.requests += requests;
        self.events += events;
        self.buckets += 1;
        let bound = BOUND * reference;
        let then = self.alarm.counted / self.alarm.of.unwrap_or(1.0).max(1.0);
        let half_way = (then.min(1.0) * bound).sqrt().max(worse(reference, 2.0));
        self.recovery = self.recovery.max(0.0) + log_ratio(requests, events, bound, half_way);
    }
}

/// So many times what is usual, and less than everything.
fn worse(reference: f64, factor: f64) -> f64 {
    (factor * reference).min(f64::midpoint(BOUND * reference, 1.0))
}

/// `ln Bin(events; requests, share) - ln Bin(events; requests, other)`.
fn log_ratio(requests: f64, events: f64, share: f64, other: f64) -> f64 {
    events * (share / other).ln() + (requests - events) * ((1.0 - share) / (1.0 - other)).ln()
}
