//! Healthy canaries that look bad to some rules: a ramp, an outage of everything, clients that fail in bursts.

use tidegate_evidence::{Counts, Misfit};

use crate::canary::{ALPHA, Found, errors_of};
use crate::limits::Limits;
use crate::random::Random;
use crate::world::{BUCKET, Canary, HOUR};
use crate::{ERRORS, Effort, canary, head, row, wrong};

/// Errors of one client in a row, on average.
const BURST: f64 = 5.0;

pub fn print(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    head("what happens");
    let hours = |run: &dyn Fn(&mut Random) -> Result<Found, Misfit>| {
        let hours = (0..effort.hours).map(|hour| run(&mut Random::new(effort.seed, hour as u64)));
        hours.collect::<Result<Vec<Found>, Misfit>>()
    };
    for per_second in [50.0, 1000.0] {
        let of = |split| canary((per_second, split), ERRORS, crate::Slower::No);
        let ramp = hours(&|random| ramp(random, &of(0.5)))?;
        println!(
            "| 5, 25, 50 % while errors double and grow fivefold | {per_second} | {} |",
            row(&ramp, false)
        );
        limits.share("a ramp", wrong(&ramp), ramp.len(), ALPHA);
        let outage = hours(&|random| outage(random, &of(0.5)))?;
        limits.share("an outage", wrong(&outage), outage.len(), ALPHA);
        println!(
            "| 3 % errors on both for 5 min | {per_second}, 50 % | {} |",
            row(&outage, false)
        );
    }
    for split in [0.05, 0.5] {
        for (times, with_median) in [(1.0, false), (10.0, true)] {
            for (name, once) in [("each counted", false), ("once a client and bucket", true)] {
                let found = hours(&|random| bursts(random, (50.0, split), times, once))?;
                if once && !with_median {
                    limits.share(name, wrong(&found), found.len(), ALPHA);
                }
                let percent = split * 100.0;
                println!(
                    "| clients fail 5 times, {name}, {times} times the errors | 50, {percent} % | {} |",
                    row(&found, with_median)
                );
            }
        }
    }
    Ok(())
}

/// The split grows while the base rate of errors does, on both versions alike.
fn ramp(random: &mut Random, canary: &Canary) -> Result<Found, Misfit> {
    errors_of(|look| match look * 3 / (HOUR + 1) {
        0 => canary.errors_at(random, 0.05, 1.0),
        1 => canary.errors_at(random, 0.25, 2.0),
        _ => canary.errors_at(random, 0.5, 5.0),
    })
}

fn outage(random: &mut Random, canary: &Canary) -> Result<Found, Misfit> {
    errors_of(|look| {
        let factor = if (120..150).contains(&look) { 30.0 } else { 1.0 };
        canary.errors_at(random, canary.split, factor)
    })
}

/// As many errors as ever, but each client that fails does so again and again.
pub fn bursts(random: &mut Random, setting: (f64, f64), times: f64, once: bool) -> Result<Found, Misfit> {
    let (per_second, split) = setting;
    errors_of(|_| {
        let mut side = |share: f64, rate: f64| {
            let mean = per_second * BUCKET * share;
            let clients = random.poisson(mean * rate / BURST);
            let failed: u64 = (0..clients).map(|_| burst(random)).sum();
            Counts {
                n: failed + random.poisson(mean * (1.0 - rate)),
                events: if once { clients } else { failed },
                hist: Vec::new(),
            }
        };
        (side(1.0 - split, ERRORS), side(split, ERRORS * times))
    })
}

/// Geometric, at least 1.
fn burst(random: &mut Random) -> u64 {
    1 + (random.share().ln() / (1.0 - 1.0 / BURST).ln()) as u64
}
