//! The channel `heartbeat`: a request to a service that tells people when the requests have stopped, a dead man's switch.

use http::{Method, Uri};
use serde::Deserialize;

use super::exchange::{self, Receiver, Way};
use super::secret::Hidden;
use super::{Channel, Outcome, Takes, never_again, sending, told};

pub const CHANNEL: Channel = Channel {
    name: "heartbeat",
    takes: Takes::Heartbeats,
    validate: |with| told::<With>(with).map(|_| ()),
    again_every: never_again,
    send: |with, _| sending(with, async |with: With| attempt(&with).await.unwrap_or_else(|end| end)),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    /// Whoever knows it can say that all is well, so it is a secret.
    url: Hidden,
    #[serde(default)]
    method: Asking,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
enum Asking {
    #[default]
    #[serde(rename = "GET")]
    Get,
    #[serde(rename = "POST")]
    Post,
    #[serde(rename = "HEAD")]
    Head,
}

async fn attempt(with: &With) -> Result<Outcome, Outcome> {
    let url = with.url.reveal("address")?;
    let found = exchange::address(url.as_str(), Way::Private);
    let uri: Uri = found.map_err(|reason| Outcome::refused(format!("the address cannot be used: {reason}")))?;
    let method = match with.method {
        Asking::Get => Method::GET,
        Asking::Post => Method::POST,
        Asking::Head => Method::HEAD,
    };
    let receiver = Receiver {
        name: "who listens for heartbeats",
        secret: Some(&url),
    };
    Ok(exchange::send(exchange::empty(method, uri), receiver).await)
}

#[cfg(test)]
mod tests;
