//! `tidegate reserve`.

use std::process::ExitCode;

use clap::{ArgGroup, Args as Arguments};
use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::time::Timestamp;
use tidegate_server::api::Reserve;

use super::command;
use crate::context::Context;
use crate::error::CliError;
use crate::when;

/// Choose when a release moves a tenant, where its playbook has `reservations`
///
/// Never earlier than planned, when a window of the tenant is open, and no more tenants at a time than the playbook allows.
#[derive(Debug, Clone, Arguments)]
#[command(group(ArgGroup::new("when").required(true).args(["at", "as_planned"])))]
pub struct Args {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    pub release: Version,
    /// The tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: TenantName,
    /// When it is to be moved, such as 2026-11-24T06:00:00Z
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub at: Option<Timestamp>,
    /// Give the reservation back: the tenant moves when the plan has it
    #[arg(long)]
    pub as_planned: bool,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let body = Reserve {
        tenant: args.tenant.clone(),
        at_ms: args.at.map(|at| at.0),
        reason: args.reason.clone(),
    };
    command::give(context, &args.release, "reservations", &body)
}
