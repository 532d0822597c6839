//! One hour of a canary, looked at every ten seconds, by our monitors and by the rules of others.

use tidegate_evidence::{Assignment, Bucket, Counts, Metric, Misfit, Monitor, Rule};

use crate::peers::{Check, MannWhitney, Threshold, quantile};
use crate::random::Random;
use crate::world::{Canary, HOUR, edges_ms};

pub const ALPHA: f64 = 0.01;
/// Buckets of the old version before the canary: ten minutes.
const HISTORY: usize = 60;

/// The first bucket, from 1 on, at whose end each rule rolls back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Found {
    pub ours: Option<usize>,
    pub mann_whitney: Option<usize>,
    pub mann_whitney_minute: Option<usize>,
    pub first_failed: Option<usize>,
    pub fifth_failed: Option<usize>,
}

pub fn rule(metric: Metric) -> Rule {
    Rule {
        metric,
        assignment: Assignment::Requests,
        alpha: ALPHA,
        margin: 1.0,
        tolerance: None,
        weight: None,
        edges_ms: edges_ms(),
    }
}

pub fn fails(monitor: &Monitor) -> bool {
    monitor.log_e() >= (1.0 / ALPHA).ln()
}

fn note(found: &mut Option<usize>, bucket: usize, is_found: bool) {
    if is_found && found.is_none() {
        *found = Some(bucket);
    }
}

/// Points of six buckets as one.
#[derive(Debug, Default)]
struct Minute {
    old: Vec<u64>,
    new: Vec<u64>,
}

impl Minute {
    fn add(&mut self, old: &[u64], new: &[u64]) {
        for (sums, counts) in [(&mut self.old, old), (&mut self.new, new)] {
            sums.resize(counts.len(), 0);
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
    }

    fn take(&mut self) -> (Vec<u64>, Vec<u64>) {
        (std::mem::take(&mut self.old), std::mem::take(&mut self.new))
    }
}

/// Judges an hour of errors.
pub fn errors(random: &mut Random, canary: &Canary) -> Result<Found, Misfit> {
    errors_of(|_| canary.errors(random))
}

/// Judges an hour of errors, as counted in each bucket from 1 on: old and new.
pub fn errors_of(mut counted: impl FnMut(usize) -> (Counts, Counts)) -> Result<Found, Misfit> {
    let as_counted = |counts: &Counts| vec![counts.n, counts.events];
    let rate = |counts: &[u64]| (counts[0] > 0).then(|| counts[1] as f64 / counts[0] as f64);
    let mut monitor = Monitor::new(rule(Metric::Errors), &[])?;
    let mut peers = Peers::default();
    let mut found = Found::default();
    for look in 1..=HOUR {
        let (old, new) = counted(look);
        peers.look(
            &mut found,
            look,
            Check::Success,
            (as_counted(&old), as_counted(&new)),
            rate,
        );
        monitor.observe(&Bucket { t: 0.0, old, new })?;
        note(&mut found.ours, look, fails(&monitor));
    }
    Ok(found)
}

/// Judges an hour of latencies.
pub fn latency(random: &mut Random, canary: &Canary) -> Result<Found, Misfit> {
    let mut bucket = Bucket {
        t: 0.0,
        old: Counts::default(),
        new: Counts::default(),
    };
    let history: Vec<Bucket> = (0..HISTORY)
        .map(|_| {
            let mut before = bucket.clone();
            before.new.hist = vec![0; edges_ms().len() + 1];
            canary
                .latency
                .0
                .draw(random, canary.per_second * crate::world::BUCKET, &mut before.old.hist);
            before
        })
        .collect();
    let mut monitor = Monitor::new(rule(Metric::Latency), &history)?;
    let mut peers = Peers::default();
    let mut found = Found::default();
    for look in 1..=HOUR {
        canary.latencies(random, &mut bucket.old, &mut bucket.new);
        let counted = (bucket.old.hist.clone(), bucket.new.hist.clone());
        peers.look(&mut found, look, Check::Duration, counted, |hist| quantile(hist, 0.99));
        monitor.observe(&bucket)?;
        note(&mut found.ours, look, fails(&monitor));
    }
    Ok(found)
}

/// The rules of others about one metric.
#[derive(Debug, Default)]
struct Peers {
    threshold: Threshold,
    seconds: MannWhitney,
    minutes: MannWhitney,
    minute: Minute,
}

impl Peers {
    fn look(
        &mut self,
        found: &mut Found,
        look: usize,
        check: Check,
        (old, new): (Vec<u64>, Vec<u64>),
        point: impl Fn(&[u64]) -> Option<f64>,
    ) {
        note(
            &mut found.mann_whitney,
            look,
            self.seconds.look(point(&old), point(&new)),
        );
        self.minute.add(&old, &new);
        if look.is_multiple_of(6) {
            let (old, new) = self.minute.take();
            note(
                &mut found.mann_whitney_minute,
                look,
                self.minutes.look(point(&old), point(&new)),
            );
        }
        let (first, fifth) = self.threshold.look(check, new);
        note(&mut found.first_failed, look, first);
        note(&mut found.fifth_failed, look, fifth);
    }
}
