//! A store made of a copy.
//!
//! The copy is copied beside the store's name, gets an epoch of its own and the rows that say what it is, and only then
//! its name: whoever finds a store finds one that is marked. The lock of the store is held all the while, so that a
//! server that runs, or begins, is in nobody's way.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backup::{beside, file, folder, is_present, look_at, make_empty, sync};
use super::{Sqlite, journal, open, rows};
use crate::backup::Copied;
use crate::commit::Record;
use crate::error::StoreError;

/// What SQLite keeps beside a database. A log without its database would be read into the one that takes its place.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

pub(crate) async fn restore(from: &Path, path: &Path, digest: &str, marks: &[Record]) -> Result<(), StoreError> {
    let lock = open::lock(path).await?;
    refuse_store(path)?;
    let partial = beside(path, "restoring");
    for companion in COMPANIONS {
        remove(&with(&partial, companion))?;
    }
    make_empty(&partial)?;
    fs::copy(from, &partial).map_err(|source| file("copy", from, source))?;
    // What was looked at is what was copied, whatever became of the file meanwhile.
    if look_at(&partial).await?.digest != digest {
        return Err(StoreError::NotWhole {
            path: from.to_owned(),
            why: "it has changed since it was looked at".to_owned(),
        });
    }
    let held = lock.try_clone().map_err(|source| file("lock", path, source))?;
    let store = Sqlite {
        database: Arc::new(open::connect(&partial, held).await?),
    };
    write_marks(&store, marks).await?;
    // Closed, the database is one file again.
    store.database.readers.close().await;
    store.database.writer.close().await;
    sync(&partial)?;
    // Nobody else can have made a store here: the lock is held.
    fs::rename(&partial, path).map_err(|source| file("write", path, source))?;
    sync(folder(path))
}

/// A file that somebody works with is no backup: part of it would lie in the log beside it.
pub(crate) async fn look_at_backup(from: &Path) -> Result<Copied, StoreError> {
    if fs::symlink_metadata(with(from, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(StoreError::NotWhole {
            path: from.to_owned(),
            why: "it is a store in use, not a backup: there is a write-ahead log beside it".to_owned(),
        });
    }
    look_at(from).await
}

fn refuse_store(path: &Path) -> Result<(), StoreError> {
    for path in [path.to_owned()]
        .into_iter()
        .chain(COMPANIONS.map(|end| with(path, end)))
    {
        if is_present(&path)? {
            return Err(StoreError::StoreThere { path });
        }
    }
    Ok(())
}

/// One transaction; a store killed before it is thrown away by the next restore.
async fn write_marks(store: &Sqlite, marks: &[Record]) -> Result<(), StoreError> {
    store
        .write("mark the restored store", async |connection| {
            // Whoever remembers a generation remembers it with the epoch, and so does not take this one's for the lost one's.
            sqlx::query("UPDATE store SET epoch = lower(hex(randomblob(16)))")
                .execute(&mut *connection)
                .await?;
            for record in marks {
                let service = &*record.service;
                let generation = rows::generation(connection, service).await?;
                rows::change_facts(connection, service, &record.facts).await?;
                journal::append(connection, service, generation, &record.journal).await?;
            }
            Ok(())
        })
        .await
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(file("replace", path, source)),
    }
}
