//! One subject, a tenant or the sum of a wave, against what it is compared with.

use crate::exact::{Count, fisher};
use crate::sample::Sample;

use super::{HealthRule, TenantEvidence};

pub struct Subject<'a> {
    pub rule: &'a HealthRule,
    pub edges: &'a [u64],
    pub tenant: &'a TenantEvidence,
    pub control: &'a Sample,
}

/// How the new version stands against every baseline.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// Worse than the first baseline by more than the rule tolerates.
    pub doubtful: bool,
    /// Worse than every baseline by more than the rule tolerates.
    pub beyond: bool,
    /// The largest of the probabilities of the differences being chance.
    pub p: f64,
}

impl Comparison {
    pub fn fails(&self, significance: f64) -> bool {
        self.beyond && self.p <= significance
    }

    fn of(each: impl Iterator<Item = (bool, f64)>) -> Option<Self> {
        each.fold(None, |sum: Option<Self>, (beyond, p)| {
            let (doubtful, all, largest) = sum.map_or((beyond, true, 0.0), |s| (s.doubtful, s.beyond, s.p));
            Some(Self {
                doubtful,
                beyond: all && beyond,
                p: p.max(largest),
            })
        })
    }
}

impl Subject<'_> {
    /// The own history first, then those who stayed; what is empty says nothing.
    fn baselines(&self) -> impl Iterator<Item = &Sample> {
        [&self.tenant.before, self.control]
            .into_iter()
            .filter(|sample| sample.requests > 0)
    }

    /// The baseline that is shown.
    pub fn baseline(&self) -> &Sample {
        self.baselines().next().unwrap_or(&self.tenant.before)
    }

    /// `None` where there is nothing to compare with.
    pub fn errors(&self) -> Option<Comparison> {
        let new = self.tenant.after.failed();
        Comparison::of(self.baselines().map(|old| {
            let difference = new.share() - old.failed().share();
            let beyond = difference * 100.0 > self.rule.error_margin_percent;
            (beyond, fisher(new, old.failed()))
        }))
    }

    pub fn is_above_every_baseline(&self) -> bool {
        let new = self.tenant.after.failed().share();
        self.baselines().all(|old| new > old.failed().share())
    }

    /// Compares the shares of requests that took longer than the rule tolerates after this baseline. `None` where fewer
    /// than `enough` were measured on the new version or on every baseline.
    pub fn latency(&self, enough: u64) -> Option<Comparison> {
        let new = &self.tenant.after;
        let enough = enough.max(1);
        if new.measured() < enough {
            return None;
        }
        let new_bin = new.quantile_bin(self.rule.latency_quantile)?;
        let measured = self.baselines().filter(|old| old.measured() >= enough);
        Comparison::of(measured.map(|old| match self.tolerated_bin(old) {
            Some(bin) => (new_bin > bin, fisher(new.above(bin), old.above(bin))),
            // Above the last edge nothing can be told apart.
            None => (false, 1.0),
        }))
    }

    /// The bin in which the tolerated latency lies: rounded up to its edge, in favour of the new version.
    fn tolerated_bin(&self, old: &Sample) -> Option<usize> {
        let quantile = self.quantile_micros(old)? as f64;
        let tolerated = quantile * self.rule.latency_ratio + self.rule.latency_slack_micros as f64;
        self.edges.iter().position(|edge| *edge as f64 >= tolerated)
    }

    pub fn quantile_micros(&self, sample: &Sample) -> Option<u64> {
        let bin = sample.quantile_bin(self.rule.latency_quantile)?;
        self.edges.get(bin).copied()
    }

    pub fn errors_in_words(&self) -> String {
        let words = |count: Count| {
            let percent = count.share() * 100.0;
            format!("{percent:.2} % ({} of {})", count.events, count.trials)
        };
        let new = words(self.tenant.after.failed());
        format!("errors {new}, before {}", words(self.baseline().failed()))
    }

    pub fn latency_in_words(&self) -> String {
        let words = |sample: &Sample| match self.quantile_micros(sample) {
            Some(micros) => format!("at most {:.1} ms", micros as f64 / 1000.0),
            None if sample.measured() == 0 => "not measured".to_owned(),
            None => "above the last bin".to_owned(),
        };
        let percent = self.rule.latency_quantile * 100.0;
        format!(
            "latency p{percent} {}, before {}",
            words(&self.tenant.after),
            words(self.baseline())
        )
    }
}
