//! What a server that speaks the HTTP API of Prometheus answers, as numbers. Whatever is not plainly such an answer, whole and without a warning, is
//! none: nothing here is taken for a number that is not there.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::super::expectation::shown;

/// A value at an instant, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub at: f64,
    pub value: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub labels: BTreeMap<String, String>,
    /// By time. Of an instant query it is one.
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Scalar(Point),
    Vector(Vec<Series>),
    Matrix(Vec<Series>),
}

/// Fields of other servers are left alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<String>,
    /// Of Prometheus, Thanos and Mimir.
    #[serde(default)]
    warnings: Option<Vec<String>>,
    /// Of VictoriaMetrics.
    #[serde(default)]
    is_partial: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

#[derive(Debug, Deserialize)]
struct Sampled {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    value: Option<(f64, String)>,
    #[serde(default)]
    values: Vec<(f64, String)>,
    /// Native histograms.
    #[serde(default)]
    histogram: Option<Value>,
    #[serde(default)]
    histograms: Vec<Value>,
}

impl Answer {
    /// # Errors
    /// In words that follow the name of who was asked.
    pub fn read(status: StatusCode, body: &[u8]) -> Result<Self, String> {
        if status.is_redirection() {
            return Err(format!(
                "answered {status}: a redirection is not followed, so that a token stays where it was sent; write the address that it leads to"
            ));
        }
        let no_answer = || {
            let begins = shown(&String::from_utf8_lossy(&body[..body.len().min(1_000)]));
            format!("answered {status} with what is no answer of Prometheus: {begins}")
        };
        let envelope: Envelope = serde_json::from_slice(body).map_err(|_| no_answer())?;
        if envelope.status != "success" || !status.is_success() {
            let (kind, why) = (envelope.error_type, envelope.error);
            return Err(match (kind, why) {
                (None, None) => no_answer(),
                (kind, why) => format!(
                    "answered {status}: {}: {}",
                    kind.as_deref().unwrap_or("error"),
                    shown(&why.unwrap_or_default())
                ),
            });
        }
        if let Some(warnings) = envelope.warnings.filter(|warnings| !warnings.is_empty()) {
            return Err(format!(
                "answered with a warning, so its numbers may not be whole: {}",
                shown(&warnings.join("; "))
            ));
        }
        if envelope.is_partial {
            return Err("answered with a part of the numbers only".to_owned());
        }
        let data = envelope.data.ok_or_else(no_answer)?;
        match data.result_type.as_str() {
            "scalar" => {
                let read = serde_json::from_value(data.result).map_err(|_| no_answer())?;
                Ok(Self::Scalar(point(read)?))
            }
            "vector" => Ok(Self::Vector(series(data.result).ok_or_else(no_answer)??)),
            "matrix" => Ok(Self::Matrix(series(data.result).ok_or_else(no_answer)??)),
            other => Err(format!("answered with a {}, which is no number", shown(other))),
        }
    }
}

fn series(result: Value) -> Option<Result<Vec<Series>, String>> {
    let all: Vec<Sampled> = serde_json::from_value(result).ok()?;
    Some(all.into_iter().map(Series::read).collect())
}

impl Series {
    fn read(sampled: Sampled) -> Result<Self, String> {
        let labels = sampled.metric;
        if sampled.histogram.is_some() || !sampled.histograms.is_empty() {
            return Err(format!(
                "answered with a histogram, which is no number: ask for its `histogram_quantile`, `histogram_count` or `histogram_sum` ({})",
                in_words(&labels)
            ));
        }
        let points: Vec<Point> = sampled
            .value
            .into_iter()
            .chain(sampled.values)
            .map(point)
            .collect::<Result<_, _>>()?;
        if points.is_empty() {
            return Err(format!(
                "answered with a series without a value ({})",
                in_words(&labels)
            ));
        }
        if !points.is_sorted_by(|one, next| one.at < next.at) {
            return Err(format!(
                "answered with a series whose times do not rise ({})",
                in_words(&labels)
            ));
        }
        Ok(Self { labels, points })
    }
}

fn point((at, value): (f64, String)) -> Result<Point, String> {
    match value.parse() {
        Ok(value) => Ok(Point { at, value }),
        Err(_) => Err(format!("answered with `{}`, which is no number", shown(&value))),
    }
}

/// The labels of a series as Prometheus writes them.
pub(super) fn in_words(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", shown(&pairs.join(",")))
}
