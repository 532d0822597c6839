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

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
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
}

/// An instance's answer, with what keeps it in flight.
pub(crate) struct Answered {
    pub(crate) response: Response<Incoming>,
    pub(crate) exchange: Exchange,
}

/// What one attempt came to.
enum Outcome {
    Answered(Box<Response<Incoming>>),
    Failed {
        reason: ErrorReason,
        was_sent: bool,
        is_final: bool,
    },
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
        let (failed, was_reused) = match checkout(&instance, reuse, policy).await {
            Err(error) => (connect_failure(&error), false),
            Ok(connection) => {
                let was_reused = connection.is_reused;
                let mut exchange = Exchange::new(busy, instance.clone(), connection, outgoing.upload.clone());
                match exchange.send(outgoing, policy).await {
                    Outcome::Answered(response) => {
                        instance.succeeded();
                        return Ok(Answered {
                            response: *response,
                            exchange,
                        });
                    }
                    failed @ Outcome::Failed { .. } => {
                        busy = exchange.give_up();
                        (failed, was_reused)
                    }
                }
            }
        };
        let Outcome::Failed {
            reason,
            was_sent,
            is_final,
        } = failed
        else {
            continue;
        };
        if !was_reused && is_of_instance(reason) {
            instance.failed(clock::millis());
        }
        let may_repeat = !is_final && (!was_sent || is_repeatable) && outgoing.is_repeatable();
        let may_retry = may_repeat
            && attempt < ATTEMPTS_MAX
            && (was_reused || !was_sent || slot.load.budget.spend(clock::millis()));
        if !may_retry {
            return Err(reason);
        }
        retried();
        if was_reused {
            // Whatever else is pooled may be as dead.
            reuse = Reuse::Never;
        } else {
            tried.push(instance);
        }
    }
}

impl Outgoing {
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
        self.upload.as_ref().is_none_or(Upload::is_repeatable)
    }
}

impl Exchange {
    /// One attempt.
    async fn send(&mut self, outgoing: &Outgoing, policy: &Policy) -> Outcome {
        let limit = milliseconds(policy.first_byte_ms);
        let request = outgoing.request(policy.protocol);
        let cut = self.cut().clone();
        let sent = tokio::select! {
            biased;
            sent = self.connection_mut().send(request) => sent,
            () = cut.ended() => return Outcome::Failed { reason: ErrorReason::Drained, was_sent: true, is_final: true },
            () = silence(outgoing.upload.as_ref(), limit) => {
                return failure(outgoing, ErrorReason::UpstreamTimeout, true, true);
            }
        };
        match sent {
            Ok(response) => Outcome::Answered(Box::new(response)),
            Err(SendFailure::NotSent) => failure(outgoing, ErrorReason::UpstreamBroken, false, false),
            Err(SendFailure::Sent(error)) if error.is_parse() => {
                failure(outgoing, ErrorReason::UpstreamProtocol, true, true)
            }
            Err(SendFailure::Sent(_)) => failure(outgoing, ErrorReason::UpstreamBroken, true, false),
        }
    }
}

/// A failure, blamed on the client's body where that broke.
fn failure(outgoing: &Outgoing, reason: ErrorReason, was_sent: bool, is_final: bool) -> Outcome {
    let by_client = outgoing.upload.as_ref().and_then(Upload::failure);
    Outcome::Failed {
        reason: by_client.unwrap_or(reason),
        was_sent,
        is_final: is_final || by_client.is_some(),
    }
}

fn is_of_instance(reason: ErrorReason) -> bool {
    [
        ErrorReason::Unreachable,
        ErrorReason::UpstreamTimeout,
        ErrorReason::UpstreamBroken,
        ErrorReason::UpstreamProtocol,
    ]
    .contains(&reason)
}

async fn checkout(instance: &Arc<Instance>, reuse: Reuse, policy: &Policy) -> Result<Connection, CheckoutError> {
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

fn connect_failure(error: &CheckoutError) -> Outcome {
    tracing::debug!(error = error as &dyn std::error::Error, "no connection to instance");
    let reason = match error {
        CheckoutError::Timeout => ErrorReason::UpstreamTimeout,
        CheckoutError::Connect(_) => ErrorReason::Unreachable,
    };
    Outcome::Failed {
        reason,
        was_sent: false,
        is_final: false,
    }
}

pub(crate) fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(u64::from(count))
}
