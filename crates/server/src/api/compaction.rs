//! Compaction of the journal: old rows are written to a file, and only then dropped.

use std::path::Path;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::Actor;

use super::backups::{checked_path, refused};
use super::commands::checked_reason;
use super::exchange::{Answer, Body};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::clock;
use crate::retention::drop_exported;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompactJournal {
    /// Rows before this instant are dropped; none since the oldest release that is in flight was applied.
    pub before_ms: i64,
    /// Where the server writes them first: an absolute path that nothing has, outside of the state directory.
    pub file: String,
    /// Stands in the journal.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JournalCompacted {
    pub schema_version: u32,
    pub file: String,
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    pub rows: i64,
    /// The number of the last row that was dropped.
    pub last: i64,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::POST,
        "/v1/journal/compact",
        "Write old rows of the journal to a file, and drop them",
        compact,
    )]
}

async fn compact(
    state: AppState,
    by: Authorized<permission::CompactJournal>,
    Body(body): Body<CompactJournal>,
) -> Result<Answer<JournalCompacted>, Problem> {
    let reason = checked_reason(&body.reason)?;
    let file = checked_path(&body.file, &state.shared.cells)?;
    let since = state.control().view().state.in_flight_since();
    let before = since.map_or(body.before_ms, |since| since.0.min(body.before_ms));
    let actor = by.actor().clone();
    // Whoever stops waiting for it does not stop it.
    let done = tokio::spawn(async move { export_and_drop(&state, &file, before, (&actor, &reason)).await }).await;
    done.unwrap_or_else(|error| Err(Problem::unavailable(&error)))
        .map(Answer)
}

async fn export_and_drop(
    state: &AppState,
    file: &Path,
    before_ms: i64,
    (actor, reason): (&Actor, &str),
) -> Result<JournalCompacted, Problem> {
    let _one_at_a_time = state.backing_up().await;
    let (store, service) = (state.control().store(), state.control().service());
    let exported = store.export_journal(service.as_str(), before_ms, file).await;
    let exported = exported.map_err(|error| refused("the journal", &error))?;
    let exported = exported.ok_or_else(|| {
        Problem::refused("the journal has no row that is so old and not needed any more")
            .help("rows are kept since the oldest release in flight was applied; `tidegate history` shows the first")
    })?;
    drop_exported(state.control(), file, &exported, (actor, reason), clock::now()).await?;
    Ok(JournalCompacted {
        schema_version: SCHEMA_VERSION,
        file: file.display().to_string(),
        bytes: exported.bytes,
        digest: exported.digest,
        rows: exported.rows,
        last: exported.checkpoint.seq,
    })
}
