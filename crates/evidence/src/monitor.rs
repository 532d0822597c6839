//! The judgement of one metric, bucket by bucket: a sequential test that may be looked at after every one of them.
//!
//! It fails where the evidence that the new version is worse has reached `1 / alpha` once: that happens to a version that is no
//! worse with a probability of at most `alpha`, however long it goes on and however often it is looked at. It passes where the
//! new version was shown to be good enough and nothing points the other way. Between the two it is inconclusive.

mod comparison;
mod history;
mod in_words;
mod latency;
mod rule;
#[cfg(test)]
mod tests;
mod volume;

use serde::{Deserialize, Serialize};

use crate::e_value;
use crate::exact::Count;
use crate::judgement::Verdict;
use crate::pair::Pair;
use crate::promotion;
use crate::ratio::Form;
use comparison::Comparison;
use history::Usual;
use latency::Latency;
use volume::Volume;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Requests that failed. One client that fails again and again is one failure in a bucket.
    Errors,
    /// How long requests took, by histograms.
    Latency,
    /// How many requests came.
    Volume,
}

/// Who decides which requests the new version gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// Chance, for each request: both versions get the same kind of requests.
    #[default]
    Requests,
    /// Their tenant: tenants differ, so what counts is how they compared before.
    Tenants,
}

/// What is asked of the numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub metric: Metric,
    pub assignment: Assignment,
    /// The probability of failing a version that is no worse, between 0 and 1.
    pub alpha: f64,
    /// The ratio that is ignored, at least 1: of rates; of odds where requests are assigned and the metric is latency or volume.
    pub margin: f64,
    /// The rate at which the new version is still good, between 0 and 1: of errors, of requests slower than the old version's
    /// p99, of requests that do not arrive. Without one, a version is good where its ratio was shown to be below the margin.
    pub tolerance: Option<f64>,
    /// The share of requests that the new version should get, between 0 and 1; of volume.
    pub weight: Option<f64>,
    /// Upper edges of the latency bins, rising; of latency.
    pub edges_ms: Vec<f64>,
}

/// One version in one bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Counts {
    /// Requests.
    pub n: u64,
    /// Those of them that failed; of errors.
    pub events: u64,
    /// Requests by latency: bin `i` up to and with edge `i`, one more bin above the last edge; of latency.
    pub hist: Vec<u64>,
}

/// A few seconds of both versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Seconds, from wherever they are counted.
    pub t: f64,
    pub old: Counts,
    pub new: Counts,
}

/// What cannot be judged, where it stands, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", if pointer.is_empty() { "/" } else { pointer })]
pub struct Misfit {
    /// A JSON pointer (RFC 6901) into what was handed in.
    pub pointer: String,
    pub problem: String,
    pub remedy: String,
}

/// Requests that were compared so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Samples {
    pub old: u64,
    pub new: u64,
}

/// A verdict with what a person needs to believe it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    pub verdict: Verdict,
    /// The evidence that the new version is worse; it fails at `1 / alpha`. 1 says nothing, less speaks for the new version.
    pub e_value: f64,
    /// The ratio of the new version to the old one, in its own history where tenants were assigned. Left out where nothing has
    /// happened on the old version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<f64>,
    /// Where the ratio lies, with an error of at most `alpha` over all instants together; `None` where there is no upper bound.
    pub interval: (f64, Option<f64>),
    pub samples: Samples,
    /// One sentence, with the numbers.
    pub reason: String,
    /// What it would take to decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
}

/// The state of a judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    rule: Rule,
    subject: Subject,
    samples: Samples,
    failed: bool,
    shown: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Subject {
    Errors(Box<Comparison>),
    Latency(Latency),
    Volume(Volume),
}

impl Misfit {
    pub(crate) fn new(pointer: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    pub(crate) fn within(mut self, place: &str) -> Self {
        self.pointer.insert_str(0, place);
        self
    }
}

impl Counts {
    fn failed(&self) -> Count {
        Count {
            events: self.events,
            trials: self.n,
        }
    }
}

impl Monitor {
    /// `history` is the time before the new version, both sides on the old one, with the tenants of the new version as `new`.
    ///
    /// # Errors
    ///
    /// What [`Rule::check`] finds, a bucket of the history that contradicts itself, and no history where tenants are assigned.
    pub fn new(rule: Rule, history: &[Bucket]) -> Result<Self, Misfit> {
        rule.check()?;
        for (index, bucket) in history.iter().enumerate() {
            rule.check_bucket(bucket)
                .map_err(|misfit| misfit.within(&format!("/history/{index}")))?;
        }
        if rule.assignment == Assignment::Tenants && history.is_empty() {
            return Err(Misfit::new(
                "/history",
                "tenants are compared with their own history, and there is none",
                "write the buckets of at least a day before the switch",
            ));
        }
        let subject = match rule.metric {
            Metric::Errors => {
                let usual = Usual::of_errors(&rule, history);
                Subject::Errors(Box::new(Comparison::new(Form::Rates, usual, rule.margin)))
            }
            Metric::Latency => Subject::Latency(Latency::new(&rule, history)),
            Metric::Volume => Subject::Volume(Volume::new(rule.margin, rule.weight.unwrap_or(0.5))),
        };
        Ok(Self {
            rule,
            subject,
            samples: Samples::default(),
            failed: false,
            shown: false,
        })
    }

    /// Takes a bucket in. Its thresholds of latency come from what was before it, so buckets come in their order.
    ///
    /// # Errors
    ///
    /// A bucket that contradicts itself. It is not taken in.
    pub fn observe(&mut self, bucket: &Bucket) -> Result<(), Misfit> {
        self.rule.check_bucket(bucket)?;
        let trials = match &mut self.subject {
            Subject::Errors(comparison) => {
                if let Some(pair) = Pair::new(bucket.old.failed(), bucket.new.failed()) {
                    comparison.observe(pair);
                }
                (bucket.old.n, bucket.new.n)
            }
            Subject::Latency(latency) => latency.observe(&bucket.old, &bucket.new),
            Subject::Volume(volume) => {
                volume.observe(bucket.old.n, bucket.new.n);
                (bucket.old.n, bucket.new.n)
            }
        };
        self.samples.old = self.samples.old.saturating_add(trials.0);
        self.samples.new = self.samples.new.saturating_add(trials.1);
        self.failed |= self.log_e() >= (1.0 / self.rule.alpha).ln();
        self.shown |= self.log_shown() >= (1.0 / promotion::ALPHA).ln();
        Ok(())
    }

    /// The logarithm of the evidence that the new version is worse.
    pub fn log_e(&self) -> f64 {
        let log = match &self.subject {
            Subject::Errors(comparison) => comparison.log_e(),
            Subject::Latency(latency) => latency.log_e(),
            Subject::Volume(volume) => volume.log_e(),
        };
        log + (self.rule.alpha_of_counts() / self.rule.alpha).ln()
    }

    /// The logarithm of the evidence that the new version is good enough.
    fn log_shown(&self) -> f64 {
        match (&self.subject, self.rule.tolerance) {
            (Subject::Errors(comparison), Some(tolerance)) => promotion::log_e(comparison.new, tolerance),
            (Subject::Errors(comparison), None) => comparison.log_e_below_margin(),
            (Subject::Latency(latency), Some(tolerance)) => promotion::log_e(latency.slow(), tolerance),
            (Subject::Latency(latency), None) => latency.log_e_below_margin(),
            (Subject::Volume(volume), tolerance) => volume.log_e_within(tolerance),
        }
    }

    /// What can be said now.
    pub fn decision(&self) -> Decision {
        let log_e = self.log_e();
        let (verdict, needs) = self.verdict(log_e);
        let alpha = self.rule.alpha_of_counts();
        let (estimate, interval) = match &self.subject {
            Subject::Errors(comparison) => (comparison.estimate(), comparison.interval(alpha)),
            Subject::Latency(latency) => latency.estimate(alpha),
            Subject::Volume(volume) => (volume.estimate(), volume.interval(alpha)),
        };
        Decision {
            verdict,
            e_value: e_value::from_log(log_e),
            estimate,
            interval,
            samples: self.samples,
            reason: self.reason(verdict, log_e, interval),
            needs,
        }
    }

    fn verdict(&self, log_e: f64) -> (Verdict, Option<String>) {
        if self.failed {
            return (Verdict::Fail, None);
        }
        let comparable = match self.rule.metric {
            Metric::Errors | Metric::Latency => self.samples.new > 0 && self.samples.old > 0,
            Metric::Volume => self.samples.new > 0 || self.samples.old > 0,
        };
        if !comparable {
            return (Verdict::NoData, Some("requests on both versions".to_owned()));
        }
        if self.shown && log_e <= 0.0 && self.log_shown() >= 0.0 {
            return (Verdict::Pass, None);
        }
        (Verdict::Inconclusive, Some(self.needs(log_e)))
    }
}
