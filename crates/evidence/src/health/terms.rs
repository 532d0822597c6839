//! What is tolerated of a subject, by its own history.

use crate::exact::{Count, share_at_most};
use crate::monitor::Assignment;
use crate::sample::Sample;

use super::HealthRule;

/// What the new version is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The subject on the old version.
    pub own: Sample,
    /// Those who stayed there, over the same time.
    pub stayed: Sample,
}

/// What is tolerated of one kind of event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// The events in the own history.
    pub before: Count,
    /// A share above this is worse than tolerated, whatever the history may hide. 1 where none is.
    pub limit: f64,
    /// A share below this is as good as the one in the history, with what is tolerated. 1 where every one is.
    pub tolerance: f64,
    /// How many times the share of those who stayed is no cause to act.
    pub beside: f64,
}

/// Requests that are slow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slow {
    /// Above the upper edge of this bin, ...
    pub bin: usize,
    /// ... which is this.
    pub edge_micros: u64,
    pub terms: Terms,
}

/// All that is tolerated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AllTerms {
    /// With whom it is compared at the same time, in words.
    pub others: &'static str,
    pub errors: Terms,
    /// `None` where nothing was measured before, or where nothing would be too slow.
    pub slow: Option<Slow>,
}

impl AllTerms {
    /// `miss` is how often a bound may not hold.
    pub fn new(rule: &HealthRule, edges: &[u64], history: &History, miss: f64) -> Self {
        let bin = slow_bin(rule, edges, &history.own);
        Self {
            others: match rule.assignment {
                Assignment::Tenants => "those who stayed",
                Assignment::Requests => "the other requests",
            },
            errors: errors(rule, history, miss),
            slow: bin.map(|bin| Slow {
                bin,
                edge_micros: edges[bin],
                terms: slow(rule, history, bin, miss),
            }),
        }
    }
}

fn errors(rule: &HealthRule, history: &History, miss: f64) -> Terms {
    let (margin, ceiling) = (rule.error_margin_percent / 100.0, rule.error_ceiling_percent / 100.0);
    let tolerated = |usual: f64| {
        let by_points = (usual + margin).min(ceiling.max(usual));
        by_points.max(usual * rule.margin).min(1.0)
    };
    let (own, stayed) = (history.own.failed(), history.stayed.failed());
    Terms::new(rule, own, stayed, miss, tolerated)
}

fn slow(rule: &HealthRule, history: &History, bin: usize, miss: f64) -> Terms {
    let tolerated = |usual: f64| (usual * rule.margin).max(1.0 - rule.latency_quantile).min(1.0);
    let (own, stayed) = (history.own.above(bin), history.stayed.above(bin));
    Terms::new(rule, own, stayed, miss, tolerated)
}

/// The bin in which the tolerated latency lies: rounded up to its edge, in favour of the new version. `None` above the last edge, where
/// nothing can be told apart, and of nothing.
fn slow_bin(rule: &HealthRule, edges: &[u64], old: &Sample) -> Option<usize> {
    let quantile = *edges.get(old.quantile_bin(rule.latency_quantile)?)? as f64;
    let tolerated = quantile * rule.latency_ratio + rule.latency_slack_micros as f64;
    edges.iter().position(|edge| *edge as f64 >= tolerated)
}

/// What both sides have together weighs as much as so many events of one of them.
const WEIGHT_OF_BOTH: f64 = 10.0;

/// How many times the share of the one side is that of the other. Each is drawn to what both have together (the posterior mean of a Gamma
/// prior: D. Clayton and J. Kaldor, Biometrics 43, 1987), so that few events do not make a ratio. It is an estimate and no
/// bound: it decides only whether others are hurt as well.
fn usual_ratio(own: Count, stayed: Count) -> f64 {
    let both = Count {
        events: own.events.saturating_add(stayed.events),
        trials: own.trials.saturating_add(stayed.trials),
    };
    let relative =
        |count: Count| (count.events as f64 + WEIGHT_OF_BOTH) / (both.share() * count.trials as f64 + WEIGHT_OF_BOTH);
    relative(own) / relative(stayed)
}

impl Terms {
    fn new(rule: &HealthRule, own: Count, stayed: Count, miss: f64, tolerated: impl Fn(f64) -> f64) -> Self {
        Self {
            before: own,
            limit: tolerated(share_at_most(own, miss)),
            tolerance: tolerated(own.share()),
            beside: match rule.assignment {
                Assignment::Tenants => usual_ratio(own, stayed) * rule.margin,
                // Chance gives both versions the same kind of requests.
                Assignment::Requests => rule.margin,
            },
        }
    }
}
