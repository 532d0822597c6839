//! The files in an instance's directory: what the driver tells the shim, and what the shim leaves for whoever asks.
//!
//! Each is written whole and renamed into place, so a reader sees all of it or none. None is synced to disk: they speak of
//! running processes, and after a power cut none runs. A file that cannot be read is therefore the same as none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::{ComponentName, Digest};
use tidegate_domain::time::Timestamp;

use super::pid::ProcessIdentity;

/// The directory of one instance. It outlives the instance's processes, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InstanceDirectory(PathBuf);

/// What a shim starts (`instance.json`).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Launch {
    /// Program and arguments, filled in.
    pub command: Vec<String>,
    pub environment: BTreeMap<String, String>,
    /// The names of the secrets that the shim is given for it. Their values stand in no file.
    #[serde(default)]
    pub secrets: BTreeSet<String>,
    /// The driver's copy, and what must be in it.
    pub artifact: PathBuf,
    pub digest: Digest,
    pub port: u16,
    pub stop_grace_ms: u64,
    pub log: LogLimits,
    /// A file that somebody holds locked for as long as this instance may run.
    pub lease: Option<PathBuf>,
}

/// How much of an instance's output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLimits {
    /// A file that would grow beyond this is rotated.
    pub file_bytes_max: u64,
    /// Rotated files kept beside the one that is written.
    pub rotated_max: u32,
}

/// Who runs in the directory (`process.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Running {
    pub shim: ProcessIdentity,
    /// None until the shim has started it.
    pub child: Option<ProcessIdentity>,
    pub port: u16,
    pub started_at: Timestamp,
}

/// How the last life ended (`exit.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exit {
    pub outcome: Outcome,
    /// Whether the shim was told to stop it.
    pub stopped: bool,
    pub lived_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Code(i32),
    Signal(i32),
    /// The driver's copy is not what it was when it was made.
    ArtifactChanged {
        found: Digest,
    },
    NotStarted {
        reason: String,
    },
}

/// What outlives the wish for a slot (`slot.json`): enough to stop it in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SlotRecord {
    pub component: ComponentName,
    pub after: BTreeSet<ComponentName>,
}

/// The time, in the unit that records use.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Reads a record; `None` where there is none to be understood.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a record that only this user may read: what a service is configured with is nobody else's business.
///
/// The instances of a slot write the slot's record side by side: each through a file of its own, or one would rename the
/// other's away.
pub(super) fn write<T: Serialize>(path: &Path, record: &T) -> io::Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let partial = path.with_extension(format!("{}-{number}.partial", std::process::id()));
    let written = write_new(&partial, record).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // Whoever tries again writes another one: on a full disk they would add up.
        let _ = fs::remove_file(&partial);
    }
    written
}

fn write_new<T: Serialize>(path: &Path, record: &T) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(&serde_json::to_vec_pretty(record)?)
}

/// Makes a directory, and those above it, that only this user may enter.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Deletes a file that may be gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

impl InstanceDirectory {
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Held by the shim and everything it started; free means that nothing runs here.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub fn launch(&self) -> PathBuf {
        self.0.join("instance.json")
    }

    pub fn running(&self) -> PathBuf {
        self.0.join("process.json")
    }

    pub fn exit(&self) -> PathBuf {
        self.0.join("exit.json")
    }

    /// What `TIDEGATE_CONFIG` names.
    pub fn configuration(&self) -> PathBuf {
        self.0.join("configuration.json")
    }

    /// Where the instance runs.
    pub fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }
}

#[cfg(test)]
mod tests;
