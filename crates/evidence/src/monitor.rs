//! The judgement of one metric, bucket by bucket: a sequential test that may be looked at after every one of them.
//!
//! It fails where the evidence that the new version is worse has reached `1 / alpha` once: that happens to a version that is no
//! worse with a probability of at most `alpha`, however long it goes on and however often it is looked at. It passes where the
//! new version was shown to be good enough and nothing points the other way. Between the two it is inconclusive.

mod comparison;
mod history;
mod latency;
#[cfg(test)]
mod tests;
mod volume;

use serde::{Deserialize, Serialize};

use crate::e_value;
use crate::exact::Count;
use crate::judgement::Verdict;
use crate::pair::{Pair, TRIALS_MAX};
use crate::promotion;
use crate::ratio::Form;
use crate::words::{grouped, percent, rounded};
use comparison::Comparison;
use history::Usual;
use latency::Latency;
use volume::Volume;

/// Of alpha, where a part is spent on the history. A history is long, so little is enough for it.
const SHARE_OF_COUNTS: f64 = 0.8;

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

impl Rule {
    /// What is spent on the counts of now. Where tenants were assigned, the rest is spent on their history.
    fn alpha_of_counts(&self) -> f64 {
        match self.assignment {
            Assignment::Requests => self.alpha,
            Assignment::Tenants => self.alpha * SHARE_OF_COUNTS,
        }
    }

    /// # Errors
    ///
    /// A number that is out of its range, or one that is missing.
    pub fn check(&self) -> Result<(), Misfit> {
        let share = |number: f64| number > 0.0 && number < 1.0;
        let between = "write a number between 0 and 1, such as `0.01`";
        if !share(self.alpha) {
            return Err(Misfit::new("/alpha", format!("alpha is {}", self.alpha), between));
        }
        if !(self.margin.is_finite() && self.margin >= 1.0) {
            let problem = format!("the margin is {}", self.margin);
            return Err(Misfit::new(
                "/margin",
                problem,
                "write a ratio from 1 on, such as `1.5`",
            ));
        }
        if let Some(tolerance) = self.tolerance.filter(|tolerance| !share(*tolerance)) {
            return Err(Misfit::new(
                "/tolerance",
                format!("the tolerance is {tolerance}"),
                between,
            ));
        }
        match (self.metric, self.assignment) {
            (Metric::Errors, _) => Ok(()),
            (Metric::Latency, _) => self.check_edges(),
            (Metric::Volume, Assignment::Tenants) => Err(Misfit::new(
                "/assignment",
                "tenants bring as many requests as they have, so their share says nothing",
                "write `\"assignment\": \"requests\"`, or watch their own volume with `tidegate alerts replay`",
            )),
            (Metric::Volume, Assignment::Requests) => match self.weight {
                Some(weight) if share(weight) => Ok(()),
                Some(weight) => Err(Misfit::new("/weight", format!("the weight is {weight}"), between)),
                None => Err(Misfit::new(
                    "/weight",
                    "volume is compared with a weight, and there is none",
                    "write the share of requests that the new version should get, such as `\"weight\": 0.05`",
                )),
            },
        }
    }

    fn check_edges(&self) -> Result<(), Misfit> {
        let edges = &self.edges_ms;
        let rising = edges.is_sorted_by(|a, b| a < b) && edges.iter().all(|edge| edge.is_finite());
        if rising && !edges.is_empty() {
            return Ok(());
        }
        let problem = if edges.is_empty() {
            "latency is compared by bins, and there are no edges"
        } else {
            "the edges of the bins do not rise"
        };
        let remedy = "write the upper edges of the bins in rising order, such as `\"edges_ms\": [50, 100, 200]`";
        Err(Misfit::new("/edges_ms", problem, remedy))
    }

    /// The counts that this metric compares.
    fn check_counts(&self, counts: &Counts, place: &str) -> Result<(), Misfit> {
        let misfit =
            |field: &str, problem: String, remedy: &str| Err(Misfit::new(format!("{place}/{field}"), problem, remedy));
        if counts.n > TRIALS_MAX {
            let remedy = "a bucket holds a few seconds: write shorter ones";
            return misfit("n", format!("{} requests in one bucket", grouped(counts.n)), remedy);
        }
        match self.metric {
            Metric::Volume => Ok(()),
            Metric::Errors if counts.events > counts.n => {
                let problem = format!("{} events among {} requests", grouped(counts.events), grouped(counts.n));
                misfit(
                    "events",
                    problem,
                    "events are counted among the requests `n`: correct either of them",
                )
            }
            Metric::Errors => Ok(()),
            Metric::Latency => {
                let (bins, edges) = (counts.hist.len(), self.edges_ms.len());
                if bins != edges + 1 {
                    let problem = format!("{bins} bins for {edges} edges");
                    return misfit(
                        "hist",
                        problem,
                        "write one bin for each edge and one more above the last",
                    );
                }
                let sum = counts.hist.iter().try_fold(0_u64, |sum, bin| sum.checked_add(*bin));
                match sum.filter(|sum| *sum <= TRIALS_MAX) {
                    Some(_) => Ok(()),
                    None => {
                        let problem = format!("more than {} requests in one bucket", grouped(TRIALS_MAX));
                        misfit("hist", problem, "a bucket holds a few seconds: write shorter ones")
                    }
                }
            }
        }
    }

    fn check_bucket(&self, bucket: &Bucket) -> Result<(), Misfit> {
        if !bucket.t.is_finite() {
            return Err(Misfit::new("/t", "the time is no number", "write seconds"));
        }
        self.check_counts(&bucket.old, "/old")?;
        self.check_counts(&bucket.new, "/new")
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
                let count = |counts: &Counts| Count {
                    events: counts.events,
                    trials: counts.n,
                };
                if let Some(pair) = Pair::new(count(&bucket.old), count(&bucket.new)) {
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
        if self.shown && log_e <= 0.0 {
            return (Verdict::Pass, None);
        }
        (Verdict::Inconclusive, Some(self.needs(log_e)))
    }

    fn reason(&self, verdict: Verdict, log_e: f64, interval: (f64, Option<f64>)) -> String {
        let numbers = match &self.subject {
            Subject::Errors(comparison) => comparison.in_words("errors"),
            Subject::Latency(latency) => latency.in_words(),
            Subject::Volume(volume) => volume.in_words(),
        };
        let said = match verdict {
            Verdict::Fail if interval.0 > 0.0 => format!(": the ratio is at least {}", rounded(interval.0)),
            Verdict::Fail => ": beyond chance".to_owned(),
            Verdict::Pass => ": good enough, and nothing speaks against it".to_owned(),
            Verdict::Inconclusive => ": neither worse beyond chance nor shown to be good".to_owned(),
            Verdict::NoData | Verdict::Error => ": nothing to compare".to_owned(),
        };
        let (now, needed) = (e_value::from_log(log_e), 1.0 / self.rule.alpha);
        let now = if now < 1e6 { rounded(now) } else { format!("{now:.1e}") };
        let since = if self.failed && log_e < needed.ln() {
            "it had reached"
        } else {
            "fails at"
        };
        format!("{numbers}{said} (E = {now}, {since} {})", rounded(needed))
    }

    fn needs(&self, log_e: f64) -> String {
        if self.shown {
            return format!("the evidence against it, E = {}, to fall to 1", rounded(log_e.exp()));
        }
        let Some(tolerance) = self.rule.tolerance else {
            return match (&self.subject, self.rule.margin > 1.0) {
                (Subject::Errors(_) | Subject::Latency(_), true) => format!(
                    "more requests, until the ratio is known to be below {}",
                    rounded(self.rule.margin)
                ),
                (Subject::Volume(_), true) => {
                    "more requests, until the split is known to be within the margin".to_owned()
                }
                (Subject::Errors(_) | Subject::Latency(_) | Subject::Volume(_), false) => {
                    "a `tolerance`, or a `margin` above 1: without one nothing can be shown to be good".to_owned()
                }
            };
        };
        let at_most = percent(tolerance);
        match &self.subject {
            Subject::Errors(comparison) => format!(
                "{} more requests without an error show at most {at_most}",
                grouped(promotion::missing(comparison.new, tolerance))
            ),
            Subject::Latency(latency) => format!(
                "{} more requests, none of them slower than the old version's p99, show at most {at_most}",
                grouped(promotion::missing(latency.slow(), tolerance))
            ),
            Subject::Volume(_) => {
                format!("more requests, until at most {at_most} of the new version's are known to be missing")
            }
        }
    }
}
