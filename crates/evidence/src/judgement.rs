//! What is said about the evidence.

use serde::{Deserialize, Serialize};

/// Only `Pass` passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Fail,
    /// There are numbers, and they do not decide.
    Inconclusive,
    /// There are no numbers, or only old ones, or none to compare with.
    NoData,
    /// The numbers or the rule contradict themselves.
    Error,
}

/// A verdict with what a person needs to believe it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    pub verdict: Verdict,
    /// One sentence, with the numbers.
    pub reason: String,
    pub numbers: Numbers,
    /// How far a failure reaches; only for `Fail`.
    pub extent: Option<Extent>,
    /// Tenants that are hurt beyond chance, by name.
    pub culprits: Vec<Culprit>,
}

/// Whom a failure concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// The culprits alone; the others are well without them.
    Tenants,
    /// Everybody in the wave, also those too quiet to be named.
    Wave,
}

/// A tenant that is hurt, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Culprit {
    pub tenant: String,
    pub symptom: Symptom,
    /// One sentence, with the numbers.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symptom {
    Errors,
    Latency,
}

/// The figures of the wave as a whole. `p` is the probability of a difference like this by chance.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    pub old_requests: u64,
    pub new_requests: u64,
    pub old_errors: u64,
    pub new_errors: u64,
    pub errors_p: Option<f64>,
    /// Upper edge of the bin with the quantile; `None` where it was not measured or lies above the last edge.
    pub old_latency_micros: Option<u64>,
    pub new_latency_micros: Option<u64>,
    pub latency_p: Option<f64>,
}
