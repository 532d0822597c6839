//! The channel `webhook`: the message as JSON, signed as Standard Webhooks says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::exchange::{self, Receiver, Way};
use super::secret::{Hidden, Revealed};
use super::{Channel, Message, Outcome, State, Takes, never_again, now, sending, told, words};
use crate::signature::{PREFIX, sign};

pub const CHANNEL: Channel = Channel {
    name: "webhook",
    takes: Takes::Both,
    validate: |with| told::<With>(with).map(|_| ()),
    again_every: never_again,
    send: |with, message| {
        sending(with, async move |with: With| {
            attempt(&with, &message).await.unwrap_or_else(|end| end)
        })
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    url: String,
    /// What is signed with, `whsec_..`.
    secret: Hidden,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
struct With {
    url: String,
    uri: Uri,
    secret: Hidden,
}

impl TryFrom<Written> for With {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let uri = exchange::address(&written.url, Way::Private).map_err(|reason| format!("`url`: {reason}"))?;
        Ok(Self {
            url: written.url,
            uri,
            secret: written.secret,
        })
    }
}

async fn attempt(with: &With, message: &Message) -> Result<Outcome, Outcome> {
    let secret = with.secret.reveal("secret to sign with")?;
    let (id, timestamp, body) = (message.key(), now().0 / 1_000, body(message));
    let signature = sign(&key(&secret)?, &id, timestamp, &body);
    let mut request = exchange::json(with.uri.clone(), body);
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signature),
    ] {
        let value = HeaderValue::try_from(value).map_err(|_| Outcome::refused("the signature fits no header"))?;
        request.headers_mut().insert(name, value);
    }
    let receiver = Receiver {
        name: &with.url,
        secret: Some(&secret),
    };
    Ok(exchange::send(request, receiver).await)
}

/// The bytes of a secret, of which Standard Webhooks wants 24 to 64.
fn key(secret: &Revealed) -> Result<Vec<u8>, Outcome> {
    let encoded = secret.as_str().strip_prefix(PREFIX);
    let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    bytes.filter(|bytes| (24..=64).contains(&bytes.len())).ok_or_else(|| {
        Outcome::refused(format!(
            "the secret to sign with is none: `{PREFIX}` and 24 to 64 bytes in base64 are expected"
        ))
    })
}

fn body(message: &Message) -> String {
    let kind = match message.state {
        State::Heartbeat => "heartbeat".to_owned(),
        State::Raised | State::Escalated | State::Acknowledged | State::Resolved => {
            format!("alert.{}", message.state.as_str())
        }
    };
    let told = Message {
        title: words::title(message),
        text: words::text(message),
        ..message.clone()
    };
    let mut data = serde_json::to_value(&told).unwrap_or_default();
    // Instants are numbers for the store, and RFC 3339 for everybody else.
    for (field, instant) in [("at", message.at), ("since", message.since)] {
        data[field] = Value::String(instant.rfc3339());
    }
    json!({ "type": kind, "timestamp": message.at.rfc3339(), "data": data }).to_string()
}

#[cfg(test)]
mod tests;
