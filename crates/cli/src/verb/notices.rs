//! `tidegate notices`: what a release has to tell its customers, and what was sent.

use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_domain::id::Version;
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{NoticeList, NoticeStatus, ProveNotices};

use crate::client::Client;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::table::{count, table};
use crate::when;

/// Show the notices of a release, or say that some were sent
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The version of the release
    #[arg(value_name = "VERSION")]
    pub release: Version,
    /// Say that this notice was sent (can be repeated)
    #[arg(long, value_name = "KEY", requires = "how")]
    pub sent: Vec<String>,
    /// Say that every notice that is due was sent
    #[arg(long, requires = "how", conflicts_with = "sent")]
    pub sent_all_due: bool,
    /// Where it can be seen that they were sent: the id of a mail, the number of a ticket
    #[arg(long, value_name = "TEXT")]
    pub how: Option<String>,
    /// When they were sent, such as 2026-11-24T06:00:00Z; now, where it is left out
    #[arg(long, value_name = "TIME", value_parser = when::parse, requires = "how")]
    pub at: Option<Timestamp>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let client = context.client()?;
    let path = format!("/v1/releases/{}/notices", args.release);
    let list = match &args.how {
        Some(how) => prove(&client, &path, args, how)?,
        None => client.get(&path)?,
    };
    if args.json {
        output::json(&list)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<[String; 5]> = list.notices.iter().map(row).collect();
    output::data(&table(["notice", "state", "due", "deadline", "tenants"], &rows))?;
    let due = list.notices.iter().filter(|notice| notice.state == "due").count();
    output::message(&format!("{}, {due} to be sent", count(rows.len(), "notice")));
    Ok(ExitCode::SUCCESS)
}

fn prove(client: &Client, path: &str, args: &Args, how: &str) -> Result<NoticeList, CliError> {
    let keys = if args.sent_all_due {
        let list: NoticeList = client.get(path)?;
        let due = list.notices.into_iter().filter(|notice| notice.state == "due");
        due.map(|notice| notice.key).collect()
    } else {
        args.sent.iter().cloned().collect::<std::collections::BTreeSet<_>>()
    };
    if keys.is_empty() {
        return Err(CliError::new("there is no notice to speak of")
            .help("name one with `--sent KEY`; without arguments the verb lists them"));
    }
    let body = ProveNotices {
        keys,
        at_ms: args.at.map(|at| at.0),
        how: how.to_owned(),
    };
    client.post(path, &body)
}

fn row(notice: &NoticeStatus) -> [String; 5] {
    let instant = |at: Option<i64>| at.map_or_else(|| "-".to_owned(), |at| when::instant(Timestamp(at)));
    let state = match (&notice.sent_ms, &notice.by) {
        (Some(at), Some(by)) => format!("sent {}, says {by}", when::instant(Timestamp(*at))),
        _ => notice.state.clone(),
    };
    let required = if notice.required { " (required)" } else { "" };
    [
        notice.key.clone(),
        format!("{state}{required}"),
        instant(notice.due_ms),
        instant(notice.deadline_ms),
        notice.tenants.len().to_string(),
    ]
}
