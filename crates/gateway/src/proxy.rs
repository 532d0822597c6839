//! One request after the other: admit, forward, answer.

mod admit;
mod answer;
mod exchange;
mod forward;
pub(crate) mod header;
mod problem;
mod tunnel;
mod upload;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version};
use hyper::body::{Body, Incoming};
use tokio::sync::{mpsc, watch};

use crate::clock;
use crate::counters::Counters;
use crate::life::Life;
use crate::protocol::ErrorReason;
use crate::routing::{Asker, Forward, Routing};
use crate::shadow::{Asked, Mirroring, Shadow};
use crate::table::Policy;
use crate::upstream::Busy;

use admit::{Admission, Admitted};
use exchange::Account;
use forward::{Answered, forward, milliseconds};
use tunnel::Upgrade;

pub(crate) use answer::AnswerBody;
pub(crate) use forward::{IDEMPOTENCY_KEY, Outgoing, checkout};
pub(crate) use problem::problem;
pub(crate) use upload::{RequestBody, Upload};

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) routing: Arc<Routing>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) shadow: Arc<Shadow>,
    pub(crate) life: watch::Receiver<Life>,
    pub(crate) may_retry: bool,
}

/// The client at the other end of a connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) asker: Asker,
    pub(crate) address: String,
    /// The same, for `x-forwarded-for`.
    pub(crate) address_header: HeaderValue,
    pub(crate) scheme: HeaderValue,
    /// Held by everything of this client that must have ended before the process may.
    pub(crate) open: mpsc::Sender<()>,
}

impl Proxy {
    /// Answers one request. What goes wrong becomes an answer.
    ///
    /// The connection is closed after a request that was ambiguous, and after one that asked in vain for another protocol,
    /// because the strict reader of requests has stopped reading there.
    pub(crate) async fn answer(&self, client: &Client, request: Request<Incoming>) -> Response<AnswerBody> {
        let is_http1 = request.version() != Version::HTTP_2;
        let wants_upgrade = request.headers().contains_key(UPGRADE);
        let served = self.serve(client, request).await;
        let is_bad = served.as_ref().is_err_and(|reason| *reason == ErrorReason::BadRequest);
        let mut response = served.unwrap_or_else(problem);
        let is_upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let is_lingering = *self.life.borrow() >= Life::Lingering;
        if is_http1 && !is_upgraded && (is_lingering || is_bad || wants_upgrade) {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn serve(
        &self,
        client: &Client,
        mut request: Request<Incoming>,
    ) -> Result<Response<AnswerBody>, ErrorReason> {
        let began_micros = clock::micros();
        let upgrade = hyper::upgrade::on(&mut request);
        let (head, incoming) = request.into_parts();
        let host = header::check(&head)
            .and_then(|()| header::host(&head))
            .inspect_err(|reason| self.counters.refused(*reason))?;
        let upgrade = header::upgrade(&head).map(|protocol| Upgrade {
            protocol,
            client: upgrade,
            open: client.open.clone(),
        });
        let admitted = match self.admit(&head, &host, client).await? {
            Admission::Forward(admitted) => admitted,
            Admission::Maintenance { retry_after_s, message } => {
                return Ok(problem::maintenance(&head.headers, retry_after_s, &message));
            }
            Admission::Closed(closed, snapshot) => {
                let declared = snapshot.table.answers.of(closed);
                return Ok(problem::closed(&head.headers, closed, declared));
            }
            Admission::Unknown(snapshot) => {
                let declared = snapshot.table.answers.unknown.as_ref();
                return Ok(problem::unknown(&head.headers, declared));
            }
        };
        let account = Account::open(admitted.tenant.series.clone(), admitted.client, began_micros);
        let policy = admitted.policy;
        let mut outgoing = outgoing(head, incoming, client, &admitted, upgrade.as_ref());
        outgoing.may_retry = self.may_retry;
        let asked = Asked {
            outgoing: &outgoing,
            forward: &admitted.forward,
            tenant: &admitted.tenant.series.key.tenant,
            policy,
            asker: client.asker,
        };
        let mirroring = self.shadow.begin(&asked, &self.routing);
        let delivered = match self.ask(&outgoing, admitted.forward, admitted.busy, &policy).await {
            Ok(answered) => self.deliver(answered, (account, mirroring), &policy, upgrade),
            Err(reason) => Err((reason, account)),
        };
        delivered.map_err(|(reason, account)| {
            account.failed(reason);
            reason
        })
    }

    /// Gets an answer from the slot, or an asset from the slot before where this one has none.
    async fn ask(
        &self,
        outgoing: &Outgoing,
        to: Forward,
        busy: Busy,
        policy: &Policy,
    ) -> Result<Answered, ErrorReason> {
        if policy
            .request_bytes
            .is_some_and(|bytes_max| outgoing.size.lower() > bytes_max)
        {
            return Err(ErrorReason::BodyTooLarge);
        }
        let retried = || {
            self.counters.retries.fetch_add(1, Ordering::Relaxed);
        };
        let answered = forward(outgoing, &to.slot, busy, policy, retried).await?;
        let is_missing = answered.response.status() == StatusCode::NOT_FOUND && outgoing.is_for_asset();
        let Some(before) = to.assets_from.filter(|_| is_missing) else {
            return Ok(answered);
        };
        // Without the slot before, as with an older table, the first answer stands.
        let Some(busy) = self.routing.enter(to.serial, &before) else {
            return Ok(answered);
        };
        match forward(outgoing, &before, busy, policy, retried).await {
            Ok(asset) if has_asset(&asset) => {
                self.counters.assets_from_before.fetch_add(1, Ordering::Relaxed);
                Ok(asset)
            }
            Ok(_) | Err(_) => Ok(answered),
        }
    }

    /// Makes an instance's answer the client's.
    fn deliver(
        &self,
        answered: Answered,
        (account, mirroring): (Account, Option<Mirroring>),
        policy: &Policy,
        upgrade: Option<Upgrade>,
    ) -> Result<Response<AnswerBody>, (ErrorReason, Account)> {
        let Answered {
            mut response,
            mut exchange,
        } = answered;
        response.headers_mut().remove(header::ERROR);
        let is_switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if is_switching && upgrade.is_none() {
            return Err((ErrorReason::UpstreamProtocol, account));
        }
        account.answered(response.status());
        let is_stream = is_switching || is_stream(response.headers());
        let idle = if is_stream {
            policy.stream_idle_ms
        } else {
            policy.body_idle_ms
        };
        let idle = milliseconds(idle);
        if is_stream {
            exchange.becomes_stream();
        }
        if let Some(upgrade) = upgrade.filter(|_| is_switching) {
            let instance = hyper::upgrade::on(&mut response);
            let switching = switching(response.headers(), &upgrade.protocol);
            tunnel::open(upgrade, instance, exchange, account, idle, self.life.clone());
            return Ok(switching);
        }
        let (mut head, incoming) = response.into_parts();
        header::strip_hop(&mut head.headers);
        head.version = Version::HTTP_11;
        let mut mirroring = mirroring.filter(|_| !is_stream);
        if let Some(mirroring) = &mut mirroring {
            mirroring.answered(&head);
        }
        Ok(Response::from_parts(
            head,
            AnswerBody::download(incoming, idle, exchange, (account, mirroring)),
        ))
    }
}

/// The request as the instance gets it.
fn outgoing(
    mut head: Parts,
    incoming: Incoming,
    client: &Client,
    admitted: &Admitted,
    upgrade: Option<&Upgrade>,
) -> Outgoing {
    let host = match head.uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => head.headers.get(HOST).cloned(),
    };
    let headers = &mut head.headers;
    header::strip_request(headers, client.asker, admitted.forward.sources.headers());
    if let Some(host) = host {
        headers.insert(header::FORWARDED_HOST, host.clone());
        headers.insert(HOST, host);
    }
    headers.insert(header::TENANT, admitted.tenant.header.clone());
    headers.insert(header::VERSION, admitted.forward.version.header.clone());
    headers.insert(header::FORWARDED_PROTO, client.scheme.clone());
    append_forwarded_for(headers, client);
    if let Some(upgrade) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, upgrade.protocol.clone());
    }
    head.uri = origin_form(&head.uri, admitted.forward.stripped);
    let size = incoming.size_hint();
    let idle = milliseconds(admitted.policy.body_idle_ms);
    let upload = (!incoming.is_end_stream()).then(|| Upload::new(incoming, admitted.policy.request_bytes, idle));
    Outgoing {
        head,
        upload,
        size,
        may_retry: true,
    }
}

fn has_asset(answered: &Answered) -> bool {
    let status = answered.response.status();
    status.is_success() || status == StatusCode::NOT_MODIFIED
}

/// Streams may be silent for longer, and have a drain deadline of their own.
fn is_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    content_type.starts_with(b"text/event-stream") || content_type.starts_with(b"application/grpc")
}

fn switching(from_instance: &HeaderMap, protocol: &HeaderValue) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Text(None));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let mut headers = from_instance.clone();
    header::strip_hop(&mut headers);
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol.clone());
    *response.headers_mut() = headers;
    response
}

fn append_forwarded_for(headers: &mut HeaderMap, client: &Client) {
    let before = headers.get(header::FORWARDED_FOR).and_then(|value| value.to_str().ok());
    let chain = before.and_then(|before| HeaderValue::from_str(&format!("{before}, {}", client.address)).ok());
    headers.insert(
        header::FORWARDED_FOR,
        chain.unwrap_or_else(|| client.address_header.clone()),
    );
}

/// Path and query alone, without the bytes that named the tenant.
fn origin_form(uri: &Uri, stripped: usize) -> Uri {
    let Some(target) = uri.path_and_query() else {
        return Uri::from_static("/");
    };
    if stripped == 0 {
        return Uri::from(target.clone());
    }
    let rest = &target.as_str()[stripped..];
    let rest = if rest.starts_with('/') {
        rest.to_owned()
    } else {
        format!("/{rest}")
    };
    rest.parse().unwrap_or_else(|_| Uri::from_static("/"))
}
