//! Connections to the gateway. A request is written once, on one connection: nothing here tries again, since that would hide a loss.
//!
//! A connection that turns out closed before a byte of the request was written on it is another matter: then the next one is taken, as
//! every client does.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// As a browser does, a connection that was idle this long is not used again.
const IDLE_MAX: Duration = Duration::from_secs(4);

pub type Body = UnsyncBoxBody<Bytes, Infallible>;

#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    #[error("cannot connect")]
    Connect(#[source] std::io::Error),
    #[error("cannot begin to speak HTTP")]
    Handshake(#[source] hyper::Error),
    #[error("no answer")]
    Send(#[source] hyper::Error),
}

/// Kept connections of HTTP/1.1, and one of HTTP/2.
#[derive(Debug)]
pub struct Connections {
    gateway: SocketAddr,
    idle: Mutex<Vec<Kept>>,
    /// Shared by all streams until it is closed or told to go away.
    parallel: tokio::sync::Mutex<Option<http2::SendRequest<Body>>>,
}

#[derive(Debug)]
struct Kept {
    sender: http1::SendRequest<Body>,
    since: Instant,
}

impl Connections {
    pub fn new(gateway: SocketAddr) -> Connections {
        Connections {
            gateway,
            idle: Mutex::default(),
            parallel: tokio::sync::Mutex::default(),
        }
    }

    pub async fn stream(&self) -> Result<TcpStream, ConnectionError> {
        let stream = TcpStream::connect(self.gateway)
            .await
            .map_err(ConnectionError::Connect)?;
        stream.set_nodelay(true).map_err(ConnectionError::Connect)?;
        Ok(stream)
    }

    /// A connection of its own.
    pub async fn fresh(&self) -> Result<http1::SendRequest<Body>, ConnectionError> {
        let stream = TokioIo::new(self.stream().await?);
        let (sender, connection) = http1::handshake(stream).await.map_err(ConnectionError::Handshake)?;
        // How it ends is told to whoever waits for an answer on it.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// The connection that was put back last, or a new one.
    pub async fn take(&self) -> Result<http1::SendRequest<Body>, ConnectionError> {
        loop {
            let kept = self.idle().pop();
            match kept {
                Some(kept) if !kept.sender.is_ready() || kept.since.elapsed() > IDLE_MAX => {}
                Some(kept) => return Ok(kept.sender),
                None => return self.fresh().await,
            }
        }
    }

    /// Keeps the connection for another request, unless it is closing.
    pub async fn put_back(&self, mut sender: http1::SendRequest<Body>) {
        if sender.ready().await.is_ok() {
            let since = Instant::now();
            self.idle().push(Kept { sender, since });
        }
    }

    /// Sends on `kept` if it still can, else on the connection that was put back last, or a new one; returns it too, for another request.
    pub async fn send(
        &self,
        kept: Option<http1::SendRequest<Body>>,
        mut request: Request<Body>,
    ) -> Result<(Response<Incoming>, http1::SendRequest<Body>), ConnectionError> {
        let mut kept = kept.filter(http1::SendRequest::is_ready);
        loop {
            let mut sender = match kept.take() {
                Some(sender) => sender,
                None => self.take().await?,
            };
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, sender)),
                Err(error) => request = unwritten(error)?,
            }
        }
    }

    /// One stream of the connection of HTTP/2.
    pub async fn send_parallel(&self, mut request: Request<Body>) -> Result<Response<Incoming>, ConnectionError> {
        loop {
            let mut sender = self.parallel().await?;
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(error) => request = unwritten(error)?,
            }
        }
    }

    async fn parallel(&self) -> Result<http2::SendRequest<Body>, ConnectionError> {
        let mut parallel = self.parallel.lock().await;
        if let Some(sender) = parallel.as_mut()
            && sender.ready().await.is_ok()
        {
            return Ok(sender.clone());
        }
        let stream = TokioIo::new(self.stream().await?);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream)
            .await
            .map_err(ConnectionError::Handshake)?;
        tokio::spawn(connection);
        *parallel = Some(sender.clone());
        Ok(sender)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The request, where nothing of it was written.
fn unwritten(mut error: TrySendError<Request<Body>>) -> Result<Request<Body>, ConnectionError> {
    match error.take_message() {
        Some(request) => Ok(request),
        None => Err(ConnectionError::Send(error.into_error())),
    }
}
