//! `tidegate alerts replay`: what would have been told about a recorded series.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as Arguments;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use tidegate_evidence::alert::{self, Alarm, Budget, Change, Direction, Ended, Monitorable};

use super::series;
use crate::error::{CliError, Exit};
use crate::table::{count, table};
use crate::verb::SCHEMA_VERSION;
use crate::{output, when};

/// Watch the counts of a file as they would have been watched at the time
///
/// The file has a line for each interval: the instant at which it begins, and what was counted in it. What is expected is learnt
/// from the earlier lines. docs/evidence.md tells how.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The file with lines of `instant,count`
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// How many such series are watched: one false alarm a day is allowed over all of them
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    series: u32,
    /// Where the traffic comes from: its days and weeks count, and instants without an offset are read there
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = when::zone_by_name)]
    zone: TimeZone,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// End with 3 where there is an alarm
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    schema_version: u32,
    bucket_seconds: u32,
    buckets: usize,
    missing_buckets: usize,
    monitorable: bool,
    note: String,
    alarms: Vec<Told>,
}

/// An alarm, with its end where it has one.
#[derive(Debug, Serialize)]
struct Told {
    direction: Direction,
    /// When the interval ended whose count raised it.
    at: String,
    /// When what speaks for it began.
    since: String,
    counted: f64,
    expected: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_because: Option<&'static str>,
    reason: String,
}

pub fn run(args: &Args) -> Result<ExitCode, CliError> {
    let points = series::read(&args.file, &args.zone)?;
    let budget = Budget {
        series: args.series,
        per_day: 1.0,
    };
    let document = document(args, &alert::replay(&points, budget), budget);
    if args.json {
        output::json(&document)?;
    } else {
        output::data(&draw(&document))?;
    }
    Ok(Exit::Findings.when(args.exit_code && !document.alarms.is_empty()))
}

fn document(args: &Args, replay: &alert::Replay, budget: Budget) -> Document {
    let bucket = i64::from(replay.bucket_seconds);
    let mut alarms: Vec<Told> = Vec::new();
    for change in &replay.changes {
        match change {
            Change::Began(alarm) => alarms.push(told(alarm, bucket, &args.zone)),
            Change::Ended { at, why, .. } => {
                if let Some(last) = alarms.last_mut() {
                    last.ended = Some(instant(at + bucket, &args.zone));
                    last.ended_because = Some(match why {
                        Ended::Recovered => "recovered",
                        Ended::Accepted => "accepted",
                    });
                }
            }
        }
    }
    Document {
        schema_version: SCHEMA_VERSION,
        bucket_seconds: replay.bucket_seconds,
        buckets: replay.buckets,
        missing_buckets: replay.missing,
        monitorable: replay.monitorable == Monitorable::Yes,
        note: note(replay, budget),
        alarms,
    }
}

fn told(alarm: &Alarm, bucket: i64, zone: &TimeZone) -> Told {
    let end = alarm.at + bucket;
    let minutes = (end - alarm.since) / 60;
    let what = match alarm.direction {
        Direction::Drop => "fewer than expected",
        Direction::Spike => "more than expected",
    };
    Told {
        direction: alarm.direction,
        at: instant(end, zone),
        since: instant(alarm.since, zone),
        counted: alarm.counted,
        expected: (alarm.expected * 10.0).round() / 10.0,
        ended: None,
        ended_because: None,
        reason: format!("{what}: {} of {:.1} in {minutes} min", alarm.counted, alarm.expected),
    }
}

fn note(replay: &alert::Replay, budget: Budget) -> String {
    match replay.monitorable {
        Monitorable::Yes => format!("one false alarm a day is allowed over {} series", budget.series),
        Monitorable::Learning => "not monitorable: less than a day has been seen".to_owned(),
        Monitorable::TooQuiet {
            expected_per_day,
            needed,
        } => format!(
            "drops are not monitorable: {expected_per_day:.1} are expected in a day, and about {needed:.0} have to be missing"
        ),
    }
}

fn instant(second: i64, zone: &TimeZone) -> String {
    // Instants come from instants that were read, or lie one interval behind them.
    let instant = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    let zoned = instant.to_zoned(zone.clone());
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn draw(document: &Document) -> String {
    let mut text = String::new();
    if !document.alarms.is_empty() {
        let rows: Vec<[String; 5]> = document.alarms.iter().map(row).collect();
        text = table(["alarm", "since", "told", "ended", "why"], &rows);
        text.push('\n');
    }
    text.push_str(&format!(
        "{} in {} of {} s, {} without a count; {}\n",
        count(document.alarms.len(), "alarm"),
        count(document.buckets, "interval"),
        document.bucket_seconds,
        document.missing_buckets,
        document.note
    ));
    text
}

fn row(told: &Told) -> [String; 5] {
    let kind = match told.direction {
        Direction::Drop => "drop",
        Direction::Spike => "spike",
    };
    let ended = match (&told.ended, told.ended_because) {
        (Some(ended), Some(why)) => format!("{ended}, {why}"),
        _ => "lasts".to_owned(),
    };
    [
        kind.to_owned(),
        told.since.clone(),
        told.at.clone(),
        ended,
        told.reason.clone(),
    ]
}
