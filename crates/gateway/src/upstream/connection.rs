//! One connection to an instance, with exact knowledge of what was sent over it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::pool::Instance;
use crate::clock;
use crate::proxy::RequestBody;

/// What a connection is used for; the two classes have drain deadlines of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Class {
    Request = 0,
    /// An event stream or an upgraded connection.
    Stream = 1,
}

/// How to end from outside what is under way. Whoever uses the connection waits for it beside everything else.
#[derive(Debug)]
pub(crate) struct Cut {
    class: AtomicU8,
    is_cut: AtomicBool,
    waker: AtomicWaker,
    /// Process clock in microseconds since when the connection has been in the pool; 0 while it is used.
    idle_since: AtomicU64,
}

/// What one request is sent over.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: Sender,
    cut: Arc<Cut>,
    pub(crate) is_reused: bool,
}

#[derive(Debug)]
enum Sender {
    /// Nobody else uses it.
    Http1 {
        sender: http1::SendRequest<RequestBody>,
        stream: Arc<OwnedWriteHalf>,
    },
    /// Shared with all other requests to the instance.
    Http2(http2::SendRequest<RequestBody>),
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) enum SendFailure {
    /// Nothing was written.
    NotSent,
    /// Something may have been written, and nothing usable was received.
    Sent(hyper::Error),
}

/// A stream that can be looked at from outside while hyper owns its use. Reading goes through a half, because that knows
/// when the kernel has no more, and does not ask it again.
struct SharedStream {
    read: OwnedReadHalf,
    write: Arc<OwnedWriteHalf>,
}

impl Cut {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            class: AtomicU8::new(Class::Request as u8),
            is_cut: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            idle_since: AtomicU64::new(0),
        })
    }

    pub(crate) fn set_class(&self, class: Class) {
        self.class.store(class as u8, Ordering::Relaxed);
    }

    /// Ends what is under way, if it is of this class.
    pub(super) fn cut(&self, class: Class) {
        let is_used = self.idle_since.load(Ordering::Relaxed) == 0;
        if is_used && self.class.load(Ordering::Relaxed) == class as u8 {
            self.is_cut.store(true, Ordering::Release);
            self.waker.wake();
        }
    }

    /// Ready once it is cut.
    pub(crate) fn poll_cut(&self, context: &mut Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        if self.is_cut.load(Ordering::Acquire) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Waits until it is cut.
    pub(crate) async fn ended(&self) {
        poll_fn(|context| self.poll_cut(context)).await;
    }
}

impl Connection {
    /// Opens an HTTP/1.1 connection; the future that drives it runs as a task of its own.
    pub(super) async fn open(instance: &Arc<Instance>, limit: Duration) -> io::Result<Self> {
        let (read, write) = connect(instance, limit).await?.into_split();
        let stream = Arc::new(write);
        let shared = SharedStream {
            read,
            write: stream.clone(),
        };
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(256 * 1024)
            .handshake(TokioIo::new(shared))
            .await
            .map_err(io::Error::other)?;
        let connection = Self {
            sender: Sender::Http1 { sender, stream },
            cut: Cut::new(),
            is_reused: false,
        };
        tokio::spawn(drive(driver, connection.cut.clone(), instance.clone()));
        instance.register(&connection.cut);
        Ok(connection)
    }

    /// One request's share of an HTTP/2 connection.
    pub(super) fn share(instance: &Instance, sender: http2::SendRequest<RequestBody>, is_reused: bool) -> Self {
        let connection = Self {
            sender: Sender::Http2(sender),
            cut: Cut::new(),
            is_reused,
        };
        instance.register(&connection.cut);
        connection
    }

    pub(crate) fn cut(&self) -> &Arc<Cut> {
        &self.cut
    }

    /// Sends one request and waits for the head of the answer.
    pub(crate) async fn send(&mut self, request: Request<RequestBody>) -> Result<Response<Incoming>, SendFailure> {
        let sent = match &mut self.sender {
            Sender::Http1 { sender, .. } => sender.try_send_request(request).await,
            Sender::Http2(sender) => {
                sender.ready().await.map_err(|_| SendFailure::NotSent)?;
                sender.try_send_request(request).await
            }
        };
        sent.map_err(|mut error| match error.take_message() {
            Some(_) => SendFailure::NotSent,
            None => SendFailure::Sent(error.into_error()),
        })
    }

    /// Whether it may be pooled after an exchange.
    pub(super) fn is_poolable(&self) -> bool {
        let is_cut = self.cut.is_cut.load(Ordering::Acquire);
        match &self.sender {
            Sender::Http1 { sender, .. } => !sender.is_closed() && !is_cut,
            Sender::Http2(_) => false,
        }
    }

    /// Marks it as pooled from now on.
    pub(super) fn rest(&mut self) {
        self.cut.set_class(Class::Request);
        self.is_reused = true;
        self.cut.idle_since.store(clock::micros().max(1), Ordering::Relaxed);
    }

    /// For how long it has been pooled.
    pub(super) fn idle(&self) -> Duration {
        Duration::from_micros(clock::micros().saturating_sub(self.cut.idle_since.load(Ordering::Relaxed)))
    }

    pub(super) fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1 { sender, .. } => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// Takes it out of rest; false where it cannot take a request any more.
    pub(super) async fn wake(&mut self) -> bool {
        let Sender::Http1 { sender, stream } = &mut self.sender else {
            return true;
        };
        if sender.is_closed() || is_readable(stream.as_ref().as_ref()) {
            return false;
        }
        let is_ready = sender.is_ready() || sender.ready().await.is_ok();
        self.cut.idle_since.store(0, Ordering::Relaxed);
        is_ready
    }
}

/// Opens an HTTP/2 connection to be shared.
pub(super) async fn open_http2(instance: &Instance, limit: Duration) -> io::Result<http2::SendRequest<RequestBody>> {
    let stream = connect(instance, limit).await?;
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).adaptive_window(true);
    let handshake = tokio::time::timeout(limit, builder.handshake(TokioIo::new(stream)));
    let (sender, driver) = handshake.await.map_err(io::Error::from)?.map_err(io::Error::other)?;
    let address = instance.address;
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(%error, %address, "HTTP/2 connection to instance ended");
        }
    });
    Ok(sender)
}

async fn connect(instance: &Instance, limit: Duration) -> io::Result<TcpStream> {
    let stream = tokio::time::timeout(limit, TcpStream::connect(instance.address))
        .await
        .map_err(io::Error::from)??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether the peer has closed, or has sent what nobody asked for. Asks the kernel, because the news may not have gone
/// through the driver yet, and a request sent now would be lost.
fn is_readable(stream: &TcpStream) -> bool {
    let mut byte = [0_u8; 1];
    match rustix::net::recv(stream, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok(_) => true,
        Err(error) => error != rustix::io::Errno::AGAIN,
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // What we close ourselves says nothing about the instance's own limit.
        self.cut.idle_since.store(0, Ordering::Relaxed);
    }
}

async fn drive(driver: http1::Connection<TokioIo<SharedStream>, RequestBody>, cut: Arc<Cut>, instance: Arc<Instance>) {
    if let Err(error) = driver.with_upgrades().await {
        tracing::debug!(%error, address = %instance.address, "connection to instance ended");
    }
    let idle_since = cut.idle_since.load(Ordering::Relaxed);
    if idle_since != 0 {
        instance.learn_idle_limit(Duration::from_micros(clock::micros().saturating_sub(idle_since)));
    }
}

impl SharedStream {
    fn stream(&self) -> &TcpStream {
        self.read.as_ref()
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(context, buffer)
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream().poll_write_ready(context))?;
            match self.write.try_write_vectored(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = rustix::net::shutdown(self.stream(), rustix::net::Shutdown::Write);
        Poll::Ready(outcome.map_err(io::Error::from))
    }
}
