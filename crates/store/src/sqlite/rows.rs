//! A service's state, its facts and its plans.

use sqlx::SqliteConnection;

use super::{Sqlite, list};
use crate::commit::{Commit, Loaded};
use crate::error::{Failure, StoreError};
use crate::facts::{self, Fact, FactChange};
use crate::plans::{PlanEntry, PlanRow};

/// The service's generation, 0 without a state.
pub(super) async fn generation(connection: &mut SqliteConnection, service: &str) -> Result<u64, Failure> {
    let found: Option<i64> = sqlx::query_scalar("SELECT generation FROM service WHERE service = ?")
        .bind(service)
        .fetch_optional(connection)
        .await?;
    Ok(found.unwrap_or(0).cast_unsigned())
}

/// Compares the generation and, where the commit has a state, swaps it in. Returns the generation after.
pub(super) async fn move_on(connection: &mut SqliteConnection, commit: &Commit) -> Result<u64, Failure> {
    let found = generation(connection, &commit.service).await?;
    if found != commit.expected_generation {
        return Err(StoreError::Conflict {
            service: commit.service.clone(),
            expected: commit.expected_generation,
            found,
        }
        .into());
    }
    let Some(state) = &commit.state else {
        return Ok(found);
    };
    sqlx::query(
        "INSERT INTO service (service, generation, state) VALUES (?, ?, ?)
         ON CONFLICT (service) DO UPDATE SET generation = excluded.generation, state = excluded.state",
    )
    .bind(&commit.service)
    .bind((found + 1).cast_signed())
    .bind(state)
    .execute(connection)
    .await?;
    Ok(found + 1)
}

pub(super) async fn put_plans(
    connection: &mut SqliteConnection,
    service: &str,
    plans: &[PlanEntry],
) -> Result<(), Failure> {
    if plans.is_empty() {
        return Ok(());
    }
    let given = list(plans);
    sqlx::query(
        "INSERT INTO plan (digest, service, body, at_ms)
         SELECT value->>'digest', ?1, value->>'body', value->>'at_ms' FROM json_each(?2) WHERE true ORDER BY key
         ON CONFLICT (digest) DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)",
    )
    .bind(service)
    .bind(&given)
    .execute(&mut *connection)
    .await?;
    let differs: Option<String> = sqlx::query_scalar(
        "SELECT digest FROM json_each(?2) AS given CROSS JOIN plan ON digest = value->>'digest'
         WHERE service <> ?1 OR body <> value->>'body' ORDER BY given.key LIMIT 1",
    )
    .bind(service)
    .bind(&given)
    .fetch_optional(connection)
    .await?;
    match differs {
        Some(digest) => Err(StoreError::PlanDiffers { digest }.into()),
        None => Ok(()),
    }
}

/// Plans that releases came of are never dropped.
pub(super) async fn keep_plans(
    connection: &mut SqliteConnection,
    service: &str,
    applied: &[String],
) -> Result<(), Failure> {
    if applied.is_empty() {
        return Ok(());
    }
    sqlx::query("UPDATE plan SET applied = 1 WHERE service = ? AND digest IN (SELECT value FROM json_each(?))")
        .bind(service)
        .bind(list(applied))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn change_facts(
    connection: &mut SqliteConnection,
    service: &str,
    changes: &[FactChange],
) -> Result<(), Failure> {
    if changes.is_empty() {
        return Ok(());
    }
    let net = facts::net(changes);
    let given: Vec<_> = net.iter().map(|((kind, key), body)| (kind, key, body)).collect();
    let given = list(&given);
    sqlx::query(
        "INSERT INTO fact (service, kind, key, body)
         SELECT ?1, value->>0, value->>1, value->>2 FROM json_each(?2) WHERE value->>2 IS NOT NULL
         ON CONFLICT (service, kind, key) DO UPDATE SET body = excluded.body",
    )
    .bind(service)
    .bind(&given)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM fact WHERE service = ?1 AND (kind, key) IN
         (SELECT value->>0, value->>1 FROM json_each(?2) WHERE value->>2 IS NULL)",
    )
    .bind(service)
    .bind(&given)
    .execute(connection)
    .await?;
    Ok(())
}

impl Sqlite {
    pub(crate) async fn load(&self, service: &str) -> Result<Option<Loaded>, StoreError> {
        sqlx::query_as("SELECT generation, state FROM service WHERE service = ?")
            .bind(service)
            .fetch_optional(&self.database.readers)
            .await
            .map_err(|error| self.explain("load a service", error))
    }

    pub(crate) async fn services(&self) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("SELECT service FROM service ORDER BY service")
            .fetch_all(&self.database.readers)
            .await
            .map_err(|error| self.explain("list the services", error))
    }

    pub(crate) async fn facts(&self, service: &str, kind: &str) -> Result<Vec<Fact>, StoreError> {
        sqlx::query_as("SELECT kind, key, body FROM fact WHERE service = ? AND kind = ? ORDER BY key")
            .bind(service)
            .bind(kind)
            .fetch_all(&self.database.readers)
            .await
            .map_err(|error| self.explain("read facts", error))
    }

    pub(crate) async fn fact(&self, service: &str, kind: &str, key: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT body FROM fact WHERE service = ? AND kind = ? AND key = ?")
            .bind(service)
            .bind(kind)
            .bind(key)
            .fetch_optional(&self.database.readers)
            .await
            .map_err(|error| self.explain("read a fact", error))
    }

    pub(crate) async fn plan(&self, digest: &str) -> Result<Option<PlanRow>, StoreError> {
        sqlx::query_as("SELECT digest, service, body FROM plan WHERE digest = ?")
            .bind(digest)
            .fetch_optional(&self.database.readers)
            .await
            .map_err(|error| self.explain("read a plan", error))
    }
}
