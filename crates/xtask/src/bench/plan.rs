//! `bench plan`: what planning takes for a service of many tenants, from the files to the printed page.
//!
//! No peer plans by tenant and calendar, so there is none beside it. Each size is planned in turn in each round, by a
//! process of its own; the kernel's account of that process is what is told. What reading the files takes is told apart, by
//! a verb that reads the same ones and plans nothing.

mod project;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Rounds;
use super::figure::{Best, Figure, Limit, Report};
use super::workshop::{Folder, build};

use project::Project;

/// Runs a command without its output, and prints how many seconds of processor time, in user and in system mode, and how
/// many KiB of memory at the most it has taken. The standard library of Rust does not tell. What was there before is left out: a
/// `python3` that is a script has had children of its own before it became Python, and they would count.
const ACCOUNT: &str = "
import resource, subprocess, sys
def used():
    return resource.getrusage(resource.RUSAGE_CHILDREN)
before = used()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
after = used()
spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(spent, after.ru_maxrss)
sys.exit(code)
";

/// A number of tenants, and what planning for them is held to.
struct Size {
    tenants: usize,
    cpu: (&'static str, Option<f64>),
    reading: &'static str,
    memory: (&'static str, Option<f64>),
}

const SIZES: [Size; 3] = [
    Size {
        tenants: 10_000,
        cpu: ("cpu_10000_tenants", Some(300.0)),
        reading: "of_which_reading_10000",
        memory: ("memory_10000_tenants", Some(150.0)),
    },
    Size {
        tenants: 100_000,
        cpu: ("cpu_100000_tenants", Some(3_000.0)),
        reading: "of_which_reading_100000",
        memory: ("memory_100000_tenants", None),
    },
    Size {
        tenants: 1_000_000,
        cpu: ("cpu_1000000_tenants", None),
        reading: "of_which_reading_1000000",
        memory: ("memory_1000000_tenants", None),
    },
];

/// Ten times the tenants take ten times as long, and a little: names are sorted.
const SLOPE_MAX: f64 = 1.1;

const PLAN: &[&str] = &["plan", "--offline", "--now", project::NOW];
/// Reads all the files of the project, and plans nothing.
const READ: &[&str] = &[
    "windows",
    "explain",
    "--tenant",
    "t0",
    "--from",
    project::TODAY,
    "--days",
    "1",
];

/// What one run took.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Taken {
    /// Of processor time.
    millis: f64,
    /// At the most, in MB (10^6 bytes).
    memory: f64,
}

pub fn run(root: &Path, rounds: Rounds) -> Result<Report, String> {
    let binary = build(root)?;
    let folder = Folder::make()?;
    let mut projects = Vec::new();
    for size in &SIZES {
        eprintln!("writing the files of {} tenants", size.tenants);
        let project = Project {
            tenants: size.tenants,
            holidays: &root.join("holidays"),
        };
        projects.push(project.write(&folder.0)?);
    }
    let mut planned = vec![Vec::new(); SIZES.len()];
    let mut read = vec![Vec::new(); SIZES.len()];
    for round in 0..rounds.rounds {
        for turn in 0..SIZES.len() {
            let position = (round + turn) % SIZES.len();
            eprintln!(
                "round {} of {}: {} tenants",
                round + 1,
                rounds.rounds,
                SIZES[position].tenants
            );
            planned[position].push(account(&binary, PLAN, &projects[position])?);
            read[position].push(account(&binary, READ, &projects[position])?);
        }
    }
    Ok(Report {
        name: "plan",
        figures: figures(&planned, &read),
    })
}

/// Runs a verb once, and fails where it does.
fn account(binary: &Path, verb: &[&str], project: &PathBuf) -> Result<Taken, String> {
    let mut command = Command::new("python3");
    command.args(["-c", ACCOUNT]).arg(binary);
    command.args(verb);
    let output = command.current_dir(project).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start `python3`: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "`tidegate {}`: {}\n{}",
            verb.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

fn parse(account: &str) -> Result<Taken, String> {
    let numbers: Vec<f64> = account.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    match numbers[..] {
        [seconds, kibibytes] => Ok(Taken {
            millis: seconds * 1e3,
            memory: kibibytes * 1_024.0 / 1e6,
        }),
        _ => Err(format!("the account of a run is not two numbers: {account}")),
    }
}

fn figures(planned: &[Vec<Taken>], read: &[Vec<Taken>]) -> Vec<Figure> {
    let figure = |name, unit, ours, limit: Option<f64>| Figure {
        name,
        unit,
        ours,
        peers: Vec::new(),
        limit: limit.map(Limit::Ours),
    };
    let best = |taken: &[Taken], value: fn(&Taken) -> f64| {
        let values: Vec<f64> = taken.iter().map(value).collect();
        Best::Least.of(&values)
    };
    let mut figures = Vec::new();
    let mut points = Vec::new();
    for ((size, planned), read) in SIZES.iter().zip(planned).zip(read) {
        let millis = best(planned, |taken| taken.millis);
        let memory = best(planned, |taken| taken.memory);
        points.push((size.tenants as f64, millis));
        figures.push(figure(size.cpu.0, "ms", millis, size.cpu.1));
        figures.push(figure(size.reading, "ms", best(read, |taken| taken.millis), None));
        figures.push(figure(size.memory.0, "MB", memory, size.memory.1));
    }
    figures.push(figure("slope", "", slope(&points), Some(SLOPE_MAX)));
    figures
}

/// By which power of the tenants the time grows from the first point to the last: 1 is linear.
fn slope(points: &[(f64, f64)]) -> f64 {
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => (last.1 / first.1).ln() / (last.0 / first.0).ln(),
        _ => f64::NAN,
    }
}
