//! The gate `http`: an answer that is as expected passes. It asks each new instance of a component, or an address outside.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::ComponentName;
use tidegate_domain::release::SecretReference;
use tidegate_domain::time::Duration as Span;
use tokio::time::{Instant, sleep, timeout};

use super::expectation::{self, Expectation, shown};
use super::prepared::{self, Prepared};
use super::{Gate, Running, Target, check_component, running, told};
use crate::drivers::process::reveal;
use crate::wire::{Wire, in_words, is_this_machine};

pub const GATE: Gate = Gate {
    name: "http",
    validate: |with| told::<With>(with).map(|_| ()),
    suits: |with, project| match told::<With>(with)?.asked {
        Asked::Component(component, _) => check_component(&component, project),
        Asked::Url(..) => Ok(()),
    },
    run,
};

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1_000_000;
/// What is longer is no request of a check.
const BODY_BYTES_MAX: usize = 100_000;

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
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
    body: String,
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

/// As it was checked.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
struct With {
    asked: Asked,
    request: Prepared,
    token: Option<SecretReference>,
    status: Vec<u16>,
    expect: Vec<Expectation>,
    timeout: Span,
    retry_for: Span,
}

#[derive(Debug)]
enum Asked {
    /// Every new instance of it, for this path.
    Component(ComponentName, Uri),
    /// As it is written, and read.
    Url(String, Uri),
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

impl TryFrom<Written> for With {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let asked = asked(&written)?;
        if written.body.len() > BODY_BYTES_MAX {
            return Err(format!("`body` is longer than {BODY_BYTES_MAX} bytes"));
        }
        let is_none = |status: &&u16| StatusCode::from_u16(**status).is_err();
        if let Some(status) = written.status.iter().find(is_none) {
            return Err(format!("{status} is no status"));
        }
        expectation::check(&written.expect)?;
        Ok(Self {
            asked,
            request: Prepared::new(&written.method, &written.headers, written.body, refused)?,
            token: written.token,
            status: written.status,
            expect: written.expect,
            timeout: written.timeout,
            retry_for: written.retry_for,
        })
    }
}

fn asked(written: &Written) -> Result<Asked, String> {
    match (&written.component, &written.path, &written.url) {
        (Some(component), Some(path), None) => Ok(Asked::Component(component.clone(), prepared::path(path)?)),
        (None, None, Some(url)) => Ok(Asked::Url(url.clone(), address(url, written.token.as_ref())?)),
        _ => Err("say `component` and `path`, or `url`".to_owned()),
    }
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

/// What a playbook cannot set.
pub(super) fn refused(header: &HeaderName) -> Option<String> {
    let reason = "`authorization` is no header for a file: say where its value is found, with `token`";
    (header == AUTHORIZATION).then(|| reason.to_owned())
}

fn run(with: Value, target: Target) -> Running {
    running(with, told, |with| async move { judge(&with, &target).await })
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
    let (component, path) = match &with.asked {
        Asked::Component(component, path) => (component, path),
        Asked::Url(url, uri) => {
            return Ok(vec![Question {
                whom: url.clone(),
                uri: uri.clone(),
                of_version: false,
            }]);
        }
    };
    let slots = target.slots.iter().filter(|slot| slot.component == *component);
    let instances = slots.flat_map(|slot| slot.addresses.iter().map(|address| (&slot.cell, *address)));
    let question = |(cell, address): (_, SocketAddr)| {
        let uri = format!("http://{address}{path}")
            .parse()
            .map_err(|error| format!("`{path}` cannot be asked for at {address}: {error}"))?;
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
    let mut request = with.request.to(question.uri.clone());
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
