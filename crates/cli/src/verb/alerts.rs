//! `tidegate alerts`: what is not as usual, who looks after it, and what is not told for a while.

mod page;
mod replay;
mod series;

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use serde_json::Value;
use tidegate_domain::files::AlertKind;
use tidegate_domain::id::{CellName, CustomerName, TenantName};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_server::alerts::Matcher;
use tidegate_server::api::{AlertList, AlertStatus, NewSilence, SilenceList, WatchedTenants};

use crate::client::with_query;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::{output, when};

/// See what is not as usual for tenants, say who looks after it, and keep it from being told for a while
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// List what is not as usual now
    List(List),
    /// Show one alert with all that is known of it
    Show(Show),
    /// Say that you look after an alert: nobody else is told of it then
    Acknowledge(Acknowledge),
    /// Keep alerts from being told until a time
    Silence(Silence),
    /// List what is not told for a while
    Silences(Silences),
    /// End a silence before its time
    Unsilence(Unsilence),
    /// List which tenants are watched for silence, and which cannot be
    Tenants(Tenants),
    Replay(replay::Args),
}

#[derive(Debug, Clone, Arguments)]
struct List {
    /// Also those that were resolved within 90 days
    #[arg(long)]
    all: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// End with 3 where an alert is open
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Show {
    /// As `tidegate alerts list` shows it
    id: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Acknowledge {
    /// As `tidegate alerts list` shows it
    id: String,
    /// Why, or what is being done; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Silence {
    /// Only this kind: errors, timeouts, latency, volume-drop, volume-spike or watcher; may be given several times
    #[arg(long = "kind", value_name = "KIND", value_parser = kind)]
    kinds: Vec<AlertKind>,
    /// Only what is about this cell
    #[arg(long, value_name = "NAME")]
    cell: Option<CellName>,
    /// Only what is about this tenant
    #[arg(long, value_name = "NAME")]
    tenant: Option<TenantName>,
    /// Only what is about this customer's tenants
    #[arg(long, value_name = "NAME")]
    customer: Option<CustomerName>,
    /// When it ends, such as 2026-11-24T06:00:00Z
    #[arg(long, value_name = "TIME", value_parser = when::parse, required_unless_present = "lasting")]
    until: Option<Timestamp>,
    /// How long it lasts, such as `2h 30m`
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "until")]
    lasting: Option<Duration>,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Silences {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Unsilence {
    /// As `tidegate alerts silences` shows it
    id: String,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Clone, Arguments)]
struct Tenants {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        What::List(args) => return list(args, context),
        What::Show(args) => show(args, context)?,
        What::Acknowledge(args) => acknowledge(args, context)?,
        What::Silence(args) => silence(args, context)?,
        What::Silences(args) => {
            let list: SilenceList = context.client()?.get("/v1/alerts/silences")?;
            tell(args.json, &list, page::silences)?;
        }
        What::Unsilence(args) => {
            let path = format!("/v1/alerts/silences/{}", args.id);
            let path = with_query(&path, &[("reason", args.reason.as_deref())]);
            context.client()?.delete::<Value>(&path)?;
        }
        What::Tenants(args) => {
            let list: WatchedTenants = context.client()?.get("/v1/alerts/tenants")?;
            tell(args.json, &list, page::tenants)?;
        }
        What::Replay(args) => return replay::run(args),
    }
    Ok(ExitCode::SUCCESS)
}

fn tell<T: serde::Serialize>(json: bool, document: &T, draw: impl Fn(&T) -> String) -> Result<(), CliError> {
    match json {
        true => output::json(document),
        false => output::data(&draw(document)),
    }
}

fn list(args: &List, context: &Context) -> Result<ExitCode, CliError> {
    let list = alerts(args.all, context)?;
    if let Some(trouble) = &list.trouble {
        output::message(&format!("warning: alerts go on as they were: {trouble}"));
    }
    tell(args.json, &list, page::list)?;
    let is_open = list.alerts.iter().any(|alert| alert.resolved_ms.is_none());
    Ok(Exit::Findings.when(args.exit_code && is_open))
}

fn alerts(all: bool, context: &Context) -> Result<AlertList, CliError> {
    let all = all.then_some("true");
    context.client()?.get(&with_query("/v1/alerts", &[("all", all)]))
}

fn show(args: &Show, context: &Context) -> Result<(), CliError> {
    let list = alerts(true, context)?;
    let Some(alert) = list.alerts.into_iter().find(|alert| alert.id == args.id) else {
        return Err(CliError::new(format!("there is no alert `{}`", args.id))
            .help("`tidegate alerts list --all` lists those that there are"));
    };
    tell(args.json, &alert, page::alert)
}

fn acknowledge(args: &Acknowledge, context: &Context) -> Result<(), CliError> {
    let path = format!("/v1/alerts/{}/acknowledge", args.id);
    let why = serde_json::json!({ "reason": args.reason });
    let alert: AlertStatus = context.client()?.post(&path, &why)?;
    if args.json {
        return output::json(&alert);
    }
    if let Some(acknowledged) = &alert.acknowledged {
        let at = when::instant(Timestamp(acknowledged.at_ms));
        output::message(&format!("{} looks after it since {at}", acknowledged.by));
    }
    Ok(())
}

fn silence(args: &Silence, context: &Context) -> Result<(), CliError> {
    let until = args.until.or(args.lasting.map(|lasting| when::now() + lasting));
    let of = Matcher {
        kinds: args.kinds.iter().copied().collect::<BTreeSet<_>>(),
        cell: args.cell.clone(),
        tenant: args.tenant.clone(),
        customer: args.customer.clone(),
    };
    let body = NewSilence {
        of,
        until_ms: until.unwrap_or_else(when::now).0,
        reason: args.reason.clone(),
    };
    let list: SilenceList = context.client()?.post("/v1/alerts/silences", &body)?;
    tell(args.json, &list, page::silences)
}

fn kind(text: &str) -> Result<AlertKind, String> {
    let found = AlertKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| format!("the kinds are {}", AlertKind::ALL.map(AlertKind::as_str).join(", ")))
}
