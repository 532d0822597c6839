//! One request that is mirrored: its own answer is copied as it goes by, then the same is asked again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, RANGE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;

use super::room::Room;
use super::tap::HeldTap;
use super::{Asked, Seen, Shadow};
use crate::clock;
use crate::protocol::{MirroredAnswer, MirroredPair};
use crate::proxy::{IDEMPOTENCY_KEY, RequestBody, Upload, checkout, header};
use crate::routing::Target;
use crate::table::{Policy, Protocol, TenantName};
use crate::upstream::{Instance, Reuse, SendFailure, Slot};

/// What makes an answer depend on what the client has already, or wants only a part of. Mirrored requests go without.
const CONDITIONS: [HeaderName; 6] = [
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
];

/// A request whose own answer is still going by. Dropped before that is complete, it is not mirrored.
#[derive(Debug)]
pub(crate) struct Mirroring(Option<Box<Copied>>);

#[derive(Debug)]
struct Copied {
    repeat: Repeat,
    upload: Option<Upload>,
    answer: Option<(u16, HeaderMap)>,
    body: Vec<u8>,
    is_too_large: bool,
}

/// The request as it is sent again.
#[derive(Debug)]
struct Repeat {
    shadow: Arc<Shadow>,
    tap: Arc<HeldTap>,
    tenant: TenantName,
    head: Parts,
    policy: Policy,
    old: Arc<Slot>,
    new: Target,
    /// The client's own answer cannot be compared with those of mirrored requests, which ask for less.
    asks_twice: bool,
    room: Room,
    _permit: OwnedSemaphorePermit,
}

/// Who is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

impl Mirroring {
    pub(super) fn new(
        shadow: &Arc<Shadow>,
        tap: &Arc<HeldTap>,
        asked: &Asked<'_>,
        target: Target,
        permit: OwnedSemaphorePermit,
        room: Room,
    ) -> Self {
        let mut head = asked.outgoing.head.clone();
        head.extensions.clear();
        let mut asks_twice = false;
        let named = tap.plan.without_headers.iter();
        let named = named.filter_map(|name| HeaderName::try_from(name.as_str()).ok());
        for name in CONDITIONS.into_iter().chain(named) {
            asks_twice |= head.headers.remove(name).is_some();
        }
        head.headers.remove(ACCEPT_ENCODING);
        head.headers.insert(header::SHADOW, HeaderValue::from_static("1"));
        Self(Some(Box::new(Copied {
            repeat: Repeat {
                shadow: shadow.clone(),
                tap: tap.clone(),
                tenant: asked.tenant.clone(),
                head,
                policy: asked.policy,
                old: asked.forward.slot.clone(),
                new: target,
                asks_twice,
                room,
                _permit: permit,
            },
            upload: asked.outgoing.upload.clone(),
            answer: None,
            body: Vec::new(),
            is_too_large: false,
        })))
    }

    /// The head of the client's answer.
    pub(crate) fn answered(&mut self, response: &http::response::Parts) {
        let Some(copied) = &mut self.0 else { return };
        copied.repeat.asks_twice |= response.headers.contains_key(CONTENT_ENCODING);
        copied.answer = Some((response.status.as_u16(), response.headers.clone()));
    }

    /// A piece of it.
    pub(crate) fn copy(&mut self, bytes: &Bytes) {
        let Some(copied) = &mut self.0 else { return };
        copied.is_too_large |= copied.body.len() + bytes.len() > copied.repeat.tap.plan.body_bytes_max;
        if !copied.is_too_large && !copied.repeat.asks_twice {
            copied.body.extend_from_slice(bytes);
        }
    }

    /// The client has all of it: now the same is asked again, by a task that nobody waits for.
    pub(crate) fn complete(mut self) {
        let Some(copied) = self.0.take() else { return };
        let Copied {
            repeat,
            upload,
            answer,
            body,
            is_too_large,
        } = *copied;
        let counts = &repeat.tap.counts;
        let whole = match &upload {
            None => Some(Bytes::new()),
            Some(upload) => upload.whole(),
        };
        let is_long = |upload: &Upload| upload.failure().is_none() && !upload.is_repeatable();
        if is_too_large || upload.as_ref().is_some_and(is_long) {
            counts.too_large.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let (Some((status, headers)), Some(asked)) = (answer, whole) else {
            counts.incomplete.fetch_add(1, Ordering::Relaxed);
            return;
        };
        counts.mirrored.fetch_add(1, Ordering::Relaxed);
        let first = (!repeat.asks_twice).then(|| told(status, &headers, body, None));
        tokio::spawn(repeat.run(first, asked));
    }
}

impl Drop for Mirroring {
    fn drop(&mut self) {
        if let Some(copied) = &self.0 {
            copied.repeat.tap.counts.incomplete.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Repeat {
    async fn run(mut self, first: Option<MirroredAnswer>, body: Bytes) {
        let id = format!("{:016x}", self.shadow.draw());
        let old = match first {
            Some(first) => first,
            None => self.ask(Side::Old, &id, 0, &body).await,
        };
        let (again, new) = (self.ask(Side::Old, &id, 1, &body), self.ask(Side::New, &id, 2, &body));
        // At the same moment, and neither always first.
        let (again, new) = if self.shadow.draw().is_multiple_of(2) {
            join(again, new).await
        } else {
            let (new, again) = join(new, again).await;
            (again, new)
        };
        self.room
            .shrink_to([&old, &new, &again].into_iter().map(size).sum::<usize>());
        let pair = MirroredPair {
            tap: self.tap.id.clone(),
            id,
            tenant: self.tenant,
            method: self.head.method.to_string(),
            path: self.head.uri.path().to_owned(),
            old,
            new,
            again,
        };
        self.shadow.keep(Seen {
            pair,
            tap: self.tap,
            room: self.room,
        });
    }

    async fn ask(&self, side: Side, id: &str, number: u8, body: &Bytes) -> MirroredAnswer {
        let limit = Duration::from_millis(self.tap.plan.timeout_ms);
        match tokio::time::timeout(limit, self.exchange(side, id, number, body)).await {
            Ok(Some(answer)) => answer,
            Ok(None) => MirroredAnswer::Failed { timed_out: false },
            Err(_) => MirroredAnswer::Failed { timed_out: true },
        }
    }

    async fn exchange(&self, side: Side, id: &str, number: u8, body: &Bytes) -> Option<MirroredAnswer> {
        let slot = match side {
            Side::Old => &self.old,
            Side::New => &self.new.slot,
        };
        let chosen = slot.choose(&[], clock::millis())?;
        let instance = self.shadow.instance(chosen.address);
        let is_safe = [Method::GET, Method::HEAD].contains(&self.head.method);
        let first = if is_safe { Reuse::Freely } else { Reuse::Carefully };
        let began_micros = clock::micros();
        for reuse in [first, Reuse::Never] {
            let mut connection = checkout(&instance, reuse, &self.policy).await.ok()?;
            let sent = connection.send(self.request(side, id, number, body)).await;
            // What was pooled may have been closed meanwhile: that says nothing of the instance.
            let may_repeat = connection.is_reused
                && match &sent {
                    Ok(_) => false,
                    Err(SendFailure::NotSent) => true,
                    Err(SendFailure::Sent(_)) => is_safe,
                };
            if may_repeat {
                continue;
            }
            return self.read(sent.ok()?, began_micros, &instance, connection).await;
        }
        None
    }

    /// One that is longer than allowed is told as far as it was read.
    async fn read(
        &self,
        response: Response<Incoming>,
        began_micros: u64,
        instance: &Arc<Instance>,
        connection: crate::upstream::Connection,
    ) -> Option<MirroredAnswer> {
        let (mut head, mut incoming) = response.into_parts();
        let bytes_max = self.tap.plan.body_bytes_max;
        let mut body = Vec::new();
        while let Some(frame) = incoming.frame().await {
            let Ok(bytes) = frame.ok()?.into_data() else { continue };
            let left = bytes_max - body.len();
            body.extend_from_slice(&bytes[..bytes.len().min(left)]);
            if bytes.len() > left {
                break;
            }
        }
        let micros = clock::micros().saturating_sub(began_micros);
        if body.len() < bytes_max {
            instance.checkin(connection);
        }
        header::strip_hop(&mut head.headers);
        head.headers.remove(header::ERROR);
        Some(told(head.status.as_u16(), &head.headers, body, Some(micros)))
    }

    fn request(&self, side: Side, id: &str, number: u8, body: &Bytes) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::Whole(Some(body.clone()).filter(|body| !body.is_empty())));
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.head.uri.clone();
        let mut headers = self.head.headers.clone();
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert(header::SHADOW_ID, id);
        }
        // With the client's own key, the answer would be that of the first time.
        if headers.contains_key(IDEMPOTENCY_KEY)
            && let Ok(key) = HeaderValue::from_str(&format!("shadow-{id}-{number}"))
        {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        match side {
            Side::Old => {}
            Side::New => {
                headers.insert(header::VERSION, self.new.version.header.clone());
            }
        }
        *request.headers_mut() = headers;
        match self.policy.protocol {
            Protocol::Http1 => {}
            Protocol::Http2 => header::to_http2(&mut request),
        }
        request
    }
}

fn told(status: u16, headers: &HeaderMap, body: Vec<u8>, micros: Option<u64>) -> MirroredAnswer {
    let headers = headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    });
    MirroredAnswer::Answered {
        status,
        headers: headers.collect(),
        body: body.into(),
        micros,
    }
}

/// What it takes in memory, roughly.
fn size(answer: &MirroredAnswer) -> usize {
    match answer {
        MirroredAnswer::Answered { headers, body, .. } => {
            let headers = headers.iter().map(|(name, value)| name.len() + value.len());
            headers.sum::<usize>() + body.len()
        }
        MirroredAnswer::Failed { .. } => 0,
    }
}
