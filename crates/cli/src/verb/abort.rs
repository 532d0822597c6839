//! `tidegate abort`.

use std::process::ExitCode;

use clap::Args as Arguments;
use serde_json::json;
use tidegate_domain::id::Version;

use super::command;
use crate::context::Context;
use crate::error::CliError;

/// End a release: the wave in flight goes back, what is confirmed stays
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    pub release: Version,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    command::give(context, &args.release, "abort", &json!({ "reason": args.reason }))
}
