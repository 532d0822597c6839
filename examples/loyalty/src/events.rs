//! The event log of one tenant: one JSON document a line, appended by any number of processes, one at a time.
//!
//! A record is there when its line is complete. A process killed while it appended leaves at most one torn line at the end, which
//! was never answered for; whoever appends next cuts it off.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

const FILE: &str = "events.log";
const READ_BYTES: usize = 1 << 20;

/// Fields a later version adds are ignored by an earlier one: both read the log during a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts from 1 in each log.
    pub number: u64,
    /// The idempotency id its sender gave.
    pub id: String,
    pub member: String,
    #[serde(flatten)]
    pub effect: Effect,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    Earned {
        points: i64,
    },
    Redeemed {
        coupon: String,
        points: i64,
    },
    /// The id had arrived before: recorded, so that a request sent twice is seen, and without effect.
    Repeated,
}

impl Effect {
    /// What the member gains, or `None` if nothing is to be booked.
    pub fn points(&self) -> Option<i64> {
        match self {
            Effect::Earned { points } | Effect::Redeemed { points, .. } => Some(*points),
            Effect::Repeated => None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum EventLogError {
    #[error("cannot {operation} event log `{}`", path.display())]
    Io {
        operation: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("event log `{}` has a record that cannot be read at byte {offset}", path.display())]
    Corrupt {
        path: PathBuf,
        offset: u64,
        source: serde_json::Error,
    },
    #[error("event log `{}` has a record of more than {READ_BYTES} bytes at byte {offset}", path.display())]
    Endless { path: PathBuf, offset: u64 },
}

/// A reader and writer with a place: everything before `offset` has been handed out.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
    offset: u64,
}

/// The log while no other process may append to it.
#[derive(Debug)]
pub struct Exclusive<'a> {
    log: &'a mut EventLog,
}

impl EventLog {
    /// Opens the log of the tenant whose directory is given, making both if they are not there.
    ///
    /// # Errors
    /// The directory or the file cannot be made or opened.
    pub fn open(directory: &Path) -> Result<EventLog, EventLogError> {
        let path = directory.join(FILE);
        let failed = |operation| {
            let path = path.clone();
            move |source| EventLogError::Io {
                operation,
                path,
                source,
            }
        };
        std::fs::create_dir_all(directory).map_err(failed("make the directory of"))?;
        let mut options = File::options();
        options.read(true).append(true);
        let file = match options.open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let file = options.create(true).open(&path).map_err(failed("create"))?;
                let parent = File::open(directory).map_err(failed("open the directory of"))?;
                parent.sync_all().map_err(failed("sync the directory of"))?;
                file
            }
            other => other.map_err(failed("open"))?,
        };
        Ok(EventLog { path, file, offset: 0 })
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Continues behind what an earlier reader had been handed.
    pub fn seek(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// The next complete records, at most 1 MiB of them; empty at the end.
    ///
    /// # Errors
    /// The file cannot be read, or a complete line is no event.
    pub fn read(&mut self) -> Result<Vec<Event>, EventLogError> {
        let bytes = self.bytes()?;
        let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            if bytes.len() == READ_BYTES {
                let (path, offset) = (self.path.clone(), self.offset);
                return Err(EventLogError::Endless { path, offset });
            }
            return Ok(Vec::new());
        };
        let mut events = Vec::new();
        let mut read = 0;
        for line in bytes[..last].split(|byte| *byte == b'\n') {
            let event = serde_json::from_slice(line).map_err(|source| EventLogError::Corrupt {
                path: self.path.clone(),
                offset: self.offset + read as u64,
                source,
            })?;
            read += line.len() + 1;
            events.push(event);
        }
        self.offset += read as u64;
        Ok(events)
    }

    /// Waits until no other process is appending, and keeps them out until the guard is dropped (or this process dies).
    ///
    /// # Errors
    /// The file cannot be locked.
    pub fn lock(&mut self) -> Result<Exclusive<'_>, EventLogError> {
        flock(&self.file, FlockOperation::LockExclusive).map_err(|error| self.failed("lock")(error.into()))?;
        Ok(Exclusive { log: self })
    }

    fn bytes(&self) -> Result<Vec<u8>, EventLogError> {
        let length = self.file.metadata().map_err(self.failed("measure"))?.len();
        let wanted = length.saturating_sub(self.offset).min(READ_BYTES as u64);
        let mut bytes = vec![0; usize::try_from(wanted).unwrap_or(READ_BYTES)];
        let mut filled = 0;
        while filled < bytes.len() {
            let at = self.offset + filled as u64;
            let read = self.file.read_at(&mut bytes[filled..], at);
            match read.map_err(self.failed("read"))? {
                // Somebody cut a torn line off meanwhile.
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn failed(&self, operation: &'static str) -> impl FnOnce(std::io::Error) -> EventLogError + use<> {
        let path = self.path.clone();
        move |source| EventLogError::Io {
            operation,
            path,
            source,
        }
    }
}

impl Exclusive<'_> {
    /// Everything that was appended since the last reading; cuts a torn line off.
    ///
    /// # Errors
    /// As [`EventLog::read`]; the file cannot be cut.
    pub fn catch_up(&mut self) -> Result<Vec<Event>, EventLogError> {
        let mut events = Vec::new();
        loop {
            let batch = self.log.read()?;
            if batch.is_empty() {
                break;
            }
            events.extend(batch);
        }
        let length = self.log.file.metadata().map_err(self.log.failed("measure"))?.len();
        if length > self.log.offset {
            let cut = self.log.file.set_len(self.log.offset);
            cut.map_err(self.log.failed("cut a torn record off"))?;
        }
        Ok(events)
    }

    /// Appends behind everything caught up with, in one write; on disk when it returns.
    ///
    /// # Errors
    /// The file cannot be written or synced. Then the records may be there or not: read again.
    pub fn append(&mut self, events: &[Event]) -> Result<(), EventLogError> {
        let mut bytes = Vec::new();
        for event in events {
            serde_json::to_writer(&mut bytes, event).expect("an event has only string keys");
            bytes.push(b'\n');
        }
        let failed = self.log.failed("append to");
        self.log.file.write_all(&bytes).map_err(failed)?;
        self.log.file.sync_data().map_err(self.log.failed("sync"))?;
        self.log.offset += bytes.len() as u64;
        Ok(())
    }
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        // Can only fail for a descriptor that is not open.
        let _ = flock(&self.log.file, FlockOperation::Unlock);
    }
}
