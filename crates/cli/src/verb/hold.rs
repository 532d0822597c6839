//! `tidegate hold`.

use std::process::ExitCode;

use clap::Args as Arguments;
use serde_json::json;
use tidegate_domain::id::Version;
use tidegate_domain::time::{Duration, Timestamp};

use super::command;
use crate::context::Context;
use crate::error::CliError;
use crate::when;

/// Stop a release from moving forward; the way back stays open
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    pub release: Version,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// When it ends by itself, such as 2026-11-24T06:00:00Z; by default somebody resumes it
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub until: Option<Timestamp>,
    /// How long it lasts, such as `2h 30m`
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "until")]
    pub lasting: Option<Duration>,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let until = args.until.or(args.lasting.map(|lasting| when::now() + lasting));
    command::give(
        context,
        &args.release,
        "hold",
        &json!({ "reason": args.reason, "until_ms": until }),
    )
}
