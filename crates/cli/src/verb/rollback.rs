//! `tidegate rollback`.

use std::process::ExitCode;

use clap::{ArgGroup, Args as Arguments};
use serde_json::{Value, json};
use tidegate_domain::id::{TenantName, Version, WaveName};

use super::command;
use crate::context::Context;
use crate::error::CliError;

/// Bring tenants back to the version they came from: one, a wave, or all of a release
#[derive(Debug, Clone, Arguments)]
#[command(group(ArgGroup::new("who").required(true).args(["tenant", "wave", "all"])))]
pub struct Args {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    pub release: Version,
    /// One tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<TenantName>,
    /// The tenants of one wave
    #[arg(long, value_name = "NAME")]
    pub wave: Option<WaveName>,
    /// Every tenant that the release has moved
    #[arg(long)]
    pub all: bool,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    command::give(context, &args.release, "rollback", &body(args))
}

fn body(args: &Args) -> Value {
    let reason = &args.reason;
    match (&args.tenant, &args.wave) {
        (Some(tenant), _) => json!({ "reason": reason, "tenant": tenant }),
        (None, Some(wave)) => json!({ "reason": reason, "wave": wave }),
        (None, None) => json!({ "reason": reason, "all": true }),
    }
}
