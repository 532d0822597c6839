//! One connection to an instance, with exact knowledge of what was sent over it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

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

/// How to end from outside what is under way: the connection's driver, or the tunnel that has taken it over.
#[derive(Debug)]
pub(crate) struct Cut {
    task: OnceLock<AbortHandle>,
    class: AtomicU8,
    /// Process clock in microseconds since when it has been in the pool; 0 while it is used.
    idle_since: AtomicU64,
}

/// An open HTTP/1.1 connection that no other request uses.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: http1::SendRequest<RequestBody>,
    stream: Arc<TcpStream>,
    cut: Arc<Cut>,
    pub(crate) is_reused: bool,
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) enum SendFailure {
    /// Nothing was written.
    NotSent,
    /// Something may have been written, and nothing usable was received.
    Sent(hyper::Error),
}

/// A stream that can be looked at from outside while hyper owns its use.
struct SharedStream(Arc<TcpStream>);

impl Cut {
    pub(crate) fn new(class: Class) -> Self {
        Self {
            task: OnceLock::new(),
            class: AtomicU8::new(class as u8),
            idle_since: AtomicU64::new(0),
        }
    }

    pub(crate) fn set_task(&self, task: AbortHandle) {
        // Set once, by whoever made it.
        let _ = self.task.set(task);
    }

    pub(crate) fn set_class(&self, class: Class) {
        self.class.store(class as u8, Ordering::Relaxed);
    }

    /// Ends it if it is in use for this class.
    pub(crate) fn cut(&self, class: Class) {
        let is_used = self.idle_since.load(Ordering::Relaxed) == 0;
        let task = self
            .task
            .get()
            .filter(|_| is_used && self.class.load(Ordering::Relaxed) == class as u8);
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl Connection {
    /// Opens a connection; the future that drives it runs as a task of its own.
    pub(crate) async fn open(instance: &Arc<Instance>, limit: Duration) -> io::Result<Self> {
        let stream = tokio::time::timeout(limit, TcpStream::connect(instance.address))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let stream = Arc::new(stream);
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(256 * 1024)
            .handshake(TokioIo::new(SharedStream(stream.clone())))
            .await
            .map_err(io::Error::other)?;
        let cut = Arc::new(Cut::new(Class::Request));
        let driven = tokio::spawn(drive(driver, cut.clone(), instance.clone()));
        cut.set_task(driven.abort_handle());
        instance.register(&cut);
        Ok(Self {
            sender,
            stream,
            cut,
            is_reused: false,
        })
    }

    pub(crate) fn cut(&self) -> &Arc<Cut> {
        &self.cut
    }

    /// Sends one request and waits for the head of the answer.
    pub(crate) async fn send(&mut self, request: Request<RequestBody>) -> Result<Response<Incoming>, SendFailure> {
        self.sender
            .try_send_request(request)
            .await
            .map_err(|mut error| match error.take_message() {
                Some(_) => SendFailure::NotSent,
                None => SendFailure::Sent(error.into_error()),
            })
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
        self.sender.is_closed()
    }

    /// Takes it out of rest; false where it cannot take a request any more.
    pub(super) async fn wake(&mut self) -> bool {
        if self.sender.is_closed() || self.is_readable() {
            return false;
        }
        let is_ready = self.sender.is_ready() || self.sender.ready().await.is_ok();
        self.cut.idle_since.store(0, Ordering::Relaxed);
        is_ready
    }

    /// Whether the peer has closed, or has sent what nobody asked for. Asks the kernel, because the news may not have gone
    /// through the driver yet, and a request sent now would be lost.
    fn is_readable(&self) -> bool {
        let mut byte = [0_u8; 1];
        match rustix::net::recv(&*self.stream, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok(_) => true,
            Err(error) => error != rustix::io::Errno::AGAIN,
        }
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

impl AsyncRead for SharedStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(context))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
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
            ready!(self.0.poll_write_ready(context))?;
            match self.0.try_write_vectored(slices) {
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
        let outcome = rustix::net::shutdown(&*self.0, rustix::net::Shutdown::Write);
        Poll::Ready(outcome.map_err(io::Error::from))
    }
}
