//! Follows the journal of the server: the demo knows what happened from there and from nowhere else.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;

use crate::client::Client;
use crate::error::CliError;

/// Rows asked for at once.
const ROWS: u32 = 500;

/// What the demo needs of a row.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    pub seq: i64,
    pub at_ms: i64,
    pub kind: String,
    pub release: Option<String>,
    pub wave: Option<String>,
    pub reason: String,
    #[serde(default)]
    pub tenants: Vec<String>,
    pub now_on: Option<String>,
}

pub struct Journal {
    after: i64,
}

impl Journal {
    pub fn new() -> Self {
        Self { after: 0 }
    }

    /// The rows that have come since the last call.
    pub fn news(&mut self, client: &Client) -> Result<Vec<Row>, CliError> {
        let answer: Value = client.get(&format!("/v1/journal?after={}&limit={ROWS}", self.after))?;
        let rows: Vec<Row> = serde_json::from_value(answer["rows"].clone())
            .map_err(|error| CliError::new("cannot understand the journal of the server").because(error))?;
        self.after = rows.last().map_or(self.after, |row| row.seq);
        Ok(rows)
    }
}

pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
