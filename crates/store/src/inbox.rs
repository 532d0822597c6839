//! Events: what happened, waiting as rows until a turn consumes them together with what it made of them.

use serde::Serialize;

/// An event to put. The same key twice for one service is one event; actor and body must then be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventEntry {
    /// What makes a second delivery recognisable, for as long as the event is kept: an effect's id, a request's
    /// idempotency key.
    pub key: String,
    pub actor: String,
    pub body: String,
    /// When it happened. Not compared: a second delivery comes later.
    pub at_ms: i64,
}

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct EventRow {
    /// Grows with every event that is put, over all services.
    pub seq: i64,
    pub key: String,
    pub actor: String,
    pub body: String,
    pub at_ms: i64,
}

/// An event with the service it is for: one batch may carry the outcomes of several services.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Addressed<'a> {
    pub service: &'a str,
    #[serde(flatten)]
    pub event: &'a EventEntry,
}
