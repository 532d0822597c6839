//! `tidegate restore`: makes a state of a backup, and lets it count once it was compared.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_server::api::{ConfirmRestored, RestoreConfirmed};
use tidegate_server::{RestoreError, Restored};

use crate::context::Context;
use crate::error::CliError;
use crate::table::count;
use crate::{output, runtime, when};

/// Make the state of this project from a backup, or confirm a state that was restored
///
/// No server may run, and the state directory may hold no store. After that `tidegate serve` does nothing but compare: gateways and
/// instances run on as they are, nothing is moved, stopped or sent, until `tidegate restore --confirm` lets the state count.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The file that `tidegate backup` has written
    #[arg(value_name = "FILE", required_unless_present = "confirm", conflicts_with = "confirm")]
    pub file: Option<PathBuf>,
    /// Let the restored state count, after `tidegate status` has shown what differs
    #[arg(long, requires = "reason")]
    pub confirm: bool,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT", requires = "confirm")]
    pub reason: Option<String>,
    /// Carry this pending effect out (can be repeated); gates and steps are, where nothing is said
    #[arg(long = "do", value_name = "ID", requires = "confirm")]
    pub carry_out: Vec<String>,
    /// Drop this pending effect (can be repeated); announcements and notices are, where nothing is said
    #[arg(long, value_name = "ID", requires = "confirm")]
    pub drop: Vec<String>,
    /// This pending effect was done since the backup (can be repeated)
    #[arg(long, value_name = "ID", requires = "confirm")]
    pub done: Vec<String>,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match (&args.file, &args.reason) {
        (Some(file), _) => restore(file, context),
        (None, Some(reason)) => confirm(args, reason, context),
        (None, None) => Err(CliError::new("a reason is needed to confirm").help("say why with `--reason TEXT`")),
    }
}

fn restore(file: &Path, context: &Context) -> Result<ExitCode, CliError> {
    let state_dir = context.state_dir();
    let restored = runtime::serving()?.block_on(tidegate_server::restore(file, &state_dir));
    let Restored {
        store,
        services,
        digest,
    } = restored.map_err(|error| refused(error, file))?;
    for service in services {
        let rows = count(usize::try_from(service.journal_rows).unwrap_or_default(), "row");
        output::data(&format!(
            "restored {} to {}: generation {}, {rows} of journal, the last of {}\nsha256:{digest}\n",
            service.service,
            store.display(),
            service.generation,
            when::instant(service.copied)
        ))?;
    }
    output::message("next: tidegate serve, then tidegate status: nothing is done before you have confirmed it");
    Ok(ExitCode::SUCCESS)
}

fn refused(error: RestoreError, file: &Path) -> CliError {
    let help = error.help();
    let refused = CliError::refused(format!("cannot restore `{}`", file.display())).because(error);
    match help {
        Some(help) => refused.help(help),
        None => refused,
    }
}

fn confirm(args: &Args, reason: &str, context: &Context) -> Result<ExitCode, CliError> {
    let body = ConfirmRestored {
        reason: reason.to_owned(),
        r#do: args.carry_out.iter().cloned().collect(),
        drop: args.drop.iter().cloned().collect(),
        done: args.done.iter().cloned().collect(),
    };
    let confirmed: RestoreConfirmed = context.client()?.post("/v1/restored/confirm", &body)?;
    let mut text = format!(
        "confirmed: the routing goes on from generation {}\n",
        confirmed.generation
    );
    for (ids, what) in [
        (confirmed.carried_out, "is carried out"),
        (confirmed.dropped, "was dropped"),
        (confirmed.done, "counts as done"),
    ] {
        text.extend(ids.iter().map(|id| format!("{id} {what}\n")));
    }
    output::data(&text)?;
    output::message("next: tidegate status");
    Ok(ExitCode::SUCCESS)
}
