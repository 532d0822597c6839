//! `tidegate hotfix`: a child of what tenants run, for those who run it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as Arguments;
use serde_json::{Value, json};
use tidegate_domain::files::CommitId;
use tidegate_domain::id::Version;
use tidegate_server::api::{ReleaseList, TenantList};

use super::components::patch::{self, Part};
use crate::client::Client;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::table::count;

/// Repair a version for the tenants that run it: hand in a release that replaces these components alone
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// A component and the file that it is to run, such as `api=build/api`; may be given several times
    #[arg(value_name = "NAME=ARTIFACT", required = true)]
    parts: Vec<Part>,
    /// The version that tenants run
    #[arg(long = "for", value_name = "VERSION")]
    fixed: Version,
    /// The version of the hot-fix
    #[arg(long, value_name = "VERSION")]
    release: Version,
    /// A commit of the fix; later releases that were not built on it are refused. May be given several times
    #[arg(long = "commit", value_name = "ID", required = true, value_parser = commit)]
    commits: Vec<String>,
    /// Why it cannot wait
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Write the release into this file, and hand nothing in
    #[arg(short, long, value_name = "FILE", conflicts_with = "json")]
    output: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn commit(text: &str) -> Result<String, String> {
    CommitId::new(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let client = context.client()?;
    let artifacts = patch::look_up(&args.parts)?;
    let components = patch::components(&artifacts, Some(&args.fixed), &client)?;
    let releases: ReleaseList = client.get("/v1/releases")?;
    let mut of_version = releases.releases.iter().filter(|release| release.version == args.fixed);
    // What is on its way is not paused beside its repair: the repair takes its place.
    let is_in_flight = of_version.any(|release| matches!(release.phase.as_str(), "queued" | "moving"));
    let commits: Vec<Value> = args.commits.iter().map(|id| json!({ "id": id })).collect();
    let mut release = json!({
        "version": args.release,
        "kind": "emergency",
        "reason": args.reason,
        "commits": commits,
        "components": components,
    });
    release[if is_in_flight { "patches" } else { "hotfix" }] = json!(args.fixed);
    let text = format!("{release:#}\n");
    let give = (args.output.as_deref(), args.json);
    patch::give_to((&args.release, text, artifacts), give, context)?;
    others(args, &client)?;
    Ok(ExitCode::SUCCESS)
}

/// Each version in service needs a fix of its own.
fn others(args: &Args, client: &Client) -> Result<(), CliError> {
    let list: TenantList = client.get("/v1/tenants")?;
    let mut counts: BTreeMap<&Version, usize> = BTreeMap::new();
    for version in list.tenants.iter().filter_map(|tenant| tenant.version.as_ref()) {
        *counts.entry(version).or_default() += 1;
    }
    counts.retain(|version, _| **version != args.fixed && **version != args.release);
    for (version, tenants) in counts {
        output::message(&format!(
            "{} on {version}: if that needs the fix too, `tidegate hotfix --for {version}`",
            count(tenants, "tenant")
        ));
    }
    Ok(())
}
