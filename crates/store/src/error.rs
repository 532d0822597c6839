//! What the store refuses and what can go wrong below it: each text names the operation, the place and a way on.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the store did not do what it was asked. What it was asked stands whole or not at all; for certain not at all,
/// but for [`StoreError::Database`]: a failing disk may have kept what it could not confirm. Loading again tells.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else moved the service on. Load it again and decide again.
    #[error("service {service} is at generation {found}, not {expected}: load it and decide again")]
    Conflict { service: String, expected: u64, found: u64 },
    #[error("event {seq} of service {service} is not waiting: it was consumed before or never came")]
    EventNotWaiting { service: String, seq: i64 },
    #[error("service {service} already has an event {key} that says something else")]
    EventDiffers { service: String, key: String },
    #[error("effect {id} is already in the outbox and says something else")]
    EffectDiffers { id: String },
    #[error("effect {id} is not in the outbox")]
    UnknownEffect { id: String },
    #[error("the journal of service {service} has no row {seq} that was exported: export it again")]
    NotInJournal { service: String, seq: i64 },
    #[error("plan {digest} is already stored and says something else")]
    PlanDiffers { digest: String },

    #[error("cannot open {path}: {holder} is using it; stop that process or name another directory",
        path = path.display(), holder = Holder(*process))]
    InUse { path: PathBuf, process: Option<u32> },
    #[error("cannot open {path}: it was written by a newer version (schema {found}, this one knows {known}); use that version",
        path = path.display())]
    NewerSchema { path: PathBuf, found: i64, known: i64 },
    #[error("cannot bring the tables of {path} to this version", path = path.display())]
    Migrate {
        path: PathBuf,
        #[source]
        source: Box<sqlx::migrate::MigrateError>,
    },
    #[error("cannot make or lock {path}: see that its directory exists and may be written", path = path.display())]
    Directory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },

    #[error("cannot write {path}: there is a file of that name; name another one, or move that one away", path = path.display())]
    Exists { path: PathBuf },
    #[error("there is a store already, or what is left of one: {path}",
        path = path.display())]
    StoreThere { path: PathBuf },
    #[error("{path} is no whole backup: {why}", path = path.display())]
    NotWhole { path: PathBuf, why: String },
    #[error("a store in memory has no file to copy")]
    InMemory,
    #[error("cannot {operation} {path}", path = path.display())]
    File {
        operation: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },

    /// Another program held the database's write lock for longer than the store waits (about a second).
    #[error("cannot {operation} in {path}: another program is writing to it; close that program and try again",
        path = path.display())]
    Busy { operation: &'static str, path: PathBuf },
    #[error("cannot {operation} in {path}: {problem}", path = path.display())]
    Database {
        operation: &'static str,
        path: PathBuf,
        problem: Problem,
        #[source]
        source: Box<sqlx::Error>,
    },
}

/// What ails the database below, as far as SQLite says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    DiskFull,
    ReadOnly,
    Corrupt,
    CannotOpen,
    InputOutput,
    /// A mistake in this crate, or a rule of the schema that the rows broke.
    Other,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "the disk is full; free some space and try again",
            Self::ReadOnly => "it is read-only; give this user the right to write to the file and its directory",
            Self::Corrupt => "the file is damaged or no database; restore it from a backup",
            Self::CannotOpen => "the file cannot be opened; see that its directory exists and may be written",
            Self::InputOutput => "reading or writing the file failed; look at the disk",
            Self::Other => "the database refused it",
        })
    }
}

impl Problem {
    /// Reads SQLite's primary result code, the low byte of the extended one. `None`: nothing ails it, it is busy.
    pub(crate) fn of(error: &sqlx::Error) -> Option<Self> {
        let code = error
            .as_database_error()
            .and_then(|database| database.code()?.parse::<u32>().ok());
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => None,
            Some(8) => Some(Self::ReadOnly),
            Some(10) => Some(Self::InputOutput),
            Some(11 | 26) => Some(Self::Corrupt),
            Some(13) => Some(Self::DiskFull),
            Some(14) => Some(Self::CannotOpen),
            Some(_) | None => Some(Self::Other),
        }
    }
}

struct Holder(Option<u32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, "process {process}"),
            None => f.write_str("another process"),
        }
    }
}

/// What a transaction ends with when it does not commit: a refusal of ours, or SQLite's word, still without the
/// operation and the path that the caller knows.
pub(crate) enum Failure {
    Refused(StoreError),
    Sqlite(sqlx::Error),
}

impl From<StoreError> for Failure {
    fn from(refusal: StoreError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlite(error)
    }
}
