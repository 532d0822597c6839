//! Calls to the publisher: JSON there and back, over one connection that is kept while it works.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

const CALL_LIMIT: Duration = Duration::from_secs(10);
const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Where tables come from.
#[derive(Debug)]
pub(crate) struct Publisher {
    host: String,
    authorization: HeaderValue,
    connection: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

#[derive(Debug, Error)]
pub enum PublisherError {
    #[error("`{url}` is not an address of a publisher; it looks like http://127.0.0.1:7070")]
    Url { url: String },
    #[error("the token holds characters that cannot stand in a header")]
    Token,
    #[error("publisher did not answer in time")]
    Timeout,
    #[error("could not connect to the publisher")]
    Connect(#[source] std::io::Error),
    #[error("could not speak with the publisher")]
    Exchange(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("publisher answered with status {status}")]
    Status { status: StatusCode },
    #[error("could not read the publisher's answer")]
    Reply(#[source] serde_json::Error),
}

impl Publisher {
    pub(crate) fn new(url: &str, token: &str) -> Result<Self, PublisherError> {
        let wrong = || PublisherError::Url { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri
            .authority()
            .filter(|_| uri.scheme_str() == Some("http"))
            .ok_or_else(wrong)?;
        let host = match authority.port_u16() {
            Some(_) => authority.to_string(),
            None => format!("{authority}:80"),
        };
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| PublisherError::Token)?;
        authorization.set_sensitive(true);
        Ok(Self {
            host,
            authorization,
            connection: Mutex::new(None),
        })
    }

    /// One call. It is idempotent, so it may be made again whatever the error.
    pub(crate) async fn call<B: Serialize, R: DeserializeOwned + Send + 'static>(
        &self,
        path: &'static str,
        body: &B,
    ) -> Result<R, PublisherError> {
        let body = serde_json::to_vec(body).map_err(|error| PublisherError::Exchange(error.into()))?;
        let reply = tokio::time::timeout(CALL_LIMIT, self.exchange(path, body.into()));
        let reply = reply.await.map_err(|_| PublisherError::Timeout)??;
        // A table of thousands of tenants takes milliseconds to read.
        let read = tokio::task::spawn_blocking(move || serde_json::from_slice(&reply));
        read.await
            .map_err(|error| PublisherError::Exchange(error.into()))?
            .map_err(PublisherError::Reply)
    }

    async fn exchange(&self, path: &'static str, body: Bytes) -> Result<Bytes, PublisherError> {
        let mut kept = self.connection.lock().await;
        let mut sender = match kept.take() {
            Some(sender) if !sender.is_closed() => sender,
            Some(_) | None => self.connect().await?,
        };
        sender
            .ready()
            .await
            .map_err(|error| PublisherError::Exchange(error.into()))?;
        let response = sender.send_request(self.request(path, body)).await;
        let response = response.map_err(|error| PublisherError::Exchange(error.into()))?;
        let status = response.status();
        let reply = Limited::new(response.into_body(), REPLY_BYTES_MAX).collect().await;
        let reply = reply.map_err(PublisherError::Exchange)?.to_bytes();
        *kept = Some(sender);
        if status.is_success() {
            Ok(reply)
        } else {
            Err(PublisherError::Status { status })
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, PublisherError> {
        let stream = TcpStream::connect(&self.host).await.map_err(PublisherError::Connect)?;
        stream.set_nodelay(true).map_err(PublisherError::Connect)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| PublisherError::Exchange(error.into()))?;
        tokio::spawn(driver);
        Ok(sender)
    }

    fn request(&self, path: &'static str, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(path);
        let headers = request.headers_mut();
        if let Ok(host) = HeaderValue::from_str(&self.host) {
            headers.insert(HOST, host);
        }
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }
}
