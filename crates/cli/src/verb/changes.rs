//! `tidegate changes`: what a release tells its readers.

mod page;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tidegate_domain::calendar::LocalDate;
use tidegate_domain::change::{Audience, Change, ChangeKind, Impact};
use tidegate_domain::files::{CHANGES_FOLDER, Diagnostic, NewChange, render};
use tidegate_domain::id::ChangeId;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::project::changes::{Changes, read, releases};
use crate::project::{beside, mistakes};
use crate::table::count;
use crate::{output, verb};

/// Write, check and show changes: what a release tells developers, marketing, operations and the people inside
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// List changes, and which release lists them
    List(List),
    /// Show what a change says, whole or as one audience reads it
    Show(Show),
    /// Check the files of all changes; ends with 1 if one has a mistake
    Lint(Lint),
    /// Write the file of a change to start from
    New(New),
}

#[derive(Debug, Clone, Arguments)]
struct List {
    /// Only what this audience is told, in the order in which it is told: developer, marketing, operations or internal
    #[arg(long, value_parser = word::<Audience>)]
    audience: Option<Audience>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Show {
    /// The name of its file, without `.md`
    #[arg(value_name = "CHANGE")]
    id: ChangeId,
    /// Only the text for this audience
    #[arg(long, value_parser = word::<Audience>)]
    audience: Option<Audience>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Lint {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct New {
    /// The name of the change, and of its file in `changes/`
    #[arg(value_name = "CHANGE")]
    id: ChangeId,
    /// What is done: security, added, changed, deprecated, removed or fixed
    #[arg(long, value_parser = word::<ChangeKind>)]
    kind: ChangeKind,
    /// Who is told, separated by commas: developer, marketing, operations, internal
    #[arg(long, value_delimiter = ',', required = true, value_parser = word::<Audience>)]
    audience: Vec<Audience>,
    /// What it asks of its readers: none, additive, action-required or breaking
    #[arg(long, default_value = "none", value_parser = word::<Impact>)]
    impact: Impact,
    /// What changes, in one line in the reader's words; by default made of the name
    #[arg(long)]
    title: Option<String>,
    /// What the reader has to do; for action-required and breaking
    #[arg(long, value_name = "TEXT")]
    action: Option<String>,
    /// The last day on which the old way works, such as 2027-03-01; for action-required and breaking
    #[arg(long, value_name = "DATE")]
    deadline: Option<LocalDate>,
}

/// A change in a list.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: &'a ChangeId,
    title: &'a str,
    kind: ChangeKind,
    impact: Impact,
    audience: Vec<Audience>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<LocalDate>,
    /// The release files that list it.
    releases: Vec<&'a str>,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        What::List(args) => list(args, context),
        What::Show(args) => show(args, context),
        What::Lint(args) => lint(args, context),
        What::New(args) => new(args, context),
    }
}

/// The changes of a project without a mistake in one.
fn all(context: &Context) -> Result<Vec<Change>, CliError> {
    let read = read(context)?;
    match read.changes {
        Some(changes) => Ok(changes.into_values().collect()),
        None => Err(refusal(&read.diagnostics, &read, context)),
    }
}

fn refusal(diagnostics: &[Diagnostic], read: &Changes, context: &Context) -> CliError {
    let errors: Vec<Diagnostic> = diagnostics.iter().filter(|found| found.is_error()).cloned().collect();
    let rendered = render(diagnostics, &read.sources, context.color_stderr());
    mistakes("the folder of changes", &rendered, errors.len())
}

fn list(args: &List, context: &Context) -> Result<ExitCode, CliError> {
    let (changes, releases) = (all(context)?, releases(context)?);
    let in_order = page::in_order(&changes, args.audience);
    if args.json {
        let listed: Vec<Listed<'_>> = in_order
            .iter()
            .map(|change| Listed {
                id: &change.id,
                title: &change.title,
                kind: change.kind,
                impact: change.impact,
                audience: change.audience().collect(),
                deadline: change.deadline,
                releases: page::listing(&releases, &change.id),
            })
            .collect();
        output::json(&json!({"schema_version": verb::SCHEMA_VERSION, "changes": listed}))?;
    } else {
        output::data(&page::list(&in_order, &releases))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(args: &Show, context: &Context) -> Result<ExitCode, CliError> {
    let changes = all(context)?;
    let Some(change) = changes.iter().find(|change| change.id == args.id) else {
        return Err(
            CliError::new(format!("there is no change `{}`", args.id)).help("`tidegate changes list` names them")
        );
    };
    if let Some(audience) = args.audience.filter(|audience| !change.sections.contains_key(audience)) {
        let told: Vec<String> = change.audience().map(|audience| format!("`{audience}`")).collect();
        let message = format!("the change `{}` says nothing to the audience `{audience}`", change.id);
        return Err(CliError::new(message).help(format!("its audience is {}", told.join(", "))));
    }
    if args.json {
        let document = match args.audience {
            Some(audience) => json!(page::entry(change, audience)),
            None => json!(change),
        };
        output::json(&json!({"schema_version": verb::SCHEMA_VERSION, "change": document}))?;
    } else {
        output::data(&page::show(change, args.audience))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn lint(args: &Lint, context: &Context) -> Result<ExitCode, CliError> {
    let read = read(context)?;
    if args.json {
        output::json(&json!({"schema_version": verb::SCHEMA_VERSION, "findings": read.diagnostics}))?;
        return Ok(match read.changes {
            Some(_) => ExitCode::SUCCESS,
            None => Exit::Error.into(),
        });
    }
    let Some(changes) = &read.changes else {
        return Err(refusal(&read.diagnostics, &read, context));
    };
    if !read.diagnostics.is_empty() {
        output::message(&render(&read.diagnostics, &read.sources, context.color_stderr()));
    }
    output::message(&format!("{} without a mistake", count(changes.len(), "change")));
    Ok(ExitCode::SUCCESS)
}

fn new(args: &New, context: &Context) -> Result<ExitCode, CliError> {
    let asks = args.impact.asks_for_action();
    let given = [
        ("--action", args.action.is_some()),
        ("--deadline", args.deadline.is_some()),
    ];
    for (option, is_given) in given {
        if asks && !is_given {
            let message = format!("a change of impact `{}` needs `{option}`", args.impact);
            return Err(CliError::new(message)
                .help("say with `--action` what the reader has to do, and with `--deadline` until when"));
        }
        if !asks && is_given {
            let message = format!("`{option}` does not go with the impact `{}`", args.impact);
            return Err(CliError::new(message).help("add `--impact action-required`, or leave the option out"));
        }
    }
    let change = NewChange {
        title: args.title.clone().unwrap_or_else(|| title(&args.id)),
        kind: args.kind,
        audience: args.audience.iter().copied().collect::<BTreeSet<_>>(),
        impact: args.impact,
        action: args.action.clone(),
        deadline: args.deadline,
    };
    let folder = beside(context, CHANGES_FOLDER);
    let path = folder.join(format!("{}.md", args.id));
    let failed = |error| CliError::new(format!("cannot write `{}`", path.display())).because(error);
    if path.exists() {
        let message = format!("there is a change `{}` already, in `{}`", args.id, path.display());
        return Err(CliError::refused(message).help("give this change another name"));
    }
    fs::create_dir_all(&folder).map_err(failed)?;
    let mut file = File::create_new(&path).map_err(failed)?;
    file.write_all(change.file().as_bytes()).map_err(failed)?;
    output::data(&format!("{}\n", path.display()))?;
    output::message(&format!(
        "next: write its text, then add `{}` to `changes` of a release",
        args.id
    ));
    Ok(ExitCode::SUCCESS)
}

/// `points-expire-later` as `Points expire later`.
fn title(id: &ChangeId) -> String {
    let words = id.as_str().replace(['-', '_', '.'], " ");
    let mut chars = words.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A word that the files know, read as they read it.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    // The text of serde's error names the words that are possible.
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}
