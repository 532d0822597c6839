//! Which process was started, for a server that did not start it.

use std::fs;
use std::io;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

const FILE: &str = "process.json";

/// A process id alone may be another process by now; with the start time it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    pub pid: i32,
    start_ticks: u64,
    /// The address that it follows.
    pub server: String,
}

impl Running {
    pub fn of(pid: u32, server: &str) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        Some(Self {
            pid,
            start_ticks: start_ticks(pid)?,
            server: server.to_owned(),
        })
    }

    pub fn read(directory: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(directory.join(FILE)).ok()?).ok()
    }

    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).expect("it has text keys only");
        let written = directory.join("process.json.new");
        fs::write(&written, text)?;
        fs::rename(written, directory.join(FILE))
    }

    /// Asks exactly this process to end; where it is gone, nothing happens.
    pub fn terminate(&self) -> io::Result<()> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(());
        };
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
            return Ok(());
        };
        // Compared after opening: from here on the descriptor cannot change whom it means.
        if start_ticks(self.pid) == Some(self.start_ticks) {
            pidfd_send_signal(process, Signal::TERM)?;
        }
        Ok(())
    }
}

/// When a process started, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)).
fn start_ticks(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, and may itself hold brackets and blanks.
    text.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}
