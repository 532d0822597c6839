//! `tidegate calendar`: what the calendars of a project say, for programs.

mod batch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};

use crate::context::Context;
use crate::error::CliError;

/// Answer questions about working days, notices and windows
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    Batch(Batch),
}

/// Answer one JSON request a line on stdin with one JSON answer a line on stdout
#[derive(Debug, Clone, Arguments)]
struct Batch {
    /// The folder that holds tidegate.yaml and tenants.yaml; by default the project's
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let What::Batch(Batch { config }) = &args.what;
    let mut context = context.clone();
    if let Some(folder) = config {
        context.project.clone_from(folder);
    }
    batch::run(&context)?;
    Ok(ExitCode::SUCCESS)
}
