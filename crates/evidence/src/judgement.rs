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

impl Verdict {
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::NoData => "no data",
            Self::Error => "error",
        }
    }
}

/// A verdict with what a person needs to believe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    pub verdict: Verdict,
    /// One sentence, with the numbers.
    pub reason: String,
    /// What it would take to decide; only for `Inconclusive`.
    pub needs: Option<String>,
    /// Requests to the new version that were judged.
    pub requests: u64,
    /// Tenants that are hurt while the others are well; only for `Fail`, and empty where the whole wave is at fault.
    pub culprits: Vec<Culprit>,
}

/// A tenant that is hurt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Culprit {
    pub tenant: String,
    /// One sentence, with the numbers.
    pub reason: String,
}

impl Judgement {
    pub(crate) fn without_numbers(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
            needs: None,
            requests: 0,
            culprits: Vec::new(),
        }
    }
}
