//! What happens to a created release by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a created release goes without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Auto {
    /// It is planned; a person applies the plan.
    Plan,
    /// It is planned, and its plan is applied as soon as nothing blocks it.
    Apply,
}

impl Auto {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
        }
    }
}
