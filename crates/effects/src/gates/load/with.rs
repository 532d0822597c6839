//! What a playbook says about a load.

use std::collections::BTreeMap;

use http::Uri;
use http::header::{self, HeaderName};
use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::id::ComponentName;
use tidegate_domain::time::Duration as Span;
use tidegate_evidence::PAIRS_MAX;

use super::super::prepared::{self, Prepared};
use super::super::told;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::gates) struct With {
    /// Whose instances are asked.
    pub component: ComponentName,
    /// The mix.
    pub requests: Vec<Ask>,
    #[serde(default = "stages")]
    pub stages: Vec<Stage>,
    /// Not judged: instances that have just started are slow.
    #[serde(default = "two_seconds")]
    pub warm_up: Span,
    /// Into how many pairs of blocks each stage is cut.
    #[serde(default = "forty")]
    pub pairs: usize,
    /// A request that is not answered by then has failed.
    #[serde(default = "five_seconds")]
    pub timeout: Span,
    /// A request whose instant comes while so many are under way is dropped.
    #[serde(default = "many")]
    pub in_flight_at_most: usize,
    /// The ratio to the old version's time that is put up with.
    #[serde(default = "a_twentieth")]
    pub at_most_slower: f64,
    #[serde(default)]
    pub errors_at_most_percent: Option<f64>,
    #[serde(default)]
    pub p95_at_most: Option<Span>,
}

/// A request as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "get")]
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default = "one")]
    weight: u32,
}

/// A request of the mix.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub(in crate::gates) struct Ask {
    pub path: Uri,
    pub request: Prepared,
    pub weight: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::gates) struct Stage {
    /// Requests a second.
    pub rate: u32,
    #[serde(rename = "for")]
    pub length: Span,
}

const RATE_MAX: u32 = 10_000;
const LENGTH_MAX: Span = Span::from_secs(3_600);
const TIMEOUT_MAX: Span = Span::from_secs(60);
const IN_FLIGHT_MAX: usize = 10_000;
/// What is known of each is kept until the end.
const REQUESTS_MAX: u64 = 1_000_000;
const WEIGHT_MAX: u32 = 1_000;
const KINDS_MAX: usize = 100;

/// The generator says these itself.
const OURS: [HeaderName; 4] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

fn stages() -> Vec<Stage> {
    vec![Stage {
        rate: 50,
        length: Span::from_secs(18),
    }]
}

fn two_seconds() -> Span {
    Span::from_secs(2)
}

fn five_seconds() -> Span {
    Span::from_secs(5)
}

fn forty() -> usize {
    40
}

fn many() -> usize {
    256
}

fn a_twentieth() -> f64 {
    1.05
}

fn get() -> String {
    "GET".to_owned()
}

fn one() -> u32 {
    1
}

impl With {
    /// Whether something is asked of the new version alone.
    pub fn has_limits(&self) -> bool {
        self.errors_at_most_percent.is_some() || self.p95_at_most.is_some()
    }

    pub fn read(with: &Value) -> Result<Self, String> {
        let with: Self = told(with)?;
        with.check_requests()?;
        with.check_stages()?;
        with.check_limits()?;
        Ok(with)
    }

    fn check_requests(&self) -> Result<(), String> {
        if self.requests.is_empty() || self.requests.len() > KINDS_MAX {
            return Err(format!("`requests` lists between one and {KINDS_MAX} requests"));
        }
        for ask in &self.requests {
            if ask.weight == 0 || ask.weight > WEIGHT_MAX {
                return Err(format!("the `weight` of `{}` is between 1 and {WEIGHT_MAX}", ask.path));
            }
        }
        Ok(())
    }

    fn check_stages(&self) -> Result<(), String> {
        let mut pairs = 0;
        let mut requests = 0;
        for stage in &self.stages {
            if stage.rate == 0 || stage.rate > RATE_MAX {
                return Err(format!(
                    "the `rate` of a stage is between 1 and {RATE_MAX} requests a second"
                ));
            }
            if stage.length > LENGTH_MAX {
                return Err(format!("a stage goes on `for` {LENGTH_MAX} at most"));
            }
            pairs += self.pairs;
            requests += stage.requests();
            if stage.requests() < 2 * self.pairs as u64 {
                return Err(format!(
                    "a stage of {} at {} requests a second has no request for each of {} blocks: take fewer `pairs` or more time",
                    stage.length,
                    stage.rate,
                    2 * self.pairs
                ));
            }
        }
        if self.stages.is_empty() {
            return Err("`stages` lists no stage".to_owned());
        }
        if self.pairs < PAIRS_MIN || pairs > PAIRS_MAX {
            return Err(format!(
                "`pairs` is at least {PAIRS_MIN}, and over all stages together {PAIRS_MAX} at the most"
            ));
        }
        if requests > REQUESTS_MAX {
            return Err(format!(
                "the stages have {requests} requests; {REQUESTS_MAX} are possible"
            ));
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), String> {
        if self.warm_up > TIMEOUT_MAX {
            return Err(format!("`warm_up` is {TIMEOUT_MAX} at most"));
        }
        if self.timeout.is_zero() || self.timeout > TIMEOUT_MAX {
            return Err(format!("`timeout` is above 0 and {TIMEOUT_MAX} at most"));
        }
        if self.in_flight_at_most == 0 || self.in_flight_at_most > IN_FLIGHT_MAX {
            return Err(format!("`in_flight_at_most` is between 1 and {IN_FLIGHT_MAX}"));
        }
        if !(self.at_most_slower > 1.0 && self.at_most_slower <= 100.0) {
            return Err(
                "`at_most_slower` is a ratio above 1 and 100 at most, such as 1.05: that a version is no slower at all cannot be shown"
                    .to_owned(),
            );
        }
        if self
            .errors_at_most_percent
            .is_some_and(|percent| !(0.0..=100.0).contains(&percent))
        {
            return Err("`errors_at_most_percent` is between 0 and 100".to_owned());
        }
        if self
            .p95_at_most
            .is_some_and(|limit| limit.is_zero() || limit > self.timeout)
        {
            return Err("`p95_at_most` is above 0 and not above `timeout`".to_owned());
        }
        Ok(())
    }
}

/// Fewer can show nothing.
const PAIRS_MIN: usize = 7;

impl Stage {
    pub fn requests(&self) -> u64 {
        u64::from(self.rate) * self.length.as_millis().unsigned_abs() / 1_000
    }
}

impl TryFrom<Written> for Ask {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let refused = |header: &HeaderName| {
            OURS.contains(header)
                .then(|| format!("the header `{header}` is set by the gate itself"))
        };
        Ok(Self {
            path: prepared::path(&written.path)?,
            request: Prepared::new(&written.method, &written.headers, written.body, refused)?,
            weight: written.weight,
        })
    }
}
