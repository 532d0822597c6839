//! `tidegate torture`: switches, hand-overs and kills under load, with every part a process of its own, and nothing lost. It is hidden,
//! for it proves the gateway to those who work on it. What it does and what it has measured is in `docs/torture.md`.

mod conductor;
mod gateways;
mod generator;
mod order;
mod process;
mod publisher;
mod report;
mod steering;
mod switches;
mod upstream;
mod world;

use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use clap::{Args as Arguments, Subcommand, ValueEnum};

use crate::error::{CliError, Exit};
use crate::runtime;
use crate::verb::gateway::PlantedFault;
use conductor::Conductor;
use process::Processes;
use report::Report;

#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    plan: Plan,
    /// Run once with each fault, and fail where one is not noticed
    #[arg(long, conflicts_with = "fault")]
    faults: bool,
    /// Print the outcome as one document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Role {
    Publisher(publisher::Args),
}

/// How long and how hard a run is.
#[derive(Debug, Clone, Copy, Arguments)]
pub struct Plan {
    #[arg(long, default_value_t = 1_000)]
    switches: usize,
    /// In the table; some of them send
    #[arg(long, default_value_t = 10_000)]
    tenants: usize,
    /// Times the load of the demo, which is 150 requests a second
    #[arg(long, default_value_t = 1.0)]
    load: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run with a defect
    #[arg(long)]
    fault: Option<Fault>,
}

/// A defect that a run has to notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// A gateway that was taken over from ends at once
    NoLinger,
    /// The gateway sends every request once only
    NoRetry,
    /// Tables name slots whose instances have not started
    SwapBeforeReady,
}

#[derive(Debug, thiserror::Error)]
pub enum TortureError {
    #[error("{what}")]
    Io {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot understand what {who} said")]
    Said {
        who: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error("{who} ended by itself")]
    Ended { who: &'static str },
    #[error("{who} ended with {status}")]
    Failed { who: &'static str, status: ExitStatus },
    #[error("waited {} s in vain for {what}", limit.as_secs())]
    Late { what: &'static str, limit: Duration },
    #[error("a gateway refused a table: {reason}")]
    Refused { reason: String },
}

impl TortureError {
    fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    fn said(who: &'static str) -> impl FnOnce(serde_json::Error) -> Self {
        move |source| Self::Said { who, source }
    }
}

impl Plan {
    fn handovers(&self) -> usize {
        (self.switches / 20).clamp(2, 20)
    }

    fn publisher_kills(&self) -> usize {
        (self.switches / 50).clamp(1, 10)
    }

    fn deaths(&self) -> usize {
        (self.switches / 25).clamp(2, 40)
    }

    fn renewals(&self) -> usize {
        (self.switches / 15).clamp(2, 60)
    }
}

impl Fault {
    /// The defect that the gateway is started with.
    fn of_gateway(self) -> Option<PlantedFault> {
        match self {
            Fault::NoLinger => Some(PlantedFault::NoLinger),
            Fault::NoRetry => Some(PlantedFault::NoRetry),
            Fault::SwapBeforeReady => None,
        }
    }
}

pub fn run(args: &Args) -> Result<ExitCode, CliError> {
    let failed = |error| CliError::new("cannot finish the torture test").because(error);
    if let Some(Role::Publisher(args)) = &args.role {
        runtime::serving()?.block_on(publisher::run(args)).map_err(failed)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.faults {
        return notice_all(args);
    }
    let report = once(args.plan).map_err(failed)?;
    tell(&report, args.json);
    Ok(match report.is_good() {
        true => ExitCode::SUCCESS,
        false => Exit::Error.into(),
    })
}

/// Every fault has to be noticed: a test that passes in spite of one proves nothing.
fn notice_all(args: &Args) -> Result<ExitCode, CliError> {
    for fault in Fault::value_variants() {
        let plan = Plan {
            fault: Some(*fault),
            ..args.plan
        };
        let report = once(plan).map_err(|error| CliError::new("cannot finish the torture test").because(error))?;
        let word = fault.to_possible_value().map(|value| value.get_name().to_owned());
        let word = word.unwrap_or_default();
        if args.json {
            tell(&report, true);
        }
        match report.findings.first() {
            Some(finding) => note(&format!("fault {word} was noticed: {finding}")),
            None => return Err(CliError::new(format!("fault {word} was not noticed"))),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One run in a folder of its own, which stays where something was found.
fn once(plan: Plan) -> Result<Report, TortureError> {
    let folder = std::env::temp_dir().join(format!("tidegate-torture-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(TortureError::io("cannot make the folder of the run"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(TortureError::io("cannot start the threads of the run"))?;
    let report = runtime.block_on(async {
        let processes = Processes::new(&folder)?;
        Conductor::start(plan, &processes).await?.run().await
    });
    let is_clean = report.as_ref().is_ok_and(Report::is_good) || plan.fault.is_some();
    if is_clean {
        let _ = std::fs::remove_dir_all(&folder);
    } else {
        note(&format!("the logs of the run are in {}", folder.display()));
    }
    report
}

#[expect(clippy::print_stderr, reason = "a run talks to the terminal")]
fn note(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "the outcome is what was asked for")]
fn tell(report: &Report, json: bool) {
    if json {
        println!("{}", serde_json::to_string(report).unwrap_or_default());
    } else {
        println!("{}", report.lines().join("\n"));
    }
}
