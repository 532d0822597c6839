//! `tidegate traffic`: the load of the demo and of the torture test, from a process of its own. It is hidden, for it knows one
//! service only, the example.
//!
//! Open loop: each request has its instant, whatever became of the ones before, and its latency counts from that instant. Nothing is
//! tried again. The configuration is the first line of stdin or a file; further lines are [`Control`]s; it ends after the
//! configured time or when stdin closes, finishes what is under way, and prints the closing document as its last line.

pub mod clock;
pub mod config;
mod connection;
pub mod control;
mod exchange;
mod freshness;
pub mod random;
mod report;
mod request;
mod schedule;
mod tally;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tidegate_loyalty::audit::AuditError;
use tokio::sync::mpsc::UnboundedReceiver;

use clock::monotonic_micros;
use config::Config;
use control::Control;
use freshness::{Mark, MarkKind};
use report::Report;
use tally::Tally;

/// No mark is later than this.
const JUDGE_AFTER_MICROS: u64 = 5_000_000;
/// How long the worker has to book the last events.
const BOOKING: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    #[error("cannot read the configuration from `{}`", path.display())]
    ReadConfig { path: PathBuf, source: std::io::Error },
    #[error("cannot read the configuration from stdin")]
    ReadInput(#[source] std::io::Error),
    #[error("cannot understand the configuration")]
    Config(#[source] serde_json::Error),
    #[error("the configuration names no tenants")]
    NoTenants,
    #[error("cannot understand a line on stdin")]
    Control(#[source] serde_json::Error),
    #[error("cannot check what the service wrote")]
    Audit(#[from] AuditError),
    #[error("cannot write to stdout")]
    Print(#[source] std::io::Error),
}

/// Runs the generator; `config` is a file, else the first line of stdin is the configuration.
///
/// # Errors
/// The configuration or a line on stdin is wrong; the data of the service cannot be read. A lost request is no error here: the document
/// tells it.
pub async fn run(config: Option<&Path>) -> Result<(), TrafficError> {
    let mut input = BufReader::new(std::io::stdin());
    let text = match config {
        Some(path) => std::fs::read_to_string(path).map_err(|source| TrafficError::ReadConfig {
            path: path.to_owned(),
            source,
        })?,
        None => {
            let mut line = String::new();
            input.read_line(&mut line).map_err(TrafficError::ReadInput)?;
            line
        }
    };
    let config: Config = serde_json::from_str(&text).map_err(TrafficError::Config)?;
    if config.tenants.is_empty() {
        return Err(TrafficError::NoTenants);
    }
    let names = config.tenants.iter().map(|tenant| tenant.name.to_string());
    let tally = Arc::new(Mutex::new(Tally::new(monotonic_micros(), names)));
    let sending = schedule::start(&config, &tally);
    let followed = follow(&config, &tally, control::follow(input)).await;
    sending.stop().await;
    followed?;
    held(&tally).judge(u64::MAX);
    print(&close(&config, &tally).await?)
}

/// Until the time is over or stdin closes: takes marks, judges, tells the progress once a second.
async fn follow(
    config: &Config,
    tally: &Mutex<Tally>,
    mut controls: UnboundedReceiver<Result<Control, serde_json::Error>>,
) -> Result<(), TrafficError> {
    let time = config.seconds.map(Duration::from_secs_f64);
    let end = async {
        match time {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    let mut end = std::pin::pin!(end);
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut open = true;
    loop {
        tokio::select! {
            () = &mut end => return Ok(()),
            control = controls.recv(), if open => match control {
                Some(control) => obey(tally, control.map_err(TrafficError::Control)?)?,
                None if time.is_none() => return Ok(()),
                None => open = false,
            },
            _ = seconds.tick() => {
                held(tally).judge(monotonic_micros().saturating_sub(JUDGE_AFTER_MICROS));
                let progress = held(tally).counts();
                print(&json!({"progress": progress}))?;
            }
        }
    }
}

fn obey(tally: &Mutex<Tally>, control: Control) -> Result<(), TrafficError> {
    let (kind, switch) = match control {
        Control::Switching(switch) => (MarkKind::Switching, switch),
        Control::Confirmed(switch) => (MarkKind::Confirmed, switch),
        Control::Versions => {
            let versions = json!({"versions": held(tally).last_versions()});
            return print(&versions);
        }
    };
    let mark = Mark {
        kind,
        at_micros: switch.at_micros,
        version: switch.version.into(),
    };
    let mut tally = held(tally);
    for tenant in &switch.tenants {
        tally.mark(tenant.as_str(), &mark);
    }
    Ok(())
}

/// The worker books a moment later than the service answers: what it has not booked is lost only after a while.
async fn close(config: &Config, tally: &Mutex<Tally>) -> Result<Report, TrafficError> {
    let deadline = tokio::time::Instant::now() + BOOKING;
    loop {
        let report = Report::draw_up(config, &held(tally))?;
        if report.unbooked() == 0 || tokio::time::Instant::now() > deadline {
            return Ok(report);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn print(document: &impl Serialize) -> Result<(), TrafficError> {
    let text = serde_json::to_string(document).expect("a report has only string keys");
    writeln!(std::io::stdout(), "{text}").map_err(TrafficError::Print)
}

fn held(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
