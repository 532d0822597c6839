//! Plans: immutable, found by their digest.

use serde::Serialize;

/// A plan to keep. The same digest twice is one plan; the body must then be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanEntry {
    pub digest: String,
    pub body: String,
}

/// A plan as kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PlanRow {
    pub digest: String,
    pub service: String,
    pub body: String,
}
