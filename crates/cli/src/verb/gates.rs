//! `tidegate gates`: what the gates of a release say, whom they ask, and which of them a person lets it go past.

use std::process::ExitCode;

use clap::{ArgGroup, Args as Arguments, Subcommand};
use serde::Serialize;
use tidegate_domain::id::{Version, WaveName};
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{AnswerGate, GateList, GateStatus, OverrideGate, ReleaseStatus};

use crate::context::Context;
use crate::error::CliError;
use crate::table::table;
use crate::{output, when};

/// List the gates of a release; answer what one asks people, or let a wave go past one
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// List what the gates of each wave say, and what that means
    List(List),
    /// Answer what a gate asks people
    Answer(Answer),
    /// Let a wave go past a gate, whatever it says, in every attempt
    ///
    /// It is recorded once, and not withdrawn. A release that is held stays held: `tidegate resume` lets it go on.
    Override(Override),
}

#[derive(Debug, Clone, Arguments)]
struct List {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    release: Version,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Named {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    release: Version,
    /// The wave
    #[arg(value_name = "WAVE")]
    wave: WaveName,
    /// What the gate is called, as `tidegate gates list` shows it
    #[arg(value_name = "GATE")]
    gate: String,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print the gates as they are then, as one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
#[command(group(ArgGroup::new("word").required(true).args(["yes", "no"])))]
struct Answer {
    #[command(flatten)]
    named: Named,
    /// The wave may go on, as far as this gate is concerned
    #[arg(long)]
    yes: bool,
    /// It may not: the release is held
    #[arg(long)]
    no: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Override {
    #[command(flatten)]
    named: Named,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        What::List(args) => list(args, context)?,
        What::Answer(Answer { named, yes, no: _ }) => {
            let body = AnswerGate {
                wave: named.wave.clone(),
                gate: named.gate.clone(),
                yes: *yes,
                reason: named.reason.clone(),
            };
            say(named, "answer", &body, context)?;
        }
        What::Override(Override { named }) => {
            let body = OverrideGate {
                wave: named.wave.clone(),
                gate: named.gate.clone(),
                reason: named.reason.clone(),
            };
            say(named, "override", &body, context)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whoever decides about a gate is told what the release does then.
fn say(named: &Named, what: &str, body: &impl Serialize, context: &Context) -> Result<(), CliError> {
    let release = &named.release;
    let client = context.client()?;
    let status: ReleaseStatus = client.post(&format!("/v1/releases/{release}/gates/{what}"), body)?;
    if named.json {
        let list: GateList = client.get(&format!("/v1/releases/{release}/gates"))?;
        return output::json(&list);
    }
    let next = match status.hold {
        Some(hold) if status.ended_ms.is_none() => format!(
            "release {release} is held by {}: {}\nnext: tidegate resume {release} lets it go on; its open waves ask their gates again",
            hold.by, hold.reason
        ),
        Some(_) | None => "next: tidegate status".to_owned(),
    };
    output::message(&next);
    Ok(())
}

fn list(args: &List, context: &Context) -> Result<(), CliError> {
    let list: GateList = context.client()?.get(&format!("/v1/releases/{}/gates", args.release))?;
    if args.json {
        return output::json(&list);
    }
    if list.waves.is_empty() {
        output::message(&format!("release {} has no gates", args.release));
        return Ok(());
    }
    let rows: Vec<[String; 5]> = list
        .waves
        .iter()
        .flat_map(|wave| wave.gates.iter().map(|gate| row(wave.wave.as_str(), gate)))
        .collect();
    output::data(&table(["wave", "gate", "outcome", "verdict", "because"], &rows))
}

fn row(wave: &str, gate: &GateStatus) -> [String; 5] {
    let name = if gate.name == gate.uses {
        gate.name.clone()
    } else {
        format!("{} ({})", gate.name, gate.uses)
    };
    let verdict = gate.result.as_ref().map_or("-", |result| result.verdict.as_str());
    [
        wave.to_owned(),
        name,
        gate.outcome.clone(),
        verdict.to_owned(),
        because(gate),
    ]
}

/// Why it stands as it does: what a person has decided, what it asks, or what it has found.
fn because(gate: &GateStatus) -> String {
    let found = gate.result.as_ref().map(|result| result.reason.clone());
    let overridden = gate.overridden.as_ref().map(|decided| {
        format!(
            "overridden by {} on {}: {}",
            decided.by,
            when::near(Timestamp(decided.at_ms)),
            decided.reason
        )
    });
    let question = gate.question.as_ref().map(|question| {
        let roles = question.roles.iter().map(|role| format!("role {role}"));
        let who: Vec<String> = question.people.iter().cloned().chain(roles).collect();
        format!(
            "asks {} until {}: {}",
            who.join(" or "),
            when::near(Timestamp(question.until_ms)),
            question.text
        )
    });
    let all: Vec<String> = overridden.into_iter().chain(question).chain(found).collect();
    all.join("; ")
}
