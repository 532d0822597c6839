//! Opening: the directory, the lock, the tables, the connections.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};

use super::{Database, explain};
use crate::error::{Failure, StoreError};

static MIGRATIONS: Migrator = sqlx::migrate!();
const READERS: u32 = 3;
/// How long a call waits for another program (a backup, a shell) to let go of the database. SQLite waits on the
/// connection's own thread.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);
/// A predecessor's lock outlives it by a moment where it was killed between starting a process and that process's exec:
/// 40 times 25 ms are given for it to go.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(25);
const OPERATION: &str = "open the database";

pub(super) async fn open(path: &Path) -> Result<Database, StoreError> {
    let lock = lock(path).await?;
    connect(path, lock).await
}

/// The number of the newest migration that this version knows.
pub(super) fn newest_schema() -> i64 {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max();
    known.unwrap_or(0)
}

/// Opens the file under a lock that is held already.
pub(super) async fn connect(path: &Path, lock: File) -> Result<Database, StoreError> {
    let failed = |error: sqlx::Error| explain(path, OPERATION, Failure::Sqlite(error));
    refuse_newer(path).await?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT);
    let writing = options
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let writer = pool(1).connect_with(writing).await.map_err(failed)?;
    migrate(path, &writer).await?;
    let epoch = sqlx::query_scalar("SELECT epoch FROM store")
        .fetch_one(&writer)
        .await
        .map_err(failed)?;
    let readers = pool(READERS).connect_lazy_with(options.read_only(true));
    Ok(Database {
        path: path.to_owned(),
        epoch,
        writer,
        readers,
        _lock: lock,
    })
}

/// Connections to a file do not go stale: none is tested, aged or closed for being idle.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .max_lifetime(None)
        .idle_timeout(None)
}

/// Looked at before anything is opened for writing: what a newer version wrote is left as it is, to the byte.
async fn refuse_newer(path: &Path) -> Result<(), StoreError> {
    if !fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    let failed = |error: sqlx::Error| explain(path, OPERATION, Failure::Sqlite(error));
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT);
    let mut connection = options.connect().await.map_err(failed)?;
    let found = schema(&mut connection).await;
    connection.close().await.map_err(failed)?;
    let (found, known) = (found.map_err(failed)?, newest_schema());
    if found > known {
        let path = path.to_owned();
        return Err(StoreError::NewerSchema { path, found, known });
    }
    Ok(())
}

/// The newest migration that a file has seen; 0 for one that no store has been made in.
pub(super) async fn schema(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let table: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await?;
    if table == 0 {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await
}

async fn migrate(path: &Path, writer: &SqlitePool) -> Result<(), StoreError> {
    let Err(error) = MIGRATIONS.run(writer).await else {
        return Ok(());
    };
    if let MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) = error {
        return Err(explain(path, OPERATION, Failure::Sqlite(source)));
    }
    let path = path.to_owned();
    if let MigrateError::VersionMissing(found) = error {
        let known = newest_schema();
        return Err(StoreError::NewerSchema { path, found, known });
    }
    let source = Box::new(error);
    Err(StoreError::Migrate { path, source })
}

/// Locks a file beside the database and leaves the id of this process in it for the one that is refused.
pub(super) async fn lock(path: &Path) -> Result<File, StoreError> {
    let failed = |source| StoreError::Directory {
        path: path.to_owned(),
        source,
    };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(beside(path))
        .map_err(failed)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => {
                sign(&mut file).map_err(failed)?;
                return Ok(file);
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    Err(StoreError::InUse {
        path: path.to_owned(),
        process: signature(&mut file),
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Only a hint for people: whatever is not a number is left out.
fn signature(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
