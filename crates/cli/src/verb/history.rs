//! `tidegate history`: what happened, when, by whom and why.

use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{History, Journal};

use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;
use crate::table::table;
use crate::{output, when};

/// Show what happened, when, by whom and why: to one tenant, or from the journal
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// Which version this tenant was on when, and why
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<TenantName>,
    /// Only what was in force at this instant, such as 2026-11-24T06:00:00Z
    #[arg(long, value_name = "TIME", requires = "tenant", value_parser = when::parse)]
    pub at: Option<Timestamp>,
    /// Only what happened for this release
    #[arg(long, value_name = "VERSION", conflicts_with = "tenant")]
    pub release: Option<Version>,
    /// Only what stands after this row of the journal
    #[arg(long, value_name = "ROW", conflicts_with = "tenant")]
    pub after: Option<i64>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.tenant {
        Some(tenant) => of_tenant(tenant, args, context)?,
        None => journal(args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn of_tenant(tenant: &TenantName, args: &Args, context: &Context) -> Result<(), CliError> {
    let at = args.at.map(|at| at.0.to_string());
    let path = with_query(&format!("/v1/tenants/{tenant}/history"), &[("at_ms", at.as_deref())]);
    let history: History = context.client()?.get(&path)?;
    if args.json {
        return output::json(&history);
    }
    let rows = history.rows.iter().map(|row| {
        let version = row.version.as_ref().map_or("-".to_owned(), ToString::to_string);
        let wave = row
            .wave
            .as_ref()
            .map(|wave| format!(" in wave {wave}"))
            .unwrap_or_default();
        [
            at_ms(row.at_ms),
            version,
            format!("{}{wave}", in_words(&row.kind)),
            row.actor.clone(),
            row.reason.clone(),
        ]
    });
    let rows: Vec<[String; 5]> = rows.collect();
    output::data(&table(["when", "version", "what", "who", "why"], &rows))
}

fn journal(args: &Args, context: &Context) -> Result<(), CliError> {
    let after = args.after.map(|after| after.to_string());
    let release = args.release.as_ref().map(Version::as_str);
    let path = with_query("/v1/journal", &[("release", release), ("after", after.as_deref())]);
    let journal: Journal = context.client()?.get(&path)?;
    if args.json {
        return output::json(&journal);
    }
    let rows = journal.rows.iter().map(|row| {
        let about = row.subject.clone().or(row.release.clone()).unwrap_or_default();
        [
            row.seq.to_string(),
            at_ms(row.at_ms),
            in_words(&row.kind),
            about,
            row.actor.clone(),
            row.reason.clone(),
        ]
    });
    let rows: Vec<[String; 6]> = rows.collect();
    output::data(&table(["row", "when", "what", "about", "who", "why"], &rows))?;
    if let Some(next) = journal.next {
        output::message(&format!("next: tidegate history --after {next}"));
    }
    Ok(())
}

fn at_ms(at: i64) -> String {
    when::instant(Timestamp(at))
}

/// `wave_confirmed` as people say it.
fn in_words(kind: &str) -> String {
    kind.replace('_', " ")
}
