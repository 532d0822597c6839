//! One message to one listener.

use std::io;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, StatusCode, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::reach::{Reach, TargetError};
use super::signature::Key;
use crate::clock;

/// From the name to the status of the answer.
const WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("the exchange broke")]
    Exchange(#[from] hyper::Error),
    #[error("cannot be asked for")]
    Request(#[from] axum::http::Error),
    #[error("it answered {0}")]
    Answer(StatusCode),
    #[error("it did not answer within 10 s")]
    TimedOut,
}

/// Delivered is what was answered with 2xx. Redirections are not followed: where they lead nobody has checked.
pub async fn send(reach: Reach, url: &str, key: &Key, id: &str, body: &str) -> Result<(), SendError> {
    timeout(WITHIN, exchange(reach, url, key, id, body))
        .await
        .unwrap_or(Err(SendError::TimedOut))
}

async fn exchange(reach: Reach, url: &str, key: &Key, id: &str, body: &str) -> Result<(), SendError> {
    let target = reach.target(url)?;
    let address = reach.resolve(&target).await?;
    let timestamp = clock::now().0 / 1_000;
    let request = Request::post(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", key.sign(id, timestamp, body))
        .body(Full::new(Bytes::from(body.to_owned())))?;
    let stream = TcpStream::connect(address).await.map_err(SendError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(SendError::Answer(status))
        }
    };
    tokio::pin!(answer);
    // The connection lasts no longer than the answer's first line: its body is nothing to us.
    tokio::select! {
        biased;
        answered = &mut answer => answered,
        ended = connection => {
            ended?;
            answer.await
        }
    }
}
