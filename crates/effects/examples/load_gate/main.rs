//! Runs the gate `load` against real servers, one in each process, and counts its verdicts: the figures of `docs/gates.md`.
//!
//! `cargo run --release -p tidegate-effects --example load_gate -- [--runs N] [--slower RATIO]`
//!
//! Runs in which both versions are equal take turns with runs in which the new one works longer on each request.

#![expect(
    clippy::print_stdout,
    reason = "it is a program of its own: it measures, and says so on standard output"
)]

mod server;

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::{CellName, ComponentName, Version, WaveName};
use tidegate_effects::gates::tap::Taps;
use tidegate_effects::gates::{Target, TargetSlot, find};

use server::Server;

/// Rounds of arithmetic for the mean request: about two milliseconds.
const WORK: f64 = 1_000_000.0;
/// Verdicts that may be wrong of 50 runs.
const WRONG_MAX: usize = 1;
/// The share of runs that may be left open.
const OPEN_MAX: f64 = 0.1;

#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Of each kind.
    runs: usize,
    /// How many times as long the worse version works.
    slower: f64,
}

/// What became of the runs of one kind.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    open: usize,
}

impl Tally {
    fn add(&mut self, judgement: &Judgement) -> Result<(), String> {
        match judgement.verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Fail => self.failed += 1,
            Verdict::Inconclusive => self.open += 1,
            Verdict::NoData | Verdict::Error => return Err(judgement.reason.clone()),
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let [verb, rounds] = arguments.as_slice()
        && verb == "serve"
    {
        return Ok(runtime.block_on(server::serve(rounds.parse()?))?);
    }
    let effort = effort(&arguments)?;
    runtime.block_on(measure(effort))
}

fn effort(arguments: &[String]) -> Result<Effort, String> {
    let mut effort = Effort { runs: 50, slower: 1.1 };
    let mut arguments = arguments.iter();
    while let Some(option) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse::<f64>().ok());
        let value = value.filter(|value| (1.0..=1_000.0).contains(value));
        let value = value.ok_or_else(|| format!("`{option}` takes a number from 1 to 1000"))?;
        match option.as_str() {
            "--runs" => effort.runs = value as usize,
            "--slower" => effort.slower = value,
            _ => return Err(format!("there is no option `{option}`: name --runs or --slower")),
        }
    }
    Ok(effort)
}

async fn measure(effort: Effort) -> Result<(), Box<dyn Error>> {
    let (mut equal, mut worse) = (Tally::default(), Tally::default());
    for run in 1..=effort.runs {
        equal.add(&told("equal", run, judged(1.0).await?))?;
        worse.add(&told("slower", run, judged(effort.slower).await?))?;
    }
    println!("\n| new version | runs | pass | fail | inconclusive |\n| --- | --- | --- | --- | --- |");
    for (name, tally) in [
        ("equal".to_owned(), &equal),
        (format!("{} times the work", effort.slower), &worse),
    ] {
        println!(
            "| {name} | {} | {} | {} | {} |",
            effort.runs, tally.passed, tally.failed, tally.open
        );
    }
    let wrong = equal.failed + worse.passed;
    let open = (equal.open + worse.open) as f64 / (2 * effort.runs) as f64;
    if wrong > WRONG_MAX {
        return Err(format!("{wrong} verdicts are wrong, and {WRONG_MAX} may be").into());
    }
    if open > OPEN_MAX {
        return Err(format!("{:.0} % of the runs are left open", open * 100.0).into());
    }
    Ok(())
}

fn told(kind: &str, run: usize, judgement: Judgement) -> Judgement {
    println!("{kind} {run}: {}: {}", judgement.verdict.in_words(), judgement.reason);
    judgement
}

/// One run of the gate with what it does if it is told nothing but the requests.
async fn judged(times: f64) -> Result<Judgement, Box<dyn Error>> {
    let (old, new) = (Server::start(WORK)?, Server::start(WORK * times)?);
    let gate = find("load").ok_or("there is no gate `load`")?;
    let requests: Vec<_> = server::PATHS.iter().map(|(path, _)| json!({"path": path})).collect();
    let with = json!({"component": "api", "requests": requests});
    (gate.validate)(&with)?;
    Ok((gate.run)(with, target(old.address, new.address)?).await)
}

fn target(old: SocketAddr, new: SocketAddr) -> Result<Target, Box<dyn Error>> {
    let (cell, component) = (CellName::new("standard")?, ComponentName::new("api")?);
    let slots = |address| {
        vec![TargetSlot {
            cell: cell.clone(),
            component: component.clone(),
            addresses: vec![address],
        }]
    };
    Ok(Target {
        version: Version::new("2.0.0")?,
        wave: WaveName::new("first")?,
        directory: PathBuf::new(),
        slots: slots(new),
        old: slots(old),
        has_old: true,
        labels: BTreeMap::new(),
        kept: PathBuf::new(),
        tenants: Vec::new(),
        taps: Taps::default(),
        homes: BTreeMap::new(),
        artifacts: Vec::new(),
        old_artifacts: Vec::new(),
        hands: None,
    })
}
