//! HTTP calls to instances on this machine: one short connection each, bounded in time and size.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The answer to a call.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error("the answer cannot be read")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("not a request")]
    Request(#[source] http::Error),
}

/// The status of 100,000 tenants fits in.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

pub(super) async fn get(address: SocketAddr, path: &str, limit: Duration) -> Result<Answer, CallError> {
    call(address, Request::get(path), Bytes::new(), limit).await
}

pub(super) async fn post(address: SocketAddr, path: &str, json: Bytes, limit: Duration) -> Result<Answer, CallError> {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    call(address, request, json, limit).await
}

async fn call(
    address: SocketAddr,
    request: http::request::Builder,
    body: Bytes,
    limit: Duration,
) -> Result<Answer, CallError> {
    let request = request
        .header(header::HOST, address.to_string())
        .header(header::CONNECTION, "close")
        .body(Full::new(body))
        .map_err(CallError::Request)?;
    let exchange = async {
        let stream = TcpStream::connect(address).await.map_err(CallError::Connect)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(CallError::Broken)?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(CallError::Broken)?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, BODY_BYTES_MAX);
            let body = body.collect().await.map_err(CallError::Body)?.to_bytes();
            Ok(Answer {
                status: parts.status,
                body,
            })
        };
        // The connection only moves while it is polled, and has nothing to say beyond what the answer says.
        let drive = async {
            let _ = connection.await;
            std::future::pending().await
        };
        tokio::select! { answer = answer => answer, never = drive => never }
    };
    timeout(limit, exchange)
        .await
        .unwrap_or(Err(CallError::TimedOut(limit)))
}
