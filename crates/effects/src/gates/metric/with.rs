//! What a playbook says about a metric.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::id::ComponentName;
use tidegate_domain::release::SecretReference;
use tidegate_domain::time::Duration as Span;

use super::super::http as written;
use super::super::prepared;
use super::super::told;
use super::template::{Argument, Template};

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    url: String,
    #[serde(default)]
    token: Option<SecretReference>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// For one answer.
    #[serde(default = "ten_seconds")]
    timeout: Span,
    /// Whose instances the addresses are; of all components where none is said.
    #[serde(default)]
    component: Option<ComponentName>,
    stale_after: Option<Span>,
    /// Between looks, and between instants of a comparison.
    #[serde(default = "fifteen_seconds")]
    every: Span,

    query: Option<String>,
    at_most: Option<f64>,
    at_least: Option<f64>,
    /// It has to hold so long.
    #[serde(rename = "for")]
    lasts: Option<Span>,
    /// The series that tell whether the query's samples are fresh.
    fresh: Option<String>,

    new: Option<Side>,
    old: Option<Side>,
    margin: Option<f64>,
    worse: Option<Worse>,
    /// The time before the gate that is compared.
    over: Option<Span>,
    /// While that decides nothing, more is waited for.
    retry_for: Option<Span>,
    tolerance: Option<f64>,
    absent_events: Option<Absent>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "`new` and `old` are each a query, or `{events: QUERY, total: QUERY}`"
)]
enum Side {
    Samples(String),
    Counters(Counters),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counters {
    events: String,
    total: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Worse {
    Higher,
    Lower,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Absent {
    #[default]
    NoData,
    Zero,
}

/// What is asked, as it can be.
#[derive(Debug)]
pub(super) struct Metric {
    pub server: Server,
    pub component: Option<ComponentName>,
    pub stale_after: Span,
    pub question: Question,
}

#[derive(Debug)]
pub(super) struct Server {
    /// As it is written.
    pub url: String,
    /// Where it is asked for one instant, and for many.
    pub query: Uri,
    pub query_range: Uri,
    pub token: Option<SecretReference>,
    pub headers: HeaderMap,
    pub timeout: Span,
}

#[derive(Debug)]
pub(super) enum Question {
    Limit(Limit),
    Counters(CountersCompared),
    Samples(SamplesCompared),
}

#[derive(Debug)]
pub(super) struct Limit {
    pub query: Template,
    pub fresh: Option<Template>,
    pub at_most: Option<f64>,
    pub at_least: Option<f64>,
    pub lasts: Span,
    pub every: Span,
}

/// A time that is compared, instant by instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub over: Span,
    pub every: Span,
    pub retry_for: Span,
}

#[derive(Debug)]
pub(super) struct CountersCompared {
    pub old: Counted,
    pub new: Counted,
    pub margin: f64,
    pub tolerance: Option<f64>,
    pub absent_events: Absent,
    pub time: Time,
}

#[derive(Debug)]
pub(super) struct Counted {
    pub events: Template,
    pub total: Template,
}

#[derive(Debug)]
pub(super) struct SamplesCompared {
    pub old: Template,
    pub new: Template,
    pub worse: Worse,
    pub margin: f64,
    pub time: Time,
}

/// What Prometheus itself puts up with where it is not told otherwise.
const STALE_AFTER: Span = Span::from_secs(300);
/// Gates of a wave wait for each other.
const FOR_MAX: Span = Span::from_hours(24);
const TIMEOUT_MAX: Span = Span::from_secs(60);
const EVERY_MIN: Span = Span::from_secs(1);
/// Prometheus gives no more than 11,000.
const INSTANTS_MAX: i64 = 5_000;
/// What is compared has at least so many instants.
const INSTANTS_MIN: i64 = 10;

fn ten_seconds() -> Span {
    Span::from_secs(10)
}

fn fifteen_seconds() -> Span {
    Span::from_secs(15)
}

impl Metric {
    pub fn read(with: &Value) -> Result<Self, String> {
        let with: With = told(with)?;
        let headers = with.check_server()?;
        let question = match (&with.query, &with.new, &with.old) {
            (Some(_), None, None) => Question::Limit(with.limit()?),
            (None, Some(Side::Counters(new)), Some(Side::Counters(old))) => {
                Question::Counters(with.counters(old, new)?)
            }
            (None, Some(Side::Samples(new)), Some(Side::Samples(old))) => Question::Samples(with.samples(old, new)?),
            (None, Some(_), Some(_)) => {
                return Err("`new` and `old` are of one kind: both a query, or both `events` and `total`".to_owned());
            }
            (Some(_), _, _) => {
                return Err(
                    "`query` is held to a limit, `new` is compared with `old`: say either, not both".to_owned(),
                );
            }
            (None, _, _) => {
                return Err(
                    "nothing is asked: say `query` with `at_most` or `at_least`, or `new`, `old` and `margin`"
                        .to_owned(),
                );
            }
        };
        Ok(Self {
            server: Server {
                query: asked(&with.url, "query")?,
                query_range: asked(&with.url, "query_range")?,
                url: with.url,
                token: with.token,
                headers,
                timeout: with.timeout,
            },
            component: with.component,
            stale_after: with.stale_after.unwrap_or(STALE_AFTER),
            question,
        })
    }
}

fn asked(url: &str, what: &str) -> Result<Uri, String> {
    let address = format!("{}/api/v1/{what}", url.trim_end_matches('/'));
    address
        .parse()
        .map_err(|error| format!("`url: {url}` is none: {error}"))
}

impl With {
    /// Answers the headers, as they are sent.
    fn check_server(&self) -> Result<HeaderMap, String> {
        let uri = written::address(&self.url, self.token.as_ref())?;
        if uri.query().is_some() || uri.path().contains("/api/v1") {
            return Err(format!(
                "`url: {}` is more than the address of the server: leave out what begins with `/api/v1`, and all behind `?`",
                self.url
            ));
        }
        let headers = prepared::headers(&self.headers, written::refused)?;
        if self.timeout.is_zero() || self.timeout > TIMEOUT_MAX {
            return Err(format!("`timeout` is above 0 and {TIMEOUT_MAX} at most"));
        }
        if self.every < EVERY_MIN {
            return Err(format!("`every` is {EVERY_MIN} at least"));
        }
        if self.stale_after.is_some_and(Span::is_zero) {
            return Err("`stale_after` is above 0: no sample is newer".to_owned());
        }
        Ok(headers)
    }

    fn limit(&self) -> Result<Limit, String> {
        none_of(
            "a limit",
            &[
                ("margin", self.margin.is_some()),
                ("worse", self.worse.is_some()),
                ("over", self.over.is_some()),
                ("retry_for", self.retry_for.is_some()),
                ("tolerance", self.tolerance.is_some()),
                ("absent_events", self.absent_events.is_some()),
            ],
        )?;
        match (self.at_least, self.at_most) {
            (None, None) => return Err("`query` needs a limit: say `at_most` or `at_least`".to_owned()),
            (Some(least), Some(most)) if least > most => {
                return Err(format!("no number is at least {least} and at most {most}"));
            }
            (_, _) => {}
        }
        let lasts = self.lasts.unwrap_or(Span::ZERO);
        if lasts > FOR_MAX {
            return Err(format!("`for` is {FOR_MAX} at most: the release waits for it"));
        }
        let query_asked = query("query", self.query.as_deref().unwrap_or_default())?;
        if self.stale_after.is_some() && self.fresh.is_none() && !query_asked.is_selector() {
            return Err(
                "`stale_after` cannot be held of an expression, which has no time of its own: say with `fresh` which series have to be fresh"
                    .to_owned(),
            );
        }
        Ok(Limit {
            query: query_asked,
            fresh: self.fresh.as_deref().map(|text| query("fresh", text)).transpose()?,
            at_most: self.at_most,
            at_least: self.at_least,
            lasts,
            every: self.every,
        })
    }

    fn counters(&self, old: &Counters, new: &Counters) -> Result<CountersCompared, String> {
        none_of("counters", &[("worse", self.worse.is_some())])?;
        let margin = self.margin()?;
        if let Some(tolerance) = self.tolerance.filter(|share| !(*share > 0.0 && *share < 1.0)) {
            return Err(format!(
                "`tolerance: {tolerance}` is no share between 0 and 1, such as 0.01"
            ));
        }
        let is_above = if self.tolerance.is_some() {
            margin >= 1.0
        } else {
            margin > 1.0
        };
        if !is_above {
            return Err(
                "`margin` is a ratio above 1, such as 1.5, or 1 with a `tolerance`: that a version is no worse at all cannot be shown"
                    .to_owned(),
            );
        }
        let side = |name: &str, side: &Counters| {
            Ok::<_, String>(Counted {
                events: counter(&format!("{name}.events"), &side.events)?,
                total: counter(&format!("{name}.total"), &side.total)?,
            })
        };
        let (old, new) = (side("old", old)?, side("new", new)?);
        self.of_its_side(&[&old.events, &old.total], &[&new.events, &new.total])?;
        Ok(CountersCompared {
            old,
            new,
            margin,
            tolerance: self.tolerance,
            absent_events: self.absent_events.unwrap_or_default(),
            time: self.time()?,
        })
    }

    fn samples(&self, old: &str, new: &str) -> Result<SamplesCompared, String> {
        none_of(
            "samples",
            &[
                ("tolerance", self.tolerance.is_some()),
                ("absent_events", self.absent_events.is_some()),
            ],
        )?;
        let margin = self.margin()?;
        if margin <= 1.0 {
            return Err(
                "`margin` is a ratio above 1, such as 1.1: that a version is no worse at all cannot be shown"
                    .to_owned(),
            );
        }
        let worse = self.worse.ok_or("say which way is `worse`: `higher` or `lower`")?;
        let (old, new) = (query("old", old)?, query("new", new)?);
        self.of_its_side(&[&old], &[&new])?;
        Ok(SamplesCompared {
            old,
            new,
            worse,
            margin,
            time: self.time()?,
        })
    }

    /// A version that is compared with itself is as good.
    fn of_its_side(&self, old: &[&Template], new: &[&Template]) -> Result<(), String> {
        none_of(
            "a comparison",
            &[
                ("at_most", self.at_most.is_some()),
                ("at_least", self.at_least.is_some()),
                ("for", self.lasts.is_some()),
                ("fresh", self.fresh.is_some()),
            ],
        )?;
        if old.iter().any(|query| query.uses(Argument::NewAddresses)) {
            return Err("`old` asks for `${new_addresses}`".to_owned());
        }
        if new.iter().any(|query| query.uses(Argument::OldAddresses)) {
            return Err("`new` asks for `${old_addresses}`".to_owned());
        }
        if old.iter().zip(new).any(|(old, new)| old.written() == new.written()) {
            return Err("`old` and `new` ask the same: nothing is compared".to_owned());
        }
        Ok(())
    }

    fn margin(&self) -> Result<f64, String> {
        match self.margin {
            Some(margin) if margin.is_finite() && margin <= 100.0 => Ok(margin),
            Some(margin) => Err(format!("`margin: {margin}` is no ratio of 100 at most, such as 1.1")),
            None => Err("say the `margin`: the ratio that is put up with, such as 1.1".to_owned()),
        }
    }

    fn time(&self) -> Result<Time, String> {
        let time = Time {
            over: self.over.unwrap_or(Span::from_secs(600)),
            every: self.every,
            retry_for: self.retry_for.unwrap_or(Span::ZERO),
        };
        if time.over > FOR_MAX || time.retry_for > FOR_MAX {
            return Err(format!("`over` and `retry_for` are {FOR_MAX} at most each"));
        }
        let every = time.every.as_millis();
        if time.over.as_millis() / every < INSTANTS_MIN {
            return Err(format!(
                "`over: {}` has fewer than {INSTANTS_MIN} instants that are {} apart: compare more time, or look more often",
                time.over, time.every
            ));
        }
        if (time.over.as_millis() + time.retry_for.as_millis()) / every > INSTANTS_MAX {
            return Err(format!(
                "`over` and `retry_for` have more than {INSTANTS_MAX} instants that are {} apart: look less often",
                time.every
            ));
        }
        Ok(time)
    }
}

fn query(name: &str, text: &str) -> Result<Template, String> {
    Template::read(text).map_err(|why| format!("`{name}` cannot be asked: {why}"))
}

/// The gate takes differences itself: what is one already counts nothing.
fn counter(name: &str, text: &str) -> Result<Template, String> {
    let read = query(name, text)?;
    let dense: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    match ["rate(", "increase(", "delta("]
        .iter()
        .find(|call| dense.contains(**call))
    {
        Some(call) => Err(format!(
            "`{name}` is a `{}`: ask for the counters themselves, since their differences are taken here",
            call.trim_end_matches('(')
        )),
        None => Ok(read),
    }
}

fn none_of(what: &str, fields: &[(&str, bool)]) -> Result<(), String> {
    match fields.iter().find(|(_, is_there)| *is_there) {
        Some((name, _)) => Err(format!("`{name}` is not for {what}")),
        None => Ok(()),
    }
}
