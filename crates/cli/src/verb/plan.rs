//! `tidegate plan`: every tenant's what, when and why, before anything moves.

mod page;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as Arguments;
use serde::Serialize;
use serde_json::json;
use tidegate_domain::files::{ReleaseFile, Source};
use tidegate_domain::id::{ChangeId, ComponentName, Digest};
use tidegate_domain::plan::{FoundArtifact, Plan, PlanInput, PlanReport, check, plan};
use tidegate_domain::service::Service;
use tidegate_server::api::{self, PlanRequest, SourceText};

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
    pub digest: Option<Digest>,
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
    let path = args
        .release
        .clone()
        .unwrap_or_else(|| project::beside(context, "release.yaml"));
    let question = Question::read(&path, context)?;
    if args.offline {
        return Ok(question.answer_offline());
    }
    if context.endpoint().is_none() {
        output::message("no server serves this project: planned as the first release of the service");
        return Ok(question.answer_offline());
    }
    Ok(question.ask(context)?.into())
}

/// Has the server plan a release, shows the plan, and answers its digest.
pub fn with_server(path: &Path, context: &Context) -> Result<Digest, CliError> {
    let planned = Question::read(path, context)?.ask(context)?;
    let digest = planned.digest.clone();
    output::data(&page::draw(&planned.into(), false))?;
    Ok(digest)
}

/// All that a plan is made of, but for the facts.
struct Question {
    read: Read,
    release: ReleaseFile,
    source: Source,
    artifacts: BTreeMap<ComponentName, FoundArtifact>,
}

impl Question {
    fn read(path: &Path, context: &Context) -> Result<Self, CliError> {
        let read = project::read(context)?;
        let (release, source) = project::release(path, &read, context)?;
        tell_unlisted(&read, &release, context)?;
        let components = release.components.iter();
        let found = components.map(|(name, component)| (name.clone(), project::artifact(path, &component.artifact)));
        let artifacts = found.collect();
        Ok(Self {
            read,
            release,
            source,
            artifacts,
        })
    }

    fn ask(self, context: &Context) -> Result<api::Planned, CliError> {
        let client = context.client()?;
        client.post("/v1/plans", &self.request())
    }

    /// The text of every file, and the artifacts as they were found here.
    fn request(self) -> PlanRequest {
        let text = |source: Source| SourceText {
            path: source.path,
            text: source.text,
        };
        let artifacts = self
            .artifacts
            .into_iter()
            .map(|(component, FoundArtifact { path, digest })| {
                let (sha256, error) = match digest {
                    Ok(digest) => (Some(digest), None),
                    Err(error) => (None, Some(error)),
                };
                api::FoundArtifact {
                    component,
                    path,
                    sha256,
                    error,
                }
            });
        PlanRequest {
            artifacts: artifacts.collect(),
            sources: self.read.sources.into_iter().map(text).collect(),
            release: text(self.source),
        }
    }

    /// As the first release of the service.
    fn answer_offline(self) -> Planned {
        let project = self.read.project;
        let state = Service::new(project.service.service.clone());
        let Self { release, artifacts, .. } = self;
        let input = PlanInput {
            project,
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
        let digest = plan.as_ref().map(Plan::digest);
        Planned {
            digest,
            plan,
            report,
            offline: true,
        }
    }
}

/// A change that no release lists reaches nobody, which may be meant: it is only said.
fn tell_unlisted(read: &Read, release: &ReleaseFile, context: &Context) -> Result<(), CliError> {
    let releases = project::changes::releases(context)?;
    let is_listed = |id: &ChangeId| release.changes.contains(id) || releases.values().any(|listed| listed.contains(id));
    let unlisted = read.project.changes.keys().filter(|id| !is_listed(id));
    let names: Vec<String> = unlisted.map(|id| format!("`{id}`")).collect();
    if !names.is_empty() {
        output::message(&format!(
            "note: no release lists {}; add them to `changes` of a release for customers to read them",
            names.join(", ")
        ));
    }
    Ok(())
}

impl From<api::Planned> for Planned {
    fn from(planned: api::Planned) -> Self {
        let api::Planned {
            digest, plan, report, ..
        } = planned;
        Self {
            digest: Some(digest),
            plan: Some(plan),
            report,
            offline: false,
        }
    }
}

/// The word that the files use for it.
pub fn word(value: impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}
