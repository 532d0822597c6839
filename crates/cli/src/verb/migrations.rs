//! `tidegate migrations`: how far tenants are with what breaking changes ask of them.

use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand, ValueEnum};
use tidegate_domain::calendar::LocalDate;
use tidegate_domain::change::OwnerName;
use tidegate_domain::files::CHANGES_FOLDER;
use tidegate_domain::id::{ChangeId, TenantName};
use tidegate_domain::service::MigrationState;
use tidegate_server::api::{MigrationList, MigrationStatus, SetMigrations};

use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::project::beside;
use crate::table::{count, table};

/// Show how far tenants are with what breaking changes ask of them, with owner and deadline; say that one has migrated
#[derive(Debug, Clone, Arguments)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Show how far tenants are, and which release waits for them or has left them
    List(List),
    /// Say how far tenants are with what a change asks of them
    Set(Set),
}

#[derive(Debug, Clone, Arguments)]
struct List {
    /// Only for this change
    #[arg(long, value_name = "CHANGE")]
    change: Option<ChangeId>,
    /// Only of this tenant
    #[arg(long, value_name = "NAME")]
    tenant: Option<TenantName>,
    /// Only those whose last day is over
    #[arg(long)]
    overdue: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Set {
    /// The name of the change
    #[arg(value_name = "CHANGE")]
    change: ChangeId,
    /// How far the tenants are
    #[arg(value_name = "STATE")]
    how_far: HowFar,
    /// Of this tenant (can be repeated)
    #[arg(long = "tenant", value_name = "NAME", required = true)]
    tenants: Vec<TenantName>,
    /// Who sees to it for these tenants; by default who the change names
    #[arg(long, value_name = "NAME")]
    owner: Option<OwnerName>,
    /// The last day that these tenants have, such as 2027-03-01; by default the deadline of the change
    #[arg(long, value_name = "DATE")]
    deadline: Option<LocalDate>,
    /// Why, or where it can be seen; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HowFar {
    /// Its customer has been told what to do
    Contacted,
    /// The customer has said that it will do it
    Acknowledged,
    /// It has done it: the change breaks nothing of it any more
    Migrated,
    /// It does not use what the change is about
    NotAffected,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        None => list(&args.list, context),
        Some(What::List(args)) => list(args, context),
        Some(What::Set(args)) => set(args, context),
    }
}

fn list(args: &List, context: &Context) -> Result<ExitCode, CliError> {
    let path = with_query(
        "/v1/migrations",
        &[
            ("change", args.change.as_ref().map(ChangeId::as_str)),
            ("tenant", args.tenant.as_ref().map(TenantName::as_str)),
            ("overdue", args.overdue.then_some("true")),
        ],
    );
    let list: MigrationList = context.client()?.get(&path)?;
    if args.json {
        output::json(&list)?;
    } else {
        output::data(&page(&list))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn set(args: &Set, context: &Context) -> Result<ExitCode, CliError> {
    let file = beside(context, CHANGES_FOLDER).join(format!("{}.md", args.change));
    let state = match args.how_far {
        HowFar::Contacted => MigrationState::Contacted,
        HowFar::Acknowledged => MigrationState::Acknowledged,
        HowFar::Migrated => MigrationState::Migrated,
        HowFar::NotAffected => MigrationState::NotAffected,
    };
    let body = SetMigrations {
        state: state.as_str().to_owned(),
        tenants: args.tenants.iter().cloned().collect(),
        owner: args.owner.clone(),
        deadline: args.deadline,
        declared: file.is_file(),
        reason: args.reason.clone(),
    };
    let list: MigrationList = context
        .client()?
        .post(&format!("/v1/migrations/{}", args.change), &body)?;
    output::data(&page(&list))?;
    Ok(ExitCode::SUCCESS)
}

fn page(list: &MigrationList) -> String {
    if list.migrations.is_empty() {
        return "no tenant has to migrate\n".to_owned();
    }
    let rows: Vec<[String; 6]> = list.migrations.iter().map(row).collect();
    let table = table(["change", "tenant", "state", "owner", "deadline", "release"], &rows);
    let behind = list.migrations.iter().filter(|row| is_behind(row)).count();
    match behind {
        0 => table,
        behind => format!("{table}\n{} still to migrate\n", count(behind, "tenant")),
    }
}

/// A change is still to come to it, and nobody says that it is ready.
fn is_behind(row: &MigrationStatus) -> bool {
    row.release.is_some() && !MigrationState::read(&row.state).is_some_and(MigrationState::is_ready)
}

fn row(row: &MigrationStatus) -> [String; 6] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let overdue = if row.overdue { ", overdue" } else { "" };
    let release = row.release.as_ref().zip(row.place.as_ref());
    [
        row.change.to_string(),
        row.tenant.to_string(),
        row.state.clone(),
        or_dash(row.owner.as_ref().map(ToString::to_string)),
        or_dash(row.deadline.map(|day| format!("{day}{overdue}"))),
        or_dash(release.map(|(version, place)| format!("{version}: {place}"))),
    ]
}
