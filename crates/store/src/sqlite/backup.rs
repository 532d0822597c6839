//! A copy of the store while it is used, and what a copy holds.
//!
//! The copy is made beside its name, looked at, synced, and only then given its name, which nothing can have taken
//! meanwhile: whoever finds a file of that name finds a whole one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::{Sqlite, explain, journal, open};
use crate::backup::{Copied, CopiedService};
use crate::error::{Failure, StoreError};
use crate::journal::{JournalCheck, hexadecimal};

const OPERATION: &str = "read the copy";

impl Sqlite {
    /// One transaction of a reading connection sees one picture of the store; whoever writes goes on meanwhile.
    pub(crate) async fn backup(&self, to: &Path) -> Result<Copied, StoreError> {
        if is_present(to)? {
            return Err(StoreError::Exists { path: to.to_owned() });
        }
        let partial = beside(to, "partial");
        make_empty(&partial)?;
        let written = self.write_copy(&partial, to).await;
        if written.is_err() {
            // What a killed one leaves, the next one writes over; here it can go at once.
            let _ = fs::remove_file(&partial);
        }
        written
    }

    async fn write_copy(&self, partial: &Path, to: &Path) -> Result<Copied, StoreError> {
        let name = partial.to_str().ok_or_else(|| StoreError::File {
            operation: "write",
            path: partial.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidInput, "its name is not UTF-8"),
        })?;
        sqlx::query("VACUUM INTO ?")
            .bind(name)
            .execute(&self.database.readers)
            .await
            .map_err(|error| explain(partial, "write the copy", Failure::Sqlite(error)))?;
        let copied = look_at(partial).await?;
        give_name(partial, to)?;
        Ok(copied)
    }
}

/// What a copy holds, where it is whole: every page, every table, every journal from end to end.
pub(crate) async fn look_at(path: &Path) -> Result<Copied, StoreError> {
    let (bytes, digest) = hash(path).await?;
    let failed = |error: sqlx::Error| explain(path, OPERATION, Failure::Sqlite(error));
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        // Nothing may be written beside a file that is only looked at, and nobody else writes to it.
        .immutable(true);
    let mut connection = options.connect().await.map_err(failed)?;
    let looked = look_inside(path, &mut connection).await;
    connection.close().await.map_err(failed)?;
    let (schema, services) = looked?;
    Ok(Copied {
        bytes,
        digest,
        schema,
        services,
    })
}

async fn look_inside(path: &Path, connection: &mut SqliteConnection) -> Result<(i64, Vec<CopiedService>), StoreError> {
    let failed = |error: sqlx::Error| explain(path, OPERATION, Failure::Sqlite(error));
    let not_whole = |why: String| StoreError::NotWhole {
        path: path.to_owned(),
        why,
    };
    let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    if found != ["ok"] {
        return Err(not_whole(found.join("; ")));
    }
    let tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('store', 'service', '_sqlx_migrations')",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    if tables != 3 {
        return Err(not_whole("it is a database, but no store of Tidegate".to_owned()));
    }
    let schema = open::schema(&mut *connection).await.map_err(failed)?;
    let known = open::newest_schema();
    if schema > known {
        let path = path.to_owned();
        return Err(StoreError::NewerSchema {
            path,
            found: schema,
            known,
        });
    }
    let journals: Vec<String> =
        sqlx::query_scalar("SELECT service FROM journal_head UNION SELECT service FROM journal ORDER BY 1")
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
    for service in journals {
        match journal::verify(connection, &service).await.map_err(failed)? {
            JournalCheck::Whole { .. } => {}
            JournalCheck::Broken { seq } => {
                return Err(not_whole(format!(
                    "the journal of service {service} is broken at row {seq}"
                )));
            }
        }
    }
    let services = sqlx::query_as(
        "SELECT service.service, service.generation, service.state,
             (SELECT count(*) FROM journal WHERE journal.service = service.service) AS journal_rows,
             coalesce((SELECT max(at_ms) FROM journal WHERE journal.service = service.service), 0) AS journal_at_ms
         FROM service ORDER BY service.service",
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    Ok((schema, services))
}

pub(super) fn is_present(path: &Path) -> Result<bool, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(file("write", path, source)),
    }
}

/// An empty file for its owner alone: copies hold all that a store does.
pub(super) fn make_empty(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(file("replace", path, source)),
    }
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(path);
    made.map(drop).map_err(|source| file("write", path, source))
}

/// The whole file gets its name, durably; refused where the name was taken meanwhile.
pub(super) fn give_name(partial: &Path, to: &Path) -> Result<(), StoreError> {
    sync(partial)?;
    // Unlike a rename, a link never replaces.
    match fs::hard_link(partial, to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(StoreError::Exists { path: to.to_owned() });
        }
        Err(source) => return Err(file("write", to, source)),
    }
    fs::remove_file(partial).map_err(|source| file("write", to, source))?;
    sync(folder(to))
}

pub(super) fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| file("write", path, source))
}

pub(super) fn folder(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// `PATH.SUFFIX`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn file(operation: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        operation,
        path: path.to_owned(),
        source,
    }
}

pub(super) async fn hash(path: &Path) -> Result<(u64, String), StoreError> {
    let of = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || hash_now(&of)).await;
    let hashed = hashed.unwrap_or_else(|error| Err(io::Error::other(error)));
    hashed.map_err(|source| file("read", path, source))
}

fn hash_now(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((bytes, hexadecimal(&hasher.finalize())));
        }
        hasher.update(&buffer[..count]);
        bytes += count as u64;
    }
}
