//! `tidegate profile`.

mod picture;

use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use tidegate_domain::calendar::{Measured, Profile, Traffic};
use tidegate_domain::id::TenantName;
use tidegate_domain::time::Timestamp;
use tidegate_server::api::TrafficProfile;

use crate::client::{Client, with_query};
use crate::context::Context;
use crate::error::CliError;
use crate::output;

/// Show the traffic of tenants by the hour of the week, as the gateways have counted it
///
/// Plans take the quietest time and the peaks of tenants from it, unless a profile is given with `--profile`.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Show how much of each tenant is known, or the week of one tenant
    Show(Show),
    /// Print it as `traffic.json`, for `tidegate plan --profile`
    Export,
}

#[derive(Debug, Clone, Arguments)]
struct Show {
    /// The tenant whose week is drawn
    tenant: Option<TenantName>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let client = context.client()?;
    match &args.what {
        What::Show(show) => {
            let shown = ask(&client, show.tenant.as_ref())?;
            if show.json {
                output::json(&shown)?;
            } else {
                match &show.tenant {
                    Some(tenant) => output::data(&picture::week(tenant, &shown))?,
                    None => output::data(&picture::list(&shown))?,
                }
            }
        }
        What::Export => {
            let profile = measured(&client)?;
            let profile = profile.ok_or_else(|| {
                CliError::refused("no traffic has been measured yet")
                    .help("it is measured while the server and a gateway run; `tidegate status` shows both")
            })?;
            // One line: it is for programs, and long.
            output::data(&format!("{}\n", serde_json::json!(profile)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the server has measured, as plans take it. None where it has measured nothing.
pub fn measured(client: &Client) -> Result<Option<Profile>, CliError> {
    Ok(profile(ask(client, None)?))
}

fn ask(client: &Client, tenant: Option<&TenantName>) -> Result<TrafficProfile, CliError> {
    client.get(&with_query(
        "/v1/profile",
        &[("tenant", tenant.map(TenantName::as_str))],
    ))
}

fn profile(answer: TrafficProfile) -> Option<Profile> {
    let measured = Measured {
        until: Timestamp(answer.until_ms?),
        hours: answer
            .tenants
            .values()
            .map(|tenant| tenant.hours_measured as u64)
            .max()?,
        whole: answer
            .tenants
            .values()
            .filter(|tenant| tenant.hours_known == tenant.hourly.len())
            .count(),
    };
    let tenants = answer.tenants.into_iter().map(|(name, tenant)| {
        let traffic = Traffic {
            hourly: tenant.hourly,
            peak_hours: tenant.peak_hours,
        };
        (name, traffic)
    });
    Some(Profile {
        schema_version: 1,
        measured: Some(measured),
        tenants: tenants.collect(),
    })
}
