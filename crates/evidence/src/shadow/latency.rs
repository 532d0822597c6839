//! How long the two versions took for the same requests, by the sequential test of latency.

use crate::judgement::Verdict;
use crate::monitor::{Assignment, Bucket, Counts, Decision, Metric, Misfit, Monitor, Rule};

use super::ALPHA_OF_LATENCY;

/// Pairs that are judged by the thresholds of those before.
const PAIRS_OF_BUCKET: u64 = 50;
/// Upper edge of the first bin, in milliseconds.
const EDGE_FIRST: f64 = 0.1;
/// Each edge is so much of the one before: 150 of them reach more than two days.
const EDGE_RATIO: f64 = 1.15;
const EDGES: usize = 150;

/// The latency of one endpoint.
#[derive(Debug)]
pub struct Latency {
    edges: Vec<f64>,
    monitor: Monitor,
    bucket: Bucket,
}

impl Latency {
    /// # Errors
    ///
    /// Never: the rule is a constant that is right.
    pub fn new() -> Result<Self, Misfit> {
        let edges: Vec<f64> = (0..EDGES)
            .map(|index| EDGE_FIRST * EDGE_RATIO.powi(index as i32))
            .collect();
        let rule = Rule {
            metric: Metric::Latency,
            assignment: Assignment::Requests,
            alpha: ALPHA_OF_LATENCY,
            margin: 1.0,
            tolerance: None,
            weight: None,
            edges_ms: edges.clone(),
        };
        Ok(Self {
            monitor: Monitor::new(rule, &[])?,
            bucket: empty(edges.len()),
            edges,
        })
    }

    pub fn observe(&mut self, old: f64, new: f64) -> Result<(), Misfit> {
        for (counts, milliseconds) in [(&mut self.bucket.old, old), (&mut self.bucket.new, new)] {
            counts.n += 1;
            counts.hist[self.edges.partition_point(|edge| *edge < milliseconds)] += 1;
        }
        if self.bucket.old.n == PAIRS_OF_BUCKET {
            self.close()?;
        }
        Ok(())
    }

    /// The decision about all pairs, and the logarithm of its evidence. `None` where there was none to compare with an earlier one.
    pub fn decided(&mut self) -> Result<Option<(Decision, f64)>, Misfit> {
        if self.bucket.old.n > 0 {
            self.close()?;
        }
        let decision = self.monitor.decision();
        let log_e = self.monitor.log_e();
        Ok((decision.verdict != Verdict::NoData).then_some((decision, log_e)))
    }

    fn close(&mut self) -> Result<(), Misfit> {
        self.monitor.observe(&self.bucket)?;
        self.bucket = empty(self.edges.len());
        Ok(())
    }
}

fn empty(edges: usize) -> Bucket {
    let counts = Counts {
        hist: vec![0; edges + 1],
        ..Counts::default()
    };
    Bucket {
        t: 0.0,
        old: counts.clone(),
        new: counts,
    }
}
