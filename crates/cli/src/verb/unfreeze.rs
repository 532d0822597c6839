//! `tidegate unfreeze`.

use std::process::ExitCode;

use clap::Args as Arguments;
use serde_json::Value;

use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;

/// Lift a freeze that was put on at run time
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// Its number, as `tidegate status` shows it
    #[arg(value_name = "NUMBER")]
    pub number: u32,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let path = format!("/v1/freezes/{}", args.number);
    let path = with_query(&path, &[("reason", Some(args.reason.as_str()))]);
    context.client()?.delete::<Value>(&path)?;
    Ok(ExitCode::SUCCESS)
}
