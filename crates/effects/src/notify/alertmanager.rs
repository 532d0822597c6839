//! The channel `alertmanager`: Alertmanager's own interface, in which an alert stands as long as it is told again.

use std::collections::BTreeMap;
use tidegate_domain::files::AlertKind;

use http::Uri;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_domain::time::{Duration, Timestamp};

use super::exchange::{self, Receiver, Way};
use super::secret::Hidden;
use super::{Channel, Message, Outcome, State, Takes, now, sending, told, words};

pub const CHANNEL: Channel = Channel {
    name: "alertmanager",
    takes: Takes::Both,
    validate: |with| told::<With>(with).map(|_| ()),
    again_every: |with| told::<With>(with).ok().map(|with| with.resend),
    send: |with, message| {
        sending(with, async move |with: With| {
            attempt(&with, &message).await.unwrap_or_else(|end| end)
        })
    },
};

/// An alert that is told again so often stands through three messages that are lost, as with Prometheus.
const STANDS_FOR: i64 = 4;

/// Ours, which nobody else can set: by them a route finds the alert, and with the id no two alerts are one.
const LABELS: [&str; 8] = [
    "alertname",
    "alert_id",
    "service",
    "cell",
    "customer",
    "kind",
    "severity",
    "role",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Without `/api/v2/alerts`.
    url: String,
    /// Sent as `authorization: Bearer ..`.
    #[serde(default)]
    token: Option<Hidden>,
    /// More of them, for its routes.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// How often an alert that stands is told again.
    #[serde(default = "one_minute")]
    resend: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
struct With {
    url: String,
    uri: Uri,
    token: Option<Hidden>,
    labels: BTreeMap<String, String>,
    resend: Duration,
}

fn one_minute() -> Duration {
    Duration::from_secs(60)
}

impl TryFrom<Written> for With {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let way = match written.token {
            Some(_) => Way::Private,
            None => Way::Open,
        };
        let of_url = |reason| format!("`url`: {reason}");
        let base = exchange::address(&written.url, way).map_err(of_url)?;
        if base.query().is_some() {
            return Err("`url`: it has a query; say the address of Alertmanager alone".to_owned());
        }
        let whole = format!("{}/api/v2/alerts", written.url.trim_end_matches('/'));
        let uri = exchange::address(&whole, way).map_err(of_url)?;
        if let Some(label) = written.labels.keys().find(|label| LABELS.contains(&label.as_str())) {
            return Err(format!("`labels`: `{label}` is set by Tidegate"));
        }
        if let Some(label) = written.labels.keys().find(|label| !is_label(label)) {
            return Err(format!(
                "`labels`: `{label}` is no name of a label: letters, digits and `_`, the first no digit"
            ));
        }
        let (shortest, longest) = (Duration::from_secs(1), Duration::from_hours(1));
        if written.resend < shortest || written.resend > longest {
            return Err(format!("`resend`: {} is not {shortest} to {longest}", written.resend));
        }
        Ok(Self {
            url: written.url,
            uri,
            token: written.token,
            labels: written.labels,
            resend: written.resend,
        })
    }
}

fn is_label(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_letter) && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

async fn attempt(with: &With, message: &Message) -> Result<Outcome, Outcome> {
    let token = with.token.as_ref().map(|token| token.reveal("token")).transpose()?;
    let alerts = json!([alert(with, message, now())]);
    let mut request = exchange::json(with.uri.clone(), alerts.to_string());
    if let Some(token) = &token {
        request.headers_mut().insert(AUTHORIZATION, token.bearer()?);
    }
    let receiver = Receiver {
        name: &with.url,
        secret: token.as_ref(),
    };
    Ok(exchange::send(request, receiver).await)
}

fn alert(with: &With, message: &Message, now: Timestamp) -> Value {
    let name = match message.kind {
        AlertKind::Errors => "TidegateErrors",
        AlertKind::Timeouts => "TidegateTimeouts",
        AlertKind::Latency => "TidegateLatency",
        AlertKind::VolumeDrop => "TidegateVolumeDrop",
        AlertKind::VolumeSpike => "TidegateVolumeSpike",
        AlertKind::Watcher if message.state == State::Heartbeat => "TidegateHeartbeat",
        AlertKind::Watcher => "TidegateWatcher",
    };
    let mut labels: BTreeMap<&str, String> = with
        .labels
        .iter()
        .map(|(label, value)| (label.as_str(), value.clone()))
        .collect();
    labels.extend([
        ("alertname", name.to_owned()),
        ("alert_id", words::one_line(&message.id)),
        ("service", message.service.to_string()),
        ("kind", message.kind.as_str().to_owned()),
        ("severity", message.severity.as_str().to_owned()),
        ("role", message.role.as_str().to_owned()),
    ]);
    let of_some = [
        ("cell", message.cell.as_ref().map(ToString::to_string)),
        ("customer", message.customer.as_ref().map(ToString::to_string)),
    ];
    labels.extend(of_some.into_iter().filter_map(|(label, value)| Some((label, value?))));
    let mut annotations: BTreeMap<String, String> = words::facts(message)
        .into_iter()
        .map(|(name, value)| (name.to_lowercase().replace(' ', "_"), value))
        .collect();
    annotations.insert("summary".to_owned(), words::headline(message));
    annotations.insert("description".to_owned(), words::text(message));
    let end = end(message, with.resend, now);
    let links = words::links(message);
    let link = |wanted: &str| links.iter().find(|(name, _)| *name == wanted).map(|(_, link)| *link);
    if let Some(runbook) = link("Runbook") {
        annotations.insert("runbook_url".to_owned(), runbook.to_owned());
    }
    let mut alert = json!({
        "labels": labels,
        "annotations": annotations,
        // An alert that ends before it began is refused.
        "startsAt": instant(message.since.min(end)),
        "endsAt": instant(end),
    });
    if let Some(link) = link("Alert") {
        alert["generatorURL"] = json!(link);
    }
    alert
}

/// When Alertmanager takes it for over: at once, or if it is not told again.
fn end(message: &Message, resend: Duration, now: Timestamp) -> Timestamp {
    match message.state {
        // An end that is still to come, by a clock that goes before Alertmanager's, would let it stand.
        State::Resolved => message.at.min(now),
        State::Raised | State::Escalated | State::Acknowledged | State::Heartbeat => {
            Timestamp(now.0.saturating_add(resend.as_millis() * STANDS_FOR))
        }
    }
}

/// To the millisecond: an alert may come and go within a second.
fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.rfc3339(), |instant| format!("{instant:.3}"))
}

#[cfg(test)]
mod tests;
