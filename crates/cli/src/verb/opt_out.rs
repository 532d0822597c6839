//! `tidegate opt-out`.

use std::process::ExitCode;

use clap::Args as Arguments;

use super::opt_in;
use crate::context::Context;
use crate::error::CliError;
use crate::output;

/// Leave a tenant on its version: it leaves the waves that it waits in, and is not among the first any more
#[derive(Debug, Clone, Arguments)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    choice: opt_in::Args,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    opt_in::choose(&args.choice, context, "opt-out")?;
    output::message(&format!("next: tidegate history --tenant {}", args.choice.tenant));
    Ok(ExitCode::SUCCESS)
}
