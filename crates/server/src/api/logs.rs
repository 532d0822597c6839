//! What an instance has printed last.

use std::io;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::CellName;
use tidegate_effects::drivers::process;
use tokio::task::spawn_blocking;

use super::exchange::{Answer, Args};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};

/// Lines answered where nothing else is asked for, and at the most.
pub const LINES: usize = 100;
pub const LINES_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Logs {
    pub schema_version: u32,
    /// The oldest first.
    pub lines: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Select {
    cell: CellName,
    /// A slot's id, as `GET /v1/status` names it.
    slot: String,
    /// Which instance of the slot, from 0.
    #[serde(default)]
    instance: u16,
    /// At the most so many lines, up to 10,000.
    #[serde(default)]
    lines: Option<usize>,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::GET,
        "/v1/logs",
        "What an instance has printed last",
        get,
    )]
}

async fn get(
    state: AppState,
    by: Authorized<permission::ReadLogs>,
    Args(select): Args<Select>,
) -> Result<Answer<Logs>, Problem> {
    by.within(&select.cell)?;
    let view = state.control().view();
    let cell = view.state.cells.get(&select.cell);
    let found = cell.and_then(|cell| cell.slots.keys().find(|id| id.as_str() == select.slot));
    // Only names that the service has: what is asked for becomes a path.
    let slot = found.cloned().ok_or_else(|| {
        Problem::not_found(format!("there is no slot `{}` in cell `{}`", select.slot, select.cell))
            .help("`tidegate status` lists the slots")
    })?;
    let count = select.lines.unwrap_or(LINES).min(LINES_MAX);
    let root = state.shared.cells.clone();
    let read = move || process::logs(&root, &select.cell, &slot, select.instance, count);
    let lines = printed("this instance", read).await?;
    Ok(Answer(Logs {
        schema_version: SCHEMA_VERSION,
        lines,
    }))
}

/// What `who` has printed, read where waiting for a disk holds up nobody.
pub async fn printed(
    who: &str,
    read: impl FnOnce() -> io::Result<Vec<String>> + Send + 'static,
) -> Result<Vec<String>, Problem> {
    let lines = spawn_blocking(read)
        .await
        .map_err(|error| Problem::unavailable(&error))?;
    lines.map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            return Problem::not_found(format!("{who} has not printed anything"));
        }
        Problem::unavailable(&error)
    })
}
