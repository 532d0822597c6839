//! Which process runs, for whoever did not start it.

use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

const FILE: &str = "process.json";

/// From one look at a process that is to end to the next.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A process id alone may be another process by now; with the start time it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    pub pid: i32,
    start_ticks: u64,
    /// The address of the server: that of this process, or the one that it follows.
    pub server: String,
    /// What it was started with.
    #[serde(default)]
    pub arguments: Vec<String>,
}

impl Running {
    pub fn of(pid: u32, server: &str, arguments: &[String]) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        Some(Self {
            pid,
            start_ticks: start_ticks(pid)?,
            server: server.to_owned(),
            arguments: arguments.to_vec(),
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
        match self.open() {
            Some(process) => signal(&process, Signal::TERM),
            None => Ok(()),
        }
    }

    /// Asks exactly this process to end, and ends it where it has not after `patience`. Whether there was anything to end.
    pub async fn end(&self, patience: Duration) -> io::Result<bool> {
        let Some(process) = self.open() else {
            return Ok(false);
        };
        // Nobody may have taken note of its end yet.
        if has_ended(&process)? {
            return Ok(false);
        }
        signal(&process, Signal::TERM)?;
        let deadline = Instant::now() + patience;
        let mut asked_firmly = false;
        while !has_ended(&process)? {
            if !asked_firmly && Instant::now() >= deadline {
                asked_firmly = true;
                signal(&process, Signal::KILL)?;
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(true)
    }

    /// `None` where the process is gone.
    fn open(&self) -> Option<OwnedFd> {
        let process = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        // Compared after opening: from here on the descriptor cannot change whom it means.
        (start_ticks(self.pid) == Some(self.start_ticks)).then_some(process)
    }
}

/// To a process that has ended already, that is no error.
fn signal(process: &OwnedFd, signal: Signal) -> io::Result<()> {
    match pidfd_send_signal(process, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether it has ended, reaped or not: then its descriptor is readable.
fn has_ended(process: &OwnedFd) -> io::Result<bool> {
    let mut looked_at = [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)];
    Ok(poll(&mut looked_at, Some(&Timespec::default()))? > 0)
}

/// When a process started, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)).
fn start_ticks(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, and may itself hold brackets and blanks.
    text.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}
