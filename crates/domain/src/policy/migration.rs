//! Tenants that have not done what a breaking change asks of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of a tenant that a release would break: a change of impact `breaking` comes to it, and nobody has said that it
/// has migrated or is not affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnUnmigrated {
    /// It stays on its version and the release goes on without it. Once it has migrated it moves by itself, as long as the
    /// release is on its way, else with the next one.
    LeaveBehind,
    /// Its wave does not end before it has migrated.
    BlockWave,
}
