//! Compaction of the journal: old rows are written to a file, and only then dropped.

use std::path::Path;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_domain::id::Actor;
use tidegate_domain::service::Service;
use tidegate_domain::time::Timestamp;
use tidegate_store::{Exported, JournalEntry};

use super::backups::{checked_path, refused};
use super::commands::checked_reason;
use super::exchange::{Answer, Body};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::clock;

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
    let before =
        needed_since(&state.control().view().state).map_or(body.before_ms, |since| since.0.min(body.before_ms));
    let actor = by.actor().clone();
    // Whoever stops waiting for it does not stop it.
    let done = tokio::spawn(async move { export_and_drop(&state, &file, before, (&actor, &reason)).await }).await;
    done.unwrap_or_else(|error| Err(Problem::unavailable(&error)))
        .map(Answer)
}

/// What a release in flight has come through is looked up as long as it is.
fn needed_since(state: &Service) -> Option<Timestamp> {
    let in_flight = state.runs.iter().filter(|run| !run.phase.has_ended());
    in_flight.map(|run| run.applied).min()
}

async fn export_and_drop(
    state: &AppState,
    file: &Path,
    before_ms: i64,
    (actor, reason): (&Actor, &str),
) -> Result<JournalCompacted, Problem> {
    let shared = &state.shared;
    // A copy of the store is not made meanwhile, so that it has either all rows or all that are kept.
    let _one_at_a_time = shared.backing_up.lock().await;
    let (store, service) = (shared.control.store(), shared.control.service());
    let exported = store.export_journal(service.as_str(), before_ms, file).await;
    let exported = exported.map_err(|error| refused("the journal", &error))?;
    let exported = exported.ok_or_else(|| {
        Problem::refused("the journal has no row that is so old and not needed any more")
            .help("rows are kept since the oldest release in flight was applied; `tidegate history` shows the first")
    })?;
    let row = row(&exported, file, actor, reason);
    store.drop_journal(service.as_str(), &exported.checkpoint, &row).await?;
    Ok(JournalCompacted {
        schema_version: SCHEMA_VERSION,
        file: file.display().to_string(),
        bytes: exported.bytes,
        digest: exported.digest,
        rows: exported.rows,
        last: exported.checkpoint.seq,
    })
}

/// It names the hash of the last row that is dropped: by it the rest is verified.
fn row(exported: &Exported, file: &Path, actor: &Actor, reason: &str) -> JournalEntry {
    JournalEntry {
        at_ms: clock::now().0,
        actor: actor.to_string(),
        reason: reason.to_owned(),
        kind: "journal_compacted".to_owned(),
        release: None,
        subject: None,
        about: Vec::new(),
        body: json!({
            "file": file, "bytes": exported.bytes, "digest": exported.digest, "rows": exported.rows,
            "from_ms": exported.from_ms, "until_ms": exported.until_ms,
            "last": exported.checkpoint.seq, "hash": exported.checkpoint.hash,
        })
        .to_string(),
    }
}
