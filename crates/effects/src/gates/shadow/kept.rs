//! What is left for people to look at: counts, and one redacted example of each difference. No body is written down.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use tidegate_domain::event::Verdict;
use tidegate_domain::id::{CellName, ComponentName};
use tidegate_evidence::shadow::Report;

use super::super::tap::Counts;

/// In the folder that the gate of a wave is given.
pub const FILE: &str = "shadow.json";

#[derive(Debug, Serialize)]
pub(super) struct Kept<'a> {
    pub component: &'a ComponentName,
    pub cells: &'a BTreeSet<CellName>,
    pub verdict: Verdict,
    pub reason: &'a str,
    pub counts: Counts,
    pub warm_up: u64,
    pub unanswered_by_new: u64,
    pub unanswered_by_old: u64,
    /// Gateways that cannot mirror.
    pub unable: Vec<&'a str>,
    pub report: &'a Report,
}

impl Kept<'_> {
    /// Whole, or not at all.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let (file, new) = (folder.join(FILE), folder.join("shadow.json.new"));
        fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        fs::rename(new, file)
    }
}

/// What is found there later is of this run.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
