//! `tidegate jobs`: what each has run and will run, what a run has printed, and how one is run on demand.

use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use serde_json::json;
use tidegate_domain::id::{CellName, ComponentName, TenantName};
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{JobList, JobRunStatus, JobStatus};

use super::logs;
use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;
use crate::table::table;
use crate::{output, when};

/// List jobs with their last and next runs; run one, show what it has printed
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
    /// List jobs with their last and next runs
    List(List),
    /// Run a job once, besides its schedule and as soon as the run before has ended
    Run(Run),
    /// Show what the run that goes on has printed, or the last one
    Logs(LogsOf),
}

#[derive(Debug, Clone, Arguments)]
struct List {
    /// Only of this component
    #[arg(long, value_name = "COMPONENT")]
    component: Option<ComponentName>,
    /// Only of this tenant
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantName>,
    /// Only in this cell
    #[arg(long, value_name = "CELL")]
    cell: Option<CellName>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Whom a run is for.
#[derive(Debug, Clone, Arguments)]
#[group(required = true, multiple = false)]
struct For {
    /// The tenant that the run is for
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantName>,
    /// The cell that the run is for, of a job with `per: cell`
    #[arg(long, value_name = "CELL")]
    cell: Option<CellName>,
}

#[derive(Debug, Clone, Arguments)]
struct Run {
    /// The component of the kind `job`
    #[arg(value_name = "COMPONENT")]
    component: ComponentName,
    #[command(flatten)]
    of: For,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Clone, Arguments)]
struct LogsOf {
    /// The component of the kind `job`
    #[arg(value_name = "COMPONENT")]
    component: ComponentName,
    #[command(flatten)]
    of: For,
    /// At the most so many lines
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    lines: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        None => list(&args.list, context),
        Some(What::List(args)) => list(args, context),
        Some(What::Run(args)) => run_once(args, context),
        Some(What::Logs(args)) => show_logs(args, context),
    }
}

fn list(args: &List, context: &Context) -> Result<ExitCode, CliError> {
    let path = with_query(
        "/v1/jobs",
        &[
            ("component", args.component.as_ref().map(ComponentName::as_str)),
            ("tenant", args.tenant.as_ref().map(TenantName::as_str)),
            ("cell", args.cell.as_ref().map(CellName::as_str)),
        ],
    );
    let list: JobList = context.client()?.get(&path)?;
    if args.json {
        output::json(&list)?;
    } else {
        output::data(&page(&list))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn run_once(args: &Run, context: &Context) -> Result<ExitCode, CliError> {
    let path = format!("/v1/jobs/{}/runs", args.component);
    let body = match &args.of.tenant {
        Some(tenant) => json!({ "tenant": tenant, "reason": args.reason }),
        None => json!({ "cell": args.of.cell, "reason": args.reason }),
    };
    let job: JobStatus = context.client()?.post(&path, &body)?;
    if let Some(reason) = &job.waits_for {
        output::message(&format!("waits for {reason}"));
    }
    output::message(&format!("next: tidegate jobs --component {}", args.component));
    Ok(ExitCode::SUCCESS)
}

fn show_logs(args: &LogsOf, context: &Context) -> Result<ExitCode, CliError> {
    let lines = args.lines.to_string();
    let path = with_query(
        &format!("/v1/jobs/{}/logs", args.component),
        &[
            ("tenant", args.of.tenant.as_ref().map(TenantName::as_str)),
            ("cell", args.of.cell.as_ref().map(CellName::as_str)),
            ("lines", Some(&lines)),
        ],
    );
    logs::show(&context.client()?.get(&path)?, args.json)
}

fn page(list: &JobList) -> String {
    if list.jobs.is_empty() {
        return "no tenant is on a version with a job\n".to_owned();
    }
    let rows: Vec<[String; 7]> = list.jobs.iter().map(row).collect();
    table(
        ["job", "tenant", "cell", "version", "last run", "now", "next run"],
        &rows,
    )
}

fn row(job: &JobStatus) -> [String; 7] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let now = match (&job.running, job.waiting) {
        (Some(run), 0) => format!("runs on {} since {}", run.version, when::near(Timestamp(run.since_ms))),
        (Some(run), more) => {
            let since = when::near(Timestamp(run.since_ms));
            format!("runs on {} since {since}, {more} waiting", run.version)
        }
        (None, 0) => "-".to_owned(),
        (None, waiting) => {
            let reason = job.waits_for.as_deref().unwrap_or("the next turn");
            format!("{waiting} waiting for {reason}")
        }
    };
    [
        job.component.to_string(),
        or_dash(job.tenant.as_ref().map(ToString::to_string)),
        job.cell.to_string(),
        or_dash(job.version.as_ref().map(ToString::to_string)),
        or_dash(job.last.as_ref().map(last)),
        now,
        job.next_ms
            .map_or_else(|| "on demand".to_owned(), |next| when::instant(Timestamp(next))),
    ]
}

/// When it was, on which version, and how it ended.
fn last(run: &JobRunStatus) -> String {
    format!(
        "{} on {}: {}",
        when::near(Timestamp(run.since_ms)),
        run.version,
        run.outcome
    )
}
