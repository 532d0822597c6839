//! Old rows of a journal: written to a file, and dropped behind a checkpoint.
//!
//! They are two calls. Killed in between, the store has all its rows and the file is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use super::backup::{beside, file, folder, give_name, hash, is_present, make_empty};
use super::{Sqlite, journal, rows};
use crate::error::StoreError;
use crate::journal::{Beginning, Checkpoint, Exported, JournalEntry, JournalFilter, JournalRow};

/// How many rows an export holds in memory at a time.
const PAGE: u32 = 1_000;

impl Sqlite {
    pub(crate) async fn export_journal(
        &self,
        service: &str,
        before_ms: i64,
        to: &Path,
    ) -> Result<Option<Exported>, StoreError> {
        if is_present(to)? {
            return Err(StoreError::Exists { path: to.to_owned() });
        }
        let Some(until) = self.last_before(service, before_ms).await? else {
            return Ok(None);
        };
        // A folder that is not there is told by its own name.
        file_in(folder(to))?;
        let partial = beside(to, "partial");
        make_empty(&partial)?;
        let written = self.write_rows(service, until, &partial).await;
        let Ok(Some((first, last, rows))) = written else {
            let _ = fs::remove_file(&partial);
            return written.map(|_| None);
        };
        let (bytes, digest) = hash(&partial).await?;
        give_name(&partial, to)?;
        Ok(Some(Exported {
            rows,
            from_ms: first.at_ms,
            until_ms: last.at_ms,
            bytes,
            digest,
            checkpoint: Checkpoint {
                seq: last.seq,
                hash: last.hash,
            },
        }))
    }

    /// What an export before this one wrote, where the journal still begins with it.
    pub(crate) async fn exported_journal(&self, service: &str, from: &Path) -> Result<Option<Exported>, StoreError> {
        if !is_present(from)? {
            return Ok(None);
        }
        let beginning = self.beginning(service).await?;
        let other = |seq| StoreError::NotInJournal {
            service: service.to_owned(),
            seq,
        };
        let (mut followed, mut ends) = (beginning.head(), None);
        let lines = BufReader::new(File::open(from).map_err(|source| file("read", from, source))?).lines();
        for line in lines {
            let line = line.map_err(|source| file("read", from, source))?;
            let row: JournalRow = serde_json::from_str(&line).map_err(|_| other(followed.seq + 1))?;
            if row.service != service || !followed.follow(&row) {
                return Err(other(followed.seq + 1));
            }
            let (from_ms, _) = ends.unwrap_or((row.at_ms, row.at_ms));
            ends = Some((from_ms, row.at_ms));
        }
        let (from_ms, until_ms) = ends.ok_or_else(|| other(followed.seq + 1))?;
        let (bytes, digest) = hash(from).await?;
        Ok(Some(Exported {
            rows: followed.seq - beginning.seq,
            from_ms,
            until_ms,
            bytes,
            digest,
            checkpoint: Checkpoint {
                seq: followed.seq,
                hash: followed.hash,
            },
        }))
    }

    async fn beginning(&self, service: &str) -> Result<Beginning, StoreError> {
        let failed = |error: sqlx::Error| self.explain("read the journal", error);
        let mut connection = self.database.readers.acquire().await.map_err(failed)?;
        journal::beginning(&mut connection, service).await.map_err(failed)
    }

    /// The last of the rows at the beginning of the journal that are all older.
    async fn last_before(&self, service: &str, before_ms: i64) -> Result<Option<i64>, StoreError> {
        sqlx::query_scalar(
            "SELECT max(seq) FROM journal WHERE service = ?1
                 AND seq < coalesce((SELECT min(seq) FROM journal WHERE service = ?1 AND at_ms >= ?2), 9223372036854775807)",
        )
        .bind(service)
        .bind(before_ms)
        .fetch_one(&self.database.readers)
        .await
        .map_err(|error| self.explain("read the journal", error))
    }

    /// The first row, the last one, and how many they are.
    async fn write_rows(
        &self,
        service: &str,
        until: i64,
        path: &Path,
    ) -> Result<Option<(JournalRow, JournalRow, i64)>, StoreError> {
        let failed = |source: io::Error| file("write", path, source);
        let writing = OpenOptions::new().write(true).open(path).map_err(failed)?;
        let mut writing = BufWriter::new(writing);
        let (mut ends, mut rows, mut after) = (None::<(JournalRow, JournalRow)>, 0, i64::MIN);
        loop {
            let mut page = self.journal(service, JournalFilter::All, after, PAGE).await?;
            page.retain(|row| row.seq <= until);
            for row in &page {
                serde_json::to_writer(&mut writing, row).map_err(|error| failed(error.into()))?;
                writing.write_all(b"\n").map_err(failed)?;
                rows += 1;
            }
            let Some(last) = page.last().cloned() else { break };
            after = last.seq;
            let first = ends.map_or_else(|| page.swap_remove(0), |(first, _)| first);
            ends = Some((first, last));
        }
        let written: File = writing.into_inner().map_err(|error| failed(error.into_error()))?;
        written.sync_all().map_err(failed)?;
        Ok(ends.map(|(first, last)| (first, last, rows)))
    }

    pub(crate) async fn drop_journal(
        &self,
        service: &str,
        checkpoint: &Checkpoint,
        told: &JournalEntry,
    ) -> Result<i64, StoreError> {
        self.write("compact the journal", async |connection| {
            let hash: Option<String> = sqlx::query_scalar("SELECT hash FROM journal WHERE service = ? AND seq = ?")
                .bind(service)
                .bind(checkpoint.seq)
                .fetch_optional(&mut *connection)
                .await?;
            if hash.as_ref() != Some(&checkpoint.hash) {
                let (service, seq) = (service.to_owned(), checkpoint.seq);
                return Err(StoreError::NotInJournal { service, seq }.into());
            }
            let generation = rows::generation(connection, service).await?;
            let told_by = journal::append(connection, service, generation, std::slice::from_ref(told)).await?;
            sqlx::query(
                "INSERT INTO journal_checkpoint (service, seq, hash, told_by) VALUES (?, ?, ?, ?)
                 ON CONFLICT (service) DO UPDATE
                 SET seq = excluded.seq, hash = excluded.hash, told_by = excluded.told_by",
            )
            .bind(service)
            .bind(checkpoint.seq)
            .bind(&checkpoint.hash)
            .bind(told_by)
            .execute(&mut *connection)
            .await?;
            for sql in [
                "DELETE FROM journal WHERE service = ? AND seq <= ?",
                "DELETE FROM journal_about WHERE service = ? AND seq <= ?",
            ] {
                let dropped = sqlx::query(sql).bind(service).bind(checkpoint.seq);
                dropped.execute(&mut *connection).await?;
            }
            Ok(told_by)
        })
        .await
    }
}

fn file_in(path: &Path) -> Result<(), StoreError> {
    let found = fs::metadata(path).map(drop);
    found.map_err(|source| file("write to", path, source))
}
