//! `tidegate backup`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_server::api::{Backup, BackupMade};

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::table::count;

/// Write a copy of everything that the server keeps, while it runs
///
/// The server writes the file, on its own machine, readable by its owner alone. It holds no secret of an instance, but all that
/// tokens and webhooks are known by. What instances and gateways keep themselves is not in it.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The file to write; none of that name may be there
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let file = std::path::absolute(&args.file)
        .map_err(|error| CliError::new(format!("cannot find `{}`", args.file.display())).because(error))?;
    let file = file.to_str().ok_or_else(|| {
        CliError::new(format!("the name `{}` is not UTF-8", file.display())).help("name the file in UTF-8")
    })?;
    let body = Backup { file: file.to_owned() };
    let made: BackupMade = context.client()?.post("/v1/backup", &body)?;
    if args.json {
        output::json(&made)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = count(usize::try_from(made.journal_rows).unwrap_or_default(), "row");
    output::data(&format!(
        "wrote {}: {} bytes, generation {}, {rows} of journal\nsha256:{}\n",
        made.file, made.bytes, made.generation, made.digest
    ))?;
    Ok(ExitCode::SUCCESS)
}
