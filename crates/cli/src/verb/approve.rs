//! `tidegate approve`.

use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_domain::id::{Digest, Version};
use tidegate_server::api::{Approve, ReleaseStatus};

use super::command;
use crate::client::Client;
use crate::context::Context;
use crate::error::CliError;

/// The shortest beginning of a digest that names a plan.
const BEGINNING_MIN: usize = 12;

/// Agree to the plan of a release that somebody else made
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    pub release: Version,
    /// The digest of the plan that you agree to, as `tidegate plan` and `tidegate status` print it, or its beginning
    #[arg(long, value_name = "DIGEST")]
    pub plan: String,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    say(args, context, "approve")
}

/// Approves or rejects: `what` is the word.
pub fn say(args: &Args, context: &Context, what: &str) -> Result<ExitCode, CliError> {
    let plan = plan(&context.client()?, args)?;
    let reason = args.reason.clone();
    command::give(context, &args.release, what, &Approve { plan, reason })
}

/// The digest that was named, in full. What was applied is asked for only where a beginning was given.
fn plan(client: &Client, args: &Args) -> Result<Digest, CliError> {
    if let Ok(digest) = Digest::new(&args.plan) {
        return Ok(digest);
    }
    let release: ReleaseStatus = client.get(&format!("/v1/releases/{}", args.release))?;
    let beginning = args.plan.strip_prefix("sha256:").unwrap_or(&args.plan);
    let applied = release.plan.as_str().trim_start_matches("sha256:");
    if beginning.len() >= BEGINNING_MIN && applied.starts_with(beginning) {
        return Ok(release.plan);
    }
    Err(CliError::new(format!(
        "`{}` is not the plan that release {} was applied with",
        args.plan, args.release
    ))
    .help(format!("read the plan first: it is {}", release.plan)))
}
