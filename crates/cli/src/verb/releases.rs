//! `tidegate releases`.

use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{ReleaseList, ReleaseStatus};

use crate::context::Context;
use crate::error::CliError;
use crate::table::table;
use crate::{output, when};

/// List releases, in the order they were applied
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let list: ReleaseList = context.client()?.get("/v1/releases")?;
    if args.json {
        output::json(&list)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<[String; 6]> = list.releases.iter().map(row).collect();
    output::data(&table(["version", "phase", "applied", "by", "moved", "plan"], &rows))?;
    Ok(ExitCode::SUCCESS)
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
