//! The body of an answer on its way to the client.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use thiserror::Error;

use super::exchange::{Account, Exchange};
use crate::idle::IdleTimer;
use crate::protocol::ErrorReason;
use crate::shadow::Mirroring;

#[derive(Debug)]
pub(crate) enum AnswerBody {
    Text(Option<Bytes>),
    Download(Box<Download>),
}

/// What an instance sends. The request stays in flight until the last of it.
#[derive(Debug)]
pub(crate) struct Download {
    incoming: Incoming,
    idle: IdleTimer,
    exchange: Option<Exchange>,
    account: Account,
    mirroring: Option<Mirroring>,
}

#[derive(Debug, Error)]
pub(crate) enum DownloadError {
    #[error("could not read the answer of the instance")]
    Read(#[source] hyper::Error),
    #[error("the instance stopped sending its answer")]
    Idle,
    #[error("the drain of the slot is over")]
    Cut,
}

impl AnswerBody {
    /// Forwards a body. One that is empty is complete at once.
    pub(crate) fn download(
        incoming: Incoming,
        idle: Duration,
        exchange: Exchange,
        (account, mirroring): (Account, Option<Mirroring>),
    ) -> Self {
        let mut download = Box::new(Download {
            incoming,
            idle: IdleTimer::new(idle),
            exchange: Some(exchange),
            account,
            mirroring,
        });
        if download.incoming.is_end_stream() {
            download.complete();
        }
        AnswerBody::Download(download)
    }
}

impl Download {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, DownloadError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) else {
            let is_cut = self
                .exchange
                .as_ref()
                .is_some_and(|exchange| exchange.cut().poll_cut(context).is_ready());
            if is_cut {
                self.broke(ErrorReason::Drained);
                return Poll::Ready(Some(Err(DownloadError::Cut)));
            }
            ready!(self.idle.poll_expired(context));
            self.broke(ErrorReason::UpstreamTimeout);
            return Poll::Ready(Some(Err(DownloadError::Idle)));
        };
        self.idle.moved();
        match frame {
            Some(Err(error)) => {
                self.broke(ErrorReason::UpstreamBroken);
                Poll::Ready(Some(Err(DownloadError::Read(error))))
            }
            Some(Ok(frame)) => {
                if let (Some(mirroring), Some(bytes)) = (&mut self.mirroring, frame.data_ref()) {
                    mirroring.copy(bytes);
                }
                if self.incoming.is_end_stream() {
                    self.complete();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                self.complete();
                Poll::Ready(None)
            }
        }
    }

    fn complete(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            exchange.complete();
        }
        if let Some(mirroring) = self.mirroring.take() {
            mirroring.complete();
        }
    }

    fn broke(&mut self, reason: ErrorReason) {
        if self.exchange.take().is_some() {
            self.account.failed(reason);
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = DownloadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, DownloadError>>> {
        match self.get_mut() {
            AnswerBody::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            AnswerBody::Download(download) => download.poll_next(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            AnswerBody::Text(text) => text.is_none(),
            AnswerBody::Download(download) => download.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            AnswerBody::Download(download) => download.incoming.size_hint(),
        }
    }
}
