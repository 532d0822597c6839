//! One request to a receiver that speaks HTTP, and what its answer means.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use jiff::fmt::rfc2822;
use tidegate_domain::time::Duration;

use super::secret::Revealed;
use super::words::{cut, one_line};
use super::{Outcome, now};
use crate::wire::{Wire, in_words, is_this_machine};

/// More of an answer is not read: it is for a person to look at.
const ANSWER_BYTES_MAX: usize = 4_096;
const ANSWER_CHARACTERS_SHOWN: usize = 200;

/// Nobody keeps an alert back for longer by asking for it.
const PAUSE_MAX: Duration = Duration::from_hours(1);

/// How what is sent may travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Encrypted, or never leaving this machine: it holds something secret.
    Private,
    /// As the address says.
    Open,
}

/// Who is spoken to.
pub(super) struct Receiver<'a> {
    /// As people call it, without anything secret.
    pub name: &'a str,
    /// What its answer may not repeat.
    pub secret: Option<&'a Revealed>,
}

/// An address as it is written. It may be a secret as a whole, and is not repeated.
pub(super) fn address(written: &str, way: Way) -> Result<Uri, String> {
    let none = || "it is no address like `https://host/path`".to_owned();
    let uri: Uri = written.parse().map_err(|_| none())?;
    let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(none());
    };
    if authority.as_str().contains('@') {
        return Err("it holds a name and a password".to_owned());
    }
    let is_clear = uri.scheme_str() == Some("http") && !is_this_machine(authority.host());
    match way {
        Way::Private if is_clear => Err("what is sent there could be read on its way: use `https`".to_owned()),
        Way::Private | Way::Open => Ok(uri),
    }
}

/// A request without a body.
pub(super) fn empty(method: Method, uri: Uri) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let agent = HeaderValue::from_static(concat!("tidegate/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().insert(USER_AGENT, agent);
    request
}

pub(super) fn json(uri: Uri, body: String) -> Request<Full<Bytes>> {
    let mut request = empty(Method::POST, uri);
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, json);
    *request.body_mut() = Full::new(Bytes::from(body));
    request
}

/// Sends it once. Redirections are not followed: where they lead nobody has checked.
pub(super) async fn send(request: Request<Full<Bytes>>, receiver: Receiver<'_>) -> Outcome {
    let name = receiver.name;
    let response = match Wire::default().outcome(request, ANSWER_BYTES_MAX).await {
        Ok(response) => response,
        Err(error) => return Outcome::retry(format!("{name} does not answer: {}", in_words(&error))),
    };
    let status = response.status();
    if status.is_success() {
        return Outcome::Delivered { reference: None };
    }
    let words = String::from_utf8_lossy(response.body()).into_owned();
    let words = receiver
        .secret
        .map_or(words.clone(), |secret| secret.taken_out_of(&words));
    let words = cut(&one_line(&words), ANSWER_CHARACTERS_SHOWN);
    let reason = match words.as_str() {
        "" => format!("{name} answered {status}"),
        words => format!("{name} answered {status}: {words}"),
    };
    if may_go_well_later(status) {
        let after = pause(response.headers());
        return Outcome::Retry { reason, after };
    }
    Outcome::Refused { reason }
}

fn may_go_well_later(status: StatusCode) -> bool {
    let of_now = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status.is_server_error() || of_now.contains(&status)
}

/// How long the receiver asks to be left alone: seconds, or an instant.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = if let Ok(seconds) = asked.parse::<u64>() {
        Duration::from_secs(u32::try_from(seconds).unwrap_or(u32::MAX))
    } else {
        let until = rfc2822::parse(asked).ok()?.timestamp().as_millisecond();
        tidegate_domain::time::Timestamp(until) - now()
    };
    Some(asked.min(PAUSE_MAX))
}

#[cfg(test)]
mod tests;
