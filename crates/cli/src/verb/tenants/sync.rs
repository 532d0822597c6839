//! `tidegate tenants sync`: the list of all tenants, from a file, a program or a web server, made true as a whole.

mod download;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use clap::{Args as Arguments, ValueEnum};
use tidegate_domain::files::{Source, TENANTS_FILE, read_roster, render};
use tidegate_domain::id::{CellName, TenantName};
use tidegate_server::api::{ListedTenant, SyncTenants, TenantsSynced};

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::project::{beside, mistakes};
use crate::table::count;

#[derive(Debug, Clone, Arguments)]
pub struct Sync {
    /// The list: YAML like tenants.yaml, or CSV with the columns id, cell and suspended; tenants.yaml where none is named
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from_command", "from_url"])]
    from: Option<PathBuf>,
    /// A program that prints the list, with its arguments; no shell reads them. Stands last
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true)]
    from_command: Option<Vec<String>>,
    /// A web server that answers the list: https, or http on this machine
    #[arg(long, value_name = "URL", conflicts_with = "from_command")]
    from_url: Option<String>,
    /// A variable that holds a header to ask with, such as `Authorization: Bearer ...`
    #[arg(long, value_name = "NAME", requires = "from_url")]
    header_from_env: Option<String>,
    /// What the program prints, or the web server answers
    #[arg(long, value_enum, default_value = "yaml", conflicts_with = "from")]
    format: Format,
    /// Where more would be removed, nothing is done [default: a tenth of all]
    #[arg(long, value_name = "N")]
    remove_at_most: Option<usize>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Csv,
}

impl Format {
    /// By its ending a list is known to be of this format, whatever the name of its source says.
    fn named(self, source: &str) -> String {
        let ending = match self {
            Format::Yaml => ".yaml",
            Format::Csv => ".csv",
        };
        format!("{}{ending}", source.trim_end_matches(ending))
    }
}

pub fn run(args: &Sync, context: &Context) -> Result<(), CliError> {
    let source = source(args, context)?;
    let (tenants, found) = read_roster(&source);
    let Some(tenants) = tenants else {
        let rendered = render(&found, std::slice::from_ref(&source), context.color_stderr());
        return Err(mistakes("the list of tenants", &rendered, found.len()));
    };
    let tenants = tenants.into_iter().map(|(name, listed)| ListedTenant {
        name,
        cell: listed.cell,
        suspended: listed.suspended,
    });
    let body = SyncTenants {
        tenants: tenants.collect(),
        remove_at_most: args.remove_at_most,
        dry_run: args.dry_run,
        reason: args.reason.clone(),
    };
    let synced: TenantsSynced = context.client()?.post("/v1/tenants/sync", &body)?;
    if args.json {
        output::json(&synced)?;
    } else {
        show(&synced)?;
    }
    match synced.refused {
        None => Ok(()),
        Some(why) => Err(CliError::refused(format!("this list would be refused: {why}"))),
    }
}

fn source(args: &Sync, context: &Context) -> Result<Source, CliError> {
    if let Some(command) = &args.from_command {
        return printed(command, args.format);
    }
    if let Some(url) = &args.from_url {
        return Ok(Source {
            path: args.format.named(url),
            text: download::text(url, args.header_from_env.as_deref())?,
        });
    }
    let path = args.from.clone().unwrap_or_else(|| beside(context, TENANTS_FILE));
    let text = fs::read_to_string(&path).map_err(|error| {
        CliError::new(format!("cannot read `{}`", path.display()))
            .because(error)
            .help("name the list: `tidegate tenants sync --from FILE`")
    })?;
    Ok(Source {
        path: path.display().to_string(),
        text,
    })
}

fn printed(command: &[String], format: Format) -> Result<Source, CliError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(CliError::new("`--from-command` names no program"));
    };
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| CliError::new(format!("cannot run `{program}`")).because(error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(CliError::new(format!(
            "`{program}` ended with {}, so its list does not count",
            output.status
        ))
        .diagnostics(said.into_owned()));
    }
    let text = String::from_utf8(output.stdout)
        .map_err(|error| CliError::new(format!("what `{program}` prints is not text")).because(error))?;
    Ok(Source {
        path: format.named(program),
        text,
    })
}

/// One line a change, then their number.
fn show(synced: &TenantsSynced) -> Result<(), CliError> {
    let mut lines = Vec::new();
    let to = |sign: &str, verb: &str, (tenant, cell): (&TenantName, &CellName)| {
        format!("{sign} {tenant}: {verb} cell {cell}")
    };
    lines.extend(synced.added.iter().map(|row| to("+", "added to", row)));
    lines.extend(synced.removed.iter().map(|tenant| format!("- {tenant}: removed")));
    lines.extend(synced.moved.iter().map(|row| to("~", "moves to", row)));
    lines.extend(synced.suspended.iter().map(|tenant| format!("~ {tenant}: suspended")));
    lines.extend(synced.resumed.iter().map(|tenant| format!("~ {tenant}: resumed")));
    let mut text = lines.join("\n");
    if !lines.is_empty() {
        text.push('\n');
    }
    output::data(&text)?;
    let done = if synced.dry_run { "nothing is done: " } else { "" };
    output::message(&format!("{done}{}", count(lines.len(), "change")));
    Ok(())
}
