//! Listening sockets and the connections that come in on them.

mod client_stream;
mod strict;
mod tls;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::life::{Life, reached};
use crate::proxy::{Client, Proxy};
use crate::routing::Asker;

use client_stream::{ClientStream, Protocol};

pub(crate) use tls::Certificate;
pub use tls::TlsError;

/// Connections beyond this wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 20_000;
/// For a request head, counted from the end of the answer before: so it is also how long a connection may be idle.
const HEAD_LIMIT: Duration = Duration::from_secs(75);
/// For the first bytes of a connection.
const FIRST_BYTES_LIMIT: Duration = Duration::from_secs(15);
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 128;
const STREAMS_PER_CONNECTION: u32 = 256;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Error)]
pub enum ListenError {
    #[error("address {address} is taken by another process; stop it, or choose another address")]
    Taken { address: SocketAddr },
    #[error("could not listen on {address}")]
    Bind {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("{address} is not a loopback address, and only the machine itself may reach the {what} listener")]
    NotLoopback { address: SocketAddr, what: &'static str },
}

type ConnectionError = Box<dyn std::error::Error + Send + Sync>;

/// What a listener needs for its connections.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) asker: Asker,
    /// Where clients speak TLS.
    pub(crate) certificate: Option<Arc<Certificate>>,
    pub(crate) life: watch::Receiver<Life>,
    /// For [`Client::open`].
    pub(crate) open: mpsc::Sender<()>,
}

pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            ListenError::Taken { address }
        } else {
            ListenError::Bind { address, source }
        }
    })
}

/// For what only the machine itself may reach.
pub(crate) fn check_loopback(address: SocketAddr, what: &'static str) -> Result<(), ListenError> {
    if address.ip().is_loopback() {
        Ok(())
    } else {
        Err(ListenError::NotLoopback { address, what })
    }
}

/// Takes connections until the process lingers.
pub(crate) async fn accept(listener: TcpListener, entrance: Entrance) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut life = entrance.life.clone();
    loop {
        let accepted = tokio::select! {
            accepted = next(&listener, &permits) => accepted,
            () = reached(&mut life, Life::Lingering) => return,
        };
        match accepted {
            Ok((stream, address, permit)) => {
                tokio::spawn(entrance.clone().serve(stream, address, permit));
            }
            Err(error) => {
                // Out of descriptors, or the client has gone again: neither is a reason to end.
                tracing::warn!(%error, "could not take a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn next(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    Ok((stream, address, permit))
}

impl Entrance {
    async fn serve(self, stream: TcpStream, address: SocketAddr, permit: OwnedSemaphorePermit) {
        let connections = &self.proxy.counters.connections;
        connections.fetch_add(1, Ordering::Relaxed);
        let peer = address.ip().to_canonical().to_string();
        let client = Arc::new(Client {
            asker: self.asker,
            address_header: HeaderValue::from_str(&peer).unwrap_or(HeaderValue::from_static("unknown")),
            address: peer,
            scheme: HeaderValue::from_static(if self.certificate.is_some() { "https" } else { "http" }),
            open: self.open.clone(),
        });
        if let Err(error) = self.secure(stream, &client).await {
            tracing::debug!(error = &*error, %address, "client connection ended");
        }
        connections.fetch_sub(1, Ordering::Relaxed);
        drop(permit);
    }

    async fn secure(&self, stream: TcpStream, client: &Arc<Client>) -> Result<(), ConnectionError> {
        stream.set_nodelay(true)?;
        let Some(certificate) = &self.certificate else {
            return self.connection(stream, client).await;
        };
        let stream = tokio::time::timeout(FIRST_BYTES_LIMIT, certificate.acceptor().accept(stream)).await??;
        self.connection(stream, client).await
    }

    async fn connection<S>(&self, stream: S, client: &Arc<Client>) -> Result<(), ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut life = self.life.clone();
        let detected = tokio::select! {
            detected = tokio::time::timeout(FIRST_BYTES_LIMIT, ClientStream::detect(stream)) => detected,
            () = reached(&mut life, Life::Ending) => return Ok(()),
        };
        let (protocol, stream) = detected??;
        let io = TokioIo::new(stream);
        let (proxy, client) = (self.proxy.clone(), client.clone());
        let service = service_fn(move |request| {
            let (proxy, client) = (proxy.clone(), client.clone());
            async move { Ok::<_, Infallible>(proxy.answer(&client, request).await) }
        });
        match protocol {
            Protocol::Http1 => {
                let connection = http1_builder().serve_connection(io, service).with_upgrades();
                let mut connection = std::pin::pin!(connection);
                tokio::select! {
                    ended = connection.as_mut() => return ended.map_err(Into::into),
                    () = reached(&mut life, Life::Ending) => connection.as_mut().graceful_shutdown(),
                }
                tokio::select! {
                    ended = connection => ended.map_err(Into::into),
                    () = reached(&mut life, Life::Over) => Ok(()),
                }
            }
            Protocol::Http2 => {
                let connection = http2_builder().serve_connection(io, service);
                let mut connection = std::pin::pin!(connection);
                tokio::select! {
                    ended = connection.as_mut() => return ended.map_err(Into::into),
                    () = reached(&mut life, Life::Lingering) => connection.as_mut().graceful_shutdown(),
                }
                tokio::select! {
                    ended = connection => ended.map_err(Into::into),
                    () = reached(&mut life, Life::Over) => Ok(()),
                }
            }
        }
    }
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
}

fn http2_builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20))
        .adaptive_window(true);
    builder
}
