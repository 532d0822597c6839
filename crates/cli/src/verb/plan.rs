//! `tidegate plan`: every tenant's what, when and why, before anything moves.

mod explain;
mod page;
mod picture;

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as Arguments;
use serde::Serialize;
use tidegate_domain::calendar::Profile;
use tidegate_domain::files::{Diagnostic, ReleaseFile, Source, locate};
use tidegate_domain::id::{ChangeId, ComponentName, Digest, TenantName, Version};
use tidegate_domain::plan::{
    Document, Facts, FoundArtifact, Plan, PlanInput, PlanReport, ProblemDocument, Severity, check, plan,
};
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{self, PlanRequest, SourceText};

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::project::{self, Read};
use crate::verb::profile;
use crate::{output, verb, when};

/// Show who moves when and why then, what is sent before, and what stands in the way
#[derive(Debug, Clone, Default, Arguments)]
pub struct Args {
    /// The release to plan; by default `release.yaml` of the project
    pub release: Option<PathBuf>,
    /// Plan the release of this version that was handed in with `tidegate releases create`
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["release", "offline", "first", "now", "facts", "profile"])]
    pub created: Option<Version>,
    /// Plan without a server; every tenant is taken to run the release before
    #[arg(long)]
    pub offline: bool,
    /// Plan as the first release of the service, without a server
    #[arg(long, conflicts_with = "facts")]
    pub first: bool,
    /// Plan as if it were this instant, without a server
    #[arg(long, value_name = "INSTANT", value_parser = when::parse)]
    pub now: Option<Timestamp>,
    /// Take the version of each tenant and opt-ins from this file, not from a server
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,
    /// The traffic of tenants by the hour of the week (`traffic.json`), for the quietest time and for peaks; by default what the
    /// gateways have counted, where a server runs
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Explain what the plan means for this tenant
    #[arg(long, value_name = "TENANT", conflicts_with = "json")]
    pub explain: Option<TenantName>,
    /// Show day by day what is due
    #[arg(long, conflicts_with_all = ["json", "explain"])]
    pub calendar: bool,
    /// Also draw the calendar into this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Also write the plan into this file, as JSON
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// End with 3 if the plan moves a tenant, or has to leave one behind that is written wrongly or can never move
    #[arg(long)]
    pub exit_code: bool,
    /// Name every tenant
    #[arg(long)]
    pub tenants: bool,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

/// A plan as the server or this program made it.
pub struct Planned {
    pub version: Version,
    pub digest: Option<Digest>,
    pub plan: Option<Plan>,
    pub report: PlanReport,
    pub now: Timestamp,
    /// What is doubtful in the files it was made of.
    pub doubts: Vec<Diagnostic>,
    /// Nothing was kept: the plan cannot be applied.
    pub offline: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let path = release_path(args, context);
    let planned = match make(args, context) {
        // The program ends after it: to take a plan for a million tenants apart, piece by piece, would be time for nothing.
        Ok(planned) => ManuallyDrop::new(planned),
        Err(error) if args.json && args.created.is_none() => {
            let findings = project::findings(&path, context);
            if findings.iter().any(Diagnostic::is_error) {
                output::json(&Document::of_mistakes(verb::SCHEMA_VERSION, &findings))?;
            }
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    if let Some(file) = &args.output {
        write(file, &output::json_text(&planned.document())?)?;
    }
    if let (Some(file), Some(plan)) = (&args.svg, &planned.plan) {
        write(file, &picture::svg(plan, &planned.report, planned.now))?;
    }
    if args.json {
        output::json(&planned.document())?;
    } else if let (Some(tenant), Some(plan)) = (&args.explain, &planned.plan) {
        output::data(&explain::draw(plan, &planned.report, tenant)?)?;
    } else if let (true, Some(plan)) = (args.calendar, &planned.plan) {
        output::data(&picture::text(plan, &planned.report, planned.now))?;
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
    let problems = planned.report.problems.iter();
    let excludes = problems
        .into_iter()
        .any(|problem| problem.severity == Severity::Excludes);
    Ok(Exit::Findings.when(args.exit_code && (moves || excludes)))
}

fn write(file: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(file, text)
        .map_err(|error| CliError::new(format!("cannot write `{}`", file.display())).because(error))
}

fn release_path(args: &Args, context: &Context) -> PathBuf {
    let given = args.release.clone();
    given.unwrap_or_else(|| project::beside(context, "release.yaml"))
}

/// Plans with the server, or without one where none serves this project.
pub fn make(args: &Args, context: &Context) -> Result<Planned, CliError> {
    if let Some(version) = &args.created {
        // The files that it is planned with are those of the server.
        let planned = context.client()?.post(&format!("/v1/releases/{version}/plan"), &())?;
        return Ok(Planned::by_server(planned, Vec::new()));
    }
    let mut question = Question::read(&release_path(args, context), args.profile.as_deref(), context)?;
    let facts = match &args.facts {
        Some(path) => project::facts(path, context)?,
        None if args.first => Facts::default(),
        None => Facts::assumed(),
    };
    let offline = args.offline || args.first || args.facts.is_some() || args.now.is_some();
    if !offline && context.endpoint().is_some() {
        let doubts = question.read.doubts.clone();
        return Ok(Planned::by_server(question.ask(context)?, doubts));
    }
    if !offline {
        output::message("no server serves this project: planned as if every tenant ran the release before");
    }
    if question.profile.is_none() && !args.offline && context.endpoint().is_some() {
        question.profile = measured(context);
    }
    Ok(question.answer_offline(&facts, args.now.unwrap_or_else(when::now)))
}

/// The traffic that a server has measured. To plan without it is possible, and told.
fn measured(context: &Context) -> Option<Profile> {
    let asked = context.client().and_then(|client| profile::measured(&client));
    asked.unwrap_or_else(|error| {
        output::message(&format!(
            "the server cannot be asked for the traffic of tenants: {}",
            error.message
        ));
        None
    })
}

/// Has the server plan a release, shows the plan, and answers its digest.
pub fn with_server(path: &Path, context: &Context) -> Result<Digest, CliError> {
    let planned = Question::read(path, None, context)?.ask(context)?;
    let digest = planned.digest.clone();
    output::data(&page::draw(&Planned::by_server(planned, Vec::new()), false))?;
    Ok(digest)
}

/// All that a plan is made of, but for the facts.
struct Question {
    read: Read,
    release: ReleaseFile,
    source: Source,
    artifacts: BTreeMap<ComponentName, FoundArtifact>,
    profile: Option<Profile>,
}

impl Question {
    fn read(path: &Path, profile: Option<&Path>, context: &Context) -> Result<Self, CliError> {
        let mut read = project::read(context)?;
        let (release, source) = project::release(path, &mut read, context)?;
        tell_unlisted(&read, &release, context)?;
        let components = release.components.iter();
        let found = components.map(|(name, component)| (name.clone(), project::artifact(path, &component.artifact)));
        let artifacts = found.collect();
        Ok(Self {
            read,
            release,
            source,
            artifacts,
            profile: profile.map(project::profile).transpose()?,
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
            profile: self.profile,
            release: text(self.source),
        }
    }

    fn answer_offline(self, facts: &Facts, now: Timestamp) -> Planned {
        let Self {
            mut read,
            release,
            artifacts,
            profile,
            ..
        } = self;
        facts.take_part(&mut read.project);
        // As `run` says: the program ends after it.
        let input = ManuallyDrop::new(PlanInput {
            state: facts.state(&read.project),
            project: read.project,
            release,
            artifacts,
            now,
            profile,
        });
        let (plan, mut report) = plan(&input);
        if let Some(plan) = &plan {
            report.problems.extend(check(plan, &input));
        }
        locate(&mut report.problems, &read.sources, &input.project.service.playbook);
        let plan = plan.filter(|_| !report.blocked());
        let digest = plan.as_ref().map(Plan::digest);
        Planned {
            version: input.release.version.clone(),
            digest,
            plan,
            report,
            now,
            doubts: read.doubts,
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

impl Planned {
    fn document(&self) -> Document {
        let mut document = Document::new(
            verb::SCHEMA_VERSION,
            &self.version,
            self.plan.as_ref().zip(self.digest.as_ref()),
            &self.report,
            self.now,
        );
        let doubts = self.doubts.iter().map(ProblemDocument::from);
        document.problems.extend(doubts);
        document
    }

    fn by_server(planned: api::Planned, doubts: Vec<Diagnostic>) -> Self {
        let api::Planned {
            digest, plan, report, ..
        } = planned;
        Self {
            version: plan.release.version.clone(),
            digest: Some(digest),
            plan: Some(plan),
            report,
            now: when::now(),
            doubts,
            offline: false,
        }
    }
}

/// The word that the files use for it.
pub fn word(value: impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}
