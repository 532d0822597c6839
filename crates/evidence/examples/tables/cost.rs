//! What it takes to judge all metrics of all tenants once.

use tidegate_evidence::{Bucket, Counts, Metric, Misfit, Monitor, Rule};

use crate::Effort;
use crate::canary::rule;
use crate::limits::Limits;
use crate::random::Random;
use crate::world::{BUCKET, Latency, Slower, counts};

const TENANTS: usize = 10_000;
const ROUNDS: usize = 20;
const MILLIS_MOST: f64 = 200.0;
const METRICS: [Metric; 4] = [Metric::Errors, Metric::Errors, Metric::Latency, Metric::Volume];

pub fn print(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    let mut random = Random::new(effort.seed, 0);
    let latency = Latency::new(Slower::No);
    let mut monitors = Vec::with_capacity(TENANTS * METRICS.len());
    for metric in METRICS.iter().cycle().take(TENANTS * METRICS.len()) {
        let rule = Rule {
            weight: Some(0.5),
            ..rule(*metric)
        };
        monitors.push(Monitor::new(rule, &[])?);
    }
    // A median of 1 request a second on each version.
    let traffic: Vec<f64> = (0..TENANTS).map(|_| (1.5 * random.normal()).exp()).collect();
    let (mut best, mut requests) = (f64::INFINITY, 0);
    for _ in 0..ROUNDS {
        let buckets: Vec<Bucket> = traffic
            .iter()
            .map(|per_second| Bucket {
                t: 0.0,
                old: side(&mut random, &latency, per_second * BUCKET),
                new: side(&mut random, &latency, per_second * BUCKET),
            })
            .collect();
        requests = buckets.iter().map(|bucket| bucket.old.n + bucket.new.n).sum();
        let start = processor_seconds();
        for (index, monitor) in monitors.iter_mut().enumerate() {
            monitor.observe(&buckets[index / METRICS.len()])?;
        }
        best = best.min(processor_seconds() - start);
    }
    limits.most("milliseconds of a round", best * 1e3, MILLIS_MOST);
    println!(
        "{TENANTS} tenants, {} metrics each, {requests} requests in the last bucket: {:.0} ms of processor time a round, the best of {ROUNDS}.",
        METRICS.len(),
        best * 1e3
    );
    Ok(())
}

/// What the kernel has given to this thread so far. Times of a clock would tell what else the machine does.
fn processor_seconds() -> f64 {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = account.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.map_or(f64::NAN, |nanoseconds| nanoseconds / 1e9)
}

fn side(random: &mut Random, latency: &Latency, mean: f64) -> Counts {
    let mut counts = counts(random, mean, crate::ERRORS);
    latency.draw(random, mean, &mut counts.hist);
    counts
}
