//! The SQLite store: one connection writes, a few read. Lists go in as one JSON parameter (`json_each`), so that a
//! batch of ten thousand is as many statements as a batch of one.

mod backup;
mod compact;
mod inbox;
mod journal;
mod open;
mod outbox;
pub(crate) mod restore;
mod retention;
mod rows;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use sqlx::{Connection, SqliteConnection, SqlitePool};

use crate::commit::{Applied, Commit, Record, Recorded};
use crate::error::{Failure, Problem, StoreError};

/// A store in an SQLite file; see [`crate::Store::open`].
#[derive(Clone, Debug)]
pub struct Sqlite {
    database: Arc<Database>,
}

#[derive(Debug)]
struct Database {
    path: PathBuf,
    epoch: String,
    /// A pool of one, so that writers queue here and not at SQLite's lock.
    writer: SqlitePool,
    readers: SqlitePool,
    /// Locked while it is open; the system lets go of it however this process ends.
    _lock: File,
}

impl Sqlite {
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Arc::new(open::open(path).await?);
        Ok(Self { database })
    }

    pub(crate) fn epoch(&self) -> &str {
        &self.database.epoch
    }

    pub(crate) async fn apply(&self, commit: &Commit) -> Result<Applied, StoreError> {
        self.write("apply a commit", async |connection| {
            let service = &*commit.service;
            let generation = rows::move_on(connection, commit).await?;
            inbox::consume(connection, service, &commit.consumed).await?;
            outbox::insert(connection, service, &commit.outbox).await?;
            outbox::settle(connection, service, &commit.settled).await?;
            rows::put_plans(connection, service, &commit.plans).await?;
            rows::keep_plans(connection, service, &commit.applied).await?;
            rows::change_facts(connection, service, &commit.facts).await?;
            let journal_seq = journal::append(connection, service, generation, &commit.journal).await?;
            Ok(Applied {
                generation,
                journal_seq,
            })
        })
        .await
    }

    pub(crate) async fn record(&self, record: &Record) -> Result<Recorded, StoreError> {
        self.write("record rows", async |connection| {
            let service = &*record.service;
            let generation = rows::generation(connection, service).await?;
            let events = inbox::put(connection, &inbox::address(service, &record.events)).await?;
            rows::put_plans(connection, service, &record.plans).await?;
            rows::change_facts(connection, service, &record.facts).await?;
            let journal_seq = journal::append(connection, service, generation, &record.journal).await?;
            Ok(Recorded { events, journal_seq })
        })
        .await
    }

    /// Runs `work` in one transaction; any failure, and a future dropped before its end, rolls it back.
    async fn write<T>(
        &self,
        operation: &'static str,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let failed = |failure: Failure| explain(&self.database.path, operation, failure);
        let mut connection = self
            .database
            .writer
            .acquire()
            .await
            .map_err(|error| failed(error.into()))?;
        let answer = transact(&mut connection, work).await;
        if let Err(Failure::Sqlite(_)) = &answer {
            // SQLite may have rolled back by itself, which the driver does not learn and would stumble over for ever.
            connection.close_on_drop();
        }
        answer.map_err(failed)
    }

    fn explain(&self, operation: &'static str, failure: impl Into<Failure>) -> StoreError {
        explain(&self.database.path, operation, failure.into())
    }
}

async fn transact<T>(
    connection: &mut SqliteConnection,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // The write lock at once: a transaction that read first and then had to wait would decide on old rows.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let answer = work(&mut transaction).await?;
    transaction.commit().await?;
    Ok(answer)
}

fn explain(path: &Path, operation: &'static str, failure: Failure) -> StoreError {
    let error = match failure {
        Failure::Refused(refusal) => return refusal,
        Failure::Sqlite(error) => error,
    };
    let path = path.to_owned();
    match Problem::of(&error) {
        None => StoreError::Busy { operation, path },
        Some(problem) => StoreError::Database {
            operation,
            path,
            problem,
            source: Box::new(error),
        },
    }
}

/// A list as the one parameter that `json_each` takes apart again.
fn list<T: Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).expect("plain structs of text and numbers are always JSON")
}
