//! Headers: which are the gateway's own, which end at every hop, and what an instance is told.

use std::borrow::Cow;

use http::header::{
    CONNECTION, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{Request, Uri};

use crate::protocol::ErrorReason;
use crate::routing::Asker;

/// The tenant, set by the gateway for the service, and taken from components on the internal listener.
pub(crate) const TENANT: HeaderName = HeaderName::from_static("x-tidegate-tenant");
/// The key of the version, set and taken likewise.
pub(crate) const VERSION: HeaderName = HeaderName::from_static("x-tidegate-version");
/// A request that was mirrored: its answer is compared and given to nobody. From components it is passed on, so that what they call knows it, too.
pub(crate) const SHADOW: HeaderName = HeaderName::from_static("x-tidegate-shadow");
/// The same for all that a request was mirrored to.
pub(crate) const SHADOW_ID: HeaderName = HeaderName::from_static("x-tidegate-shadow-id");
pub(crate) const PREVIEW: HeaderName = HeaderName::from_static(crate::preview::PREVIEW_HEADER);
/// Why the gateway answered itself.
pub(crate) const ERROR: HeaderName = HeaderName::from_static("x-tidegate-error");
pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(crate) const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const OWN_PREFIX: &str = "x-tidegate-";

/// The host a request is for: one, and the same in request line and header. In lower case, without port.
pub(crate) fn host(head: &Parts) -> Result<Cow<'_, str>, ErrorReason> {
    let mut named = head.headers.get_all(HOST).iter();
    let header = named
        .next()
        .map(HeaderValue::to_str)
        .transpose()
        .map_err(|_| ErrorReason::BadRequest)?;
    if named.next().is_some() {
        return Err(ErrorReason::BadRequest);
    }
    let authority = head.uri.authority().map(Authority::as_str);
    let host = match (authority, header) {
        (Some(authority), Some(header)) if !authority.eq_ignore_ascii_case(header) => {
            return Err(ErrorReason::BadRequest);
        }
        (Some(host), _) | (None, Some(host)) => host,
        // HTTP/1.0 may leave it out.
        (None, None) if head.version == http::Version::HTTP_10 => "",
        (None, None) => return Err(ErrorReason::BadRequest),
    };
    if host.contains('@') {
        return Err(ErrorReason::BadRequest);
    }
    let host = without_port(host).trim_end_matches('.');
    let is_lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
    Ok(if is_lower {
        host.into()
    } else {
        host.to_ascii_lowercase().into()
    })
}

/// Refuses what two readers could understand in two ways.
pub(crate) fn check(head: &Parts) -> Result<(), ErrorReason> {
    if head.method == http::Method::CONNECT {
        return Err(ErrorReason::BadRequest);
    }
    let mut encodings = head.headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(encoding) = encodings.next() {
        let is_chunked = encoding.as_bytes().eq_ignore_ascii_case(b"chunked");
        if !is_chunked || encodings.next().is_some() {
            return Err(ErrorReason::BadRequest);
        }
    }
    // A service that resolves `..` itself would see another path, and so perhaps another tenant, than the gateway.
    match head.uri.path().split('/').any(is_dot_segment) {
        true => Err(ErrorReason::BadRequest),
        false => Ok(()),
    }
}

/// The protocol a request wants to change to, where it says so properly.
pub(crate) fn upgrade(head: &Parts) -> Option<HeaderValue> {
    let is_upgrade = head.version == http::Version::HTTP_11
        && tokens(&head.headers).any(|token| token.eq_ignore_ascii_case("upgrade"));
    let protocol = head.headers.get(UPGRADE).filter(|_| is_upgrade)?;
    (!protocol.as_bytes().eq_ignore_ascii_case(b"h2c")).then(|| protocol.clone())
}

/// Takes off what ends at this hop, in either direction.
pub(crate) fn strip_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = tokens(headers).filter_map(|token| token.parse().ok()).collect();
        for name in named {
            // These two carry what gRPC needs end to end.
            if name != TE && name != TRAILER {
                headers.remove(name);
            }
        }
        headers.remove(CONNECTION);
    }
    for name in [&KEEP_ALIVE, &PROXY_CONNECTION, &TRANSFER_ENCODING, &UPGRADE] {
        headers.remove(name);
    }
}

/// Makes a client's headers those of a request to an instance. What is to be told is added by the caller.
pub(crate) fn strip_request<'a>(headers: &mut HeaderMap, asker: Asker, declared: impl Iterator<Item = &'a HeaderName>) {
    strip_hop(headers);
    headers.remove(EXPECT);
    headers.remove(HTTP2_SETTINGS);
    let takes_trailers = headers
        .get_all(TE)
        .iter()
        .any(|value| value.as_bytes().eq_ignore_ascii_case(b"trailers"));
    headers.remove(TE);
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    match asker {
        Asker::Client => declared.for_each(|name| drop(headers.remove(name))),
        Asker::Component => {}
    }
    let is_passed_on = |name: &HeaderName| match asker {
        Asker::Client => *name == PREVIEW,
        Asker::Component => [PREVIEW, SHADOW, SHADOW_ID].contains(name),
    };
    let own: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(OWN_PREFIX) && !is_passed_on(name))
        .cloned()
        .collect();
    for name in own {
        headers.remove(name);
    }
}

/// HTTP/2 names the host in the target, and has no connections to speak of.
pub(crate) fn to_http2<B>(request: &mut Request<B>) {
    let headers = request.headers_mut();
    headers.remove(CONNECTION);
    headers.remove(UPGRADE);
    let host = headers.remove(HOST);
    let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut target = std::mem::take(request.uri_mut()).into_parts();
    target.scheme = Some(Scheme::HTTP);
    target.authority = Some(authority.unwrap_or_else(|| Authority::from_static("localhost")));
    *request.uri_mut() = Uri::from_parts(target).unwrap_or_default();
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

fn is_dot_segment(segment: &str) -> bool {
    if segment.len() > 6 || !segment.starts_with(['.', '%']) {
        return false;
    }
    matches!(segment.replace("%2e", ".").replace("%2E", ".").as_str(), "." | "..")
}
