//! A wave as a server judges it: its tenants, their histories of ten minutes, and those who stayed.

use tidegate_evidence::{Evidence, HealthRule, Misfit, Sample, TenantEvidence, Verdict, WaveHealth};

use crate::canary::ALPHA;
use crate::limits::Limits;
use crate::random::Random;
use crate::world::{BUCKET, HOUR, Latency, Slower, edges_ms};
use crate::{ERRORS, Effort};

const TENANTS: usize = 20;
const HISTORY: f64 = 600.0;

/// What happens to a wave.
#[derive(Debug, Clone, Copy)]
pub struct World {
    about: &'static str,
    /// Errors of all tenants of the wave, from the move on.
    wave: f64,
    /// Of one of them, from this look on.
    one: (f64, usize),
    /// Of those who stayed.
    stayed: f64,
    /// Errors that one client makes in a row, on average.
    burst: f64,
}

const CALM: World = World {
    about: "as ever",
    wave: ERRORS,
    one: (ERRORS, 0),
    stayed: ERRORS,
    burst: 1.0,
};

pub const WORLDS: [World; 7] = [
    CALM,
    World {
        about: "clients fail 5 times in a row",
        burst: 5.0,
        ..CALM
    },
    World {
        about: "an outage: 10 % errors on both",
        wave: 0.1,
        one: (0.1, 0),
        stayed: 0.1,
        ..CALM
    },
    World {
        about: "5 % errors on the new version",
        wave: 0.05,
        one: (0.05, 0),
        ..CALM
    },
    World {
        about: "20 % errors on the new version",
        wave: 0.2,
        one: (0.2, 0),
        ..CALM
    },
    World {
        about: "20 % errors of one tenant",
        one: (0.2, 0),
        ..CALM
    },
    World {
        about: "20 % errors of one tenant after half an hour",
        one: (0.2, HOUR / 2),
        ..CALM
    },
];

/// What came of an hour: looks since the fault until the wave failed and whether one tenant was named alone, and looks until it passed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    pub failed: Option<(usize, bool)>,
    passed: Option<usize>,
}

pub fn print(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    println!("| what happens | requests/s of the wave, stayed | failed | one named alone | passed before |");
    println!("| --- | --- | --- | --- | --- |");
    for world in WORLDS {
        for (wave, stayed) in [(5.0, 0.0), (5.0, 20.0), (50.0, 0.0), (50.0, 50.0)] {
            if world.stayed > ERRORS && stayed == 0.0 {
                continue;
            }
            let runs =
                (0..effort.hours).map(|run| hour(&mut Random::new(effort.seed, run as u64), world, wave, stayed));
            let runs: Vec<Outcome> = runs.collect();
            let failed = runs.iter().filter(|run| run.failed.is_some()).count();
            if world.wave <= world.stayed && world.one.0 <= world.stayed {
                limits.share("a wave that is no worse", failed, runs.len(), ALPHA);
            }
            let alone = runs
                .iter()
                .filter(|run| run.failed.is_some_and(|(_, alone)| alone))
                .count();
            println!(
                "| {} | {wave}, {stayed} | {} | {alone} | {} |",
                world.about,
                told(
                    runs.iter().filter_map(|run| run.failed.map(|(look, _)| look)),
                    runs.len()
                ),
                told(runs.iter().filter_map(|run| run.passed), runs.len())
            );
        }
    }
    Ok(())
}

fn told(looks: impl Iterator<Item = usize>, all: usize) -> String {
    let mut looks: Vec<usize> = looks.collect();
    looks.sort_unstable();
    match looks.get(looks.len() / 2) {
        Some(median) => format!("{} of {all}, {:.0} s", looks.len(), BUCKET * *median as f64),
        None => format!("0 of {all}"),
    }
}

/// An hour of one wave.
pub fn hour(random: &mut Random, world: World, wave: f64, stayed: f64) -> Outcome {
    let latency = Latency::new(Slower::No);
    let edges: Vec<u64> = edges_ms().into_iter().map(|ms| (ms * 1000.0).round() as u64).collect();
    let Ok(mut health) = WaveHealth::new(HealthRule::default(), &edges) else {
        return Outcome::default();
    };
    // Tenants with Zipf's traffic; the one that may turn bad has about the mean.
    let all: f64 = (1..=TENANTS).map(|rank| 1.0 / rank as f64).sum();
    let rate = |tenant: usize| wave / (tenant as f64 + 1.0) / all;
    let usual = World {
        burst: world.burst,
        ..CALM
    };
    let mut evidence = Evidence::default();
    for tenant in 0..TENANTS {
        let before = sample(random, &latency, rate(tenant) * HISTORY, ERRORS, usual.burst);
        let tenant_evidence = TenantEvidence {
            before,
            after: Sample::default(),
            beside: Sample::default(),
        };
        evidence.tenants.insert(name(tenant), tenant_evidence);
    }
    evidence.stayed_before = sample(random, &latency, stayed * HISTORY, ERRORS, world.burst);
    health.observe(&evidence);
    let mut outcome = Outcome::default();
    for look in 1..=HOUR {
        for tenant in 0..TENANTS {
            let is_bad = tenant == BAD && look > world.one.1;
            let errors = if is_bad { world.one.0 } else { world.wave };
            let more = sample(random, &latency, rate(tenant) * BUCKET, errors, world.burst);
            if let Some(tenant) = evidence.tenants.get_mut(&name(tenant)) {
                add(&mut tenant.after, &more);
            }
        }
        let more = sample(random, &latency, stayed * BUCKET, world.stayed, world.burst);
        add(&mut evidence.stayed, &more);
        health.observe(&evidence);
        let judgement = health.judge(Some(0), false);
        if judgement.verdict == Verdict::Fail {
            let alone = judgement.culprits.len() == 1 && judgement.culprits[0].tenant == name(BAD);
            outcome.failed = Some((look.saturating_sub(world.one.1), alone));
            return outcome;
        }
        if judgement.verdict == Verdict::Pass {
            outcome.passed = outcome.passed.or(Some(look));
        }
    }
    outcome
}

/// The tenant that turns bad, where one does: the fifth by its traffic.
const BAD: usize = 4;

fn name(tenant: usize) -> String {
    format!("t{tenant:02}")
}

fn sample(random: &mut Random, latency: &Latency, mean: f64, errors: f64, burst: f64) -> Sample {
    let mut bins = Vec::new();
    latency.draw(random, mean, &mut bins);
    let requests: u64 = bins.iter().sum();
    let mut failed = 0;
    for _ in 0..random.poisson(requests as f64 * errors / burst) {
        // Geometric, with this mean.
        failed += 1 + if burst > 1.0 {
            (random.share().ln() / (1.0 - 1.0 / burst).ln()) as u64
        } else {
            0
        };
    }
    Sample {
        requests,
        errors: failed.min(requests),
        incidents: None,
        latency: bins,
    }
}

fn add(sum: &mut Sample, more: &Sample) {
    sum.requests += more.requests;
    sum.errors += more.errors;
    sum.latency.resize(more.latency.len(), 0);
    for (sum, bin) in sum.latency.iter_mut().zip(&more.latency) {
        *sum += bin;
    }
}
