//! One message to one listener.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, StatusCode, header};
use http_body_util::Full;
#[cfg(test)]
use rustls::RootCertStore;
use tidegate_effects::wire::{Peer, Wire, WireError};
use tokio::time::timeout;

use super::reach::{Reach, Target, TargetError};
use super::signature::Key;
use crate::clock;

/// From the name to the status of the answer.
const WITHIN: Duration = Duration::from_secs(10);

/// Carries messages as far as it may. A clone is the same.
#[derive(Debug, Clone)]
pub struct Courier {
    reach: Reach,
    wire: Wire,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The same for every attempt.
    pub id: &'a str,
    pub body: &'a str,
}

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("cannot be asked for")]
    Request(#[from] axum::http::Error),
    #[error("it answered {0}")]
    Answer(StatusCode),
    #[error("it did not answer within 10 s")]
    TimedOut,
}

impl Courier {
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            wire: Wire::default(),
        }
    }

    /// Believes these certificates instead of the machine's.
    #[cfg(test)]
    pub fn trusting(reach: Reach, roots: RootCertStore) -> Self {
        Self {
            reach,
            wire: Wire::trusting(roots),
        }
    }

    #[must_use]
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Delivered is what was answered with 2xx. Redirections are not followed: where they lead nobody has checked.
    pub async fn send(&self, url: &str, key: &Key, message: Message<'_>) -> Result<(), SendError> {
        let sent = timeout(WITHIN, self.connect(url, key, message)).await;
        sent.unwrap_or(Err(SendError::TimedOut))
    }

    async fn connect(&self, url: &str, key: &Key, message: Message<'_>) -> Result<(), SendError> {
        let target = self.reach.target(url)?;
        let address = self.reach.resolve(&target).await?;
        let request = signed(&target, key, message)?;
        let peer = Peer {
            addresses: &[address],
            certified: target.tls.then_some(target.host.as_str()),
        };
        // Its body is nothing to us.
        let (status, _) = self.wire.exchange(peer, request, None).await?;
        match status.is_success() {
            true => Ok(()),
            false => Err(SendError::Answer(status)),
        }
    }
}

fn signed(target: &Target, key: &Key, message: Message<'_>) -> Result<Request<Full<Bytes>>, SendError> {
    let timestamp = clock::now().0 / 1_000;
    let request = Request::post(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .header("webhook-id", message.id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", key.sign(message.id, timestamp, message.body))
        .body(Full::new(Bytes::from(message.body.to_owned())))?;
    Ok(request)
}
