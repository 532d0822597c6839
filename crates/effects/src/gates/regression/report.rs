//! What a report of a test suite says, whatever its format.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// A longer report is not read.
const BYTES_MAX: u64 = 16_000_000;
/// Of more failures only their number is known.
const FAILURES_MAX: usize = 20;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// All tests, those that were skipped included.
    pub tests: u64,
    pub skipped: u64,
    /// Failed, and were expected to: a test of something that is not done yet.
    pub expected_to_fail: u64,
    pub failed: u64,
    /// The first of those that failed.
    pub failures: Vec<Failure>,
    /// What is wrong beside the tests, in words: a suite that could not begin, tests that were planned and did not run.
    pub troubles: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub test: String,
    /// What the suite says of it; empty where it says nothing.
    pub message: String,
}

impl Report {
    /// Counts a test that failed.
    pub fn fail(&mut self, test: String, message: String) {
        self.failed += 1;
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(Failure { test, message });
        }
    }

    /// Those that ran.
    pub fn ran(&self) -> u64 {
        self.tests - self.skipped
    }

    pub fn passed(&self) -> u64 {
        self.ran() - self.failed - self.expected_to_fail
    }

    pub fn has_failures(&self) -> bool {
        self.failed > 0 || !self.troubles.is_empty()
    }
}

/// Where a suite is to write its report, with what an earlier run left there removed: what is there afterwards is of this run.
///
/// # Errors
/// In words, where the path leads out of the project's folder, or is no place for a file.
pub(super) fn clear(directory: &Path, path: &str) -> Result<PathBuf, String> {
    let cannot = |error: std::io::Error| format!("the report cannot be written to `{path}`: {error}");
    let root = fs::canonicalize(directory).map_err(cannot)?;
    let report = root.join(path);
    let folder = report.parent().unwrap_or(&root);
    // A link on the way may lead elsewhere.
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(&root);
    if !fs::canonicalize(there).map_err(cannot)?.starts_with(&root) {
        return Err(format!(
            "the report `{path}` would be written outside of the project's folder"
        ));
    }
    fs::create_dir_all(folder).map_err(cannot)?;
    match fs::symlink_metadata(&report) {
        Ok(found) if found.is_dir() => Err(format!("the report cannot be written to `{path}`: that is a folder")),
        Ok(_) => fs::remove_file(&report)
            .map(|()| report)
            .map_err(|error| format!("what an earlier run left at `{path}` cannot be removed: {error}")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(report),
        Err(error) => Err(cannot(error)),
    }
}

/// The text of a report; `None` where there is none.
///
/// # Errors
/// In words, where it cannot be read.
pub(super) fn read(report: &Path) -> Result<Option<String>, String> {
    let cannot = |error: std::io::Error| format!("the report cannot be read: {error}");
    match fs::symlink_metadata(report) {
        Ok(found) if found.is_file() => {}
        // A link may lead to the report of an earlier run.
        Ok(_) => return Err("the report is no file of its own".to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error)),
    }
    let mut bytes = Vec::new();
    let mut file = File::open(report).map_err(cannot)?.take(BYTES_MAX + 1);
    file.read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(format!("the report is longer than {BYTES_MAX} bytes"));
    }
    text(bytes).map(Some)
}

/// Bytes of a report as text.
///
/// # Errors
/// Names the line, where they are none.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let line = line_at(error.as_bytes(), error.utf8_error().valid_up_to());
        format!("line {line} of the report is no text in UTF-8")
    })
}

/// The line that a byte stands in, from 1.
pub(super) fn line_at(bytes: &[u8], position: usize) -> usize {
    let before = &bytes[..position.min(bytes.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
