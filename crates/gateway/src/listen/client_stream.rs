//! The client's side of a connection: which protocol it speaks, and an end for clients that do not read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::strict::Framing;
use crate::idle::IdleTimer;

/// How HTTP/2 begins (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A client that takes nothing of an answer for this long is given up.
const WRITE_LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

#[derive(Debug)]
pub(super) struct ClientStream<S> {
    stream: S,
    /// Bytes that were read to detect the protocol and belong to the first request.
    begun: Vec<u8>,
    /// For HTTP/1.1.
    framing: Option<Framing>,
    write: IdleTimer,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ClientStream<S> {
    /// Reads as many bytes as the decision takes.
    pub(super) async fn detect(mut stream: S) -> io::Result<(Protocol, Self)> {
        let mut begun = Vec::with_capacity(PREFACE.len());
        let protocol = loop {
            let before = begun.len();
            let left = (PREFACE.len() - before) as u64;
            if (&mut stream).take(left).read_buf(&mut begun).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if begun[before..] != PREFACE[before..begun.len()] {
                break Protocol::Http1;
            }
            if begun.len() == PREFACE.len() {
                break Protocol::Http2;
            }
        };
        let stream = Self {
            stream,
            begun,
            framing: (protocol == Protocol::Http1).then(Framing::new),
            write: IdleTimer::new(WRITE_LIMIT),
        };
        Ok((protocol, stream))
    }

    fn limit<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            ready!(self.write.poll_expired(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.write.moved();
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.begun.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        } else {
            let count = self.begun.len().min(buffer.remaining());
            buffer.put_slice(&self.begun[..count]);
            self.begun.drain(..count);
        }
        if let Some(framing) = &mut self.framing {
            framing.follow(&mut buffer.filled_mut()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.limit(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.limit(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
