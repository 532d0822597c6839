//! A request body on its way to an instance. It streams; its first 64 KiB are kept so that they can be sent again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use thiserror::Error;

use crate::idle::IdleTimer;
use crate::protocol::ErrorReason;

/// Longest body that can be sent again.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// The body of one attempt to send a request.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Empty,
    Upload(Attempt),
    /// All of it, of a request that is mirrored; taken when it is sent.
    Whole(Option<Bytes>),
}

/// A request body, which outlives the attempts to send it.
#[derive(Debug, Clone)]
pub(crate) struct Upload(Arc<Mutex<State>>);

/// The upload as one attempt sends it: first what is kept, then what still comes.
#[derive(Debug)]
pub(crate) struct Attempt {
    upload: Upload,
    number: u32,
    position: usize,
    is_ended: bool,
    size: SizeHint,
}

#[derive(Debug)]
struct State {
    incoming: Incoming,
    kept: Vec<Bytes>,
    trailers: Option<HeaderMap>,
    taken_bytes: u64,
    bytes_max: u64,
    is_complete: bool,
    /// The attempt that may read; earlier ones have failed.
    attempts: u32,
    moved_at: Instant,
    idle: IdleTimer,
    failure: Option<ErrorReason>,
}

#[derive(Debug, Error)]
pub(crate) enum UploadError {
    #[error("could not read the request body")]
    Read(#[source] hyper::Error),
    #[error("the client stopped sending its body")]
    Idle,
    #[error("the request body is longer than allowed")]
    TooLarge,
    #[error("the request is sent by a later attempt")]
    Superseded,
}

impl Upload {
    pub(crate) fn new(incoming: Incoming, bytes_max: Option<u64>, idle: Duration) -> Self {
        Self(Arc::new(Mutex::new(State {
            incoming,
            kept: Vec::new(),
            trailers: None,
            taken_bytes: 0,
            bytes_max: bytes_max.unwrap_or(u64::MAX),
            is_complete: false,
            attempts: 0,
            moved_at: Instant::now(),
            idle: IdleTimer::new(idle),
            failure: None,
        })))
    }

    /// The body from its beginning. Ends what an earlier attempt may still be reading.
    pub(crate) fn attempt(&self, size: SizeHint) -> Attempt {
        let mut state = self.lock();
        state.attempts += 1;
        Attempt {
            upload: self.clone(),
            number: state.attempts,
            position: 0,
            is_ended: false,
            size,
        }
    }

    /// Whether everything taken from the client so far is still there.
    pub(crate) fn is_repeatable(&self) -> bool {
        let state = self.lock();
        state.failure.is_none() && state.taken_bytes <= KEPT_BYTES_MAX as u64
    }

    /// Whether the client has sent all of it.
    pub(crate) fn is_complete(&self) -> bool {
        self.lock().is_complete
    }

    /// All of it, where the client has sent it and it is still here.
    pub(crate) fn whole(&self) -> Option<Bytes> {
        let state = self.lock();
        let is_whole = state.is_complete && state.failure.is_none() && state.taken_bytes <= KEPT_BYTES_MAX as u64;
        is_whole.then(|| match state.kept.as_slice() {
            [only] => only.clone(),
            pieces => pieces.concat().into(),
        })
    }

    /// Why the client's side of the exchange failed, where it did.
    pub(crate) fn failure(&self) -> Option<ErrorReason> {
        self.lock().failure
    }

    /// For how long nothing has been taken from the client.
    pub(crate) fn quiet(&self) -> Duration {
        self.lock().moved_at.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) else {
            ready!(self.idle.poll_expired(context));
            return Poll::Ready(Some(self.fail(ErrorReason::ClientTimeout, UploadError::Idle)));
        };
        self.idle.moved();
        self.moved_at = Instant::now();
        let frame = match frame {
            None => {
                self.is_complete = true;
                return Poll::Ready(None);
            }
            Some(Err(error)) => return Poll::Ready(Some(self.fail(ErrorReason::BadRequest, UploadError::Read(error)))),
            Some(Ok(frame)) => frame,
        };
        if let Some(bytes) = frame.data_ref() {
            self.taken_bytes += bytes.len() as u64;
            if self.taken_bytes > self.bytes_max {
                return Poll::Ready(Some(self.fail(ErrorReason::BodyTooLarge, UploadError::TooLarge)));
            }
            if self.taken_bytes <= KEPT_BYTES_MAX as u64 {
                self.kept.push(bytes.clone());
            } else {
                self.kept.clear();
            }
        } else if let Some(trailers) = frame.trailers_ref() {
            self.trailers = Some(trailers.clone());
        }
        self.is_complete = self.incoming.is_end_stream();
        Poll::Ready(Some(Ok(frame)))
    }

    fn fail(&mut self, reason: ErrorReason, error: UploadError) -> Result<Frame<Bytes>, UploadError> {
        self.failure = Some(reason);
        Err(error)
    }
}

impl Attempt {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        if self.is_ended {
            return Poll::Ready(None);
        }
        let mut state = self.upload.lock();
        if state.attempts != self.number {
            return Poll::Ready(Some(Err(UploadError::Superseded)));
        }
        if let Some(bytes) = state.kept.get(self.position) {
            self.position += 1;
            return Poll::Ready(Some(Ok(Frame::data(bytes.clone()))));
        }
        if state.is_complete {
            self.is_ended = true;
            return Poll::Ready(state.trailers.clone().map(|trailers| Ok(Frame::trailers(trailers))));
        }
        let next = state.poll_next(context);
        self.position = state.kept.len();
        self.is_ended = matches!(&next, Poll::Ready(Some(Ok(frame))) if frame.is_trailers());
        next
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        match self.get_mut() {
            RequestBody::Empty => Poll::Ready(None),
            RequestBody::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            RequestBody::Upload(attempt) => attempt.poll_next(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            RequestBody::Empty => true,
            RequestBody::Whole(bytes) => bytes.is_none(),
            RequestBody::Upload(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            RequestBody::Empty => SizeHint::with_exact(0),
            RequestBody::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            RequestBody::Upload(attempt) => attempt.size,
        }
    }
}
