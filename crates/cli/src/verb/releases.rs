//! `tidegate releases`: those that were applied and those that were handed in; how one is handed in, and withdrawn.

pub mod create;

use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use tidegate_domain::id::Version;
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{CreatedRelease, CreatedStatus, ReleaseList, ReleaseStatus};

use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;
use crate::table::table;
use crate::{output, when};

/// List releases, in the order they were applied; hand one in, withdraw one
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
    /// List releases, in the order they were applied
    List(List),
    /// Hand a new release in: the server keeps it, and plans or applies it where the playbook says so
    Create(create::Args),
    /// Withdraw a release that was handed in and is not applied
    Withdraw(Withdraw),
}

#[derive(Debug, Clone, Arguments)]
struct List {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Withdraw {
    version: Version,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        None => list(&args.list, context)?,
        Some(What::List(args)) => list(args, context)?,
        Some(What::Create(args)) => create::run(args, context)?,
        Some(What::Withdraw(args)) => withdraw(args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: &List, context: &Context) -> Result<(), CliError> {
    let list: ReleaseList = context.client()?.get("/v1/releases")?;
    if args.json {
        return output::json(&list);
    }
    let rows: Vec<[String; 6]> = list.releases.iter().map(row).collect();
    output::data(&table(["version", "phase", "applied", "by", "moved", "plan"], &rows))?;
    if list.created.is_empty() {
        return Ok(());
    }
    let rows: Vec<[String; 5]> = list.created.iter().map(created_row).collect();
    let created = table(["version", "handed in", "on", "by", "plan"], &rows);
    output::data(&format!("\n{created}"))?;
    for release in list.created.iter().filter(|release| !release.blocks.is_empty()) {
        output::data(&blocked(release))?;
    }
    Ok(())
}

fn withdraw(args: &Withdraw, context: &Context) -> Result<(), CliError> {
    let path = format!("/v1/releases/{}", args.version);
    let path = with_query(&path, &[("reason", Some(&args.reason))]);
    let withdrawn: CreatedRelease = context.client()?.delete(&path)?;
    if !withdrawn.has_effect {
        output::message(&format!(
            "release {} is {} already: nothing has changed",
            args.version, withdrawn.release.state
        ));
    }
    Ok(())
}

fn row(release: &ReleaseStatus) -> [String; 6] {
    let held = release.hold.is_some() && release.ended_ms.is_none();
    let phase = if held {
        format!("{}, held", release.phase)
    } else {
        release.phase.clone()
    };
    let moved: usize = release.waves.iter().map(|wave| wave.tenants.moved).sum();
    let total: usize = release.waves.iter().map(|wave| wave.tenants.total).sum();
    [
        release.version.to_string(),
        phase,
        when::instant(Timestamp(release.applied_ms)),
        release.author.clone(),
        format!("{moved} of {total}"),
        release.plan.short().to_owned(),
    ]
}

fn created_row(release: &CreatedStatus) -> [String; 5] {
    [
        release.version.to_string(),
        release.state.clone(),
        when::instant(Timestamp(release.created_ms)),
        release.created_by.clone(),
        release
            .plan
            .as_ref()
            .map_or("-".to_owned(), |plan| plan.short().to_owned()),
    ]
}

/// What stands in the way of one that was handed in, a line each.
pub fn blocked(release: &CreatedStatus) -> String {
    let lines = release
        .blocks
        .iter()
        .map(|block| format!("{} is blocked: {block}\n", release.version));
    lines.collect()
}
