//! `tidegate steps`.

use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_domain::id::{CellName, StepName, Version};
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{StepList, StepStatus};

use super::logs;
use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;
use crate::table::table;
use crate::{output, when};

/// Show how far a release is with its work on data, or what a step has printed
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The release
    #[arg(value_name = "RELEASE")]
    pub version: Version,
    /// Show what the last attempt of this step has printed
    #[arg(long, value_name = "STEP", requires = "cell")]
    pub logs: Option<StepName>,
    /// The cell of the step
    #[arg(long, value_name = "CELL", requires = "logs")]
    pub cell: Option<CellName>,
    /// At the most so many lines
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub lines: usize,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let path = format!("/v1/releases/{}/steps", args.version);
    let client = context.client()?;
    let (Some(step), Some(cell)) = (&args.logs, &args.cell) else {
        let list: StepList = client.get(&path)?;
        if args.json {
            output::json(&list)?;
        } else {
            output::data(&page(&args.version, &list))?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let lines = args.lines.to_string();
    let path = with_query(
        &format!("{path}/{step}/logs"),
        &[("cell", Some(cell.as_str())), ("lines", Some(&lines))],
    );
    logs::show(&client.get(&path)?, args.json)
}

fn page(version: &Version, list: &StepList) -> String {
    if list.steps.is_empty() {
        return format!("release {version} has no work on data where it has come to\n");
    }
    let rows: Vec<[String; 7]> = list.steps.iter().map(row).collect();
    table(["cell", "step", "kind", "database", "state", "since", "says"], &rows)
}

fn row(step: &StepStatus) -> [String; 7] {
    let failures = match step.failures {
        0 | 1 => String::new(),
        failures => format!(" {failures} times"),
    };
    [
        step.cell.to_string(),
        step.name.to_string(),
        step.kind.as_str().to_owned(),
        step.database.to_string(),
        format!("{}{failures}", step.phase),
        when::instant(Timestamp(step.since_ms)),
        step.progress.clone().unwrap_or_else(|| step.outcome.clone()),
    ]
}
