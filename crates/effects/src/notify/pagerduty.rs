//! The channel `pagerduty`: the Events API v2 of PagerDuty.

use http::Uri;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidegate_domain::files::AlertSeverity;

use super::exchange::{self, Receiver, Way};
use super::message::digest;
use super::secret::{Hidden, Revealed};
use super::{Channel, Message, Outcome, State, Takes, never_again, sending, told, words};

pub const CHANNEL: Channel = Channel {
    name: "pagerduty",
    takes: Takes::Alerts,
    validate: |with| told::<With>(with).map(|_| ()),
    again_every: never_again,
    send: |with, message| {
        sending(with, async move |with: With| {
            attempt(&with, &message).await.unwrap_or_else(|end| end)
        })
    },
};

/// Of PagerDuty's service region in the United States.
const URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// The limits of the Events API v2 for a summary and for a key,
/// by <https://developer.pagerduty.com/docs/send-alert-event>.
const SUMMARY_CHARACTERS_MAX: usize = 1_024;
const KEY_CHARACTERS_MAX: usize = 255;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The integration key.
    routing_key: Hidden,
    /// Of another service region.
    #[serde(default)]
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
struct With {
    routing_key: Hidden,
    uri: Uri,
}

impl TryFrom<Written> for With {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let url = written.url.as_deref().unwrap_or(URL);
        let uri = exchange::address(url, Way::Private).map_err(|reason| format!("`url`: {reason}"))?;
        Ok(Self {
            routing_key: written.routing_key,
            uri,
        })
    }
}

async fn attempt(with: &With, message: &Message) -> Result<Outcome, Outcome> {
    let routing_key = with.routing_key.reveal("integration key")?;
    let event = event(message, &routing_key)?;
    let receiver = Receiver {
        name: "PagerDuty",
        secret: Some(&routing_key),
    };
    let outcome = exchange::send(exchange::json(with.uri.clone(), event.to_string()), receiver).await;
    Ok(match outcome {
        // It calls the alert by the key that it was given.
        Outcome::Delivered { .. } => Outcome::Delivered {
            reference: Some(key(message)),
        },
        Outcome::Retry { .. } | Outcome::Refused { .. } => outcome,
    })
}

/// What PagerDuty is to do, or why it can do nothing.
fn event(message: &Message, routing_key: &Revealed) -> Result<Value, Outcome> {
    let action = match message.state {
        // An alert that is open already gets another entry in its log: whom PagerDuty wakes next is by its own policy.
        State::Raised | State::Escalated => "trigger",
        State::Acknowledged => "acknowledge",
        State::Resolved => "resolve",
        State::Heartbeat => return Err(Outcome::refused("PagerDuty does not notice that events have stopped")),
    };
    let mut event = json!({
        "routing_key": routing_key.as_str(),
        "event_action": action,
        "dedup_key": key(message),
    });
    if action == "trigger" {
        event["payload"] = payload(message);
        event["client"] = json!("Tidegate");
        let links = words::links(message);
        if let Some((_, link)) = links.iter().find(|(name, _)| *name == "Alert") {
            event["client_url"] = json!(link);
        }
        let links: Vec<Value> = links
            .iter()
            .map(|(name, link)| json!({ "href": link, "text": name }))
            .collect();
        if !links.is_empty() {
            event["links"] = json!(links);
        }
    }
    Ok(event)
}

fn payload(message: &Message) -> Value {
    let severity = match message.severity {
        AlertSeverity::Critical => "critical",
        AlertSeverity::Error => "error",
        AlertSeverity::Warning => "warning",
        AlertSeverity::Info => "info",
    };
    let source = match &message.cell {
        Some(cell) => format!("{}/{cell}", message.service),
        None => message.service.to_string(),
    };
    let details: Map<String, Value> = words::facts(message)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .chain([("Text".to_owned(), Value::String(words::text(message)))])
        .collect();
    json!({
        "summary": words::cut(&words::title(message), SUMMARY_CHARACTERS_MAX),
        "source": source,
        "severity": severity,
        "timestamp": message.since.rfc3339(),
        "group": message.service,
        "class": message.kind.as_str(),
        "custom_details": details,
    })
}

/// What makes all events of an alert one.
fn key(message: &Message) -> String {
    if message.id.chars().count() <= KEY_CHARACTERS_MAX {
        message.id.clone()
    } else {
        digest(&message.id)
    }
}

#[cfg(test)]
pub(super) mod tests;
