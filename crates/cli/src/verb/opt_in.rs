//! `tidegate opt-in`.

use std::process::ExitCode;

use clap::Args as Arguments;
use serde_json::{Value, json};
use tidegate_domain::id::TenantName;

use crate::context::Context;
use crate::error::CliError;
use crate::output;

/// Let a tenant be among the first, from the next plan on
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[arg(value_name = "TENANT")]
    pub tenant: TenantName,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    choose(args, context, "opt-in")?;
    output::message("it counts from the next plan on");
    Ok(ExitCode::SUCCESS)
}

/// Says for a tenant that it opts in or out: `what` is the word.
pub fn choose(args: &Args, context: &Context, what: &str) -> Result<(), CliError> {
    let path = format!("/v1/tenants/{}/{what}", args.tenant);
    let body = json!({ "reason": args.reason });
    context.client()?.post::<Value>(&path, &body).map(drop)
}
