//! What is over and old, dropped a batch at a time: the oldest first, each batch in one transaction.

use sqlx::SqliteConnection;

use super::{Sqlite, list};
use crate::error::{Failure, StoreError};
use crate::retention::Old;

impl Sqlite {
    pub(crate) async fn drop_events(&self, old: &Old<'_>, answers: &str) -> Result<u64, StoreError> {
        self.write("drop old events", async |connection| {
            let keys: Vec<String> = sqlx::query_scalar(
                "DELETE FROM inbox WHERE seq IN
                     (SELECT seq FROM inbox WHERE service = ? AND consumed = 1 AND at_ms < ?
                          AND seq < (SELECT max(seq) FROM inbox)
                      ORDER BY at_ms, seq LIMIT ?)
                 RETURNING key",
            )
            .bind(old.service)
            .bind(old.before_ms)
            .bind(old.limit)
            .fetch_all(&mut *connection)
            .await?;
            drop_facts(connection, old.service, answers, &keys).await?;
            Ok(keys.len() as u64)
        })
        .await
    }

    pub(crate) async fn drop_effects(&self, old: &Old<'_>, lane: &str) -> Result<u64, StoreError> {
        self.write("drop old effects", async |connection| {
            let dropped = sqlx::query(
                "DELETE FROM outbox WHERE id IN
                     (SELECT id FROM outbox WHERE service = ? AND lane = ? AND state IN ('done', 'dead') AND due_ms < ?
                          AND lease_owner IS NULL
                      ORDER BY due_ms, id LIMIT ?)",
            )
            .bind(old.service)
            .bind(lane)
            .bind(old.before_ms)
            .bind(old.limit)
            .execute(connection)
            .await?;
            Ok(dropped.rows_affected())
        })
        .await
    }

    pub(crate) async fn drop_plans(&self, old: &Old<'_>, kept: &[String], inputs: &str) -> Result<u64, StoreError> {
        self.write("drop old plans", async |connection| {
            let digests: Vec<String> = sqlx::query_scalar(
                "DELETE FROM plan WHERE digest IN
                     (SELECT digest FROM plan WHERE service = ? AND applied = 0 AND at_ms < ?
                          AND digest NOT IN (SELECT value FROM json_each(?))
                      ORDER BY at_ms, digest LIMIT ?)
                 RETURNING digest",
            )
            .bind(old.service)
            .bind(old.before_ms)
            .bind(list(kept))
            .bind(old.limit)
            .fetch_all(&mut *connection)
            .await?;
            drop_facts(connection, old.service, inputs, &digests).await?;
            Ok(digests.len() as u64)
        })
        .await
    }
}

async fn drop_facts(
    connection: &mut SqliteConnection,
    service: &str,
    kind: &str,
    keys: &[String],
) -> Result<(), Failure> {
    sqlx::query("DELETE FROM fact WHERE service = ? AND kind = ? AND key IN (SELECT value FROM json_each(?))")
        .bind(service)
        .bind(kind)
        .bind(list(keys))
        .execute(connection)
        .await?;
    Ok(())
}
