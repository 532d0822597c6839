//! What follows from the counts, in numbers and in words.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::e_value::{culprits, log_mean};
use crate::exact::{Count, binomial, holm};
use crate::judgement::Verdict;
use crate::monitor::{Decision, Misfit};
use crate::words::{grouped, percent, share};

use super::comparison::{Endpoint, Tally};
use super::difference::Shown;
use super::field::{Field, Kind};
use super::{ALPHA_OF_LATENCY, ALPHA_OF_RESPONSES, PAIRS_MIN};

/// A value that differs so rarely by chance is not called noise yet, where the old version never did.
const PROBABILITY_OPEN: f64 = 0.05;

/// The judgement of all pairs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub verdict: Verdict,
    /// One sentence, with the numbers.
    pub reason: String,
    pub pairs: u64,
    /// Whether the old version was recorded twice.
    pub noise_measured: bool,
    /// Those with differences or a judgement of latency, by name.
    pub endpoints: Vec<EndpointReport>,
    /// The evidence over all endpoints that the new version is slower.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_e_value: Option<f64>,
}

/// What differs in one kind of request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndpointReport {
    pub endpoint: String,
    pub pairs: u64,
    pub fields: Vec<FieldReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyReport>,
}

/// One field that differs in one way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldReport {
    pub field: String,
    pub kind: Kind,
    pub verdict: Verdict,
    /// Pairs in which the new version differs from the old one.
    pub differs: u64,
    /// Pairs in which the old version differs from itself.
    pub noise: u64,
    /// Of `differs`, those in which the old version does not differ from itself.
    pub differs_alone: u64,
    /// Of `noise`, those in which the new version does not differ.
    pub noise_alone: u64,
    /// The probability of so many differences of the new version alone by chance. Left out where noise was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Shown>,
    pub reason: String,
}

/// How long an endpoint took. `fail` where it is named as slower.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LatencyReport {
    #[serde(flatten)]
    pub decision: Decision,
}

impl Report {
    /// Fields of all endpoints that got `verdict`, with the names of their endpoints.
    pub fn fields(&self, verdict: Verdict) -> impl Iterator<Item = (&str, &FieldReport)> {
        let all = self
            .endpoints
            .iter()
            .flat_map(|endpoint| endpoint.fields.iter().map(|field| (endpoint.endpoint.as_str(), field)));
        all.filter(move |(_, field)| field.verdict == verdict)
    }
}

pub(super) fn report(endpoints: BTreeMap<String, Endpoint>, has_noise: bool) -> Result<Report, Misfit> {
    let pairs = endpoints.values().map(|endpoint| endpoint.pairs).sum();
    let tallies = || endpoints.values().flat_map(|endpoint| endpoint.fields.values());
    let probabilities: Vec<f64> = tallies().map(probability).collect();
    let mut rejected = holm(&probabilities, ALPHA_OF_RESPONSES).into_iter();
    let mut reports = Vec::new();
    let mut logs = Vec::new();
    for (name, mut endpoint) in endpoints {
        let mut fields = Vec::new();
        for ((field, kind), tally) in endpoint.fields {
            let is_proven = rejected.next().unwrap_or_default();
            fields.push(judged(
                &field,
                kind,
                tally,
                endpoint.pairs,
                has_noise.then_some(is_proven),
            ));
        }
        // What matters first: failed, open, noise; each in the order of fields.
        fields.sort_by_key(|field| rank(field.verdict));
        let latency = endpoint.latency.decided()?;
        logs.extend(latency.iter().map(|(_, log_e)| *log_e));
        reports.push(EndpointReport {
            endpoint: name,
            pairs: endpoint.pairs,
            fields,
            latency: latency.map(|(decision, _)| LatencyReport { decision }),
        });
    }
    let latency_log_e = log_mean(logs.iter().copied());
    name_slow(&mut reports, &logs, latency_log_e);
    let mut report = Report {
        verdict: Verdict::Pass,
        reason: String::new(),
        pairs,
        noise_measured: has_noise,
        endpoints: reports,
        latency_e_value: (!logs.is_empty()).then(|| crate::e_value::from_log(latency_log_e)),
    };
    report.conclude(latency_log_e >= (1.0 / ALPHA_OF_LATENCY).ln());
    report
        .endpoints
        .retain(|endpoint| !endpoint.fields.is_empty() || endpoint.latency.is_some());
    Ok(report)
}

/// Of at least so many differences of the new version alone, if either is as likely to differ alone.
fn probability(tally: &Tally) -> f64 {
    let alone = Count {
        events: tally.only_new,
        trials: tally.only_new + tally.only_noise,
    };
    binomial(alone, 0.5)
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 0,
        Verdict::Inconclusive | Verdict::NoData | Verdict::Error => 1,
        Verdict::Pass => 2,
    }
}

/// `proven` is not known where noise was not measured.
fn judged(field: &Field, kind: Kind, tally: Tally, pairs: u64, proven: Option<bool>) -> FieldReport {
    let probability = probability(&tally);
    let is_alone = tally.noise == 0 && tally.new > 0;
    let verdict = match proven {
        Some(true) => Verdict::Fail,
        Some(false) if is_alone && (kind.is_structural() || probability <= PROBABILITY_OPEN) => Verdict::Inconclusive,
        // So few pairs prove nothing, and excuse nothing either.
        Some(false) if is_alone && pairs < PAIRS_MIN => Verdict::Inconclusive,
        Some(false) => Verdict::Pass,
        None if kind.is_structural() => Verdict::Fail,
        None => Verdict::Inconclusive,
    };
    let differs = share(Count {
        events: tally.new,
        trials: pairs,
    });
    let noise = percent(tally.noise as f64 / pairs as f64);
    let reason = match (verdict, proven) {
        (Verdict::Fail, Some(_)) => format!("differs in {differs}, and the old version from itself in {noise}"),
        (Verdict::Fail, None) => format!("differs in {differs}; how often the old version does was not measured"),
        (_, None) => format!("differs in {differs}: without `--noise` this is not told from noise"),
        (Verdict::Pass, _) => format!("noise: differs in {differs}, and the old version from itself in {noise}"),
        (_, Some(_)) => format!("differs in {differs}, and the old version never from itself: too few to tell"),
    };
    let (old, new) = tally.example.unzip();
    FieldReport {
        field: field.to_string(),
        kind,
        verdict,
        differs: tally.new,
        noise: tally.noise,
        differs_alone: tally.only_new,
        noise_alone: tally.only_noise,
        probability: proven.map(|_| probability),
        old,
        new,
        reason,
    }
}

/// Which endpoints are slower is said by e-BH, and only where all of them together are.
fn name_slow(reports: &mut [EndpointReport], logs: &[f64], log_e: f64) {
    let is_slower = log_e >= (1.0 / ALPHA_OF_LATENCY).ln();
    let named = if is_slower {
        culprits(logs, ALPHA_OF_LATENCY)
    } else {
        Vec::new()
    };
    let judged = reports.iter_mut().filter_map(|report| report.latency.as_mut());
    for (index, latency) in judged.enumerate() {
        let decision = &mut latency.decision;
        if named.binary_search(&index).is_ok() {
            decision.verdict = Verdict::Fail;
        } else if decision.verdict == Verdict::Fail {
            decision.verdict = Verdict::Inconclusive;
        }
    }
}

impl Report {
    fn conclude(&mut self, is_slower: bool) {
        let count = |verdict| self.fields(verdict).count() as u64;
        let (failed, open) = (count(Verdict::Fail), count(Verdict::Inconclusive));
        let pairs = grouped(self.pairs);
        let fields = |count: u64| {
            if count == 1 {
                "1 field".to_owned()
            } else {
                format!("{} fields", grouped(count))
            }
        };
        let beyond = if self.noise_measured { " beyond noise" } else { "" };
        let slower = if is_slower {
            ", and the new version is slower"
        } else {
            ""
        };
        (self.verdict, self.reason) = if self.pairs == 0 {
            (Verdict::NoData, "no request was answered in all recordings".to_owned())
        } else if failed > 0 {
            (
                Verdict::Fail,
                format!("{} of {pairs} pairs differ{beyond}{slower}", fields(failed)),
            )
        } else if is_slower {
            (Verdict::Fail, format!("the new version is slower, in {pairs} pairs"))
        } else if open > 0 {
            let reason = format!(
                "{} of {pairs} pairs differ, and it is not shown whether by noise",
                fields(open)
            );
            (Verdict::Inconclusive, reason)
        } else if self.pairs < PAIRS_MIN {
            (
                Verdict::Inconclusive,
                format!("{pairs} pairs, and {PAIRS_MIN} are the least that is judged"),
            )
        } else if self.noise_measured {
            (
                Verdict::Pass,
                format!("{pairs} pairs differ no more than the old version does from itself"),
            )
        } else {
            (Verdict::Pass, format!("{pairs} pairs do not differ"))
        };
    }
}
