//! `tidegate promote`.

use std::process::ExitCode;

use clap::Args as Arguments;
use serde_json::json;
use tidegate_domain::id::Version;

use super::command;
use crate::context::Context;
use crate::error::CliError;

/// Skip the rest of a canary or of a bake
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
    command::give(context, &args.release, "promote", &json!({ "reason": args.reason }))
}
