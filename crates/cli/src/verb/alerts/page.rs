//! Alerts for people.

use std::fmt::Write as _;

use tidegate_domain::id::ChannelName;
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{AlertList, AlertStatus, AlertSymptom, SilenceList, SilenceStatus, WatchedTenants};

use crate::table::{count, table};
use crate::when;

pub fn list(list: &AlertList) -> String {
    if list.alerts.is_empty() {
        return "everything is as usual\n".to_owned();
    }
    let rows: Vec<[String; 6]> = list.alerts.iter().map(row).collect();
    let mut text = table(["alert", "severity", "what", "since", "state", "told"], &rows);
    let _ = writeln!(text, "\n{}", count(list.alerts.len(), "alert"));
    text
}

fn row(alert: &AlertStatus) -> [String; 6] {
    [
        alert.id.clone(),
        alert.severity.as_str().to_owned(),
        alert.title.clone(),
        instant(alert.since_ms),
        state(alert),
        told(alert),
    ]
}

fn state(alert: &AlertStatus) -> String {
    let state = alert.state.as_str();
    match (&alert.acknowledged, &alert.silenced_by, alert.resolved_ms) {
        (_, _, Some(at)) => format!("{state} {}", instant(at)),
        (Some(acknowledged), _, None) => format!("{state} by {}", acknowledged.by),
        (None, Some(silence), None) => format!("{state}, silenced by {silence}"),
        (None, None, None) => state.to_owned(),
    }
}

fn told(alert: &AlertStatus) -> String {
    let channels: Vec<&str> = alert.channels.iter().map(ChannelName::as_str).collect();
    match channels.is_empty() {
        true => "nobody".to_owned(),
        false => channels.join(", "),
    }
}

pub fn alert(alert: &AlertStatus) -> String {
    let mut text = format!("{}\n\n", alert.title);
    let owned = |text: &Option<String>| text.clone();
    let about = [
        ("alert", Some(alert.id.clone())),
        ("severity", Some(alert.severity.as_str().to_owned())),
        ("state", Some(state(alert))),
        ("since", Some(instant(alert.since_ms))),
        ("raised", Some(instant(alert.raised_ms))),
        ("for", Some(alert.role.as_str().to_owned())),
        ("told", Some(told(alert))),
        ("owner", owned(&alert.owner)),
        ("runbook", owned(&alert.runbook)),
        ("customer", alert.customer.as_ref().map(ToString::to_string)),
        (
            "release",
            alert
                .release
                .as_ref()
                .map(|version| format!("{version} is in progress")),
        ),
        (
            "because",
            alert
                .acknowledged
                .as_ref()
                .map(|acknowledged| acknowledged.reason.clone()),
        ),
    ];
    for (name, value) in about {
        if let Some(value) = value {
            let _ = writeln!(text, "{name:<10}{value}");
        }
    }
    let rows: Vec<[String; 4]> = alert.symptoms.iter().map(symptom).collect();
    let _ = write!(text, "\n{}", table(["whom", "what", "since", "until"], &rows));
    let messages: Vec<[String; 4]> = alert.messages.iter().map(message).collect();
    if !messages.is_empty() {
        let _ = write!(text, "\n{}", table(["message", "to", "at", "came to"], &messages));
    }
    text
}

fn symptom(symptom: &AlertSymptom) -> [String; 4] {
    let until = match (symptom.ended_ms, &symptom.ended_because) {
        (Some(at), Some(why)) => format!("{}, {why}", instant(at)),
        (Some(at), None) => instant(at),
        (None, _) => "lasts".to_owned(),
    };
    [
        symptom.subject.clone(),
        symptom.says.clone(),
        instant(symptom.since_ms),
        until,
    ]
}

fn message(told: &tidegate_server::alerts::Told) -> [String; 4] {
    let came_to = match (told.delivered, &told.note) {
        (true, None) => "delivered".to_owned(),
        (true, Some(reference)) => format!("delivered as {reference}"),
        (false, None) => "not delivered".to_owned(),
        (false, Some(why)) => format!("not delivered: {why}"),
    };
    [told.what.clone(), told.channel.clone(), instant(told.at_ms), came_to]
}

pub fn silences(list: &SilenceList) -> String {
    if list.silences.is_empty() {
        return "nothing is silenced\n".to_owned();
    }
    let rows: Vec<[String; 5]> = list.silences.iter().map(silence).collect();
    table(["silence", "of", "until", "by", "why"], &rows)
}

fn silence(silence: &SilenceStatus) -> [String; 5] {
    [
        silence.id.clone(),
        silence.of.in_words(),
        instant(silence.until_ms),
        silence.by.clone(),
        silence.reason.clone(),
    ]
}

pub fn tenants(list: &WatchedTenants) -> String {
    let rows: Vec<[String; 3]> = list
        .tenants
        .iter()
        .map(|tenant| {
            let silence = match &tenant.because {
                None => "would be found".to_owned(),
                Some(because) => format!("not monitorable: {because}"),
            };
            [tenant.tenant.to_string(), tenant.cell.to_string(), silence]
        })
        .collect();
    let monitorable = list.tenants.iter().filter(|tenant| tenant.monitorable).count();
    let mut text = table(["tenant", "cell", "silence"], &rows);
    let _ = writeln!(
        text,
        "\nsilence would be found of {monitorable} of {}",
        count(list.tenants.len(), "tenant")
    );
    text
}

fn instant(ms: i64) -> String {
    when::instant(Timestamp(ms))
}
