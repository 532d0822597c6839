//! `tidegate reject`.

use std::process::ExitCode;

use clap::Args as Arguments;

use super::approve;
use crate::context::Context;
use crate::error::CliError;

/// Disagree with the plan of a release: it is held, and what others have approved counts no longer
#[derive(Debug, Clone, Arguments)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    word: approve::Args,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    approve::say(&args.word, context, "reject")
}
