//! Old rows of the journal: written to a file, and only then dropped.

use std::path::{Path, PathBuf};

use serde_json::json;
use tidegate_domain::files::Retention;
use tidegate_domain::id::Actor;
use tidegate_domain::time::Timestamp;
use tidegate_store::{Exported, JournalEntry, StoreError};

use super::{Keeper, actor};
use crate::api::backups::{checked_path, refused};
use crate::api::{Problem, journal};
use crate::control::Control;

impl Keeper {
    /// Exports the rows that are too old, and drops them. Killed in between, the next look finds the file and does the rest.
    pub(super) async fn compact(&self, retention: &Retention, now: Timestamp) -> Result<(), Problem> {
        let (Some(kept), Some(folder)) = (retention.journal, &retention.export_to) else {
            return Ok(());
        };
        let before_ms = self.before(kept, now);
        let _one_at_a_time = self.state.backing_up().await;
        let (store, service) = (self.control().store(), self.control().service().as_str());
        let Some(first) = journal::first(&self.state).await? else {
            return Ok(());
        };
        // A folder that is not there is told at once, and not when the first row is old.
        let file = self.file(folder, first.seq)?;
        if first.at_ms >= before_ms {
            return Ok(());
        }
        let left = store.exported_journal(service, &file).await;
        let exported = match left.map_err(|error| taken(&file, &error))? {
            // A longer time was written since.
            Some(left) if left.until_ms >= before_ms => return Ok(()),
            Some(left) => Some(left),
            None => {
                let exported = store.export_journal(service, before_ms, &file).await;
                exported.map_err(|error| refused("old rows of the journal", &error))?
            }
        };
        let Some(exported) = exported else { return Ok(()) };
        let reason = format!("older than `retention.journal: {kept}` in tidegate.yaml says");
        drop_exported(self.control(), &file, &exported, (&actor(), &reason), now).await?;
        tracing::info!(file = %file.display(), rows = exported.rows, "old rows of the journal were exported and dropped");
        Ok(())
    }

    /// Named by the first row that is in it: as long as that is in the store, an export has not been followed by a drop.
    fn file(&self, folder: &str, first: i64) -> Result<PathBuf, Problem> {
        let folder = self.state.project().join(folder);
        let found = folder.canonicalize().map_err(|error| {
            Problem::refused(format!(
                "cannot export old rows of the journal to `{}`: {error}",
                folder.display()
            ))
            .help("make the folder that `retention.export_to` in tidegate.yaml names, or name another one")
        })?;
        let file = found.join(format!("{}-journal-{first:010}.ndjson", self.control().service()));
        checked_path(&file.display().to_string(), self.state.state_dir())
    }
}

/// Drops rows that are whole in a file, behind a checkpoint that a row of the journal tells of.
///
/// # Errors
/// The store does not work, or has no such rows.
pub async fn drop_exported(
    control: &Control,
    file: &Path,
    exported: &Exported,
    (actor, reason): (&Actor, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let told = row(exported, file, (actor, reason), now);
    let service = control.service().as_str();
    control
        .store()
        .drop_journal(service, &exported.checkpoint, &told)
        .await?;
    Ok(())
}

/// It names the hash of the last row that is dropped: by it the rest is verified.
fn row(exported: &Exported, file: &Path, (actor, reason): (&Actor, &str), now: Timestamp) -> JournalEntry {
    JournalEntry {
        at_ms: now.0,
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

fn taken(file: &Path, error: &StoreError) -> Problem {
    if let StoreError::NotInJournal { seq, .. } = error {
        let detail = format!(
            "cannot export old rows of the journal to `{}`: there is a file of that name, and from row {seq} on it is not what the \
             journal has",
            file.display()
        );
        return Problem::refused(detail).help("move that file away");
    }
    refused("old rows of the journal", error)
}
