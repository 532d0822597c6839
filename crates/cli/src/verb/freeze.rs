//! `tidegate freeze`.

use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_domain::id::{CellName, TenantName};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_server::api::{FreezeList, NewFreeze};

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::when;

/// Keep tenants where they are, whatever release would move them; the way back stays open
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// Only this tenant (can be repeated); everybody, where neither tenants nor cells are named
    #[arg(long = "tenant", value_name = "NAME", conflicts_with = "cells")]
    pub tenants: Vec<TenantName>,
    /// Only the tenants of this cell (can be repeated)
    #[arg(long = "cell", value_name = "NAME")]
    pub cells: Vec<CellName>,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// When it begins, such as 2026-11-24T06:00:00Z; now, where it is left out
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub from: Option<Timestamp>,
    /// When it ends by itself; by default somebody lifts it
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub until: Option<Timestamp>,
    /// How long it lasts, such as `2h 30m`
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "until")]
    pub lasting: Option<Duration>,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let lasts = |lasting| args.from.unwrap_or_else(when::now) + lasting;
    let until = args.until.or(args.lasting.map(lasts));
    let body = NewFreeze {
        tenants: args.tenants.clone(),
        cells: args.cells.clone(),
        from_ms: args.from.map(|from| from.0),
        until_ms: until.map(|until| until.0),
        reason: args.reason.clone(),
    };
    let list: FreezeList = context.client()?.post("/v1/freezes", &body)?;
    if let Some(newest) = list.freezes.last() {
        output::message(&format!("to lift it: tidegate unfreeze {}", newest.number));
    }
    Ok(ExitCode::SUCCESS)
}
