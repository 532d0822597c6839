//! `tidegate shadow`: responses of two versions to the same requests, compared.

mod draw;
mod recording;
mod rules;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use serde::Serialize;
use tidegate_evidence::Verdict;
use tidegate_evidence::shadow::{Comparison, Report, Rules};

use self::recording::{Lines, ONE_RECORD, Recording, Taken};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output;
use crate::verb::SCHEMA_VERSION;

/// Compare what two versions answer to the same requests
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    Compare(Compare),
    Show(show::Show),
}

/// Compare recorded responses, field by field, with the noise of the old version
///
/// Each file has a JSON document a line, one for each response; docs/shadow.md tells its fields. Responses of one `id` answer
/// the same request. With `--noise`, a field fails only where the new version differs more often than the old one does from itself.
#[derive(Debug, Clone, Arguments)]
struct Compare {
    /// Responses of the old version
    #[arg(value_name = "OLD.ndjson")]
    old: PathBuf,
    /// Responses of the new version
    #[arg(value_name = "NEW.ndjson")]
    new: PathBuf,
    /// Responses of the old version to the same requests once more
    #[arg(long, value_name = "OLD2.ndjson")]
    noise: Option<PathBuf>,
    /// What to leave out, take for equal and never show
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// End with 3 where the verdict is not `pass`
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    schema_version: u32,
    unmatched: Unmatched,
    #[serde(flatten)]
    report: Report,
}

/// Responses that nothing was compared with.
#[derive(Debug, Default, Serialize)]
struct Unmatched {
    /// The new version has not answered.
    old: u64,
    /// The old version has not answered.
    new: u64,
    /// Both have, and the old one not twice.
    without_noise: u64,
    /// The old version's second answers to requests that are in no pair.
    noise: u64,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        What::Compare(args) => run_compare(args, context),
        What::Show(args) => show::run(args, context),
    }
}

fn run_compare(args: &Compare, context: &Context) -> Result<ExitCode, CliError> {
    let rules = match &args.rules {
        Some(path) => rules::read(path, context)?,
        None => Rules::default(),
    };
    let document = compare(args, rules)?;
    if args.json {
        output::json(&document)?;
    } else {
        output::data(&draw::draw(&document))?;
    }
    Ok(Exit::Findings.when(args.exit_code && document.report.verdict != Verdict::Pass))
}

/// Reads the old responses one after another, and looks the others up.
fn compare(args: &Compare, rules: Rules) -> Result<Document, CliError> {
    let mut new = Recording::open(&args.new)?;
    let mut noise = args.noise.as_deref().map(Recording::open).transpose()?;
    let mut comparison = Comparison::new(rules, noise.is_some());
    let mut unmatched = Unmatched::default();
    let mut lines = Lines::open(&args.old)?;
    while let Some((line, old)) = lines.next()? {
        let wrong = |problem: String, help| Err(recording::refused(&args.old, line, &problem, help));
        let answer = match new.take(&old.id)? {
            Some(Taken::First(answer)) => answer,
            Some(Taken::Again) => {
                return wrong(format!("the id `{}` is that of an earlier line", old.id), ONE_RECORD);
            }
            None => {
                unmatched.old += 1;
                continue;
            }
        };
        if (&answer.method, &answer.path) != (&old.method, &old.path) {
            let problem = format!(
                "the id `{}` is that of another request in `{}`",
                old.id,
                args.new.display()
            );
            return wrong(
                problem,
                "give each request an id of its own, the same in all recordings",
            );
        }
        let again = match &mut noise {
            Some(noise) => noise.take(&old.id)?.and_then(Taken::first),
            None => None,
        };
        if noise.is_some() && again.is_none() {
            unmatched.without_noise += 1;
            continue;
        }
        comparison
            .observe(&old, &answer, again.as_ref())
            .map_err(|misfit| CliError::new("cannot judge how long the responses took").because(misfit))?;
    }
    unmatched.new = new.left();
    unmatched.noise = noise.map_or(0, |noise| noise.left());
    let report = comparison
        .report()
        .map_err(|misfit| CliError::new("cannot judge how long the responses took").because(misfit))?;
    Ok(Document {
        schema_version: SCHEMA_VERSION,
        unmatched,
        report,
    })
}
