//! Who is asked: Prometheus, or what speaks its HTTP API.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use tidegate_domain::time::Duration as Span;
use tokio::time::timeout;

use super::super::expectation::shown;
use super::super::http as written;
use super::answer::{Answer, Series, in_words};
use super::template::Template;
use super::with::Server;
use super::{Lack, Lacking};
use crate::wire::{self, Wire};

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 5_000_000;

/// A server that can be asked.
pub(super) struct Asked<'a> {
    server: &'a Server,
    wire: Wire,
    headers: HeaderMap,
    stale_after: Span,
}

/// Instants that are evenly apart, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Steps {
    pub first: f64,
    pub apart: f64,
    pub count: usize,
}

impl Steps {
    /// From `start` until `end`. They are multiples of the step, as some servers make of them anyway.
    pub fn between(start: f64, end: f64, every: Span) -> Self {
        let apart = seconds(every);
        let first = (start / apart).floor();
        Self {
            first: first * apart,
            apart,
            count: ((end / apart).floor() - first).max(0.0) as usize + 1,
        }
    }

    pub fn at(self, index: usize) -> f64 {
        self.first + self.apart * index as f64
    }

    fn last(self) -> f64 {
        self.at(self.count - 1)
    }

    /// Which of them an instant is. Servers write it to the millisecond.
    pub fn index(self, at: f64) -> Option<usize> {
        let steps = ((at - self.first) / self.apart).round();
        let is_one = steps >= 0.0 && steps < self.count as f64;
        (is_one && (self.at(steps as usize) - at).abs() < 0.01).then_some(steps as usize)
    }
}

impl<'a> Asked<'a> {
    pub fn new(server: &'a Server, stale_after: Span) -> Result<Self, Lacking> {
        let mut headers = server.headers.clone();
        if let Some(token) = &server.token {
            headers.insert(AUTHORIZATION, written::bearer(token).map_err(Lacking::error)?);
        }
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        Ok(Self {
            server,
            wire: Wire::default(),
            headers,
            stale_after,
        })
    }

    /// The one number that a query has now, and whether it is a series', which has a time of its own.
    pub async fn number(&self, query: &str) -> Result<(f64, bool), Lacking> {
        let answer = self.ask(&self.server.query, &[("query", query)]).await?;
        let (point, is_series) = match answer {
            Answer::Scalar(point) => (point, false),
            Answer::Vector(series) => (only(&series, query)?.points[0], true),
            Answer::Matrix(_) => {
                return Err(self.error(&format!(
                    "answered with a range: take the brackets away from `{}`, or put a function around it",
                    shown(query)
                )));
            }
        };
        self.is_of_now(point.at)?;
        Ok((finite(point.value, query)?, is_series))
    }

    /// Every series of a query at each of these instants, as far as there are any.
    pub async fn range(&self, query: &str, steps: Steps) -> Result<Vec<Series>, Lacking> {
        let [start, end, step] = [steps.first, steps.last(), steps.apart].map(|seconds| format!("{seconds:.3}"));
        let asked = [("query", query), ("start", &start), ("end", &end), ("step", &step)];
        match self.ask(&self.server.query_range, &asked).await? {
            Answer::Matrix(series) => Ok(series),
            Answer::Scalar(_) | Answer::Vector(_) => Err(self.error("answered a range with one instant")),
        }
    }

    /// What time it is where the samples are. The clock of this machine may be another one.
    pub async fn now(&self) -> Result<f64, Lacking> {
        Ok(self.number("time()").await?.0)
    }

    /// That the samples a query takes are not older than is put up with. Of a selector the server knows when they were taken; of anything else it
    /// knows only when it was asked.
    pub async fn is_fresh(&self, query: &str) -> Result<(), Lacking> {
        let question = format!("timestamp({query}\n)");
        let series = match self.ask(&self.server.query, &[("query", &question)]).await? {
            Answer::Vector(series) => series,
            Answer::Scalar(_) | Answer::Matrix(_) => {
                return Err(self.error(&format!("says no time of `{}`, which is no series", shown(query))));
            }
        };
        if series.is_empty() {
            return Err(Lacking::no_data(format!("`{}` has no sample now", shown(query))));
        }
        let age = |series: &Series| series.points[0].at - series.points[0].value;
        let Some(oldest) = series.iter().max_by(|one, other| age(one).total_cmp(&age(other))) else {
            return Ok(());
        };
        // What is no number is not young.
        if age(oldest) <= seconds(self.stale_after) {
            return self.is_of_now(oldest.points[0].at);
        }
        Err(Lacking::no_data(format!(
            "the newest sample of `{}` is {:.0} s old, and is stale after {}: {}",
            shown(query),
            age(oldest),
            self.stale_after,
            in_words(&oldest.labels)
        )))
    }

    /// An answer that was kept somewhere tells nothing of now.
    fn is_of_now(&self, evaluated: f64) -> Result<(), Lacking> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = now.as_secs_f64() - evaluated;
        if age <= seconds(self.stale_after) {
            return Ok(());
        }
        Err(Lacking::no_data(format!(
            "{} answered as of {age:.0} s ago: the answer was kept somewhere, or its clock is behind",
            self.server.url
        )))
    }

    async fn ask(&self, uri: &Uri, asked: &[(&str, &str)]) -> Result<Answer, Lacking> {
        let mut request = Request::new(Full::new(Bytes::from(form(asked))));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = self.headers.clone();
        let answered = timeout(self.server.timeout.to_std(), self.wire.call(request, ANSWER_BYTES_MAX));
        match answered.await {
            Ok(Ok((status, body))) => Answer::read(status, &body).map_err(|why| self.error(&why)),
            Ok(Err(error)) => Err(self.error(&format!("does not answer: {}", wire::in_words(&error)))),
            Err(_) => Err(self.error(&format!("did not answer within {}", self.server.timeout))),
        }
    }

    fn error(&self, why: &str) -> Lacking {
        Lacking::error(format!("{} {why}", self.server.url))
    }
}

/// The series of a query that has to have one.
pub(super) fn only<'s>(series: &'s [Series], query: &str) -> Result<&'s Series, Lacking> {
    match series {
        [one] => Ok(one),
        [] => Err(Lacking::no_data(format!("`{}` has no sample", shown(query)))),
        [first, second, ..] => Err(Lacking::error(format!(
            "`{}` has {} samples where one is asked for: put `max(...)` or `sum(...)` around it ({}, {} and so on)",
            shown(query),
            series.len(),
            in_words(&first.labels),
            in_words(&second.labels)
        ))),
    }
}

/// A value that can be judged. `NaN` is what a share of nothing is.
pub(super) fn finite(value: f64, query: &str) -> Result<f64, Lacking> {
    if value.is_finite() {
        return Ok(value);
    }
    let (lack, why) = if value.is_nan() {
        (Lack::NoData, "NaN, as a share of nothing is")
    } else {
        (Lack::Error, "infinite, as what is divided by 0 is")
    };
    Err(Lacking {
        lack,
        reason: format!("`{}` is {why}", shown(query)),
    })
}

pub(super) fn seconds(span: Span) -> f64 {
    span.to_std().as_secs_f64()
}

/// A query with its arguments.
pub(super) fn written_out(template: &Template, values: &super::template::Values) -> Result<String, Lacking> {
    template.fill(values).map_err(|argument| {
        Lacking::error(format!(
            "`{}` needs `${{{}}}`, and there is none",
            shown(template.written()),
            argument.name()
        ))
    })
}

fn form(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                // Writing into a text does not end otherwise.
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}
