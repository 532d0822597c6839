//! Counts that were recorded, judged as they would have been at the time.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize, Serializer};

use crate::monitor::{Assignment, Bucket, Decision, Metric, Misfit, Monitor, Rule};

/// The probability of failing a version that is no worse, where a recording says nothing else.
const ALPHA: f64 = 0.01;
/// The ratio that is ignored where tenants are assigned: tenants change from day to day without a release, too.
const MARGIN_OF_TENANTS: f64 = 1.5;

/// One metric of two versions over some time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    pub metric: Metric,
    #[serde(default)]
    pub assignment: Assignment,
    /// By default 0.01.
    pub alpha: Option<f64>,
    /// By default 1 where requests are assigned, and 1.5 where tenants are.
    pub margin: Option<f64>,
    pub tolerance: Option<f64>,
    pub weight: Option<f64>,
    /// Before the new version, both sides on the old one.
    #[serde(default)]
    pub history: Vec<Bucket>,
    #[serde(default)]
    pub edges_ms: Vec<f64>,
    /// In the order of their times. Buckets of one time are strata, such as endpoints: they are not pooled.
    pub buckets: Vec<Bucket>,
}

/// What was decided at the end of one bucket.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decided {
    #[serde(serialize_with = "seconds")]
    pub t: f64,
    #[serde(flatten)]
    pub decision: Decision,
}

impl Recording {
    /// One decision for each bucket, from what was known at its end.
    ///
    /// # Errors
    ///
    /// The first thing that contradicts itself.
    pub fn judge(self) -> Result<Vec<Decided>, Misfit> {
        let margin = match self.assignment {
            Assignment::Requests => 1.0,
            Assignment::Tenants => MARGIN_OF_TENANTS,
        };
        let rule = Rule {
            metric: self.metric,
            assignment: self.assignment,
            alpha: self.alpha.unwrap_or(ALPHA),
            margin: self.margin.unwrap_or(margin),
            tolerance: self.tolerance,
            weight: self.weight,
            edges_ms: self.edges_ms,
        };
        let mut monitor = Monitor::new(rule, &self.history)?;
        let mut decided: Vec<Decided> = Vec::with_capacity(self.buckets.len());
        for (index, bucket) in self.buckets.iter().enumerate() {
            let place = format!("/buckets/{index}");
            if let Some(last) = decided.last().filter(|last| bucket.t < last.t) {
                let problem = format!("{} s after {} s", bucket.t, last.t);
                return Err(Misfit::new(
                    place + "/t",
                    problem,
                    "write buckets in the order of their times",
                ));
            }
            monitor.observe(bucket).map_err(|misfit| misfit.within(&place))?;
            decided.push(Decided {
                t: bucket.t,
                decision: monitor.decision(),
            });
        }
        Ok(decided)
    }
}

/// Whole seconds without a point behind them.
fn seconds<S: Serializer>(t: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let whole = *t as i64;
    if whole as f64 == *t {
        serializer.serialize_i64(whole)
    } else {
        serializer.serialize_f64(*t)
    }
}
