//! Plans: immutable, found by their digest, and kept for ever where a release came of them.

use serde::Serialize;

/// A plan to keep. The same digest twice is one plan; the body must then be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanEntry {
    pub digest: String,
    pub body: String,
    /// When it was made. Not compared: one that is made again is as old as the last time.
    pub at_ms: i64,
}

/// A plan as kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PlanRow {
    pub digest: String,
    pub service: String,
    pub body: String,
}
