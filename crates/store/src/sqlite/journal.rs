//! The journal: appended to, read, verified.

use sqlx::SqliteConnection;

use super::{Sqlite, list};
use crate::error::{Failure, StoreError};
use crate::journal::{Beginning, Head, JournalCheck, JournalEntry, JournalFilter, JournalRow};

/// How many rows a verification holds in memory at a time.
const PAGE: u32 = 1_000;

/// Appends the rows and returns the number of the journal's last.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    service: &str,
    generation: u64,
    entries: &[JournalEntry],
) -> Result<i64, Failure> {
    let mut head: Head = sqlx::query_as("SELECT seq, hash FROM journal_head WHERE service = ?")
        .bind(service)
        .fetch_optional(&mut *connection)
        .await?
        .unwrap_or_default();
    if entries.is_empty() {
        return Ok(head.seq);
    }
    let (rows, about) = head.append(service, generation, entries);
    sqlx::query(
        "INSERT INTO journal
             (service, seq, at_ms, generation, actor, reason, kind, release, subject, body, hash)
         SELECT value->>'service', value->>'seq', value->>'at_ms', value->>'generation', value->>'actor',
             value->>'reason', value->>'kind', value->>'release', value->>'subject', value->>'body', value->>'hash'
         FROM json_each(?)",
    )
    .bind(list(&rows))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO journal_about (service, subject, seq)
         SELECT ?, value->>'subject', value->>'seq' FROM json_each(?)",
    )
    .bind(service)
    .bind(list(&about))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO journal_head (service, seq, hash) VALUES (?, ?, ?)
         ON CONFLICT (service) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
    )
    .bind(service)
    .bind(head.seq)
    .bind(&head.hash)
    .execute(connection)
    .await?;
    Ok(head.seq)
}

impl Sqlite {
    pub(crate) async fn journal(
        &self,
        service: &str,
        filter: JournalFilter<'_>,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<JournalRow>, StoreError> {
        let (sql, wanted) = match filter {
            JournalFilter::All => (
                "SELECT * FROM journal WHERE service = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
                None,
            ),
            JournalFilter::Release(release) => (
                "SELECT * FROM journal WHERE service = ?1 AND seq > ?2 AND release = ?4 ORDER BY seq LIMIT ?3",
                Some(release),
            ),
            JournalFilter::Subject(subject) => (
                "SELECT journal.* FROM journal_about AS about
                     JOIN journal ON journal.service = about.service AND journal.seq = about.seq
                 WHERE about.service = ?1 AND about.subject = ?4 AND about.seq > ?2 ORDER BY about.seq LIMIT ?3",
                Some(subject),
            ),
        };
        let mut query = sqlx::query_as(sql).bind(service).bind(after_seq).bind(limit);
        if let Some(wanted) = wanted {
            query = query.bind(wanted);
        }
        query
            .fetch_all(&self.database.readers)
            .await
            .map_err(|error| self.explain("read the journal", error))
    }

    pub(crate) async fn journal_head(&self, service: &str) -> Result<i64, StoreError> {
        let head: Option<i64> = sqlx::query_scalar("SELECT seq FROM journal_head WHERE service = ?")
            .bind(service)
            .fetch_optional(&self.database.readers)
            .await
            .map_err(|error| self.explain("read the journal", error))?;
        Ok(head.unwrap_or(0))
    }

    /// One transaction holds one picture of the journal, however long the reading takes.
    pub(crate) async fn journal_verify(&self, service: &str) -> Result<JournalCheck, StoreError> {
        let failed = |error: sqlx::Error| self.explain("verify the journal", error);
        let mut picture = self.database.readers.begin().await.map_err(failed)?;
        verify(&mut picture, service).await.map_err(failed)
    }
}

/// Behind which row a journal begins; a copy of an earlier version has no table that says so.
pub(super) async fn beginning(connection: &mut SqliteConnection, service: &str) -> Result<Beginning, sqlx::Error> {
    let table: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'journal_checkpoint'")
        .fetch_one(&mut *connection)
        .await?;
    if table == 0 {
        return Ok(Beginning::default());
    }
    let found = sqlx::query_as("SELECT seq, hash, told_by FROM journal_checkpoint WHERE service = ?").bind(service);
    Ok(found.fetch_optional(connection).await?.unwrap_or_default())
}

/// Follows a journal from its beginning, or its checkpoint, to its end.
pub(super) async fn verify(connection: &mut SqliteConnection, service: &str) -> Result<JournalCheck, sqlx::Error> {
    let beginning = beginning(connection, service).await?;
    let mut followed = beginning.head();
    // From before the first number: a row slipped in under 0 is one too many.
    let mut after_seq = i64::MIN;
    loop {
        let page: Vec<JournalRow> =
            sqlx::query_as("SELECT * FROM journal WHERE service = ? AND seq > ? ORDER BY seq LIMIT ?")
                .bind(service)
                .bind(after_seq)
                .bind(PAGE)
                .fetch_all(&mut *connection)
                .await?;
        let mut is_right = |row: &JournalRow| followed.follow(row) && beginning.is_told(row);
        if let Some(broken) = page.iter().find(|row| !is_right(row)) {
            return Ok(JournalCheck::Broken {
                seq: broken.seq.min(followed.seq + 1),
            });
        }
        if page.is_empty() {
            break;
        }
        after_seq = followed.seq;
    }
    let head: Option<Head> = sqlx::query_as("SELECT seq, hash FROM journal_head WHERE service = ?")
        .bind(service)
        .fetch_optional(connection)
        .await?;
    // A checkpoint that no row tells of was put there by somebody else.
    if followed.seq < beginning.told_by {
        return Ok(JournalCheck::Broken { seq: followed.seq + 1 });
    }
    Ok(head.unwrap_or_default().compare(&followed, beginning.seq))
}
