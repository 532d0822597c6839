//! An upgraded connection: bytes both ways until one side ends, falls silent, or the drain is over.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderValue;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::sync::{mpsc, watch};

use super::exchange::{Account, Exchange};
use crate::clock;
use crate::life::{Life, reached};
use crate::protocol::ErrorReason;

/// How a client takes part in a change of protocol it asked for.
pub(crate) struct Upgrade {
    pub(crate) protocol: HeaderValue,
    pub(crate) client: OnUpgrade,
    /// See [`super::Client::open`].
    pub(crate) open: mpsc::Sender<()>,
}

/// Notes when bytes last moved in either direction.
struct Watched {
    upgraded: TokioIo<Upgraded>,
    moved_micros: Arc<AtomicU64>,
}

/// Connects both sides as soon as both have changed protocol. Runs as a task of its own.
pub(crate) fn open(
    upgrade: Upgrade,
    instance: OnUpgrade,
    exchange: Exchange,
    account: Account,
    idle: Duration,
    mut life: watch::Receiver<Life>,
) {
    tokio::spawn(async move {
        let _open = upgrade.open;
        tokio::select! {
            ended = carry(upgrade.client, instance, idle) => match ended {
                Ok(()) => {}
                Err(error) => tracing::debug!(%error, "tunnel ended"),
            },
            () = exchange.cut().ended() => account.failed(ErrorReason::Drained),
            () = reached(&mut life, Life::Over) => {}
        }
    });
}

async fn carry(client: OnUpgrade, instance: OnUpgrade, idle: Duration) -> io::Result<()> {
    let (client, instance) =
        tokio::try_join!(client, instance).map_err(|error| io::Error::other(format!("no upgrade: {error}")))?;
    let moved_micros = Arc::new(AtomicU64::new(clock::micros()));
    let mut client = Watched {
        upgraded: TokioIo::new(client),
        moved_micros: moved_micros.clone(),
    };
    let mut instance = TokioIo::new(instance);
    tokio::select! {
        copied = copy_bidirectional(&mut client, &mut instance) => copied.map(|_| ()),
        () = silence(&moved_micros, idle) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn silence(moved_micros: &AtomicU64, limit: Duration) {
    let mut wait = limit;
    loop {
        tokio::time::sleep(wait).await;
        let quiet = Duration::from_micros(clock::micros().saturating_sub(moved_micros.load(Ordering::Relaxed)));
        if quiet >= limit {
            return;
        }
        wait = limit - quiet;
    }
}

impl Watched {
    fn stream(&mut self) -> Pin<&mut TokioIo<Upgraded>> {
        Pin::new(&mut self.upgraded)
    }

    fn moved<T>(&self, outcome: &Poll<T>) {
        if outcome.is_ready() {
            self.moved_micros.store(clock::micros(), Ordering::Relaxed);
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = self.stream().poll_read(context, buffer);
        self.moved(&outcome);
        outcome
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = self.stream().poll_write(context, bytes);
        self.moved(&outcome);
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}
