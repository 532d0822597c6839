//! Follows the journal of the server: the demo knows what happened from there and from nowhere else.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use tidegate_domain::journal::Entry;

use super::server::Patient;
use crate::error::CliError;

/// Rows asked for at once.
const ROWS: u32 = 500;

/// A row, with what the state machine wrote down.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    pub at_ms: i64,
    pub body: Entry,
}

pub struct Journal {
    after: i64,
}

impl Journal {
    pub fn new() -> Self {
        Self { after: 0 }
    }

    /// The rows that have come since the last call.
    pub fn news(&mut self, client: &Patient) -> Result<Vec<Row>, CliError> {
        let answer = client.get(&format!("/v1/journal?after={}&limit={ROWS}", self.after))?;
        let rows = answer["rows"].as_array().into_iter().flatten();
        // Rows that are no entries of the state machine, such as a new token, are passed over.
        let entries = rows.clone().filter_map(|row| Row::deserialize(row).ok()).collect();
        self.after = rows.filter_map(|row| row["seq"].as_i64()).max().unwrap_or(self.after);
        Ok(entries)
    }
}

pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
