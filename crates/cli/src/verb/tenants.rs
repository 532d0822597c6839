//! `tidegate tenants`: where every tenant is, and how they come, move and go.

mod sync;

use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use serde_json::{Value, json};
use tidegate_domain::id::{CellName, TenantName, Version};
use tidegate_server::api::{MoveTenant, NewTenant, TenantList, TenantStatus};

use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::table::{count, table};

/// Show where every tenant is; add, move, suspend and remove tenants
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
    /// Move a tenant to another cell; it is closed while it changes over. Its own cell takes a move back
    Move(Move),
    /// Serve a tenant that was kept closed in its new cell
    Open(Resume),
    /// Serve a tenant no longer; it keeps its place and moves with its releases
    Suspend(Remove),
    /// Serve a suspended tenant again
    Resume(Resume),
    /// Make a list of all tenants true: add, remove, move, suspend and resume as it says
    Sync(sync::Sync),
}

#[derive(Debug, Clone, Arguments)]
struct Move {
    name: TenantName,
    /// The cell that it shall live in
    #[arg(long, value_name = "NAME")]
    cell: CellName,
    /// Keep it closed in the new cell until `tidegate tenants open`: time to copy its data
    #[arg(long)]
    keep_closed: bool,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Clone, Arguments)]
struct Resume {
    name: TenantName,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT", default_value = "it is served again")]
    reason: String,
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
        Some(What::Move(args)) => {
            let body = MoveTenant {
                cell: args.cell.clone(),
                keep_closed: args.keep_closed,
                reason: args.reason.clone(),
            };
            let path = format!("/v1/tenants/{}/move", args.name);
            let tenant: TenantStatus = context.client()?.post(&path, &body)?;
            told(&tenant);
        }
        Some(What::Open(args)) => ask(context, &args.name, "open", &args.reason)?,
        Some(What::Suspend(args)) => ask(context, &args.name, "suspend", &args.reason)?,
        Some(What::Resume(args)) => ask(context, &args.name, "resume", &args.reason)?,
        Some(What::Sync(args)) => sync::run(args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(context: &Context, name: &TenantName, what: &str, reason: &str) -> Result<(), CliError> {
    let path = format!("/v1/tenants/{name}/{what}");
    let tenant: TenantStatus = context.client()?.post(&path, &json!({ "reason": reason }))?;
    told(&tenant);
    Ok(())
}

fn told(tenant: &TenantStatus) {
    let (name, cell) = (&tenant.name, &tenant.cell);
    let now = state(tenant);
    let now = if now.is_empty() { "served".to_owned() } else { now };
    output::message(&format!("{name} is in cell {cell}: {now}"));
}

/// What keeps it from being served, or will.
fn state(tenant: &TenantStatus) -> String {
    let mut words = Vec::new();
    if tenant.suspended {
        words.push("suspended".to_owned());
    }
    if let Some(moving) = &tenant.moving {
        words.push(match moving.stage.as_str() {
            "arrived" => "closed until it is opened".to_owned(),
            stage => format!("moves to {}, {stage}", moving.to),
        });
    }
    if tenant.starting {
        words.push("starting".to_owned());
    }
    words.join("; ")
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
    let rows: Vec<[String; 6]> = list.tenants.iter().map(row).collect();
    output::data(&table(
        ["tenant", "cell", "version", "before", "in flight", "state"],
        &rows,
    ))?;
    output::message(&count(rows.len(), "tenant"));
    Ok(())
}

fn row(tenant: &TenantStatus) -> [String; 6] {
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
        state(tenant),
    ]
}
