//! Many metrics decided together, and canaries that are promoted early.

use tidegate_evidence::{Bucket, Metric, Misfit, Monitor, Rule, Verdict, culprits, log_weighted_mean};

use crate::canary::{ALPHA, rule};
use crate::limits::Limits;
use crate::random::Random;
use crate::world::{BUCKET, Canary, HOUR, counts};
use crate::{ERRORS, Effort, Slower, canary};

/// How often a rate just at the tolerance may be taken for a lower one.
const PROMOTED_WRONGLY: f64 = 0.05;

/// What an hour of many metrics came to.
#[derive(Debug, Default)]
struct Together {
    /// The look at which all of them together fail.
    failed: Option<usize>,
    /// Whether any of them alone has reached its threshold.
    any: bool,
    /// At the look at which they failed: whether the bad one was named, and how many others.
    named: (bool, usize),
}

pub fn metrics(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    println!(
        "| metrics | one is bad: found | it is named | another is named | none is bad: decided together | any alone |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let runs = effort.hours.clamp(1, 200);
    for metrics in [5, 20, 100] {
        let hours = |first: f64| {
            let hours = (0..runs).map(|run| together(&mut Random::new(effort.seed, run as u64), metrics, first));
            hours.collect::<Result<Vec<Together>, Misfit>>()
        };
        let (bad, good) = (hours(10.0 * ERRORS)?, hours(ERRORS)?);
        let share = |of: &[Together], which: fn(&Together) -> bool| {
            100.0 * of.iter().filter(|hour| which(hour)).count() as f64 / runs as f64
        };
        let mut looks: Vec<usize> = bad.iter().filter_map(|hour| hour.failed).collect();
        looks.sort_unstable();
        let wrong = good.iter().filter(|hour| hour.failed.is_some()).count();
        limits.share("metrics together", wrong, runs, ALPHA);
        println!(
            "| {metrics} | {:.0} %, {} s | {:.0} % | {:.1} % | {:.1} % | {:.1} % |",
            share(&bad, |hour| hour.failed.is_some()),
            looks.get(looks.len() / 2).map_or(0, |look| look * 10),
            share(&bad, |hour| hour.named.0),
            share(&bad, |hour| hour.named.1 > 0),
            share(&good, |hour| hour.failed.is_some()),
            share(&good, |hour| hour.any),
        );
    }
    Ok(())
}

/// The first of the metrics has this rate on the new version.
fn together(random: &mut Random, metrics: usize, first: f64) -> Result<Together, Misfit> {
    let canaries: Vec<Canary> = (0..metrics)
        .map(|metric| canary((50.0, 0.05), if metric == 0 { first } else { ERRORS }, Slower::No))
        .collect();
    let monitor = || Monitor::new(rule(Metric::Errors), &[]);
    let mut monitors = (0..metrics)
        .map(|_| monitor())
        .collect::<Result<Vec<Monitor>, Misfit>>()?;
    let mut hour = Together::default();
    for look in 1..=HOUR {
        for (monitor, canary) in monitors.iter_mut().zip(&canaries) {
            let (old, new) = canary.errors(random);
            monitor.observe(&Bucket { t: 0.0, old, new })?;
        }
        let logs: Vec<f64> = monitors.iter().map(Monitor::log_e).collect();
        hour.any |= logs.iter().any(|log| *log >= (1.0 / ALPHA).ln());
        let together = log_weighted_mean(logs.iter().map(|log| (1.0, *log)));
        if hour.failed.is_none() && together >= (1.0 / ALPHA).ln() {
            hour.failed = Some(look);
            let named = culprits(&logs, ALPHA);
            hour.named = (named.contains(&0), named.iter().filter(|metric| **metric != 0).count());
        }
    }
    Ok(hour)
}

pub fn promotion(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    println!(
        "| requests/s, split | tolerance | passed in an hour, after new requests | at a rate just at the tolerance |"
    );
    println!("| --- | --- | --- | --- |");
    for setting in [(1.0, 0.05), (50.0, 0.05), (50.0, 0.5)] {
        for tolerance in [0.01, 0.005, 0.002] {
            let of = |rate| passed(effort, setting, rate, tolerance);
            let (good, edge) = (of(ERRORS)?, of(tolerance)?);
            limits.share("promoted at the tolerance", edge.len(), effort.hours, PROMOTED_WRONGLY);
            let percent = |passed: &[u64]| 100.0 * passed.len() as f64 / effort.hours as f64;
            let median = good.get(good.len() / 2).map_or("none".to_owned(), u64::to_string);
            println!(
                "| {}, {} % | {} % | {:.0} %, {median} | {:.1} % |",
                setting.0,
                setting.1 * 100.0,
                tolerance * 100.0,
                percent(&good),
                percent(&edge)
            );
        }
    }
    Ok(())
}

/// New requests until it passes, of the hours in which it does, in order. Both versions have the same rate.
fn passed(effort: Effort, setting: (f64, f64), rate: f64, tolerance: f64) -> Result<Vec<u64>, Misfit> {
    let mut passed = Vec::new();
    for hour in 0..effort.hours {
        let random = &mut Random::new(effort.seed, hour as u64);
        let of_tolerance = Rule {
            tolerance: Some(tolerance),
            ..rule(Metric::Errors)
        };
        let mut monitor = Monitor::new(of_tolerance, &[])?;
        for _ in 0..HOUR {
            let mean = setting.0 * BUCKET;
            let old = counts(random, mean * (1.0 - setting.1), rate);
            let new = counts(random, mean * setting.1, rate);
            monitor.observe(&Bucket { t: 0.0, old, new })?;
            let decision = monitor.decision();
            if decision.verdict == Verdict::Pass {
                passed.push(decision.samples.new);
                break;
            }
        }
    }
    passed.sort_unstable();
    Ok(passed)
}
