//! `tidegate report`.

use std::process::ExitCode;

use clap::{Args as Arguments, ValueEnum};
use tidegate_domain::id::{CustomerName, Version};
use tidegate_server::api::Report;

use super::command;
use crate::context::Context;
use crate::error::CliError;

/// Say what a customer has found who tried a release on an earlier wave
///
/// Tenants of a customer who is asked to try a release wait until it works for the customer. Trouble holds the release.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    pub release: Version,
    /// How it went
    #[arg(value_name = "OUTCOME")]
    pub outcome: Outcome,
    /// The customer
    #[arg(long, value_name = "NAME")]
    pub customer: CustomerName,
    /// What was tried, or what is wrong; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Outcome {
    /// The customer's tenants of later waves may move
    Works,
    /// They may not, and the release is held until a person decides
    Trouble,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let body = Report {
        customer: args.customer.clone(),
        outcome: match args.outcome {
            Outcome::Works => "works",
            Outcome::Trouble => "trouble",
        }
        .to_owned(),
        reason: args.reason.clone(),
    };
    command::give(context, &args.release, "reports", &body)
}
