//! The gate `http`: an answer that is as expected passes. It asks each new instance of a component, or an address outside.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::ComponentName;
use tidegate_domain::release::SecretReference;
use tidegate_domain::time::Duration as Span;
use tokio::time::{Instant, sleep, timeout};

use super::expectation::{self, Expectation, shown};
use super::{Gate, Running, Target, told};
use crate::drivers::process::reveal;
use crate::wire::{Wire, in_words, is_this_machine};

pub const GATE: Gate = Gate {
    name: "http",
    validate: |with| read(with).map(|_| ()),
    run,
};

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1_000_000;
/// What is longer is no request of a check.
const BODY_BYTES_MAX: usize = 100_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    /// Every new instance of this component of the wave's cells is asked.
    #[serde(default)]
    component: Option<ComponentName>,
    /// Of the component.
    #[serde(default)]
    path: Option<String>,
    /// Asked instead of the component, once.
    #[serde(default)]
    url: Option<String>,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    /// Sent as `authorization: Bearer ..`; only where its value is found.
    #[serde(default)]
    token: Option<SecretReference>,
    /// Statuses that are right; any of 200 to 299 where none is said.
    #[serde(default)]
    status: Vec<u16>,
    /// What the answer has to say as JSON.
    #[serde(default)]
    expect: Vec<Expectation>,
    /// For one answer.
    #[serde(default = "ten_seconds")]
    timeout: Span,
    /// Whoever does not answer as expected is asked again, every second, for so long.
    #[serde(default = "not_again")]
    retry_for: Span,
}

/// Who is asked, and as what.
struct Question {
    /// As it is shown.
    whom: String,
    uri: Uri,
    /// A failure to answer is the new version's.
    of_version: bool,
}

fn get() -> String {
    "GET".to_owned()
}

fn ten_seconds() -> Span {
    Span::from_secs(10)
}

fn not_again() -> Span {
    Span::from_secs(0)
}

fn read(with: &Value) -> Result<With, String> {
    let with: With = told(with)?;
    match (&with.component, &with.path, &with.url) {
        (Some(_), Some(path), None) if !path.starts_with('/') => {
            return Err(format!("`path: {path}` does not begin with `/`"));
        }
        (Some(_), Some(path), None) => {
            path.parse::<Uri>()
                .map_err(|error| format!("`path: {path}` is none: {error}"))?;
        }
        (None, None, Some(url)) => {
            address(url, with.token.as_ref())?;
        }
        _ => return Err("say `component` and `path`, or `url`".to_owned()),
    }
    Method::from_bytes(with.method.as_bytes()).map_err(|_| format!("`{}` is no method", with.method))?;
    headers(&with.headers)?;
    if with.body.as_ref().is_some_and(|body| body.len() > BODY_BYTES_MAX) {
        return Err(format!("`body` is longer than {BODY_BYTES_MAX} bytes"));
    }
    if let Some(status) = with
        .status
        .iter()
        .find(|status| StatusCode::from_u16(**status).is_err())
    {
        return Err(format!("{status} is no status"));
    }
    expectation::check(&with.expect)?;
    Ok(with)
}

/// The address, where a token that is sent there cannot be read on its way.
pub(super) fn address(url: &str, token: Option<&SecretReference>) -> Result<Uri, String> {
    let uri: Uri = url.parse().map_err(|error| format!("`url: {url}` is none: {error}"))?;
    let leaves = uri.scheme_str() == Some("http") && !uri.host().is_some_and(is_this_machine);
    if leaves && token.is_some() {
        return Err(format!(
            "the token would be sent to `{url}` without encryption: use https"
        ));
    }
    let authority = uri.authority().map(http::uri::Authority::as_str);
    match (uri.scheme_str(), authority) {
        (Some("http" | "https"), Some(authority)) if authority.contains('@') => {
            Err("`url` holds a name and a password: say where they are found, with `token`".to_owned())
        }
        (Some("http" | "https"), Some(_)) => Ok(uri),
        (_, _) => Err(format!("`url: {url}` is no address like https://host/path")),
    }
}

pub(super) fn headers(written: &BTreeMap<String, String>) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let read = written.iter().map(|(name, value)| {
        let header: HeaderName = name.parse().map_err(|_| format!("`{name}` is no name of a header"))?;
        if header == AUTHORIZATION {
            return Err(
                "`authorization` is no header for a file: say where its value is found, with `token`".to_owned(),
            );
        }
        let value = value
            .parse()
            .map_err(|_| format!("the value of `{name}` cannot stand in a header"))?;
        Ok((header, value))
    });
    read.collect()
}

fn run(with: Value, target: Target) -> Running {
    Box::pin(async move {
        match read(&with) {
            Ok(with) => judge(&with, &target).await,
            Err(reason) => Judgement::new(Verdict::Error, format!("`with` cannot be used: {reason}")),
        }
    })
}

async fn judge(with: &With, target: &Target) -> Judgement {
    let questions = match questions(with, target) {
        Ok(questions) => questions,
        Err(reason) => return Judgement::new(Verdict::Error, reason),
    };
    let wire = Wire::default();
    let until = Instant::now() + with.retry_for.to_std();
    let mut last = String::new();
    for question in &questions {
        let mut judged = ask(&wire, with, question).await;
        while judged.verdict != Verdict::Pass && Instant::now() < until {
            sleep(std::time::Duration::from_secs(1)).await;
            judged = ask(&wire, with, question).await;
        }
        if judged.verdict != Verdict::Pass {
            return judged;
        }
        last = judged.reason;
    }
    let others = match questions.len() - 1 {
        0 => String::new(),
        1 => ", and so did 1 more".to_owned(),
        more => format!(", and so did {more} more"),
    };
    Judgement::new(Verdict::Pass, format!("{last}{others}"))
}

/// Everybody to be asked; at least one.
fn questions(with: &With, target: &Target) -> Result<Vec<Question>, String> {
    if let Some(url) = &with.url {
        return Ok(vec![Question {
            whom: url.clone(),
            uri: address(url, with.token.as_ref())?,
            of_version: false,
        }]);
    }
    let (Some(component), Some(path)) = (&with.component, &with.path) else {
        return Err("say `component` and `path`, or `url`".to_owned());
    };
    let slots = target.slots.iter().filter(|slot| slot.component == *component);
    let instances = slots.flat_map(|slot| slot.addresses.iter().map(|address| (&slot.cell, *address)));
    let question = |(cell, address): (_, SocketAddr)| {
        let uri = format!("http://{address}{path}")
            .parse()
            .map_err(|error| format!("`path: {path}` is none: {error}"))?;
        Ok(Question {
            whom: format!("{component} in {cell} ({address}{path})"),
            uri,
            of_version: true,
        })
    };
    let questions: Vec<Question> = instances.map(question).collect::<Result<_, String>>()?;
    if questions.is_empty() {
        let mut known: Vec<&str> = target.slots.iter().map(|slot| slot.component.as_str()).collect();
        known.dedup();
        return Err(format!(
            "component {component} has no new instance in this wave; there are: {}",
            known.join(", ")
        ));
    }
    Ok(questions)
}

async fn ask(wire: &Wire, with: &With, question: &Question) -> Judgement {
    let whom = &question.whom;
    let request = match request(with, question) {
        Ok(request) => request,
        Err(reason) => return Judgement::new(Verdict::Error, reason),
    };
    let silent = if question.of_version {
        Verdict::Fail
    } else {
        Verdict::Error
    };
    let (status, body) = match timeout(with.timeout.to_std(), wire.call(request, ANSWER_BYTES_MAX)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Judgement::new(silent, format!("{whom} does not answer: {}", in_words(&error))),
        Err(_) => return Judgement::new(silent, format!("{whom} did not answer within {}", with.timeout)),
    };
    let is_right = if with.status.is_empty() {
        status.is_success()
    } else {
        with.status.contains(&status.as_u16())
    };
    if !is_right {
        let words = shown(&String::from_utf8_lossy(&body));
        return Judgement::new(Verdict::Fail, format!("{whom} answered {status}: {words}"));
    }
    if with.expect.is_empty() {
        return Judgement::new(Verdict::Pass, format!("{whom} answered {status}"));
    }
    let judged = expectation::judge(&with.expect, &body);
    Judgement::new(judged.verdict, format!("{whom} answered {status}: {}", judged.reason))
}

fn request(with: &With, question: &Question) -> Result<Request<Full<Bytes>>, String> {
    let body = with.body.clone().unwrap_or_default();
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() =
        Method::from_bytes(with.method.as_bytes()).map_err(|_| format!("`{}` is no method", with.method))?;
    *request.uri_mut() = question.uri.clone();
    request.headers_mut().extend(headers(&with.headers)?);
    if let Some(token) = &with.token {
        request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
    }
    Ok(request)
}

/// The token as it stands in a header, which is shown nowhere.
pub(super) fn bearer(token: &SecretReference) -> Result<HeaderValue, String> {
    let token = reveal(token).map_err(|reason| format!("there is no token: {reason}"))?;
    let mut value: HeaderValue = format!("Bearer {token}")
        .parse()
        .map_err(|_| "the token cannot stand in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
