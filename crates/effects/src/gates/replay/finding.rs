//! What a comparison means for the wave, in words.

use std::fs;
use std::path::Path;

use serde::Serialize;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_evidence::shadow::{PAIRS_MIN, Report};
use tidegate_evidence::{Verdict as Found, shadow::FieldReport};

/// Fields that are named in a sentence.
const NAMED_MAX: usize = 3;

/// In the order in which they decide.
pub(super) fn judge(report: &Report, kept: &Path) -> Judgement {
    let verdict = match report.verdict {
        Found::Pass => Verdict::Pass,
        Found::Fail => Verdict::Fail,
        Found::Inconclusive => Verdict::Inconclusive,
        Found::NoData => Verdict::NoData,
        Found::Error => Verdict::Error,
    };
    let mut told = named(report.fields(report.verdict).filter(|_| verdict != Verdict::Pass));
    if verdict == Verdict::Fail {
        told.extend(slow(report));
    }
    let told = if told.is_empty() {
        String::new()
    } else {
        format!(": {}", told.join("; "))
    };
    let reason = format!("{}{told}; the report is kept in `{}`", report.reason, kept.display());
    let mut judgement = Judgement::new(verdict, reason);
    judgement.requests = report.pairs;
    judgement.needs = (verdict == Verdict::Inconclusive).then(|| needs(report.pairs));
    judgement
}

fn needs(pairs: u64) -> String {
    let times = PAIRS_MIN.div_ceil(pairs.max(1)).max(2);
    format!("more pairs: larger samples, or `times: {times}`")
}

fn named<'r>(fields: impl Iterator<Item = (&'r str, &'r FieldReport)>) -> Vec<String> {
    let mut told = Vec::new();
    let mut more = 0;
    for (endpoint, field) in fields {
        if told.len() < NAMED_MAX {
            let kind = field.kind.in_words();
            told.push(format!("{endpoint}: `{}`, {kind}, {}", field.field, field.reason));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    told
}

fn slow(report: &Report) -> Option<String> {
    let slow = report.endpoints.iter().find(|endpoint| {
        let latency = endpoint.latency.as_ref();
        latency.is_some_and(|latency| latency.decision.verdict == Found::Fail)
    })?;
    let reason = &slow.latency.as_ref()?.decision.reason;
    Some(format!("{}: {reason}", slow.endpoint))
}

/// The whole comparison, for people and programs; its examples are redacted.
pub(super) fn keep(report: &impl Serialize, kept: &Path) -> Result<(), String> {
    let path = kept.join("report.json");
    let written = serde_json::to_vec_pretty(report).map_err(std::io::Error::from);
    written
        .and_then(|bytes| fs::write(&path, bytes))
        .map_err(|error| format!("`{}` cannot be written: {error}", path.display()))
}
