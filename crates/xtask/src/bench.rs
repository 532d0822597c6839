//! Figures of the product beside those of the programs people would use instead, taken in one run on one machine.
//!
//! Such machines are shared and their clocks drift, so nothing is compared with a figure of another day: contenders take
//! turns for some rounds, the best and the median are told, and what is held to a limit is processor time or a ratio.

mod figure;
mod gateway;
mod plan;
mod process;
mod tool;
mod workshop;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::program;
use figure::Report;

/// What can be measured, by name.
const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
        name: "gateway",
        about: "the gateway beside nginx, HAProxy and Envoy; idle memory; start to serving",
        work: Work::Figures(gateway::run),
    },
    Benchmark {
        name: "plan",
        about: "planning for 10,000, 100,000 and 1,000,000 tenants",
        work: Work::Figures(plan::run),
    },
    Benchmark {
        name: "shadow",
        about: "what mirroring requests costs, and whether clients feel a shadow that hangs; 20 pairs",
        work: Work::Figures(gateway::mirroring::run),
    },
    Benchmark {
        name: "evidence",
        about: "gates and alarms beside a threshold and a Mann-Whitney judge, on simulated traffic [--hours N] [TABLE..]",
        work: Work::Program(EVIDENCE),
    },
    Benchmark {
        name: "load",
        about: "the gate `load` on real servers that are equal, or slower by a tenth [--runs N] [--slower RATIO]",
        work: Work::Program(LOAD),
    },
];

/// Its tables are of counts, not of times, and so the same on every machine.
const EVIDENCE: &[&str] = &[
    "cargo",
    "run",
    "--quiet",
    "--release",
    "--package",
    "tidegate-evidence",
    "--example",
    "tables",
    "--",
];

/// Counts of verdicts, too; each run takes 20 s.
const LOAD: &[&str] = &[
    "cargo",
    "run",
    "--quiet",
    "--release",
    "--package",
    "tidegate-effects",
    "--example",
    "load_gate",
    "--",
];

struct Benchmark {
    name: &'static str,
    about: &'static str,
    work: Work,
}

enum Work {
    /// Contenders take turns; figures are told.
    Figures(fn(&Path, Rounds) -> Result<Report, String>),
    /// A program that reads its options and writes its report itself.
    Program(&'static [&'static str]),
}

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rounds {
    rounds: usize,
    /// Of load on each contender in each round.
    seconds: u64,
}

/// Runs what `arguments` name. Fails where a limit is missed, too.
pub fn run(root: &Path, arguments: &[&str]) -> ExitCode {
    let Some((name, options)) = arguments.split_first() else {
        return misused("name a benchmark; `cargo xtask bench list` lists them");
    };
    if *name == "list" && options.is_empty() {
        for benchmark in BENCHMARKS {
            println!("{:10}  {}", benchmark.name, benchmark.about);
        }
        return ExitCode::SUCCESS;
    }
    let Some(benchmark) = BENCHMARKS.iter().find(|benchmark| benchmark.name == *name) else {
        return misused(&format!("there is no benchmark `{name}`"));
    };
    let take = match benchmark.work {
        Work::Figures(take) => take,
        Work::Program(argv) => return program::hand_over(root, argv, options),
    };
    let (rounds, is_json) = match parse(options) {
        Ok(parsed) => parsed,
        Err(error) => return misused(&error),
    };
    let report = match take(root, rounds) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    if is_json {
        println!("{}", report.json());
    } else {
        print!("{}", report.table());
    }
    if report.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn misused(error: &str) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}

fn parse(options: &[&str]) -> Result<(Rounds, bool), String> {
    let mut rounds = Rounds { rounds: 5, seconds: 5 };
    let mut is_json = false;
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let mut number = || {
            let value = options.next().and_then(|value| value.parse().ok());
            value
                .filter(|value| (1..=1_000).contains(value))
                .ok_or_else(|| format!("`{option}` takes a number from 1 to 1000"))
        };
        match *option {
            "--rounds" => rounds.rounds = number()?,
            "--seconds" => rounds.seconds = number()? as u64,
            "--json" => is_json = true,
            _ => return Err(format!("there is no option `{option}`")),
        }
    }
    Ok((rounds, is_json))
}

/// Where cargo puts what it builds: this program lies in its `debug` folder.
fn target() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot find this program's own file: {error}"))?;
    let target = own.ancestors().nth(2);
    target
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("`{}` does not lie in a target folder", own.display()))
}
