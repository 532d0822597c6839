//! Lines of `instant,count`.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tidegate_evidence::alert::{At, Point};

use crate::error::CliError;

const HOURS_PER_DAY: usize = 24;

/// The series of a file; a first line of words is its head.
pub fn read(path: &Path, zone: &TimeZone) -> Result<Vec<Point>, CliError> {
    let file = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| CliError::new(format!("cannot read `{file}`")).because(error))?;
    let mut points: Vec<Point> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let is_head = index == 0 && !line.starts_with(|first: char| first.is_ascii_digit());
        if line.is_empty() || is_head {
            continue;
        }
        let wrong = |(problem, help): (String, &str)| {
            CliError::new(format!("cannot read the counts of `{file}:{}`: {problem}", index + 1)).help(help)
        };
        let point = point(line, zone).map_err(wrong)?;
        if let Some(last) = points.last().filter(|last| last.at.second >= point.at.second) {
            let before = Timestamp::from_second(last.at.second).unwrap_or(Timestamp::MAX);
            let problem = format!("the line before is of {before}, and this one is not later");
            return Err(wrong((problem, "sort the lines by their instants, one line for each")));
        }
        points.push(point);
    }
    if points.is_empty() {
        return Err(CliError::new(format!("`{file}` has no counts"))
            .help("write lines such as `2026-11-24T06:00:00Z,17`, one for each interval"));
    }
    Ok(points)
}

fn point(line: &str, zone: &TimeZone) -> Result<Point, (String, &'static str)> {
    let Some((instant, count)) = line.split_once(',') else {
        return Err((
            format!("`{line}` is not an instant and a count"),
            "write `2026-11-24T06:00:00Z,17`",
        ));
    };
    let instant = instant.trim();
    let Some(timestamp) = timestamp(instant, zone) else {
        return Err((
            format!("`{instant}` is not an instant"),
            "write `2026-11-24T06:00:00Z`, `2026-11-24 06:00:00` or seconds since 1970",
        ));
    };
    let count = count.trim();
    let number = count
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0);
    let Some(number) = number else {
        return Err((format!("`{count}` is not a count"), "write a number from 0 on"));
    };
    let local = timestamp.to_zoned(zone.clone());
    let day = local.weekday().to_monday_zero_offset() as usize;
    Ok(Point {
        at: At {
            second: timestamp.as_second(),
            hour: day * HOURS_PER_DAY + local.hour() as usize,
        },
        count: number,
    })
}

fn timestamp(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok();
    }
    let local = || Some(text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok()?.timestamp());
    text.parse::<Timestamp>().ok().or_else(local)
}
