//! `tidegate sim`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_sim::{Progress, Script, replay, run as simulate};

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output;

/// Seeds between two words on how far it is.
const TOLD_EVERY: u64 = 500;

/// Run releases in made-up worlds with faults and check that no rule breaks
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// How many worlds
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub seeds: u64,
    /// The first of them
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub first_seed: u64,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Run the scenario of a file instead, and print what happens
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "first_seed"])]
    pub replay: Option<PathBuf>,
}

pub fn run(args: &Args, _: &Context) -> Result<ExitCode, CliError> {
    if let Some(path) = &args.replay {
        let failed = || CliError::new(format!("cannot replay {}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failed().because(error))?;
        let script: Script = text.parse().map_err(|error| failed().because(error))?;
        let replayed = replay(&script);
        output::data(&replayed.trace)?;
        return Ok(Exit::Error.when(!replayed.held));
    }
    let seeds = args.seeds;
    let report = simulate(seeds, args.first_seed, &|progress| match progress {
        Progress::Run(done) if done % TOLD_EVERY == 0 && done < seeds => {
            output::message(&format!("{done} of {seeds} seeds"));
        }
        Progress::Run(_) => {}
        Progress::Found(found) => output::message(&format!("seed {}: {}", found.seed, found.invariant)),
    });
    if args.json {
        output::json(&report)?;
    } else {
        output::data(&report.to_string())?;
    }
    Ok(Exit::Error.when(!report.violations.is_empty()))
}
