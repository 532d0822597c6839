//! What earlier wishes left in a cell's folder: instances that still run, and directories of slots that do not.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize as _;
use serde::de::value::{Error, StrDeserializer};
use tidegate_domain::id::SlotId;

use super::super::lock::Lock;
use super::super::record::{self, InstanceDirectory, SlotRecord};

/// An instance that runs, whether anybody wants it or not.
pub(super) struct Leftover {
    pub slot: SlotId,
    pub record: SlotRecord,
    pub index: u16,
    pub directory: InstanceDirectory,
}

/// All that runs in a cell's folder, by its locks.
pub(super) fn running(folder: &Path) -> Vec<Leftover> {
    let mut found = Vec::new();
    for (slot, path) in slots(folder) {
        let Some(record) = record::read::<SlotRecord>(&path.join("slot.json")) else {
            continue;
        };
        for (name, path) in entries(&path) {
            let Ok(index) = name.parse() else { continue };
            let directory = InstanceDirectory::new(path);
            // A lock that cannot be looked at may be held.
            if !matches!(Lock::try_acquire(&directory.lock()), Ok(Some(_))) {
                found.push(Leftover {
                    slot: slot.clone(),
                    record: record.clone(),
                    index,
                    directory,
                });
            }
        }
    }
    found
}

/// Deletes the directories of slots that are not `used`, except for the `kept` that were in use last.
pub(super) fn collect(folder: &Path, used: &BTreeSet<SlotId>, kept: usize) {
    let unused = slots(folder).into_iter().filter(|(slot, _)| !used.contains(slot));
    let mut by_age: Vec<(Reverse<SystemTime>, PathBuf)> =
        unused.map(|(_, path)| (Reverse(last_used(&path)), path)).collect();
    by_age.sort();
    for (_, path) in by_age.into_iter().skip(kept) {
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::warn!(path = %path.display(), %error, "cannot delete the directory of a stopped slot");
        }
    }
}

/// When an instance of the slot in `path` wrote its last record.
fn last_used(path: &Path) -> SystemTime {
    let modified = |path: PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let newest = entries(path).into_iter().filter_map(|(_, path)| modified(path)).max();
    newest.unwrap_or(SystemTime::UNIX_EPOCH)
}

fn slots(folder: &Path) -> Vec<(SlotId, PathBuf)> {
    let named = |(name, path): (String, PathBuf)| {
        let slot = SlotId::deserialize(StrDeserializer::<Error>::new(&name)).ok()?;
        Some((slot, path))
    };
    entries(folder).into_iter().filter_map(named).collect()
}

fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let named = |entry: fs::DirEntry| Some((entry.file_name().into_string().ok()?, entry.path()));
    entries.flatten().filter_map(named).collect()
}
