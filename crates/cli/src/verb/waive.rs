//! `tidegate waive`.

use std::process::ExitCode;

use clap::{ArgGroup, Args as Arguments, ValueEnum};
use tidegate_domain::id::{CellName, TenantName, Version};
use tidegate_domain::service::Waived;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_server::api::Waive;

use super::command;
use crate::context::Context;
use crate::error::CliError;
use crate::when;

/// Let tenants be moved without a notice, a customer's report or their migration, or outside their windows, for a while
#[derive(Debug, Clone, Arguments)]
#[command(group(ArgGroup::new("end").required(true).args(["until", "lasting"])))]
pub struct Args {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    pub release: Version,
    /// What is not waited for
    #[arg(value_name = "WHAT")]
    pub of: Of,
    /// Only for this tenant (can be repeated)
    #[arg(long = "tenant", value_name = "NAME", conflicts_with = "cells")]
    pub tenants: Vec<TenantName>,
    /// Only for the tenants of this cell (can be repeated)
    #[arg(long = "cell", value_name = "NAME")]
    pub cells: Vec<CellName>,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// When it ends, such as 2026-11-24T06:00:00Z
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub until: Option<Timestamp>,
    /// How long it lasts, such as `2h 30m`
    #[arg(long = "for", value_name = "DURATION")]
    pub lasting: Option<Duration>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Of {
    /// Notices: they need not be proven, nor have run their length
    Notice,
    /// Windows and freezes, but not a freeze that is put on after this
    Window,
    /// Reports of customers who are asked to try an earlier wave
    Validation,
    /// Migrations for breaking changes
    Migration,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let until = args.until.or(args.lasting.map(|lasting| when::now() + lasting));
    let until = until.ok_or_else(|| CliError::new("a waiver has an end: `--until` or `--for`"))?;
    let body = Waive {
        of: match args.of {
            Of::Notice => Waived::Notice,
            Of::Window => Waived::Window,
            Of::Validation => Waived::Validation,
            Of::Migration => Waived::Migration,
        }
        .as_str()
        .to_owned(),
        tenants: args.tenants.clone(),
        cells: args.cells.clone(),
        until_ms: until.0,
        reason: args.reason.clone(),
    };
    command::give(context, &args.release, "waive", &body)
}
