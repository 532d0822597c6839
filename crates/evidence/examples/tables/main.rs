//! Simulates traffic and prints how often which rule rolls back, rightly and wrongly: the tables of `docs/evidence.md`.
//!
//! `cargo run --release -p tidegate-evidence --example tables -- [--hours N] [--seed N] [TABLE..]`

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it is a program of its own: it is told what to do, measures, and says so on standard output"
)]

mod canary;
mod cost;
mod deciding;
mod fleet;
mod late;
mod limits;
mod peers;
mod random;
mod shadow;
mod stress;
mod tenants;
#[cfg(test)]
mod tests;
mod volume;
mod waves;
mod world;

use std::error::Error;
use std::time::Instant;

use tidegate_evidence::Misfit;

use canary::Found;
use limits::Limits;
use random::Random;
use world::{BUCKET, Canary, Latency, Slower};

/// How much is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Of each setting in which nothing is wrong.
    pub hours: usize,
    pub seed: u64,
}

/// A table by name.
struct Table {
    name: &'static str,
    about: &'static str,
    print: fn(Effort, &mut Limits) -> Result<(), Misfit>,
}

const TABLES: &[Table] = &[
    Table {
        name: "healthy",
        about: "a canary that is no worse: hours in which it is rolled back",
        print: healthy,
    },
    Table {
        name: "bad",
        about: "a canary that is worse: hours in which it is found, and after how many seconds",
        print: bad,
    },
    Table {
        name: "metrics",
        about: "many metrics at 50 requests/s, 5 %, one with ten times the errors or none",
        print: deciding::metrics,
    },
    Table {
        name: "promotion",
        about: "a canary with 0.1 % errors: hours in which it passes",
        print: deciding::promotion,
    },
    Table {
        name: "stress",
        about: "canaries that are no worse in a world that is not calm: hours in which they are rolled back",
        print: stress::print,
    },
    Table {
        name: "tenants",
        about: "waves of 200 tenants, the day 30 % up or down: hours in which the wave is rolled back",
        print: tenants::print,
    },
    Table {
        name: "late",
        about: "ten times the errors, at once or after six healthy days: time until they are found",
        print: late::print,
    },
    Table {
        name: "fleet",
        about: "a release that is no worse, each tenant watched for itself",
        print: fleet::print,
    },
    Table {
        name: "waves",
        about: "waves of 20 tenants as a server judges them: hours in which the wave fails, and after how many seconds",
        print: waves::print,
    },
    Table {
        name: "alerts",
        about: "the volume of 10,000 tenants: false alarms, and tenants that fall silent",
        print: volume::print,
    },
    Table {
        name: "shadow",
        about: "recorded responses with faults and noise: what is found, and what is invented",
        print: shadow::print,
    },
    Table {
        name: "cost",
        about: "all metrics of all tenants judged once",
        print: cost::print,
    },
];

/// Requests a second, and the share of the new version.
pub const SETTINGS: [(f64, f64); 6] = [
    (1.0, 0.05),
    (1.0, 0.5),
    (50.0, 0.05),
    (50.0, 0.5),
    (1000.0, 0.05),
    (1000.0, 0.5),
];
/// Of requests, without a release.
pub const ERRORS: f64 = 0.001;

fn main() -> Result<(), Box<dyn Error>> {
    let mut effort = Effort { hours: 200, seed: 1 };
    let mut wanted = Vec::new();
    let mut limits = Limits::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|value| value.parse().ok());
        match argument.as_str() {
            "--hours" => effort.hours = number().ok_or("`--hours` takes a number")?,
            "--seed" => effort.seed = number().ok_or("`--seed` takes a number")? as u64,
            name if TABLES.iter().any(|table| table.name == name) => wanted.push(name.to_owned()),
            other => {
                let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
                return Err(format!("there is no table `{other}`: name {}", names.join(", ")).into());
            }
        }
    }
    for table in TABLES
        .iter()
        .filter(|table| wanted.is_empty() || wanted.iter().any(|name| name == table.name))
    {
        let start = Instant::now();
        println!("## {}: {}\n", table.name, table.about);
        (table.print)(effort, &mut limits)?;
        println!("\n({:.1} s)\n", start.elapsed().as_secs_f64());
    }
    Ok(limits.held()?)
}

pub fn canary((per_second, split): (f64, f64), errors: f64, slower: Slower) -> Canary {
    Canary {
        per_second,
        split,
        error_rates: (ERRORS, errors),
        latency: (Latency::new(Slower::No), Latency::new(slower)),
    }
}

type Judge = fn(&mut Random, &Canary) -> Result<Found, Misfit>;

/// Hours of one canary.
pub fn hours(judge: Judge, canary: &Canary, hours: usize, seed: u64) -> Result<Vec<Found>, Misfit> {
    (0..hours)
        .map(|hour| judge(&mut Random::new(seed, hour as u64), canary))
        .collect()
}

/// Hours in which our monitor rolls back.
pub fn wrong(found: &[Found]) -> usize {
    found.iter().filter(|found| found.ours.is_some()).count()
}

/// `12.5 %` of these hours, and where they are asked for, the median of seconds: of all hours, those not found being late.
fn told(found: &[Found], which: fn(&Found) -> Option<usize>, with_median: bool) -> String {
    let mut buckets: Vec<usize> = found.iter().filter_map(which).collect();
    let percent = 100.0 * buckets.len() as f64 / found.len() as f64;
    if !with_median || buckets.is_empty() {
        return format!("{percent:.2} %");
    }
    buckets.sort_unstable();
    format!("{percent:.0} %, {:.0} s", BUCKET * buckets[buckets.len() / 2] as f64)
}

fn row(found: &[Found], with_median: bool) -> String {
    let rules: [fn(&Found) -> Option<usize>; 5] = [
        |found| found.ours,
        |found| found.mann_whitney,
        |found| found.mann_whitney_minute,
        |found| found.first_failed,
        |found| found.fifth_failed,
    ];
    rules.map(|rule| told(found, rule, with_median)).join(" | ")
}

fn head(first: &str) {
    println!("| {first} | requests/s, split | ours | Mann-Whitney 10 s | 60 s | threshold, 1st check | 5th |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
}

fn healthy(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    head("metric");
    for (name, judge) in [("errors", canary::errors as Judge), ("latency", canary::latency)] {
        for setting in SETTINGS {
            let found = hours(judge, &canary(setting, ERRORS, Slower::No), effort.hours, effort.seed)?;
            limits.share(
                &format!("{name}, {setting:?}"),
                wrong(&found),
                found.len(),
                canary::ALPHA,
            );
            println!(
                "| {name} | {}, {} % | {} |",
                setting.0,
                setting.1 * 100.0,
                row(&found, false)
            );
        }
    }
    Ok(())
}

fn bad(effort: Effort, _: &mut Limits) -> Result<(), Misfit> {
    head("what is worse");
    let faults: [(&str, Judge, f64, Slower); 3] = [
        ("10 times the errors", canary::errors, 10.0 * ERRORS, Slower::No),
        ("all requests 1.2 times as slow", canary::latency, ERRORS, Slower::All),
        ("those above the p95", canary::latency, ERRORS, Slower::Tail),
    ];
    let count = effort.hours.clamp(1, 400);
    for (name, judge, errors, slower) in faults {
        for setting in SETTINGS {
            let found = hours(judge, &canary(setting, errors, slower), count, effort.seed)?;
            println!(
                "| {name} | {}, {} % | {} |",
                setting.0,
                setting.1 * 100.0,
                row(&found, true)
            );
        }
    }
    Ok(())
}
