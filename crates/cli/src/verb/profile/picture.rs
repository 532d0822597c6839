//! A week in a few lines of text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tidegate_domain::calendar::HOURS;
use tidegate_domain::id::TenantName;
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{TenantTraffic, TrafficProfile};

use crate::table::{count, table};
use crate::when;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// From no requests to the most of an hour.
const HEIGHTS: [char; 9] = ['.', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A line for each tenant: how much it sends, and how much of its week is known.
pub fn list(shown: &TrafficProfile) -> String {
    let Some(until) = shown.until_ms else {
        return "no traffic has been measured yet: it is while the server and a gateway run\n".to_owned();
    };
    let rows: Vec<[String; 6]> = shown
        .tenants
        .iter()
        .map(|(name, tenant)| {
            [
                name.to_string(),
                tenant.time_zone.clone(),
                number(tenant.hourly.iter().sum()),
                over(tenant),
                format!("{} of {HOURS}", tenant.hours_known),
                tenant.peak_hours.len().to_string(),
            ]
        })
        .collect();
    let titles = [
        "tenant",
        "time zone",
        "requests a week",
        "measured over",
        "hours known",
        "peak hours",
    ];
    let total = count(rows.len(), "tenant");
    let until = when::near(Timestamp(until));
    format!("{}{total}, measured until {until}\n", table(titles, &rows))
}

/// A line for each day, a sign for each hour of the tenant's clocks, and the peaks below the hours that they are in.
pub fn week(name: &TenantName, shown: &TrafficProfile) -> String {
    let Some(tenant) = shown.tenants.get(name) else {
        return format!("no traffic of `{name}` has been measured yet: it is while the server and a gateway run\n");
    };
    let most = tenant.hourly.iter().copied().fold(0.0, f64::max);
    let mut page = format!("{name}, by the clocks of {}\n", tenant.time_zone);
    page.push_str("     0     6     12    18\n");
    for (day, hours) in DAYS.iter().zip(tenant.hourly.chunks(24)) {
        let signs: String = hours.iter().map(|mean| sign(*mean, most)).collect();
        let of_day: f64 = hours.iter().sum();
        let _ = writeln!(page, "{day}  {signs}  {} requests", number(of_day));
    }
    let weekly: f64 = tenant.hourly.iter().sum();
    let _ = writeln!(
        page,
        "{} requests a week, {} in an hour at the most",
        number(weekly),
        number(most)
    );
    let _ = writeln!(page, "{}", peaks(tenant));
    let _ = writeln!(
        page,
        "measured over {}, {} of {HOURS} hours of the week",
        over(tenant),
        tenant.hours_known
    );
    page
}

fn sign(mean: f64, most: f64) -> char {
    if mean <= 0.0 || most <= 0.0 {
        return HEIGHTS[0];
    }
    let height = (mean / most * 8.0).ceil() as usize;
    HEIGHTS[height.clamp(1, 8)]
}

fn over(tenant: &TenantTraffic) -> String {
    let hours = tenant.hours_measured;
    match hours {
        0.0..1.0 => format!("{:.0} min", hours * 60.0),
        1.0..168.0 => format!("{hours:.1} hours"),
        _ => format!("{:.1} weeks", hours / HOURS as f64),
    }
}

/// Peaks by the days that have the same: `Mon, Tue 09:00-17:00`.
fn peaks(tenant: &TenantTraffic) -> String {
    let mut days: BTreeMap<Vec<(usize, usize)>, Vec<&str>> = BTreeMap::new();
    for (day, name) in DAYS.iter().enumerate() {
        let hours = tenant.peak_hours.iter().map(|hour| usize::from(*hour));
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for hour in hours.filter(|hour| hour / 24 == day).map(|hour| hour % 24) {
            match runs.last_mut() {
                Some((_, end)) if *end == hour => *end = hour + 1,
                Some(_) | None => runs.push((hour, hour + 1)),
            }
        }
        if !runs.is_empty() {
            days.entry(runs).or_default().push(name);
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for (runs, days) in days {
        let runs: Vec<String> = runs
            .iter()
            .map(|(begin, end)| format!("{begin:02}:00-{end:02}:00"))
            .collect();
        lines.push(format!("{} {}", days.join(", "), runs.join(", ")));
    }
    if lines.is_empty() {
        "no peak".to_owned()
    } else {
        format!("peaks: {}", lines.join("; "))
    }
}

fn number(requests: f64) -> String {
    if requests > 0.0 && requests < 10.0 {
        format!("{requests:.1}")
    } else {
        format!("{requests:.0}")
    }
}

#[cfg(test)]
mod tests;
