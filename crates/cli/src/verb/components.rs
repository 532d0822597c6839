//! `tidegate components`: what runs of each in every cell, and what is overdue; how one is replaced.

pub mod patch;

use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use tidegate_domain::id::Version;
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{ComponentList, ComponentStatus};

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::table::{count, table};
use crate::{output, when};

/// Show what each component runs in every cell, since when, and when an upgraded one is due; replace some
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
    /// Show what each component runs in every cell, since when, and when an upgraded one is due
    List(List),
    /// Hand in a release of kind `patch` that replaces these components alone; their configuration stays
    Patch(patch::Args),
}

#[derive(Debug, Clone, Arguments)]
struct List {
    /// End with 3 if a component is overdue
    #[arg(long)]
    pub exit_code: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        None => list(&args.list, context),
        Some(What::List(args)) => list(args, context),
        Some(What::Patch(args)) => {
            patch::run(args, context)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(args: &List, context: &Context) -> Result<ExitCode, CliError> {
    let list: ComponentList = context.client()?.get("/v1/components")?;
    let overdue = list.components.iter().filter(|one| one.overdue).count();
    if args.json {
        output::json(&list)?;
    } else {
        let rows: Vec<[String; 7]> = list.components.iter().map(row).collect();
        let titles = [
            "component",
            "cell",
            "version",
            "artifact",
            "tenants",
            "since",
            "next upgrade",
        ];
        output::data(&table(titles, &rows))?;
        match &list.every {
            Some(every) => output::message(&format!(
                "an upgraded one is due every {every}; {} overdue",
                count(overdue, "component")
            )),
            None => output::message("no upgrade is ever due: the playbook has no `rolling_patches`"),
        }
    }
    Ok(Exit::Findings.when(args.exit_code && overdue > 0))
}

fn row(component: &ComponentStatus) -> [String; 7] {
    let versions: Vec<&str> = component.versions.iter().map(Version::as_str).collect();
    let since = component.since_ms.map(|at| when::instant(Timestamp(at)));
    let due = component.due_ms.map(|at| when::instant(Timestamp(at)));
    [
        component.component.to_string(),
        component.cell.to_string(),
        versions.join(", "),
        component.artifact.short().to_owned(),
        component.tenants.to_string(),
        since.unwrap_or_else(|| "not everywhere yet".to_owned()),
        match due {
            Some(due) if component.overdue => format!("overdue since {due}"),
            Some(due) => due,
            None => "-".to_owned(),
        },
    ]
}
