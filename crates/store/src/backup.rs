//! Copies of a store: what one holds.

/// A copy of a store, as it was found whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub digest: String,
    /// The number of the newest migration that made its tables.
    pub schema: i64,
    /// The services that have a state, by name.
    pub services: Vec<CopiedService>,
}

/// One service of a copy.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CopiedService {
    pub service: String,
    #[sqlx(try_from = "i64")]
    pub generation: u64,
    pub state: String,
    pub journal_rows: i64,
    /// When the last row of its journal was written; 0 while it is empty.
    pub journal_at_ms: i64,
}
