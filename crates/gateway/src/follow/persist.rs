//! The last good table on disk, whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::table::Table;

#[derive(Debug, Error)]
pub enum PersistError {
    #[error("could not write the table to {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not read the table in {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is not a table")]
    Parse {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
}

/// Replaces the file. After this returns, a crash of the machine leaves the new table; before, the old one.
pub(crate) fn persist(path: &Path, table: &Table) -> Result<(), PersistError> {
    let failed = |source| PersistError::Write {
        path: path.to_owned(),
        source,
    };
    let text = serde_json::to_vec(table).map_err(io::Error::from).map_err(failed)?;
    replace(path, &text).map_err(failed)
}

/// The table in a file, or `None` where there is no file.
pub(crate) fn load(path: &Path) -> Result<Option<Table>, PersistError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(PersistError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    let table = serde_json::from_slice(&text);
    table.map(Some).map_err(|source| PersistError::Parse {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let temporary = temporary(path);
    // The table holds secrets.
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn temporary(path: &Path) -> PathBuf {
    path.with_extension("new")
}
