//! The ledger of one tenant: what the events amount to, booked by whoever holds the highest epoch.
//!
//! Each epoch has a directory of its own, `ledger/EPOCH/`, and in it one file with epoch, offset and effect, replaced as a whole. Making
//! the directory *is* the fence: a holder replaces its file and then looks for a higher epoch; the next holder makes its
//! directory and then reads the file of the one before. So what a holder was told is booked was there to be read by its successor,
//! and what an outdated one still writes is refused and lies in a file nobody reads again.
//! There is no lock that a stopped process could keep.

pub mod worker;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::events::{Event, EventLog, EventLogError};

const FOLDER: &str = "ledger";
const FILE: &str = "booked.json";

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("epoch {epoch} was fenced off by epoch {by}")]
    Fenced { epoch: u64, by: u64 },
    #[error("cannot {operation} `{}`", path.display())]
    Io {
        operation: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot understand `{}`", path.display())]
    Corrupt { path: PathBuf, source: serde_json::Error },
    #[error("cannot read the events to book")]
    EventLog(#[from] EventLogError),
}

/// Effect and offset together: neither is ever on disk without the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub epoch: u64,
    /// Everything in the event log before this byte is booked.
    pub offset: u64,
    pub members: BTreeMap<String, Booked>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    pub events: u64,
    pub points: i64,
}

impl Ledger {
    /// The ledger that counts: the one of the highest epoch that has written. Empty where nothing was booked yet. `directory` is
    /// the tenant's.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn newest(directory: &Path) -> Result<Ledger, LedgerError> {
        let folder = directory.join(FOLDER);
        let mut seen = epochs(&folder)?;
        loop {
            for epoch in seen.iter().rev() {
                if let Some(ledger) = read(&place(&folder, *epoch))? {
                    return Ok(ledger);
                }
            }
            // A successor may have removed what was listed, after it wrote its own.
            let again = epochs(&folder)?;
            if again == seen {
                return Ok(Ledger::default());
            }
            seen = again;
        }
    }

    /// The highest epoch that was ever claimed, 0 if none was.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn fence(directory: &Path) -> Result<u64, LedgerError> {
        Ok(epochs(&directory.join(FOLDER))?.last().copied().unwrap_or(0))
    }

    pub fn events(&self) -> u64 {
        self.members.values().map(|booked| booked.events).sum()
    }

    /// Events without effect are passed over.
    pub fn book(&mut self, event: &Event) {
        if let Some(points) = event.effect.points() {
            let booked = self.members.entry(event.member.clone()).or_default();
            booked.events += 1;
            booked.points = booked.points.saturating_add(points);
        }
    }
}

/// The right to book for one tenant, until a higher epoch is claimed.
#[derive(Debug)]
pub struct Holder {
    directory: PathBuf,
    log: EventLog,
    ledger: Ledger,
    saved: bool,
}

impl Holder {
    /// Fences every lower epoch off and continues where the last one stopped. Claiming the same epoch again is the same holder,
    /// started again.
    ///
    /// # Errors
    /// [`LedgerError::Fenced`] if a higher epoch was claimed before; the files cannot be read or written.
    pub fn claim(directory: &Path, epoch: u64) -> Result<Holder, LedgerError> {
        let folder = directory.join(FOLDER);
        let own = folder.join(epoch.to_string());
        fs::create_dir_all(&own).map_err(failed("make", &own))?;
        sync_directory(&folder)?;
        let ledger = Ledger::newest(directory)?;
        let mut log = EventLog::open(directory)?;
        log.seek(ledger.offset);
        let mut holder = Holder {
            directory: directory.to_owned(),
            log,
            ledger: Ledger { epoch, ..ledger },
            saved: false,
        };
        holder.save()?;
        holder.remove_outdated()?;
        Ok(holder)
    }

    pub fn epoch(&self) -> u64 {
        self.ledger.epoch
    }

    /// Books what has arrived, at most 1 MiB of it; tells how many records that were.
    ///
    /// # Errors
    /// [`LedgerError::Fenced`]: the right is gone, and what was booked just now must not be relied upon. Others: try again.
    pub fn book(&mut self) -> Result<usize, LedgerError> {
        let events = self.log.read()?;
        if events.is_empty() && self.saved {
            self.check_fence()?;
            return Ok(0);
        }
        self.saved = false;
        events.iter().for_each(|event| self.ledger.book(event));
        self.ledger.offset = self.log.offset();
        self.save()?;
        Ok(events.len())
    }

    /// Records that wait to be booked, counted up to the next MiB.
    ///
    /// # Errors
    /// The event log cannot be read.
    pub fn lag(&self) -> Result<usize, LedgerError> {
        let mut log = EventLog::open(&self.directory)?;
        log.seek(self.ledger.offset);
        Ok(log.read()?.len())
    }

    /// First the file, then the look for a higher epoch: see the module.
    fn save(&mut self) -> Result<(), LedgerError> {
        let replaced = self.replace();
        self.check_fence()?;
        replaced?;
        self.saved = true;
        Ok(())
    }

    fn replace(&self) -> Result<(), LedgerError> {
        let path = place(&self.directory.join(FOLDER), self.ledger.epoch);
        let new = path.with_extension(format!("new-{}", std::process::id()));
        let text = serde_json::to_vec(&self.ledger).expect("a ledger has only string keys");
        let mut file = File::create(&new).map_err(failed("create", &new))?;
        file.write_all(&text).map_err(failed("write", &new))?;
        // The renaming need not be synced: without it the older pair of effect and offset is there, and is right too.
        file.sync_data().map_err(failed("sync", &new))?;
        fs::rename(&new, &path).map_err(failed("replace", &path))
    }

    fn check_fence(&self) -> Result<(), LedgerError> {
        let (epoch, by) = (self.ledger.epoch, Ledger::fence(&self.directory)?);
        if by > epoch {
            return Err(LedgerError::Fenced { epoch, by });
        }
        Ok(())
    }

    fn remove_outdated(&self) -> Result<(), LedgerError> {
        let folder = self.directory.join(FOLDER);
        sync_directory(&folder.join(self.ledger.epoch.to_string()))?;
        for epoch in epochs(&folder)? {
            if epoch < self.ledger.epoch {
                // An outdated holder may be writing into it: then it stays until the next claim.
                let _ = fs::remove_dir_all(folder.join(epoch.to_string()));
            }
        }
        Ok(())
    }
}

/// The epochs claimed, ascending.
fn epochs(folder: &Path) -> Result<Vec<u64>, LedgerError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed("list", folder))?,
    };
    let mut epochs = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed("list", folder))?.file_name();
        epochs.extend(name.to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    epochs.sort_unstable();
    Ok(epochs)
}

fn place(folder: &Path, epoch: u64) -> PathBuf {
    folder.join(epoch.to_string()).join(FILE)
}

fn read(path: &Path) -> Result<Option<Ledger>, LedgerError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed("read", path))?,
    };
    let ledger = serde_json::from_slice(&bytes).map_err(|source| LedgerError::Corrupt {
        path: path.to_owned(),
        source,
    })?;
    Ok(Some(ledger))
}

fn sync_directory(path: &Path) -> Result<(), LedgerError> {
    let directory = File::open(path).map_err(failed("open", path))?;
    directory.sync_all().map_err(failed("sync", path))
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LedgerError + use<> {
    let path = path.to_owned();
    move |source| LedgerError::Io {
        operation,
        path,
        source,
    }
}

#[cfg(test)]
mod tests;
