//! `tidegate simulate`: the whole release in virtual time, told as a diary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as Arguments;
use jiff::tz::TimeZone;
use tidegate_domain::files::ReleaseFile;
use tidegate_domain::id::{ComponentName, Digest, Version};
use tidegate_domain::plan::{Facts, FoundArtifact};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_sim::{Arrival, Deed, Diary, Misreading, People, Play, Trouble, installed, play};

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::{output, project, verb, when};

/// Play a release in virtual time and tell what happens when, to whom and why
///
/// Planner, state machine, store and engine are those of the server; drivers, gateways, health and people are made up, and
/// all goes well unless an option says otherwise. No server is needed, and nothing is changed. Ends with 0 where the release
/// is completed, 3 where it is held, rolled back or aborted, 4 where it cannot be planned, and 5 where it still waits.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The release to play; by default `release.yaml` of the project
    pub release: Option<PathBuf>,
    /// When it begins; by default now
    #[arg(long, value_name = "INSTANT", value_parser = when::parse)]
    pub now: Option<Timestamp>,
    /// The version that every tenant runs before; by default one called `earlier`
    #[arg(long, value_name = "VERSION", conflicts_with = "facts")]
    pub from: Option<Version>,
    /// Take the version of each tenant and opt-ins from this file
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,
    /// The traffic of tenants by the hour of the week (`traffic.json`), for the quietest time and for peaks
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// The time zone of the diary; by default that of this machine
    #[arg(long, value_name = "ZONE", value_parser = when::zone_by_name)]
    pub zone: Option<TimeZone>,
    /// Days after which the simulation ends, whatever still waits
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3_650))]
    pub days: u16,
    /// A wave goes wrong: `wave1@2h` fails two hours after its switch; `@prepare`, `@verify`, `@switch`, `@bake` in that stage; `wave1/TENANT@2h` hurts one tenant
    #[arg(long, value_name = "WAVE@WHEN", value_parser = Deed::failure)]
    pub fail: Vec<Deed>,
    /// A wave about which nothing is measured
    #[arg(long, value_name = "WAVE", value_parser = Deed::silence)]
    pub no_data: Vec<Deed>,
    /// The release is held a time after the wave's switch, for a while or until it is resumed
    #[arg(long, value_name = "WAVE@TIME[+LENGTH]", value_parser = Deed::hold)]
    pub hold: Vec<Deed>,
    /// Whatever is held is resumed after this time
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub resume_after: Option<Duration>,
    /// The wave's bake is ended by hand
    #[arg(long, value_name = "WAVE@TIME", value_parser = Deed::promotion)]
    pub promote: Vec<Deed>,
    /// The wave, or one tenant of it, is taken back by hand
    #[arg(long, value_name = "WAVE[/TENANT]@TIME", value_parser = Deed::rollback)]
    pub rollback: Vec<Deed>,
    /// The release is ended by hand
    #[arg(long, value_name = "WAVE@TIME", value_parser = Deed::abort)]
    pub abort: Vec<Deed>,
    /// Nobody approves anything
    #[arg(long)]
    pub no_approvals: bool,
    /// Nobody sends a notice
    #[arg(long)]
    pub no_notices: bool,
    /// No customer reports whether an earlier wave works
    #[arg(long)]
    pub no_reports: bool,
    /// Every notice is sent so long after it is due
    #[arg(long, value_name = "TIME", value_parser = length, conflicts_with = "no_notices")]
    pub late_notice: Option<Duration>,
    /// Print the diary as JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let path = args
        .release
        .clone()
        .unwrap_or_else(|| project::beside(context, "release.yaml"));
    let mut read = project::read(context)?;
    let (release, _) = project::release(&path, &mut read, context)?;
    let begins = args.now.unwrap_or_else(when::now);
    let facts = match (&args.facts, &args.from) {
        (Some(path), _) => project::facts(path, context)?,
        (None, Some(version)) => Facts {
            version: Some(version.clone()),
            ..Facts::default()
        },
        (None, None) => Facts::assumed(),
    };
    facts.take_part(&mut read.project);
    let state = installed(&read.project, &facts, begins);
    let artifacts = artifacts(&path, &release);
    let deeds = [
        &args.fail,
        &args.no_data,
        &args.hold,
        &args.promote,
        &args.rollback,
        &args.abort,
    ];
    let diary = play(&Play {
        project: read.project,
        state,
        begins,
        longest: Duration::from_days(args.days),
        zone: args.zone.clone().unwrap_or_else(when::zone),
        arrivals: vec![Arrival {
            at: begins,
            release,
            artifacts,
        }],
        deeds: deeds.into_iter().flatten().cloned().collect(),
        people: people(args),
        profile: args.profile.as_deref().map(project::profile).transpose()?,
    })
    .map_err(|trouble| told(trouble, &path))?;
    if args.json {
        output::json(&diary.document())?;
    } else {
        output::data(&diary.draw())?;
    }
    Ok(exit(&diary))
}

fn people(args: &Args) -> People {
    let usual = People::default();
    let sent = |usual: Duration| args.late_notice.unwrap_or(usual);
    People {
        approve_after: usual.approve_after.filter(|_| !args.no_approvals),
        send_after: usual.send_after.map(sent).filter(|_| !args.no_notices),
        report_after: usual.report_after.filter(|_| !args.no_reports),
        resume_after: args.resume_after,
    }
}

fn exit(diary: &Diary) -> ExitCode {
    if !diary.ended_in_time() {
        Exit::TimedOut.into()
    } else if diary.completed() {
        ExitCode::SUCCESS
    } else {
        Exit::Findings.into()
    }
}

/// As they are, and a stand-in for each that is not built yet: what a release does in time does not depend on it.
fn artifacts(path: &Path, release: &ReleaseFile) -> BTreeMap<ComponentName, FoundArtifact> {
    let mut missing = Vec::new();
    let mut all = BTreeMap::new();
    for (name, component) in &release.components {
        let mut found = project::artifact(path, &component.artifact);
        if found.digest.is_err() {
            missing.push(component.artifact.as_str());
            let stands_for = component.sha256.as_ref().map(|sha256| sha256.0.clone());
            let digest = stands_for.unwrap_or_else(|| Digest::of(format!("{name} {}", release.version).as_bytes()));
            found.digest = Ok(digest);
        }
        all.insert(name.clone(), found);
    }
    if !missing.is_empty() {
        output::message(&format!(
            "simulated without the content of {}: it cannot be read",
            missing.join(", ")
        ));
    }
    all
}

fn told(trouble: Trouble, path: &Path) -> CliError {
    let plan = format!("`tidegate plan {} --offline` shows the plan", path.display());
    match trouble {
        Trouble::Blocked { release, problems } => {
            let problems: Vec<String> = problems
                .iter()
                .map(|problem| {
                    format!(
                        "{}: {}\nhelp: {}",
                        verb::plan::word(problem.severity),
                        problem.message,
                        problem.remedy
                    )
                })
                .collect();
            CliError::refused(format!(
                "release {release} cannot be planned, so there is nothing to simulate"
            ))
            .diagnostics(problems.join("\n"))
        }
        Trouble::NoSuchWave { .. }
        | Trouble::NoGates { .. }
        | Trouble::NothingToPrepare { .. }
        | Trouble::NoSuchTenant { .. } => CliError::new("cannot simulate the release").because(trouble).help(plan),
        Trouble::Broken(_) | Trouble::Restless => CliError::new("cannot simulate the release").because(trouble),
    }
}

fn length(text: &str) -> Result<Duration, Misreading> {
    tidegate_sim::read_duration(text)
}
