//! One request to the gateway, and what its answer says.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

const ANSWER_WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    Served,
    /// The service knows no such member.
    NoMember,
    TenantUnknown,
    TenantSuspended,
    TenantMoving,
}

/// An answer that somebody gave.
#[derive(Debug)]
pub struct Exchange {
    pub answer: Answer,
    /// Who says to have served it, for whom, and what; only of what was served.
    pub version: String,
    pub tenant: String,
    pub name: Option<String>,
}

/// What happened instead of an answer.
pub type Lost = String;

/// Gives a member a name, or asks for the one it has.
pub async fn ask(gateway: SocketAddr, tenant: &str, id: &str, name: Option<&str>) -> Result<Exchange, Lost> {
    let asked = tokio::time::timeout(ANSWER_WITHIN, send(gateway, tenant, id, name)).await;
    let (status, headers, body) = asked.map_err(|_| format!("no answer within {ANSWER_WITHIN:?}"))??;
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let declared = text("x-tidegate-error");
    let answer = match (status, declared.as_str()) {
        (StatusCode::OK, "") => Answer::Served,
        (StatusCode::NOT_FOUND, "") if !text("x-loyalty-version").is_empty() => Answer::NoMember,
        (_, "tenant_unknown") => Answer::TenantUnknown,
        (_, "tenant_suspended") => Answer::TenantSuspended,
        (StatusCode::SERVICE_UNAVAILABLE, "tenant_moving") if headers.contains_key(header::RETRY_AFTER) => {
            Answer::TenantMoving
        }
        _ => return Err(format!("{status} {declared} {}", String::from_utf8_lossy(&body))),
    };
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    Ok(Exchange {
        answer,
        version: text("x-loyalty-version"),
        tenant: text("x-loyalty-tenant"),
        name: document["name"].as_str().map(str::to_owned),
    })
}

async fn send(
    gateway: SocketAddr,
    tenant: &str,
    id: &str,
    name: Option<&str>,
) -> Result<(StatusCode, HeaderMap, Bytes), Lost> {
    let stream = TcpStream::connect(gateway).await.map_err(lost)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(lost)?;
    let connection = tokio::spawn(connection);
    let (method, body) = match name {
        Some(name) => (Method::PUT, json!({ "name": name }).to_string()),
        None => (Method::GET, String::new()),
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("/members/{id}"))
        .header(header::HOST, "loyalty")
        .header("x-tenant", tenant)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(lost)?;
    let response = sender.send_request(request).await.map_err(lost)?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(lost)?.to_bytes();
    drop(sender);
    connection.abort();
    Ok((parts.status, parts.headers, body))
}

fn lost(error: impl std::error::Error) -> Lost {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
