//! The basic judgement: is the new version worse than the old one was for the same tenants, and not by chance?
//!
//! Tenants differ, so each is compared with its own history. Everybody may be hurt at once by something else, so what
//! shows against the history has to show against the tenants still on the old version too, where there are any. "Shows" is
//! two things: the difference is larger than the rule tolerates, and an exact test finds it beyond chance. The probability of
//! two comparisons that must both fail is the larger one (intersection-union test, R. L. Berger, Technometrics 24, 1982).

mod compare;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exact::{binomial, holm};
use crate::judgement::{Culprit, Extent, Judgement, Numbers, Symptom, Verdict};
use crate::sample::Sample;
use compare::{Comparison, Subject};

/// When a release counts as hurting. Shares are of requests, in percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthRule {
    /// Fewer requests to the new version decide nothing.
    pub requests_min: u64,
    /// Fewer requests of one tenant, before or after, say nothing about this tenant.
    pub tenant_requests_min: u64,
    /// The share of errors may exceed the old one by this.
    pub error_margin_percent: f64,
    /// Where the share of errors is above this, it may not exceed the old one at all.
    pub error_ceiling_percent: f64,
    /// The latency that is compared, between 0 and 1.
    pub latency_quantile: f64,
    /// The new latency may be this many times the old one, ...
    pub latency_ratio: f64,
    /// ... plus this.
    pub latency_slack_micros: u64,
    /// The probability of calling a difference real that is chance, at one look; for all tenants together as for the wave.
    pub significance: f64,
    /// Older numbers are no numbers.
    pub age_max_ms: u64,
}

impl Default for HealthRule {
    fn default() -> Self {
        Self {
            requests_min: 20,
            tenant_requests_min: 10,
            error_margin_percent: 1.0,
            error_ceiling_percent: 5.0,
            latency_quantile: 0.95,
            latency_ratio: 1.5,
            latency_slack_micros: 50_000,
            significance: 0.001,
            age_max_ms: 30_000,
        }
    }
}

/// The raw numbers about one wave.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// How old the newest counter is; `None` where there has never been one.
    pub age_ms: Option<u64>,
    /// Upper edges of the latency bins of every sample, rising.
    pub edges_micros: Vec<u64>,
    /// The tenants of the wave by name.
    pub tenants: BTreeMap<String, TenantEvidence>,
    /// Tenants still on the old version, over the same time as `after`. Empty where nobody is left there.
    #[serde(default)]
    pub control: Sample,
}

/// One tenant of the wave.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantEvidence {
    /// On the old version, before the switch.
    pub before: Sample,
    /// On the new version.
    pub after: Sample,
}

/// Judges a wave. Total and deterministic: nonsense is `Error`, too little is `Inconclusive`, nothing is `NoData`.
pub fn judge(rule: &HealthRule, evidence: &Evidence) -> Judgement {
    let wave = match check(rule, evidence) {
        Ok(wave) => wave,
        Err(problem) => return without_numbers(Verdict::Error, problem),
    };
    match evidence.age_ms {
        None => return without_numbers(Verdict::NoData, "nothing has been counted yet".to_owned()),
        Some(age) if age > rule.age_max_ms => {
            let reason = format!("the newest counter is {} s old", age / 1000);
            return without_numbers(Verdict::NoData, reason);
        }
        Some(_) => {}
    }
    let whole = Subject {
        rule,
        edges: &evidence.edges_micros,
        tenant: &wave,
        control: &evidence.control,
    };
    let errors = whole.errors();
    let latency = whole.latency(rule.requests_min);
    let culprits = culprits(rule, evidence);
    let numbers = numbers(&whole, errors.as_ref(), latency.as_ref());
    let (verdict, reason) = decide(&whole, errors.as_ref(), latency.as_ref(), &culprits);
    let extent = (verdict == Verdict::Fail).then(|| extent(rule, evidence, &culprits));
    Judgement {
        verdict,
        reason,
        numbers,
        extent,
        culprits,
    }
}

fn decide(
    whole: &Subject<'_>,
    errors: Option<&Comparison>,
    latency: Option<&Comparison>,
    culprits: &[Culprit],
) -> (Verdict, String) {
    let (rule, new) = (whole.rule, &whole.tenant.after);
    if new.requests == 0 {
        return (Verdict::NoData, "no request has reached the new version".to_owned());
    }
    if new.requests < rule.requests_min {
        let reason = format!("{} of {} requests", new.requests, rule.requests_min);
        return (Verdict::Inconclusive, reason);
    }
    let above_ceiling = new.failed().share() * 100.0 > rule.error_ceiling_percent;
    let ceiling = rule.error_ceiling_percent / 100.0;
    if above_ceiling && whole.is_above_every_baseline() && binomial(new.failed(), ceiling) <= rule.significance {
        let reason = format!(
            "{}, above the ceiling of {} %",
            whole.errors_in_words(),
            rule.error_ceiling_percent
        );
        return (Verdict::Fail, reason);
    }
    let compared = [(errors, whole.errors_in_words()), (latency, whole.latency_in_words())];
    for (comparison, words) in &compared {
        if let Some(failed) = comparison.filter(|c| c.fails(rule.significance)) {
            return (Verdict::Fail, format!("{words}, p = {:.1e}", failed.p));
        }
    }
    if let Some(first) = culprits.first() {
        let others = match culprits.len() - 1 {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        return (Verdict::Fail, format!("{}: {}{others}", first.tenant, first.reason));
    }
    if errors.is_none() {
        return (
            Verdict::NoData,
            "there are no numbers of the old version to compare with".to_owned(),
        );
    }
    for (comparison, words) in &compared {
        if comparison.is_some_and(|c| c.doubtful) {
            return (Verdict::Inconclusive, format!("{words}: worse, but not beyond doubt"));
        }
    }
    if above_ceiling {
        let reason = format!(
            "{}, both above the ceiling of {} %",
            whole.errors_in_words(),
            rule.error_ceiling_percent
        );
        return (Verdict::Inconclusive, reason);
    }
    if latency.is_none() {
        let reason = format!("latency was measured for fewer than {} requests", rule.requests_min);
        return (Verdict::Inconclusive, reason);
    }
    (
        Verdict::Pass,
        format!("{}; {}", whole.errors_in_words(), whole.latency_in_words()),
    )
}

/// Tenants that are worse off than they were. All tests on all tenants together err with the significance of the rule.
fn culprits(rule: &HealthRule, evidence: &Evidence) -> Vec<Culprit> {
    let mut tests = Vec::new();
    for (name, tenant) in &evidence.tenants {
        let subject = Subject {
            rule,
            edges: &evidence.edges_micros,
            tenant,
            control: &evidence.control,
        };
        let enough = rule.tenant_requests_min.max(1);
        if tenant.before.requests.min(tenant.after.requests) < enough {
            continue;
        }
        if let Some(errors) = subject.errors() {
            tests.push((name, Symptom::Errors, errors, subject.errors_in_words()));
        }
        if let Some(latency) = subject.latency(enough) {
            tests.push((name, Symptom::Latency, latency, subject.latency_in_words()));
        }
    }
    // What the rule tolerates is no symptom, however sure it is; it still counts as a test that was made.
    let probabilities: Vec<f64> = tests
        .iter()
        .map(|(_, _, c, _)| if c.beyond { c.p } else { 1.0 })
        .collect();
    let named = holm(&probabilities, rule.significance);
    let mut culprits: Vec<Culprit> = Vec::new();
    for ((name, symptom, _, reason), _) in tests.into_iter().zip(named).filter(|(_, named)| *named) {
        match culprits.last_mut() {
            // Its errors were named already.
            Some(last) if last.tenant == *name => last.reason = format!("{}; {reason}", last.reason),
            Some(_) | None => culprits.push(Culprit {
                tenant: name.clone(),
                symptom,
                reason,
            }),
        }
    }
    culprits
}

/// The wave is well without its culprits, or it is not. Where most are culprits, the quiet rest is not worth a try.
fn extent(rule: &HealthRule, evidence: &Evidence, culprits: &[Culprit]) -> Extent {
    let named = |name: &String| culprits.iter().any(|culprit| culprit.tenant == *name);
    let rest = evidence
        .tenants
        .iter()
        .filter(|(name, _)| !named(name))
        .map(|(_, tenant)| tenant);
    let Some(rest) = sum(rest) else {
        return Extent::Wave;
    };
    let subject = Subject {
        rule,
        edges: &evidence.edges_micros,
        tenant: &rest,
        control: &evidence.control,
    };
    let hurt = [subject.errors(), subject.latency(rule.requests_min)]
        .into_iter()
        .flatten()
        .any(|comparison| comparison.fails(rule.significance));
    if hurt || culprits.len() * 2 > evidence.tenants.len() || culprits.is_empty() {
        Extent::Wave
    } else {
        Extent::Tenants
    }
}

fn sum<'a>(tenants: impl Iterator<Item = &'a TenantEvidence> + Clone) -> Option<TenantEvidence> {
    Some(TenantEvidence {
        before: Sample::sum(tenants.clone().map(|tenant| &tenant.before))?,
        after: Sample::sum(tenants.map(|tenant| &tenant.after))?,
    })
}

/// The sums over the wave, where rule and evidence make sense.
fn check(rule: &HealthRule, evidence: &Evidence) -> Result<TenantEvidence, String> {
    let sane = [
        rule.error_margin_percent,
        rule.error_ceiling_percent,
        rule.latency_ratio,
        rule.significance,
    ];
    let quantile = rule.latency_quantile;
    if sane.iter().any(|number| !number.is_finite() || *number < 0.0) || !(quantile > 0.0 && quantile <= 1.0) {
        return Err("a number of the health rule is out of its range".to_owned());
    }
    if !evidence.edges_micros.is_sorted_by(|a, b| a < b) {
        return Err("the edges of the latency bins do not rise".to_owned());
    }
    let control = [("the control", &evidence.control)].into_iter();
    let tenants = evidence
        .tenants
        .iter()
        .flat_map(|(name, t)| [(name.as_str(), &t.before), (name, &t.after)]);
    for (name, sample) in control.chain(tenants) {
        if sample.errors > sample.requests {
            return Err(format!(
                "{name}: {} errors in {} requests",
                sample.errors, sample.requests
            ));
        }
        if !sample.latency.is_empty() && sample.latency.len() != evidence.edges_micros.len() + 1 {
            return Err(format!(
                "{name}: {} latency bins do not match the edges",
                sample.latency.len()
            ));
        }
    }
    let overflow = || "the sum of the counters does not fit".to_owned();
    let wave = sum(evidence.tenants.values()).ok_or_else(overflow)?;
    for sample in [&wave.before, &wave.after, &evidence.control] {
        let mut bins = sample.latency.iter();
        bins.try_fold(0_u64, |sum, count| sum.checked_add(*count))
            .ok_or_else(overflow)?;
    }
    Ok(wave)
}

fn numbers(whole: &Subject<'_>, errors: Option<&Comparison>, latency: Option<&Comparison>) -> Numbers {
    let (old, new) = (whole.baseline(), &whole.tenant.after);
    Numbers {
        old_requests: old.requests,
        new_requests: new.requests,
        old_errors: old.errors,
        new_errors: new.errors,
        errors_p: errors.map(|comparison| comparison.p),
        old_latency_micros: whole.quantile_micros(old),
        new_latency_micros: whole.quantile_micros(new),
        latency_p: latency.map(|comparison| comparison.p),
    }
}

fn without_numbers(verdict: Verdict, reason: String) -> Judgement {
    Judgement {
        verdict,
        reason,
        numbers: Numbers::default(),
        extent: None,
        culprits: Vec::new(),
    }
}
