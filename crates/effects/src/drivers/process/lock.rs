//! The lock of an instance's directory: whoever has it open and locked is what runs there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::pid::Stat;

/// The exclusive lock, held. It lives as long as any process has this open file, which a child inherits.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock at `path`, or says that somebody has it (`None`).
    pub fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The descriptor to hand on: the lock goes with it.
    pub fn into_descriptor(self) -> OwnedFd {
        self.0.into()
    }
}

/// The processes that have the file at `path` open, other than this one and its children.
///
/// A child of this process may have it for the moment between its fork and its exec, without meaning it.
pub(super) fn holders(path: &Path) -> io::Result<Vec<i32>> {
    let file = fs::metadata(path)?;
    let this = i32::try_from(std::process::id()).unwrap_or(i32::MAX);
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // Processes of other users cannot be looked into, and those that end meanwhile are gone.
        let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else {
            continue;
        };
        let has = descriptors
            .flatten()
            .filter_map(|descriptor| fs::metadata(descriptor.path()).ok())
            .any(|open| (open.dev(), open.ino()) == (file.dev(), file.ino()));
        if has && pid != this && Stat::read(pid).is_some_and(|stat| stat.parent != this) {
            found.push(pid);
        }
    }
    Ok(found)
}
