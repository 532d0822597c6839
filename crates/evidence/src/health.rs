//! The health of a wave: is the new version worse than tolerated, for the wave or for some tenant, and not by chance?
//!
//! Tenants differ, so each is compared with its own history, and so is the wave with its own. Everybody may be hurt at once by something else,
//! so what shows against the history has to show against those who stayed on the old version, too, where there are enough of them.
//!
//! The wave and each of its tenants are subjects with an e-value each, and what decides is one e-value: half of it is the wave's, the other half
//! the mean of the tenants'. So a wave that is no worse than tolerated is failed with a probability of at most `alpha`, however often
//! it is looked at and however many tenants it has, and one tenant alone fails at twice the number of tenants over `alpha`. Who is hurt
//! is named by e-BH.

mod bets;
mod floor;
mod rule;
mod subject;
mod terms;
#[cfg(test)]
mod tests;
mod track;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::e_value::{culprits, from_log, log_weighted_mean};
use crate::judgement::{Culprit, Judgement, Verdict};
use crate::monitor::Assignment;
use crate::sample::Sample;
use crate::words::{grouped, rounded};
use bets::Test;
pub use floor::{CanaryTraffic, WaveFloor, WaveTraffic};
pub use rule::HealthRule;
use subject::{Look, Reading, Seen, Subject};

/// What decides is made up in equal parts of the wave and of its tenants.
const PART: f64 = 0.5;
/// Errors and slow answers, which count alike.
const KINDS: f64 = 2.0;

/// A tenant with less evidence against it is as good as one that nobody has looked at: the whole of its counts, taken in at once, says
/// nearly the same, and one that is bad goes on being so.
const KEPT_FROM: f64 = 10.0;

/// The raw numbers about one wave at one look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The tenants of the wave by name.
    pub tenants: BTreeMap<String, TenantEvidence>,
    /// Those who stayed on the old version when the first tenant moved, over the same time before it. Empty where nobody did.
    #[serde(default)]
    pub stayed_before: Sample,
    /// Those who are still there, since whatever instant they are counted from.
    #[serde(default)]
    pub stayed: Sample,
}

/// One tenant of the wave.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantEvidence {
    /// On the old version, before the switch.
    pub before: Sample,
    /// On the new version, everything since the switch.
    pub after: Sample,
    /// Its other requests, on the old version at the same time; where chance assigns the requests.
    #[serde(default, skip_serializing_if = "Sample::is_nothing")]
    pub beside: Sample,
}

/// What has to be kept of a wave, so that somebody else can go on looking. Of most tenants it is nothing: what they have counted says it all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    whole: Seen,
    /// Those whom something speaks against.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tenants: BTreeMap<String, Seen>,
}

/// What has been seen of one wave, look by look.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveHealth {
    rule: HealthRule,
    edges: Vec<u64>,
    whole: Subject,
    tenants: BTreeMap<String, Subject>,
    /// Those who stayed, as of the last look.
    stayed: Option<Sample>,
    /// The numbers of the last look contradict themselves.
    problem: Option<String>,
}

impl WaveHealth {
    /// Nothing has been seen yet. `edges_micros` are the upper edges of the latency bins of every sample.
    ///
    /// # Errors
    ///
    /// In words, what of the rule or the edges is out of its range.
    pub fn new(rule: HealthRule, edges_micros: &[u64]) -> Result<Self, String> {
        if let Some(problem) = rule.problem() {
            return Err(format!("the health rule cannot be used: {problem}"));
        }
        if !edges_micros.is_sorted_by(|a, b| a < b) {
            return Err("the edges of the latency bins do not rise".to_owned());
        }
        let reading = Reading {
            miss: rule.miss(1),
            rule: &rule,
            edges: edges_micros,
        };
        Ok(Self {
            whole: Subject::new(reading),
            tenants: BTreeMap::new(),
            stayed: None,
            problem: None,
            edges: edges_micros.to_vec(),
            rule,
        })
    }

    /// Takes in what has come since the last look: figures only grow, so what was taken in once is never taken in again. Who is not in
    /// the evidence any more is forgotten, and the rest is looked at as if it had always been alone.
    pub fn observe(&mut self, evidence: &Evidence) {
        let whole = match self.check(evidence) {
            Ok(whole) => whole,
            Err(problem) => {
                self.problem = Some(problem);
                return;
            }
        };
        self.problem = None;
        let before = self.tenants.len();
        self.tenants.retain(|name, _| evidence.tenants.contains_key(name));
        if self.tenants.len() < before {
            self.whole.begin_anew();
        }
        let stayed = self.others(evidence, &whole);
        let reading = |subjects| Reading {
            rule: &self.rule,
            edges: &self.edges,
            miss: self.rule.miss(subjects),
        };
        let look = Look {
            own: &whole,
            stayed_before: &evidence.stayed_before,
            stayed: &stayed,
        };
        self.whole.observe(reading(1), look);
        let of_tenants = reading(evidence.tenants.len());
        for (name, tenant) in &evidence.tenants {
            let subject = match self.tenants.get_mut(name) {
                Some(subject) => subject,
                None => self.tenants.entry(name.clone()).or_insert(Subject::new(of_tenants)),
            };
            let own_others;
            let others = match self.rule.assignment {
                Assignment::Tenants => &stayed,
                Assignment::Requests => {
                    own_others = subject.beside(tenant);
                    &own_others
                }
            };
            let look = Look {
                own: tenant,
                stayed_before: &evidence.stayed_before,
                stayed: others,
            };
            subject.observe(of_tenants, look);
        }
    }

    /// What those have counted since the look before with whom the whole wave is compared. Who has left them takes its counts along: then
    /// this bucket has none to compare with.
    fn others(&mut self, evidence: &Evidence, whole: &TenantEvidence) -> Sample {
        let now = match self.rule.assignment {
            Assignment::Tenants => &evidence.stayed,
            Assignment::Requests => &whole.beside,
        };
        let stayed = self.stayed.as_ref().and_then(|earlier| now.since(earlier));
        self.stayed = Some(now.clone());
        stayed.unwrap_or_default()
    }

    /// What a later process needs to [resume](Self::resume).
    #[must_use]
    pub fn kept(&self) -> Kept {
        let suspects = self.tenants.iter().filter(|(_, tenant)| {
            let log = tenant.log(Test::Standing).max(tenant.log(Test::Fixed));
            log >= KEPT_FROM.ln()
        });
        Kept {
            whole: self.whole.seen().clone(),
            tenants: suspects
                .map(|(name, tenant)| (name.clone(), tenant.seen().clone()))
                .collect(),
        }
    }

    /// Goes on from what was kept, before the first look. What has come meanwhile is taken in as one bucket.
    pub fn resume(&mut self, kept: Kept) {
        self.whole.resume(kept.whole);
        for (name, seen) in kept.tenants {
            let reading = Reading {
                rule: &self.rule,
                edges: &self.edges,
                miss: self.rule.miss(1),
            };
            let mut subject = Subject::new(reading);
            subject.resume(seen);
            self.tenants.insert(name, subject);
        }
    }

    /// What can be said now. `age_ms` is how old the newest counter is, `None` where there has never been one. What is `confirmed` has baked: only
    /// the standing watch goes on.
    #[must_use]
    pub fn judge(&self, age_ms: Option<u64>, confirmed: bool) -> Judgement {
        if let Some(problem) = &self.problem {
            return Judgement::without_numbers(Verdict::Error, problem.clone());
        }
        match age_ms {
            None => return Judgement::without_numbers(Verdict::NoData, "nothing has been counted yet"),
            Some(age) if age > self.rule.age_max_ms => {
                let reason = format!("the newest counter is {} s old", age / 1000);
                return Judgement::without_numbers(Verdict::NoData, reason);
            }
            Some(_) => {}
        }
        let requests = self.whole.counted().requests;
        if requests == 0 {
            return Judgement::without_numbers(Verdict::NoData, "no request has reached the new version");
        }
        let judged = |verdict, reason| Judgement {
            requests,
            ..Judgement::without_numbers(verdict, reason)
        };
        let tests = [Test::Fixed, Test::Standing];
        for test in tests.into_iter().filter(|test| !confirmed || *test == Test::Standing) {
            if let Some((reason, culprits)) = self.fault(test) {
                return Judgement {
                    culprits,
                    ..judged(Verdict::Fail, reason)
                };
            }
        }
        if !self.whole.has_history() {
            let reason = "there are no numbers of the old version to compare with".to_owned();
            return judged(Verdict::NoData, reason);
        }
        let (words, log) = (self.whole.in_words(self.rule.alpha), self.log(Test::Fixed));
        let is_outage = tests
            .into_iter()
            .any(|test| self.whole.may_be_an_outage(test, self.needed(test)));
        if self.whole.is_shown() && log <= 0.0 && !is_outage {
            return judged(Verdict::Pass, words);
        }
        let (said, needs) = if is_outage {
            (
                match self.rule.assignment {
                    Assignment::Tenants => {
                        "worse than before, but those who stayed on the old version are hurt as well"
                    }
                    Assignment::Requests => "worse than before, but the other requests are hurt as well",
                },
                match self.rule.assignment {
                    Assignment::Tenants => "those who stayed to recover, or to be better off beyond chance".to_owned(),
                    Assignment::Requests => {
                        "the other requests to recover, or to be better off beyond chance".to_owned()
                    }
                },
            )
        } else {
            self.undecided(log)
        };
        Judgement {
            needs: Some(needs),
            ..judged(Verdict::Inconclusive, format!("{words}: {said}"))
        }
    }

    /// The sums over the wave, where the evidence makes sense.
    fn check(&self, evidence: &Evidence) -> Result<TenantEvidence, String> {
        let stayed = [&evidence.stayed_before, &evidence.stayed].map(|sample| ("those who stayed", sample));
        let tenants = evidence.tenants.iter();
        let tenants = tenants.flat_map(|(name, t)| [(name.as_str(), &t.before), (name, &t.after), (name, &t.beside)]);
        for (name, sample) in stayed.into_iter().chain(tenants) {
            if sample.errors > sample.requests {
                let (errors, requests) = (grouped(sample.errors), grouped(sample.requests));
                return Err(format!("{name}: {errors} errors in {requests} requests"));
            }
            if !sample.latency.is_empty() && sample.latency.len() != self.edges.len() + 1 {
                let bins = sample.latency.len();
                return Err(format!("{name}: {bins} latency bins do not match the edges"));
            }
        }
        let sum = |side: fn(&TenantEvidence) -> &Sample| {
            let sum = Sample::sum(evidence.tenants.values().map(side));
            sum.ok_or_else(|| "the sum of the counters does not fit".to_owned())
        };
        let (before, after) = (sum(|tenant| &tenant.before)?, sum(|tenant| &tenant.after)?);
        let beside = sum(|tenant| &tenant.beside)?;
        let fits = |sample: &Sample| {
            sample
                .latency
                .iter()
                .try_fold(0_u64, |sum, bin| sum.checked_add(*bin))
                .is_some()
        };
        if !(fits(&before) && fits(&after) && fits(&beside) && fits(&evidence.stayed) && fits(&evidence.stayed_before))
        {
            return Err("the sum of the counters does not fit".to_owned());
        }
        Ok(TenantEvidence { before, after, beside })
    }

    /// The logarithm of the evidence that the wave or some tenant is worse off than tolerated.
    fn log(&self, test: Test) -> f64 {
        let each = (1.0 - PART) / self.tenants.len().max(1) as f64;
        let tenants = self.tenants.values().map(|tenant| (each, tenant.log(test)));
        log_weighted_mean(tenants.chain([(PART, self.whole.log(test))]))
    }

    /// What the evidence has to reach, as a logarithm.
    fn needed(&self, test: Test) -> f64 {
        match test {
            Test::Fixed => -self.rule.alpha_of_counts().ln(),
            Test::Standing => (f64::from(self.rule.looks_per_day) / self.rule.alarms_per_day).ln(),
        }
    }

    /// Why the wave fails, and whom alone it concerns.
    fn fault(&self, test: Test) -> Option<(String, Vec<Culprit>)> {
        let (log, needed) = (self.log(test), self.needed(test));
        if log < needed {
            return None;
        }
        let named = self.named(test);
        let loudest = self.tenants.values().map(|tenant| tenant.log(test));
        let loudest = loudest.fold(f64::NEG_INFINITY, f64::max);
        // One tenant says more than the wave, and not yet enough to be named: it is not the wave.
        if named.is_empty() && self.tenants.len() > 1 && loudest >= self.whole.log(test) {
            return None;
        }
        let since = match test {
            Test::Fixed => "",
            Test::Standing => " lately",
        };
        let beyond = format!(
            "worse beyond chance{since} (E = {}, fails at {})",
            number(log),
            number(needed)
        );
        if named.is_empty() || named.len() * 2 > self.tenants.len() || self.is_rest_hurt(&named) {
            let reason = format!("{}: {beyond}", self.whole.in_words(self.rule.alpha));
            return Some((reason, Vec::new()));
        }
        let others = match named.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (first, subject) = named[0];
        let words = subject.in_words(self.rule.alpha);
        let reason = format!("{first}{others}: {words}: {beyond}; the others are well");
        let culprits = named.iter().map(|(name, subject)| Culprit {
            tenant: (*name).clone(),
            reason: subject.in_words(self.rule.alpha),
        });
        Some((reason, culprits.collect()))
    }

    /// Tenants that are hurt; of those named at most the share `alpha` is wrong on average.
    fn named(&self, test: Test) -> Vec<(&String, &Subject)> {
        // Over a day the evidence of the standing watch is that of one test for each look.
        let (alpha, looks) = match test {
            Test::Fixed => (self.rule.alpha_of_counts(), 1.0),
            Test::Standing => (self.rule.alarms_per_day, f64::from(self.rule.looks_per_day)),
        };
        let logs: Vec<f64> = self
            .tenants
            .values()
            .map(|tenant| tenant.log(test) - f64::ln(looks))
            .collect();
        let tenants: Vec<(&String, &Subject)> = self.tenants.iter().collect();
        culprits(&logs, alpha).into_iter().map(|index| tenants[index]).collect()
    }

    /// The others, as if they had been alone since the move.
    fn is_rest_hurt(&self, named: &[(&String, &Subject)]) -> bool {
        let is_named = |name: &String| named.iter().any(|(other, _)| *other == name);
        let rest = || {
            self.tenants
                .iter()
                .filter(|(name, _)| !is_named(name))
                .map(|(_, subject)| subject)
        };
        let before = Sample::sum(rest().map(|subject| &subject.history().own));
        let after = Sample::sum(rest().map(Subject::counted));
        let (Some(before), Some(after)) = (before, after) else {
            return true;
        };
        let reading = Reading {
            rule: &self.rule,
            edges: &self.edges,
            miss: self.rule.miss(1),
        };
        let nobody = Sample::default();
        let look = Look {
            own: &TenantEvidence {
                before,
                after,
                beside: nobody.clone(),
            },
            stayed_before: &nobody,
            stayed: &nobody,
        };
        let mut subject = Subject::new(reading);
        subject.observe(reading, look);
        subject.log(Test::Fixed) >= self.needed(Test::Fixed)
    }

    /// Why there is no verdict, and what would make one.
    fn undecided(&self, log: f64) -> (&'static str, String) {
        if log <= 0.0 {
            let needs = self.whole.needs().join(", and ");
            return ("neither worse beyond chance nor shown to be good", needs);
        }
        let (now, needed) = (number(log), number(self.needed(Test::Fixed)));
        let needs = format!("the evidence against it, E = {now}, to fall to 1, or to reach {needed}");
        ("worse, but not beyond chance", needs)
    }
}

fn number(log: f64) -> String {
    let number = from_log(log);
    if number < 100.0 {
        rounded(number)
    } else if number < 1e9 {
        grouped(number as u64)
    } else {
        format!("{number:.1e}")
    }
}
