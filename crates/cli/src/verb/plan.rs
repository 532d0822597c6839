//! `tidegate plan`: every tenant's what, when and why, before anything moves.

mod page;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as Arguments;
use serde_json::{Value, json};
use tidegate_domain::files::{ReleaseFile, Source};
use tidegate_domain::id::ComponentName;
use tidegate_domain::plan::{FoundArtifact, Plan, PlanInput, PlanReport, check, plan};
use tidegate_domain::service::Service;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::project::{self, Read};
use crate::{output, verb, when};

/// Show who moves when and why then, and what stands in the way
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The release to plan; by default `release.yaml` of the project
    pub release: Option<PathBuf>,
    /// Plan as the first release of the service, without a server
    #[arg(long)]
    pub offline: bool,
    /// End with 3 if the plan moves a tenant
    #[arg(long)]
    pub exit_code: bool,
    /// Name every tenant
    #[arg(long)]
    pub tenants: bool,
    /// Print the plan and its report as JSON
    #[arg(long)]
    pub json: bool,
}

/// A plan as the server or this program made it.
pub struct Planned {
    pub digest: Option<String>,
    pub plan: Option<Plan>,
    pub report: PlanReport,
    /// Nothing was kept: the plan cannot be applied.
    pub offline: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let planned = make(args, context)?;
    if args.json {
        let Planned {
            digest,
            plan,
            report,
            offline,
        } = &planned;
        output::json(&json!({
            "schema_version": verb::SCHEMA_VERSION, "digest": digest, "offline": offline, "plan": plan, "report": report,
        }))?;
    } else {
        output::data(&page::draw(&planned, args.tenants))?;
    }
    if planned.plan.is_none() {
        return Err(CliError::refused("there is no plan as long as something blocks it"));
    }
    if !args.json {
        output::message(&match &planned.digest {
            Some(digest) if !planned.offline => format!("next: tidegate apply {digest}"),
            _ => "next: start the server with `tidegate serve`, then plan again to apply".to_owned(),
        });
    }
    let moves = planned.plan.as_ref().is_some_and(|plan| plan.moves() > 0);
    Ok(if args.exit_code && moves {
        Exit::Findings.into()
    } else {
        ExitCode::SUCCESS
    })
}

/// Plans with the server, or without one where none serves this project.
pub fn make(args: &Args, context: &Context) -> Result<Planned, CliError> {
    let read = project::read(context)?;
    let path = args
        .release
        .clone()
        .unwrap_or_else(|| project::beside(context, "release.yaml"));
    let (release, source) = project::release(&path, &read, context)?;
    let artifacts = found(&path, &release);
    if args.offline || context.endpoint().is_none() {
        if !args.offline {
            output::message("no server serves this project: planned as the first release of the service");
        }
        return Ok(offline(read, release, artifacts));
    }
    let client = context.client()?;
    let answer: Value = client.post("/v1/plans", &request(&read, &source, &artifacts)?)?;
    understand(answer)
}

type Artifacts = BTreeMap<ComponentName, FoundArtifact>;

fn found(path: &Path, release: &ReleaseFile) -> Artifacts {
    let components = release.components.iter();
    components
        .map(|(name, component)| (name.clone(), project::artifact(path, &component.artifact)))
        .collect()
}

/// What the server is told: the text of every file, and the artifacts as they were found here.
fn request(read: &Read, release: &Source, artifacts: &Artifacts) -> Result<Value, CliError> {
    let file = |source: &Source| json!({ "path": source.path, "text": source.text });
    let mut described = Vec::new();
    let mut unreadable = Vec::new();
    for (component, FoundArtifact { path, digest }) in artifacts {
        match digest {
            Ok(digest) => described.push(json!({ "component": component, "path": path, "sha256": digest })),
            Err(error) => unreadable.push(format!(
                "error: cannot read the artifact of `{component}`, `{path}`: {error}"
            )),
        }
    }
    if !unreadable.is_empty() {
        return Err(CliError::refused("a release runs artifacts that can be read")
            .diagnostics(unreadable.join("\n"))
            .help("build them, or correct `artifact`: it is relative to the release file"));
    }
    let sources: Vec<Value> = read.sources.iter().map(file).collect();
    Ok(json!({ "sources": sources, "release": file(release), "artifacts": described }))
}

fn understand(mut answer: Value) -> Result<Planned, CliError> {
    let failed = |error| CliError::new("cannot understand the plan of the server").because(error);
    let digest = answer.get("digest").and_then(Value::as_str).map(str::to_owned);
    let plan = serde_json::from_value(answer["plan"].take()).map_err(failed)?;
    let report = serde_json::from_value(answer["report"].take()).map_err(failed)?;
    Ok(Planned {
        digest,
        plan,
        report,
        offline: false,
    })
}

fn offline(read: Read, release: ReleaseFile, artifacts: Artifacts) -> Planned {
    let state = Service::new(read.project.service.service.clone());
    let input = PlanInput {
        project: read.project,
        release,
        artifacts,
        state,
        now: when::now(),
    };
    let (plan, mut report) = plan(&input);
    if let Some(plan) = &plan {
        report.problems.extend(check(plan, &input));
    }
    let plan = plan.filter(|_| !report.blocked());
    let digest = plan.as_ref().map(|plan| plan.digest().to_string());
    Planned {
        digest,
        plan,
        report,
        offline: true,
    }
}
