//! Members and their names, in one SQLite file per cell that every instance of the cell reads and writes.
//!
//! The old edition keeps a name in the column `name`, the later ones keep it in `full_name`. Between the two the schema is changed in
//! three steps ([`migration`]), and while both columns are there, triggers carry each write over into the other one.

mod audit;
mod copy;
pub mod migration;
mod web;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{SqliteConnection, SqlitePool};

pub use audit::{MemberRow, StepRun, Work, rows, work};
pub use copy::copy;
pub use web::router;

use crate::edition::Naming;
use crate::tenant::Tenant;

/// How long a process waits for another one that is writing.
const BUSY: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 4;

#[derive(Debug, thiserror::Error)]
pub enum MembersError {
    #[error("cannot make the directory `{}`", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    #[error("cannot use the members in `{}`", path.display())]
    Database { path: PathBuf, source: sqlx::Error },
    #[error("{rows} members have no full name yet, so the old column cannot go")]
    NotFilled { rows: i64 },
    #[error("cannot tell how far the work is")]
    Tell(#[source] std::io::Error),
}

/// The members of one cell.
#[derive(Debug, Clone)]
pub struct Members {
    path: PathBuf,
    pool: SqlitePool,
}

impl Members {
    /// Opens the members of the cell whose data directory is given, and makes them where there are none.
    ///
    /// # Errors
    /// The directory or the database cannot be used.
    pub async fn open(data: &Path) -> Result<Members, MembersError> {
        std::fs::create_dir_all(data).map_err(|source| MembersError::Directory {
            path: data.to_owned(),
            source,
        })?;
        let path = data.join("members.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Enough for processes that are killed; a machine that goes down may lose the last answers.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_with(options)
            .await;
        let pool = pool.map_err(failed(&path))?;
        let members = Members { path, pool };
        let made = members.write(async |connection| {
            sqlx::raw_sql(include_str!("members/schema.sql"))
                .execute(connection)
                .await?;
            Ok(())
        });
        made.await?;
        Ok(members)
    }

    /// One transaction that has the right to write from its beginning, so that nothing it has read can change below it.
    async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, MembersError> {
        let written = async {
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let done = work(&mut transaction).await?;
            transaction.commit().await?;
            Ok(done)
        };
        written.await.map_err(failed(&self.path))
    }

    /// Gives a member a name, whether it is new or not. Durable against the end of every process when it returns.
    ///
    /// # Errors
    /// The database cannot be written; nothing was changed then.
    pub async fn put(&self, naming: Naming, tenant: &Tenant, id: &str, name: &str) -> Result<(), MembersError> {
        self.write(async |connection| put(connection, naming, (tenant.as_str(), id, name)).await)
            .await
    }

    /// # Errors
    /// The database cannot be read.
    pub async fn name(&self, naming: Naming, tenant: &Tenant, id: &str) -> Result<Option<String>, MembersError> {
        let sql = match naming {
            Naming::Name => "SELECT name FROM member WHERE tenant = ? AND id = ?",
            Naming::FullName => "SELECT full_name FROM member_name WHERE tenant = ? AND id = ?",
        };
        let found = sqlx::query_scalar(sql).bind(tenant.as_str()).bind(id);
        found.fetch_optional(&self.pool).await.map_err(failed(&self.path))
    }
}

async fn put(
    connection: &mut SqliteConnection,
    naming: Naming,
    (tenant, id, name): (&str, &str, &str),
) -> Result<(), sqlx::Error> {
    let (update, insert) = match naming {
        Naming::Name => (
            "UPDATE member SET name = ?3 WHERE tenant = ?1 AND id = ?2",
            "INSERT INTO member (tenant, id, name) VALUES (?1, ?2, ?3)",
        ),
        Naming::FullName => (
            "UPDATE member SET full_name = ?3 WHERE tenant = ?1 AND id = ?2",
            "INSERT INTO member (tenant, id, full_name) VALUES (?1, ?2, ?3)",
        ),
    };
    for sql in [update, insert] {
        let query = sqlx::query(sql).bind(tenant).bind(id).bind(name);
        if query.execute(&mut *connection).await?.rows_affected() > 0 {
            break;
        }
    }
    Ok(())
}

fn failed(path: &Path) -> impl FnOnce(sqlx::Error) -> MembersError {
    let path = path.to_owned();
    move |source| MembersError::Database { path, source }
}

#[cfg(test)]
mod tests;
