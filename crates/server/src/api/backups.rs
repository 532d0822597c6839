//! Backups: a copy of everything that is kept, made while the server runs.

use std::path::{Component, Path, PathBuf};

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_domain::id::Actor;
use tidegate_store::{Copied, JournalEntry, Record, StoreError};

use super::exchange::{Body, Created};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::clock;
use crate::restored::state_of;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Where the server writes it: an absolute path that nothing has, outside of the state directory.
    pub file: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupMade {
    pub schema_version: u32,
    pub file: String,
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    /// Of the routing.
    pub generation: u64,
    pub journal_rows: i64,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::POST,
        "/v1/backup",
        "Write a copy of everything that is kept",
        back_up,
    )]
}

async fn back_up(
    state: AppState,
    by: Authorized<permission::Backup>,
    Body(body): Body<Backup>,
) -> Result<Created<BackupMade>, Problem> {
    let file = checked_path(&body.file, &state.shared.cells)?;
    let actor = by.actor().clone();
    // Whoever stops waiting for it does not stop it.
    let made = tokio::spawn(async move { write(&state, &file, &actor).await }).await;
    made.unwrap_or_else(|error| Err(Problem::unavailable(&error)))
        .map(Created)
}

async fn write(state: &AppState, file: &Path, actor: &Actor) -> Result<BackupMade, Problem> {
    let shared = &state.shared;
    let _one_at_a_time = state.backing_up().await;
    let service = shared.control.service();
    let copied = shared
        .control
        .store()
        .backup(file)
        .await
        .map_err(|error| refused("a backup", &error))?;
    let kept = copied.services.iter().find(|kept| kept.service == service.as_str());
    let state = kept.and_then(|kept| state_of(kept).ok());
    let made = BackupMade {
        schema_version: SCHEMA_VERSION,
        file: file.display().to_string(),
        bytes: copied.bytes,
        digest: copied.digest.clone(),
        generation: state.map_or(0, |state| state.routing.generation),
        journal_rows: kept.map_or(0, |kept| kept.journal_rows),
    };
    let record = Record {
        service: service.to_string(),
        journal: vec![row(&made, &copied, actor)],
        ..Record::default()
    };
    shared.control.store().record(&record).await?;
    Ok(made)
}

fn row(made: &BackupMade, copied: &Copied, actor: &Actor) -> JournalEntry {
    JournalEntry {
        at_ms: clock::now().0,
        actor: actor.to_string(),
        reason: format!("a backup was written to {}", made.file),
        kind: "backed_up".to_owned(),
        release: None,
        subject: None,
        about: Vec::new(),
        body: json!({
            "file": made.file, "bytes": made.bytes, "digest": copied.digest,
            "generation": made.generation, "journal_rows": made.journal_rows,
        })
        .to_string(),
    }
}

/// What the file would hold, and why it cannot be written.
pub fn refused(what: &str, error: &StoreError) -> Problem {
    if let StoreError::Exists { path } = error {
        let there = format!(
            "cannot write {what} to `{}`: there is a file of that name",
            path.display()
        );
        return Problem::refused(there).help("name another file, or move that one away");
    }
    if let StoreError::File { path, source, .. } = error {
        let trouble = format!("cannot write {what} to `{}`: {source}", path.display());
        return Problem::refused(trouble).help("name a folder that is there and that the server may write to");
    }
    Problem::store(error)
}

/// A copy beside what it is a copy of would be lost with it.
///
/// # Errors
/// It is not the absolute path of a file outside of the state directory.
pub fn checked_path(file: &str, state_dir: &Path) -> Result<PathBuf, Problem> {
    let path = PathBuf::from(file);
    let plain = path.components().all(|part| match part {
        Component::RootDir | Component::Normal(_) => true,
        Component::Prefix(_) | Component::CurDir | Component::ParentDir => false,
    });
    if !path.is_absolute() || !plain || path.file_name().is_none() {
        return Err(
            Problem::bad_request(format!("`{file}` is not the absolute path of a file"))
                .help("name it from the root of the machine that the server runs on, without `..`"),
        );
    }
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    if folder.is_some_and(|folder| folder.starts_with(state_dir)) {
        return Err(Problem::refused(format!(
            "`{file}` lies in the state directory, and would be lost with it"
        ))
        .help("name a file elsewhere, best on another disk"));
    }
    Ok(path)
}
