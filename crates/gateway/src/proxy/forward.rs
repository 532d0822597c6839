//! Sending a request to an instance, again where that is safe.
//!
//! A request that was never written may go to any instance again. One that may have been written goes again only if it is
//! idempotent, nothing came back, and its body is still here whole. A connection that was pooled may have been closed by
//! the instance meanwhile; failing on it says nothing about the instance. Only what may have put work on an instance costs
//! budget.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use http::{Method, Request, Response};
use hyper::body::{Incoming, SizeHint};

use super::exchange::Exchange;
use super::header;
use super::upload::{RequestBody, Upload};
use crate::clock;
use crate::protocol::ErrorReason;
use crate::table::{Policy, Protocol};
use crate::upstream::{Busy, CheckoutError, Connection, Instance, Reuse, SendFailure, Slot};

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const ATTEMPTS_MAX: usize = 4;
/// Waits before the second, third and fourth attempt where every instance has been tried.
const PAUSES: [Duration; ATTEMPTS_MAX] = [
    Duration::ZERO,
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(100),
];

/// A request as it is to be sent, as often as needed.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) head: http::request::Parts,
    pub(crate) upload: Option<Upload>,
    pub(crate) size: SizeHint,
    pub(crate) may_retry: bool,
}

/// An instance's answer, with what keeps it in flight.
pub(crate) struct Answered {
    pub(crate) response: Response<Incoming>,
    pub(crate) exchange: Exchange,
}

/// Why an attempt brought no answer.
struct Failure {
    reason: ErrorReason,
    /// The instance may have begun to work on it.
    was_sent: bool,
    /// The connection had been used before, so the instance may have closed it meanwhile.
    was_reused: bool,
    /// Another attempt would fail as well.
    is_final: bool,
}

/// Sends until there is an answer or nothing more may be done. `retried` is called for every attempt after the first.
pub(crate) async fn forward(
    outgoing: &Outgoing,
    slot: &Slot,
    mut busy: Busy,
    policy: &Policy,
    retried: impl Fn(),
) -> Result<Answered, ErrorReason> {
    let is_repeatable = outgoing.is_idempotent();
    let mut reuse = if is_repeatable { Reuse::Freely } else { Reuse::Carefully };
    let mut tried: Vec<Arc<Instance>> = Vec::new();
    slot.load.budget.earn();
    let mut attempt = 0;
    loop {
        let instance = slot.choose(&tried, clock::millis()).ok_or(ErrorReason::NoInstance)?;
        if tried.iter().any(|tried| Arc::ptr_eq(tried, &instance)) {
            tokio::time::sleep(PAUSES[attempt]).await;
        }
        attempt += 1;
        let failure = match outgoing.attempt(&instance, busy, reuse, policy).await {
            Ok(answered) => {
                instance.succeeded();
                return Ok(answered);
            }
            Err((returned, failure)) => {
                busy = returned;
                failure
            }
        };
        if !failure.was_reused && failure.is_of_instance() {
            instance.failed(clock::millis());
        }
        let may_repeat = !failure.is_final && (!failure.was_sent || is_repeatable) && outgoing.is_repeatable();
        let is_free = failure.was_reused || !failure.was_sent;
        if !may_repeat || attempt == ATTEMPTS_MAX || !(is_free || slot.load.budget.spend(clock::millis())) {
            return Err(failure.reason);
        }
        retried();
        if failure.was_reused {
            // Whatever else is pooled may be as dead.
            reuse = Reuse::Never;
        } else {
            tried.push(instance);
        }
    }
}

impl Outgoing {
    async fn attempt(
        &self,
        instance: &Arc<Instance>,
        busy: Busy,
        reuse: Reuse,
        policy: &Policy,
    ) -> Result<Answered, (Busy, Failure)> {
        let connection = match checkout(instance, reuse, policy).await {
            Ok(connection) => connection,
            Err(error) => return Err((busy, connect_failure(&error))),
        };
        let was_reused = connection.is_reused;
        let mut exchange = Exchange::new(busy, instance.clone(), connection, self.upload.clone());
        match exchange.send(self, policy).await {
            Ok(response) => Ok(Answered { response, exchange }),
            Err(failure) => Err((exchange.give_up(), Failure { was_reused, ..failure })),
        }
    }

    fn request(&self, protocol: Protocol) -> Request<RequestBody> {
        let body = match &self.upload {
            None => RequestBody::Empty,
            Some(upload) => RequestBody::Upload(upload.attempt(self.size)),
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.head.uri.clone();
        *request.headers_mut() = self.head.headers.clone();
        match protocol {
            Protocol::Http1 => {}
            Protocol::Http2 => header::to_http2(&mut request),
        }
        request
    }

    /// Whether it may be for something that a page loaded before needs.
    pub(crate) fn is_for_asset(&self) -> bool {
        [Method::GET, Method::HEAD].contains(&self.head.method) && self.upload.is_none()
    }

    /// RFC 9110 §9.2.2, or declared so by the client.
    fn is_idempotent(&self) -> bool {
        let safe = [
            Method::GET,
            Method::HEAD,
            Method::OPTIONS,
            Method::TRACE,
            Method::PUT,
            Method::DELETE,
        ];
        safe.contains(&self.head.method) || self.head.headers.contains_key(IDEMPOTENCY_KEY)
    }

    fn is_repeatable(&self) -> bool {
        self.may_retry && self.upload.as_ref().is_none_or(Upload::is_repeatable)
    }
}

impl Exchange {
    async fn send(&mut self, outgoing: &Outgoing, policy: &Policy) -> Result<Response<Incoming>, Failure> {
        let limit = milliseconds(policy.first_byte_ms);
        let request = outgoing.request(policy.protocol);
        let cut = self.cut().clone();
        let sent = tokio::select! {
            biased;
            sent = self.connection_mut().send(request) => sent,
            () = cut.ended() => return Err(Failure::new(ErrorReason::Drained, true, true)),
            () = silence(outgoing.upload.as_ref(), limit) => {
                return Err(Failure::new(ErrorReason::UpstreamTimeout, true, true).or_of_client(outgoing));
            }
        };
        sent.map_err(|failure| {
            let failure = match failure {
                SendFailure::NotSent => Failure::new(ErrorReason::UpstreamBroken, false, false),
                SendFailure::Sent(error) if error.is_parse() => Failure::new(ErrorReason::UpstreamProtocol, true, true),
                SendFailure::Sent(_) => Failure::new(ErrorReason::UpstreamBroken, true, false),
            };
            failure.or_of_client(outgoing)
        })
    }
}

impl Failure {
    fn new(reason: ErrorReason, was_sent: bool, is_final: bool) -> Self {
        Self {
            reason,
            was_sent,
            was_reused: false,
            is_final,
        }
    }

    /// Blames the client's body where that broke first.
    fn or_of_client(self, outgoing: &Outgoing) -> Self {
        match outgoing.upload.as_ref().and_then(Upload::failure) {
            Some(reason) => Self::new(reason, true, true),
            None => self,
        }
    }

    fn is_of_instance(&self) -> bool {
        [
            ErrorReason::Unreachable,
            ErrorReason::UpstreamTimeout,
            ErrorReason::UpstreamBroken,
            ErrorReason::UpstreamProtocol,
        ]
        .contains(&self.reason)
    }
}

pub(crate) async fn checkout(
    instance: &Arc<Instance>,
    reuse: Reuse,
    policy: &Policy,
) -> Result<Connection, CheckoutError> {
    let limit = milliseconds(policy.connect_ms);
    match policy.protocol {
        Protocol::Http1 => instance.checkout(reuse, limit).await,
        Protocol::Http2 => instance.share(reuse, limit).await,
    }
}

/// Ends when the instance has been silent for `limit` since the last byte that was taken from the client.
async fn silence(upload: Option<&Upload>, limit: Duration) {
    let mut wait = limit;
    loop {
        tokio::time::sleep(wait).await;
        let quiet = upload.map_or(limit, Upload::quiet);
        if quiet >= limit {
            return;
        }
        wait = limit - quiet;
    }
}

fn connect_failure(error: &CheckoutError) -> Failure {
    tracing::debug!(error = error as &dyn std::error::Error, "no connection to instance");
    let reason = match error {
        CheckoutError::Timeout => ErrorReason::UpstreamTimeout,
        CheckoutError::Connect(_) => ErrorReason::Unreachable,
    };
    Failure::new(reason, false, false)
}

pub(crate) fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(u64::from(count))
}
