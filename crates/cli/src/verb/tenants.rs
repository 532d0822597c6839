//! `tidegate tenants`: where every tenant is, and how they come and go.

use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use serde_json::Value;
use tidegate_domain::id::{CellName, TenantName, Version};
use tidegate_server::api::{NewTenant, TenantList, TenantStatus};

use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::table::{count, table};

/// Show where every tenant is; add one, remove one
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Show where every tenant is
    List(List),
    /// Add a tenant; it starts on the newest version of its cell
    Add(Add),
    /// Remove a tenant: it is served no longer
    Remove(Remove),
}

#[derive(Debug, Clone, Arguments)]
struct List {
    /// Only the tenants of this cell
    #[arg(long, value_name = "NAME")]
    cell: Option<CellName>,
    /// Only the tenants on this version
    #[arg(long = "on", value_name = "VERSION")]
    on: Option<Version>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Add {
    name: TenantName,
    /// The cell it lives in
    #[arg(long, value_name = "NAME")]
    cell: CellName,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Clone, Arguments)]
struct Remove {
    name: TenantName,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        None => list(&args.list, context)?,
        Some(What::List(args)) => list(args, context)?,
        Some(What::Add(args)) => {
            let tenant = NewTenant {
                name: args.name.clone(),
                cell: args.cell.clone(),
                reason: args.reason.clone(),
            };
            context.client()?.post::<Value>("/v1/tenants", &tenant)?;
            output::message(&format!("next: tidegate history --tenant {}", args.name));
        }
        Some(What::Remove(args)) => {
            let path = with_query(
                &format!("/v1/tenants/{}", args.name),
                &[("reason", Some(args.reason.as_str()))],
            );
            context.client()?.delete::<Value>(&path)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: &List, context: &Context) -> Result<(), CliError> {
    let cell = args.cell.as_ref().map(CellName::as_str);
    let version = args.on.as_ref().map(Version::as_str);
    let list: TenantList = context
        .client()?
        .get(&with_query("/v1/tenants", &[("cell", cell), ("version", version)]))?;
    if args.json {
        return output::json(&list);
    }
    let rows: Vec<[String; 5]> = list.tenants.iter().map(row).collect();
    output::data(&table(["tenant", "cell", "version", "before", "in flight"], &rows))?;
    output::message(&count(rows.len(), "tenant"));
    Ok(())
}

fn row(tenant: &TenantStatus) -> [String; 5] {
    let version = |version: &Option<Version>| version.as_ref().map_or("-".to_owned(), ToString::to_string);
    let in_flight = match (&tenant.release_in_flight, &tenant.wave, &tenant.place) {
        (Some(release), Some(wave), Some(place)) => format!("{release}, wave {wave}: {place}"),
        _ => String::new(),
    };
    [
        tenant.name.to_string(),
        tenant.cell.to_string(),
        version(&tenant.version),
        version(&tenant.before),
        in_flight,
    ]
}
