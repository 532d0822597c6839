//! What a playbook says about mirrored requests.

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::files::{FieldPattern, HeaderName, Hidden, LeftOut, Normalised, NumberTolerance, ShadowFile};
use tidegate_domain::id::ComponentName;
use tidegate_domain::time::Duration as Span;
use tidegate_evidence::shadow::{PAIRS_MIN, Rules};

use super::super::rules::{names, rules};
use super::super::tap::Endpoint;
use super::super::told;

/// Of a request, and of each answer. What is longer is not mirrored.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

const REQUESTS_MAX: u64 = 100_000;
const LENGTH_MAX: Span = Span::from_secs(86_400);
const TIMEOUT_MAX: Span = Span::from_secs(60);
const IN_FLIGHT_MAX: usize = 1_000;
const ENDPOINTS_MAX: usize = 100;
const WARM_UP_MAX: u64 = 10_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct With {
    /// Whose requests are mirrored.
    pub component: ComponentName,
    /// Percent of the requests that may be.
    #[serde(default = "ten")]
    pub share: f64,
    /// So many pairs are compared.
    #[serde(default = "five_hundred")]
    pub requests: u64,
    /// For so long they are waited for.
    #[serde(rename = "for", default = "half_an_hour")]
    pub length: Span,
    #[serde(default)]
    endpoints: Vec<Written>,
    /// The first pairs are not compared: instances that have just started are slow.
    #[serde(default = "twenty")]
    pub warm_up: u64,
    /// Whether how long the answers take is judged.
    #[serde(default = "yes")]
    pub latency: bool,
    /// For each answer.
    #[serde(default = "five_seconds")]
    pub timeout: Span,
    /// At each gateway.
    #[serde(default = "hundred")]
    pub in_flight_at_most: usize,
    /// What mirrored requests go without.
    #[serde(default)]
    without_headers: Vec<HeaderName>,
    #[serde(default)]
    ignore: LeftOut,
    #[serde(default)]
    normalise: Vec<Normalised>,
    #[serde(default)]
    unordered: Vec<FieldPattern>,
    #[serde(default)]
    redact: Hidden,
    #[serde(default)]
    tolerance: NumberTolerance,
}

/// Requests that may be mirrored, as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    method: String,
    path: String,
    /// Neither version changes anything by a request that says that it is mirrored.
    #[serde(default)]
    sandbox: bool,
}

fn ten() -> f64 {
    10.0
}

fn five_hundred() -> u64 {
    500
}

fn half_an_hour() -> Span {
    Span::from_secs(1_800)
}

fn twenty() -> u64 {
    20
}

fn yes() -> bool {
    true
}

fn five_seconds() -> Span {
    Span::from_secs(5)
}

fn hundred() -> usize {
    100
}

impl With {
    pub fn read(with: &Value) -> Result<Self, String> {
        let with: Self = told(with)?;
        with.check_numbers()?;
        with.check_endpoints()?;
        with.rules()?;
        Ok(with)
    }

    /// Hundredths of a percent.
    pub fn basis_points(&self) -> u16 {
        (self.share * 100.0).round() as u16
    }

    /// Without a list, all that change nothing by their method.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        if self.endpoints.is_empty() {
            let all = |method: Method| Endpoint {
                method: method.to_string(),
                path: "/**".to_owned(),
            };
            return vec![all(Method::GET), all(Method::HEAD)];
        }
        let listed = self.endpoints.iter().map(|written| Endpoint {
            method: written.method.clone(),
            path: written.path.clone(),
        });
        listed.collect()
    }

    pub fn without_headers(&self) -> Vec<String> {
        names(&self.without_headers)
    }

    pub fn rules(&self) -> Result<Rules, String> {
        let rules = rules(&ShadowFile {
            ignore: self.ignore.clone(),
            normalise: self.normalise.clone(),
            unordered: self.unordered.clone(),
            redact: self.redact.clone(),
            tolerance: self.tolerance,
        })?;
        let endpoints = self.endpoints.iter().map(|written| written.path.clone()).collect();
        Ok(Rules { endpoints, ..rules })
    }

    fn check_numbers(&self) -> Result<(), String> {
        if !(0.01..=100.0).contains(&self.share) {
            return Err("`share` is from 0.01 to 100 percent".to_owned());
        }
        if !(PAIRS_MIN..=REQUESTS_MAX).contains(&self.requests) {
            return Err(format!("`requests` is from {PAIRS_MIN} to {REQUESTS_MAX}"));
        }
        if self.length == Span::default() || self.length > LENGTH_MAX {
            return Err(format!("`for` is above 0s and at most {LENGTH_MAX}"));
        }
        if self.timeout == Span::default() || self.timeout > TIMEOUT_MAX {
            return Err(format!("`timeout` is above 0s and at most {TIMEOUT_MAX}"));
        }
        if !(1..=IN_FLIGHT_MAX).contains(&self.in_flight_at_most) {
            return Err(format!("`in_flight_at_most` is from 1 to {IN_FLIGHT_MAX}"));
        }
        if self.warm_up > WARM_UP_MAX {
            return Err(format!("`warm_up` is at most {WARM_UP_MAX} requests"));
        }
        let NumberTolerance { absolute, relative } = self.tolerance;
        if !(absolute >= 0.0 && absolute.is_finite() && (0.0..=1.0).contains(&relative)) {
            return Err("`tolerance` has an `absolute` from 0 on, and a `relative` from 0 to 1".to_owned());
        }
        Ok(())
    }

    fn check_endpoints(&self) -> Result<(), String> {
        if self.endpoints.len() > ENDPOINTS_MAX {
            return Err(format!("`endpoints` lists at most {ENDPOINTS_MAX}"));
        }
        self.endpoints.iter().try_for_each(Written::check)
    }
}

impl Written {
    fn check(&self) -> Result<(), String> {
        let Self { method, path, sandbox } = self;
        let known = Method::from_bytes(method.as_bytes());
        let known = known.map_err(|_| format!("`{method}` is no method such as `GET`"))?;
        if *method != method.to_ascii_uppercase() || known == Method::CONNECT {
            return Err(format!(
                "`{method}` is no method that is mirrored: write one such as `GET` or `POST`"
            ));
        }
        if ![Method::GET, Method::HEAD].contains(&known) && !sandbox {
            return Err(format!(
                "`{method} {path}` may change data, and is sent to both versions once more: with `sandbox: true` you say that neither does where \
                 the request says `x-tidegate-shadow: 1`"
            ));
        }
        let steps: Vec<&str> = path.split('/').collect();
        let is_path = path.starts_with('/')
            && !path.contains(['?', '#', ' '])
            && steps
                .iter()
                .enumerate()
                .all(|(index, step)| *step == "*" || !step.contains('*') || *step == "**" && index + 1 == steps.len());
        if !is_path {
            return Err(format!(
                "`{path}` is no path such as `/orders/*` or `/orders/**`: `*` is one step, and `**` at the end all that follow"
            ));
        }
        Ok(())
    }
}
