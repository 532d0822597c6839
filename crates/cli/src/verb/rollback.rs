//! `tidegate rollback`.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration as Wait, Instant};

use clap::{ArgGroup, Args as Arguments};
use serde_json::{Value, json};
use tidegate_domain::id::{TenantName, Version, WaveName};
use tidegate_domain::time::Duration;
use tidegate_server::api::Status;

use super::command;
use crate::client::Client;
use crate::context::Context;
use crate::error::CliError;
use crate::output;

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
    /// Wait until all of them are back and every gateway has confirmed it
    #[arg(long)]
    pub wait: bool,
    /// How long to wait at the most
    #[arg(long, value_name = "DURATION", requires = "wait")]
    pub timeout: Option<Duration>,
}

/// From one look at the release to the next.
const LOOK_EVERY: Wait = Wait::from_millis(100);

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let given = command::give(context, &args.release, "rollback", &body(args))?;
    if args.wait {
        wait(&context.client()?, &args.release, args.timeout)?;
    }
    Ok(given)
}

fn wait(client: &Client, version: &Version, timeout: Option<Duration>) -> Result<(), CliError> {
    let deadline = timeout.map(|timeout| Instant::now() + timeout.to_std());
    loop {
        let status: Status = client.get("/v1/status")?;
        let is_confirmed = status.confirmed >= status.generation;
        let waves = status.release(version).map(|release| release.waves).unwrap_or_default();
        let returning: usize = waves.iter().map(|wave| wave.tenants.returning).sum();
        if returning == 0 && is_confirmed {
            output::message("they are back, and every gateway has confirmed it");
            return Ok(());
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let left = match returning {
                0 => "a gateway has not confirmed it yet".to_owned(),
                1 => "1 tenant is not back yet".to_owned(),
                more => format!("{more} tenants are not back yet"),
            };
            return Err(CliError::timed_out(left).help("it goes on by itself: `tidegate status`"));
        }
        sleep(LOOK_EVERY);
    }
}

fn body(args: &Args) -> Value {
    let reason = &args.reason;
    match (&args.tenant, &args.wave) {
        (Some(tenant), _) => json!({ "reason": reason, "tenant": tenant }),
        (None, Some(wave)) => json!({ "reason": reason, "wave": wave }),
        (None, None) => json!({ "reason": reason, "all": true }),
    }
}
