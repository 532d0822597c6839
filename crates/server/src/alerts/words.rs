//! What is said of alarms and alerts.

use tidegate_domain::files::{AlertKind, AlertSeverity};
use tidegate_domain::id::CellName;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_evidence::alert::{self, Ended};

use super::alert::{Alert, Symptom};
use super::{Alarm, Subject};

/// Half of the requests fail: nobody can work with that.
const SHARE_CRITICAL: f64 = 0.5;
/// Less than a twentieth of what is expected is silence.
const SILENCE: f64 = 0.05;
/// More are counted, not named.
const NAMED: usize = 5;
/// Symptoms that a text tells of, the worst first.
const TOLD: usize = 10;

/// An alarm of a series.
pub fn alarm(subject: &Subject, cell: &CellName, kind: AlertKind, found: &alert::Alarm) -> Alarm {
    Alarm {
        subject: subject.clone(),
        kind,
        cell: Some(cell.clone()),
        severity: severity(subject, kind, found),
        since: Timestamp(found.since * 1_000),
        says: measured(kind, found),
    }
}

/// A gateway that is not heard since then.
pub fn silent_gateway(subject: Subject, since: Timestamp) -> Alarm {
    Alarm {
        subject,
        kind: AlertKind::Watcher,
        cell: None,
        severity: AlertSeverity::Critical,
        since,
        says: "nothing is heard of it: nobody knows whether it serves, and nothing that it serves is watched"
            .to_owned(),
    }
}

fn severity(subject: &Subject, kind: AlertKind, found: &alert::Alarm) -> AlertSeverity {
    let share = found.of.map_or(0.0, |of| found.counted / of.max(1.0));
    let is_down = share >= SHARE_CRITICAL;
    let is_silent = found.counted < SILENCE * found.expected;
    let is_whole = match subject {
        Subject::Cell(_) | Subject::Gateway(_) => true,
        Subject::Tenant(_) => false,
    };
    match kind {
        AlertKind::Watcher => AlertSeverity::Critical,
        AlertKind::Errors | AlertKind::Timeouts if is_whole || is_down => AlertSeverity::Critical,
        AlertKind::VolumeDrop if is_whole => AlertSeverity::Critical,
        AlertKind::Errors | AlertKind::Timeouts => AlertSeverity::Error,
        AlertKind::VolumeDrop if is_silent => AlertSeverity::Error,
        AlertKind::Latency if is_whole => AlertSeverity::Error,
        AlertKind::VolumeDrop | AlertKind::VolumeSpike | AlertKind::Latency => AlertSeverity::Warning,
    }
}

fn measured(kind: AlertKind, found: &alert::Alarm) -> String {
    let minutes = Duration::from_secs(u32::try_from(found.at - found.since).unwrap_or(0));
    let over = match minutes.is_zero() {
        true => String::new(),
        false => format!(" over {minutes}"),
    };
    let (counted, expected) = (found.counted, found.expected);
    let of = found.of.unwrap_or(0.0);
    let share = 100.0 * counted / of.max(1.0);
    let usual = format!("{share:.1} % ({counted:.0} of {of:.0}{over}), {expected:.1} are usual");
    match kind {
        AlertKind::Errors => format!("requests fail: {usual}"),
        AlertKind::Timeouts => format!("requests meet a time limit: {usual}"),
        AlertKind::Latency => format!("answers are slower than they used to be: {usual}"),
        AlertKind::VolumeDrop => format!("fewer requests than usual: {counted:.0} of {expected:.0} expected{over}"),
        AlertKind::VolumeSpike => format!("more requests than usual: {counted:.0}, {expected:.0} are expected{over}"),
        AlertKind::Watcher => "nothing is heard".to_owned(),
    }
}

/// One line about an alert.
pub fn title(alert: &Alert) -> String {
    let what = match alert.kind {
        AlertKind::Errors => "requests fail",
        AlertKind::Timeouts => "requests meet a time limit",
        AlertKind::Latency => "answers are slow",
        AlertKind::VolumeDrop => "requests stay away",
        AlertKind::VolumeSpike => "there are more requests than usual",
        AlertKind::Watcher => "a gateway is silent, so nobody knows how its requests fare",
    };
    format!("{}: {what}", of(alert))
}

/// Whom an alert is about.
fn of(alert: &Alert) -> String {
    let mut whole = Vec::new();
    let mut tenants = Vec::new();
    for subject in alert.symptoms.keys() {
        match subject {
            Subject::Cell(cell) => whole.push(format!("all of {cell}")),
            Subject::Gateway(gateway) => whole.push(format!("gateway {gateway}")),
            Subject::Tenant(tenant) => tenants.push(tenant.to_string()),
        }
    }
    if !whole.is_empty() {
        return whole.join(", ");
    }
    let cells: Vec<&str> = alert.cells.iter().map(CellName::as_str).collect();
    let place = match cells.is_empty() {
        true => String::new(),
        false => format!(" in {}", cells.join(", ")),
    };
    if tenants.len() > NAMED {
        return format!("{} tenants{place}", tenants.len());
    }
    format!("{}{place}", tenants.join(", "))
}

/// What was measured of whom, in sentences.
pub fn text(alert: &Alert) -> String {
    let mut symptoms: Vec<(&Subject, &AlertKind, &Symptom)> = alert
        .symptoms
        .iter()
        .flat_map(|(subject, kinds)| kinds.iter().map(move |(kind, symptom)| (subject, kind, symptom)))
        .collect();
    // The worst first; alike ones stay in the order of names.
    symptoms.sort_by_key(|(_, _, symptom)| (symptom.ended.is_some(), symptom.severity));
    let more = symptoms.len().saturating_sub(TOLD);
    let mut sentences: Vec<String> = symptoms.iter().take(TOLD).map(sentence).collect();
    if more > 0 {
        sentences.push(format!("And {more} more."));
    }
    sentences.join(" ")
}

fn sentence((subject, _, symptom): &(&Subject, &AlertKind, &Symptom)) -> String {
    let name = match subject {
        Subject::Cell(cell) => format!("All of {cell}"),
        Subject::Gateway(gateway) => format!("Gateway {gateway}"),
        Subject::Tenant(tenant) => format!("Tenant {tenant}"),
    };
    let since = symptom.since;
    match &symptom.ended {
        None => format!("{name}: {}, since {since}.", symptom.says),
        Some(ended) => format!(
            "{name}: over since {}, {}; it was: {}.",
            ended.at, ended.why, symptom.says
        ),
    }
}

pub const fn ended(why: Ended) -> &'static str {
    match why {
        Ended::Recovered => "as usual again",
        Ended::Accepted => "it has stayed so for a day, and is what is usual from now on",
    }
}
