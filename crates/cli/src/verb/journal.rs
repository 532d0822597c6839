//! `tidegate journal`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{CompactJournal, JournalCheck, JournalCompacted};

use crate::context::Context;
use crate::error::CliError;
use crate::table::count;
use crate::{output, when};

/// Compact the journal, or prove that it is whole
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Write old rows to a file, and drop them. Rows since the oldest release in flight was applied are kept
    Compact(Compact),
    /// Read the journal from end to end and hash it again
    Verify(Verify),
}

#[derive(Debug, Clone, Arguments)]
struct Compact {
    /// Drop the rows before this instant, such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    before: Timestamp,
    /// The file that the server writes them to first, one JSON document a line; none of that name may be there
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Verify {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        What::Compact(args) => compact(args, context)?,
        What::Verify(args) => verify(args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn compact(args: &Compact, context: &Context) -> Result<(), CliError> {
    let file = std::path::absolute(&args.to)
        .map_err(|error| CliError::new(format!("cannot find `{}`", args.to.display())).because(error))?;
    let file = file.to_str().ok_or_else(|| {
        CliError::new(format!("the name `{}` is not UTF-8", file.display())).help("name the file in UTF-8")
    })?;
    let body = CompactJournal {
        before_ms: args.before.0,
        file: file.to_owned(),
        reason: args.reason.clone(),
    };
    let done: JournalCompacted = context.client()?.post("/v1/journal/compact", &body)?;
    if args.json {
        return output::json(&done);
    }
    let rows = count(usize::try_from(done.rows).unwrap_or_default(), "row");
    output::data(&format!(
        "wrote {}: {} bytes, {rows}, and dropped them from the journal up to row {}\nsha256:{}\n",
        done.file, done.bytes, done.last, done.digest
    ))
}

fn verify(args: &Verify, context: &Context) -> Result<(), CliError> {
    let check: JournalCheck = context.client()?.get("/v1/journal/verify")?;
    if args.json {
        output::json(&check)?;
    }
    match check.broken_at {
        Some(row) => Err(CliError::new(format!(
            "the journal is not whole: row {row} was changed, lost or slipped in"
        ))),
        None if args.json => Ok(()),
        None => {
            let rows = count(usize::try_from(check.rows).unwrap_or_default(), "row");
            let since = match check.first {
                Some(first) if first > 1 => format!(", from row {first} on; older ones were exported"),
                Some(_) | None => String::new(),
            };
            output::data(&format!("the journal is whole: {rows}{since}\n"))
        }
    }
}
