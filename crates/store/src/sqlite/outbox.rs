//! Effects: inserted once, leased, settled once.

use sqlx::SqliteConnection;

use super::{Sqlite, inbox, list};
use crate::error::{Failure, StoreError};
use crate::outbox::{Condition, Conditions, Ending, Finished, OutboxEntry, OutboxRow, Outcome, SettledEffect};

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    service: &str,
    effects: &[OutboxEntry],
) -> Result<(), Failure> {
    if effects.is_empty() {
        return Ok(());
    }
    let given = list(effects);
    sqlx::query(
        "INSERT INTO outbox (id, service, lane, body, due_ms)
         SELECT value->>'id', ?1, value->>'lane', value->>'body', value->>'due_ms'
         FROM json_each(?2) WHERE true ORDER BY key
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(service)
    .bind(&given)
    .execute(&mut *connection)
    .await?;
    let differs: Option<String> = sqlx::query_scalar(
        "SELECT outbox.id FROM json_each(?2) AS given CROSS JOIN outbox ON outbox.id = value->>'id'
         WHERE service <> ?1 OR lane <> value->>'lane' OR body <> value->>'body'
         ORDER BY given.key LIMIT 1",
    )
    .bind(service)
    .bind(&given)
    .fetch_optional(connection)
    .await?;
    match differs {
        Some(id) => Err(StoreError::EffectDiffers { id }.into()),
        None => Ok(()),
    }
}

/// Ends effects of a service on a turn's word.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    service: &str,
    settled: &[SettledEffect],
) -> Result<(), Failure> {
    let ids = settled.iter().map(|effect| &*effect.id).collect::<Vec<_>>();
    let endings = conditions(connection, &ids).await?.settle(service, settled)?;
    end(connection, &endings).await
}

async fn finish(
    connection: &mut SqliteConnection,
    owner: &str,
    outcomes: &[Outcome],
) -> Result<Vec<Finished>, Failure> {
    let ids = outcomes.iter().map(|outcome| &*outcome.id).collect::<Vec<_>>();
    let mut conditions = conditions(connection, &ids).await?;
    let report = conditions.finish(owner, outcomes)?;
    end(connection, &report.endings).await?;
    inbox::put(connection, &report.events).await?;
    Ok(report.finished)
}

async fn conditions(connection: &mut SqliteConnection, ids: &[&str]) -> Result<Conditions, Failure> {
    let found: Vec<Condition> = sqlx::query_as(
        "SELECT id, service, state, lease_owner FROM outbox WHERE id IN (SELECT value FROM json_each(?))",
    )
    .bind(list(ids))
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().collect())
}

async fn end(connection: &mut SqliteConnection, endings: &[Ending]) -> Result<(), Failure> {
    sqlx::query(
        "UPDATE outbox SET state = value->>'settlement', outcome = value->>'outcome',
             lease_until_ms = NULL, lease_owner = value->>'lease_owner'
         FROM json_each(?) WHERE outbox.id = value->>'id'",
    )
    .bind(list(endings))
    .execute(connection)
    .await?;
    Ok(())
}

impl Sqlite {
    pub(crate) async fn lease(
        &self,
        lane: &str,
        owner: &str,
        now_ms: i64,
        until_ms: i64,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.write("lease effects", async |connection| {
            let ids: Vec<String> = sqlx::query_scalar(
                "SELECT id FROM outbox
                 WHERE lane = ? AND state IN ('due', 'leased') AND coalesce(lease_until_ms, due_ms) <= ?
                 ORDER BY coalesce(lease_until_ms, due_ms), id LIMIT ?",
            )
            .bind(lane)
            .bind(now_ms)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?;
            let ids = list(&ids);
            sqlx::query(
                "UPDATE outbox SET state = 'leased', lease_owner = ?, lease_until_ms = ?, attempts = attempts + 1
                 WHERE id IN (SELECT value FROM json_each(?))",
            )
            .bind(owner)
            .bind(until_ms)
            .bind(&ids)
            .execute(&mut *connection)
            .await?;
            let leased = sqlx::query_as(
                "SELECT outbox.* FROM json_each(?) AS given CROSS JOIN outbox ON outbox.id = value ORDER BY given.key",
            )
            .bind(&ids)
            .fetch_all(connection)
            .await?;
            Ok(leased)
        })
        .await
    }

    pub(crate) async fn renew(&self, owner: &str, ids: &[String], until_ms: i64) -> Result<Vec<String>, StoreError> {
        self.write("renew leases", async |connection| {
            let ids = list(ids);
            sqlx::query(
                "UPDATE outbox SET lease_until_ms = ?1 WHERE state = 'leased' AND lease_owner = ?2
                 AND id IN (SELECT value FROM json_each(?3))",
            )
            .bind(until_ms)
            .bind(owner)
            .bind(&ids)
            .execute(&mut *connection)
            .await?;
            let lost = sqlx::query_scalar(
                "SELECT value FROM json_each(?2) AS given WHERE NOT EXISTS
                 (SELECT 1 FROM outbox WHERE id = value AND state = 'leased' AND lease_owner = ?1)
                 ORDER BY given.key",
            )
            .bind(owner)
            .bind(&ids)
            .fetch_all(connection)
            .await?;
            Ok(lost)
        })
        .await
    }

    pub(crate) async fn release_lease(
        &self,
        owner: &str,
        id: &str,
        retry_at_ms: i64,
        outcome: &str,
    ) -> Result<bool, StoreError> {
        self.write("give a lease back", async |connection| {
            let released = sqlx::query(
                "UPDATE outbox SET state = 'due', due_ms = ?, outcome = ?, lease_until_ms = NULL, lease_owner = NULL
                 WHERE id = ? AND state = 'leased' AND lease_owner = ?",
            )
            .bind(retry_at_ms)
            .bind(outcome)
            .bind(id)
            .bind(owner)
            .execute(connection)
            .await?;
            Ok(released.rows_affected() == 1)
        })
        .await
    }

    pub(crate) async fn finish(&self, owner: &str, outcomes: &[Outcome]) -> Result<Vec<Finished>, StoreError> {
        self.write("record outcomes", async |connection| {
            finish(connection, owner, outcomes).await
        })
        .await
    }

    pub(crate) async fn effect(&self, id: &str) -> Result<Option<OutboxRow>, StoreError> {
        sqlx::query_as("SELECT * FROM outbox WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.database.readers)
            .await
            .map_err(|error| self.explain("read an effect", error))
    }

    pub(crate) async fn pending(&self, service: &str) -> Result<Vec<OutboxRow>, StoreError> {
        sqlx::query_as("SELECT * FROM outbox WHERE service = ? AND state IN ('due', 'leased') ORDER BY id")
            .bind(service)
            .fetch_all(&self.database.readers)
            .await
            .map_err(|error| self.explain("read the pending effects", error))
    }

    pub(crate) async fn next_due(&self, lane: &str) -> Result<Option<i64>, StoreError> {
        sqlx::query_scalar(
            "SELECT min(coalesce(lease_until_ms, due_ms)) FROM outbox WHERE lane = ? AND state IN ('due', 'leased')",
        )
        .bind(lane)
        .fetch_one(&self.database.readers)
        .await
        .map_err(|error| self.explain("look for the next effect", error))
    }
}
