//! `tidegate reserve`.

use std::process::ExitCode;

use clap::{ArgGroup, Args as Arguments};
use tidegate_domain::calendar::Local;
use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{FreeTimeStatus, ReservationList, Reserve};

use super::command;
use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::table::{count, table};
use crate::when;

/// Choose when a release moves a tenant, where its playbook has `reservations`
///
/// Without a time it lists those that are free. Never earlier than planned, when a window of the tenant is open, and no more
/// tenants at a time than the playbook allows.
#[derive(Debug, Clone, Arguments)]
#[command(group(ArgGroup::new("when").args(["at", "as_planned"]).requires("reason")))]
pub struct Args {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    pub release: Version,
    /// The tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: TenantName,
    /// When it is to be moved, such as 2026-11-24T06:00:00Z
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub at: Option<Timestamp>,
    /// Give the reservation back: the tenant moves when the plan has it
    #[arg(long)]
    pub as_planned: bool,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT", requires = "when")]
    pub reason: Option<String>,
    /// List so many times at the most
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200), conflicts_with = "when")]
    pub limit: u32,
    /// Print the list as one JSON document
    #[arg(long, conflicts_with = "when")]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let Some(reason) = &args.reason else {
        return list(args, context);
    };
    let body = Reserve {
        tenant: args.tenant.clone(),
        at_ms: args.at.map(|at| at.0),
        reason: reason.clone(),
    };
    command::give(context, &args.release, "reservations", &body)
}

fn list(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let limit = args.limit.to_string();
    let arguments = [("tenant", Some(args.tenant.as_str())), ("limit", Some(&limit))];
    let path = with_query(&format!("/v1/releases/{}/reservations", args.release), &arguments);
    let list: ReservationList = context.client()?.get(&path)?;
    if args.json {
        output::json(&list)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<[String; 3]> = list.free.iter().map(|free| row(&list, free)).collect();
    let local = |at: i64| Local::new(Timestamp(at), &list.zone).to_string();
    let reserved = list.reserved.as_ref().map_or_else(
        || "nothing".to_owned(),
        |reserved| format!("{}, says {}", local(reserved.at_ms), reserved.by),
    );
    let table = table(["for --at", "for the tenant", "places"], &rows);
    output::data(&format!("{table}reserved: {reserved}\n"))?;
    output::message(&count(rows.len(), "free time"));
    match list.free.first() {
        Some(free) => output::message(&format!(
            "next: tidegate reserve {} --tenant {} --at {} --reason \"...\"",
            list.version,
            list.tenant,
            Timestamp(free.at_ms)
        )),
        None => output::message(&format!(
            "nothing is open and free until {}; without a reservation the tenant moves as planned",
            local(list.latest_ms)
        )),
    }
    Ok(ExitCode::SUCCESS)
}

fn row(list: &ReservationList, free: &FreeTimeStatus) -> [String; 3] {
    let at = Timestamp(free.at_ms);
    [
        at.to_string(),
        Local::new(at, &list.zone).to_string(),
        format!("{} of {}", free.places_left, list.capacity),
    ]
}
