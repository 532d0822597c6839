//! What customers report of a release that they have tried on the tenants they have in an earlier wave.

use serde::{Deserialize, Serialize};

use crate::id::Actor;
use crate::time::Timestamp;

/// The last word of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerReport {
    pub outcome: ReportOutcome,
    pub at: Timestamp,
    pub by: Actor,
    /// What was tried, or what is wrong, in the customer's words.
    pub text: String,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportOutcome {
    /// The customer's tenants of later waves may move.
    Works,
    /// They may not, and the release is held until a person decides.
    Trouble,
}

impl ReportOutcome {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Trouble => "trouble",
        }
    }
}
