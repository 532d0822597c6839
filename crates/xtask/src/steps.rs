//! The test run: one table of steps, the same on a desk and in CI.
//!
//! A later part of the product adds a row. What a step needs beyond the Rust toolchain stands in the row with the
//! way to get it; where it is missing the step is skipped on a desk, by name, and fails in CI.

pub mod end_to_end;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::{program, tidy};

/// `cargo xtask kills`: the long form of the step, 20 runs where nothing else is said.
pub fn kills(root: &Path, options: &[&str]) -> ExitCode {
    let runs = match options {
        [] => Ok(20),
        ["--runs", runs] => runs.parse().map_err(|_| format!("`{runs}` is not a number of runs")),
        other => Err(format!("there is no option `{}`; say `--runs N`", other.join(" "))),
    };
    match runs.and_then(|runs| end_to_end::kill_runs(root, runs)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// `cargo xtask calendar`: the long form of the step, 100,000 cases where nothing else is said.
pub fn calendar(root: &Path, options: &[&str]) -> ExitCode {
    let (cases, seed) = match options {
        [] => ("100000", "1"),
        ["--cases", cases] => (*cases, "1"),
        ["--cases", cases, "--seed", seed] => (*cases, *seed),
        other => {
            eprintln!(
                "error: there is no option `{}`; say `--cases N --seed S`",
                other.join(" ")
            );
            return ExitCode::FAILURE;
        }
    };
    program::hand_over(
        root,
        &["python3", ORACLE],
        &[&["--cases", cases, "--seed", seed], BATCH].concat(),
    )
}

/// One step of the test run.
pub struct Step {
    pub name: &'static str,
    pub needs: &'static [Need],
    pub work: Work,
}

/// What has to be on the machine before a step can run.
pub struct Need {
    pub name: &'static str,
    /// Ends well where the need is met.
    pub probe: &'static [&'static str],
    /// The command that fetches it (apt, pip, npm, rustup).
    pub fetch: &'static str,
}

pub enum Work {
    /// Passes where the program ends well.
    Command(&'static [&'static str]),
    /// Passes where this verb of the product, built as it is released, ends well.
    Product(&'static [&'static str]),
    /// Passes where the function says so; the error is what a person has to read.
    Check(fn(&Path) -> Result<(), String>),
}

const RUSTFMT: Need = Need {
    name: "rustfmt",
    probe: &["cargo", "fmt", "--version"],
    fetch: "rustup component add rustfmt",
};

const CLIPPY: Need = Need {
    name: "clippy",
    probe: &["cargo", "clippy", "--version"],
    fetch: "rustup component add clippy",
};

const PIP: Need = Need {
    name: "pip",
    probe: &["python3", "-m", "pip", "--version"],
    fetch: "apt-get install python3-pip",
};

/// The packages of the third-party service: it is packed where an index of Python packages answers, and kept.
const RADICALE: Need = Need {
    name: "Radicale, from an index of Python packages",
    probe: PACK_RADICALE,
    fetch: "python3 examples/radicale/build.py",
};

const PACK_RADICALE: &[&str] = &["python3", "examples/radicale/build.py"];

/// Gates ask it: it is unpacked where an index of Debian packages answers, and kept.
const PROMETHEUS: Need = Need {
    name: "Prometheus, from an index of Debian packages",
    probe: FETCH_PROMETHEUS,
    fetch: "apt-get install prometheus",
};

const FETCH_PROMETHEUS: &[&str] = &["python3", "crates/effects/src/gates/metric/tests/prometheus/fetch.py"];

/// A channel tells it: it is unpacked where an index of Debian packages answers, and kept.
const ALERTMANAGER: Need = Need {
    name: "Alertmanager, from an index of Debian packages",
    probe: FETCH_ALERTMANAGER,
    fetch: "apt-get install prometheus-alertmanager",
};

const FETCH_ALERTMANAGER: &[&str] = &["python3", "crates/effects/src/notify/alertmanager/tests/fetch.py"];

/// A channel sends it mail: it is fetched where an index of Python packages answers, and kept.
const MAIL_RECEIVER: Need = Need {
    name: "a receiver of mail, from an index of Python packages",
    probe: FETCH_MAIL_RECEIVER,
    fetch: "python3 crates/effects/src/notify/mail/tests/prepare.py",
};

const FETCH_MAIL_RECEIVER: &[&str] = &["python3", "crates/effects/src/notify/mail/tests/prepare.py"];

/// What the oracle of the calendar computes with is fetched where an index of Python packages answers, and kept.
const ORACLE_PACKAGES: Need = Need {
    name: "dateutil and tzdata, from an index of Python packages",
    probe: &["python3", "crates/domain/tests/oracle/prepare.py"],
    fetch: "python3 crates/domain/tests/oracle/prepare.py",
};

const ORACLE: &str = "crates/domain/tests/oracle/compare.py";

/// What the oracle compares itself with.
const BATCH: &[&str] = &[
    "--",
    "cargo",
    "run",
    "--quiet",
    "--release",
    "--locked",
    "--",
    "calendar",
    "batch",
];

/// Its exit code says whether the two answered alike.
const CALENDAR: &[&str] = &[
    "python3",
    ORACLE,
    "--cases",
    "4000",
    "--",
    "cargo",
    "run",
    "--quiet",
    "--release",
    "--locked",
    "--",
    "calendar",
    "batch",
];

const NODE: Need = Need {
    name: "Node.js with npm",
    probe: &["npm", "--version"],
    fetch: "apt-get install nodejs npm",
};

/// flagd's own evaluators, fetched where their indexes answer, and kept.
const FLAGD_EVALUATORS: Need = Need {
    name: "flagd's evaluators, from npm and an index of Python packages",
    probe: &["python3", "crates/flags/oracle/agree.py", "--fetch"],
    fetch: "python3 crates/flags/oracle/agree.py --fetch",
};

/// Its exit code says whether one of them answers otherwise.
const FLAGS_AGREE: &[&str] = &["python3", "crates/flags/oracle/agree.py"];

/// Its exit code says whether each event took effect exactly once.
const WORKERS: &[&str] = &["workers", "--hand-overs", "8"];

/// Its exit code says whether anything was lost.
const TORTURE: &[&str] = &["torture", "--switches", "60"];

/// Its exit code says whether each fault was noticed.
const TORTURE_WITH_FAULTS: &[&str] = &["torture", "--faults", "--switches", "20", "--tenants", "500"];

/// All steps in the order they run: what is quick to know comes first. `--workspace` everywhere, so that one
/// selection of features is compiled once.
const STEPS: &[Step] = &[
    Step {
        name: "format",
        needs: &[RUSTFMT],
        work: Work::Command(&["cargo", "fmt", "--all", "--", "--check", "--color", "never"]),
    },
    Step {
        name: "tidy",
        needs: &[],
        work: Work::Check(tidy::run),
    },
    Step {
        name: "clippy",
        needs: &[CLIPPY],
        work: Work::Command(&[
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]),
    },
    // Here so that what is missing is told by name: the test that releases it leaves itself out then, on a desk.
    Step {
        name: "third party",
        needs: &[PIP, RADICALE],
        work: Work::Command(PACK_RADICALE),
    },
    // The same for the tests that ask it.
    Step {
        name: "metrics",
        needs: &[PROMETHEUS],
        work: Work::Command(FETCH_PROMETHEUS),
    },
    Step {
        name: "alertmanager",
        needs: &[ALERTMANAGER],
        work: Work::Command(FETCH_ALERTMANAGER),
    },
    Step {
        name: "mail",
        needs: &[PIP, MAIL_RECEIVER],
        work: Work::Command(FETCH_MAIL_RECEIVER),
    },
    Step {
        name: "tests",
        needs: &[],
        work: Work::Command(&["cargo", "test", "--workspace", "--locked"]),
    },
    Step {
        name: "flags beside flagd's evaluators",
        needs: &[PIP, NODE, FLAGD_EVALUATORS],
        work: Work::Command(FLAGS_AGREE),
    },
    Step {
        name: "simulation",
        needs: &[],
        work: Work::Check(end_to_end::simulation),
    },
    Step {
        name: "calendar",
        needs: &[PIP, ORACLE_PACKAGES],
        work: Work::Command(CALENDAR),
    },
    Step {
        name: "demo",
        needs: &[],
        work: Work::Check(end_to_end::demo),
    },
    Step {
        name: "stories",
        needs: &[],
        work: Work::Check(end_to_end::stories),
    },
    Step {
        name: "kills",
        needs: &[],
        work: Work::Check(end_to_end::kills),
    },
    Step {
        name: "workers",
        needs: &[],
        work: Work::Product(WORKERS),
    },
    Step {
        name: "torture",
        needs: &[],
        work: Work::Product(TORTURE),
    },
    Step {
        name: "torture with planted faults",
        needs: &[],
        work: Work::Product(TORTURE_WITH_FAULTS),
    },
];

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Skipped,
    Failed,
}

/// Runs every step, whatever the ones before said: one run tells all there is to repair.
pub fn run(root: &Path, ci: bool) -> ExitCode {
    let outcomes: Vec<_> = STEPS.iter().map(|step| (step.name, take(step, root, ci))).collect();
    println!("\n{}", summary(&outcomes));
    if outcomes.iter().any(|(_, (outcome, _))| *outcome == Outcome::Failed) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn take(step: &Step, root: &Path, ci: bool) -> (Outcome, Duration) {
    println!("{} ...", step.name);
    let started = Instant::now();
    let missing: Vec<&Need> = step
        .needs
        .iter()
        .filter(|need| !program::answers(root, need.probe))
        .collect();
    for need in &missing {
        println!("{}: `{}` is missing\n  help: {}", step.name, need.name, need.fetch);
    }
    if !missing.is_empty() {
        let outcome = if ci { Outcome::Failed } else { Outcome::Skipped };
        return (outcome, started.elapsed());
    }
    let result = match step.work {
        Work::Command(argv) => program::capture(root, argv).map(|_| ()),
        Work::Product(verb) => program::product(root, verb).map(|_| ()),
        Work::Check(check) => check(root),
    };
    match result {
        Ok(()) => (Outcome::Passed, started.elapsed()),
        Err(output) => {
            println!("{output}");
            (Outcome::Failed, started.elapsed())
        }
    }
}

fn summary(outcomes: &[(&str, (Outcome, Duration))]) -> String {
    let width = outcomes.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    outcomes
        .iter()
        .map(|(name, (outcome, duration))| {
            let word = match outcome {
                Outcome::Passed => "passed",
                Outcome::Skipped => "skipped",
                Outcome::Failed => "FAILED",
            };
            format!("{name:width$}  {word:7}  {:6.1} s", duration.as_secs_f64())
        })
        .collect::<Vec<_>>()
        .join("\n")
}
