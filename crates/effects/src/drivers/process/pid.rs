//! Processes, named so that a number used again is not taken for the process that had it before.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A process id and when that process started, in clock ticks since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessIdentity {
    pub pid: i32,
    pub start_ticks: u64,
}

/// An open descriptor of one process: signals reach that one or nobody, and its end wakes whoever waits.
#[derive(Debug)]
pub(super) struct Process {
    descriptor: AsyncFd<OwnedFd>,
}

/// Parts of `/proc/PID/stat` (proc(5)).
pub(super) struct Stat {
    pub parent: i32,
    pub start_ticks: u64,
}

impl Stat {
    pub fn read(pid: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in brackets, and may itself hold brackets and blanks.
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let start_ticks = fields.nth(17)?.parse().ok()?;
        Some(Self { parent, start_ticks })
    }
}

impl ProcessIdentity {
    /// Of the process that has `pid` now.
    pub fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let start_ticks = Stat::read(pid)?.start_ticks;
        Some(Self { pid, start_ticks })
    }
}

#[expect(
    deprecated,
    reason = "unsound only for what may close its descriptor early, which an `OwnedFd` does not; its successor is unsafe"
)]
fn watched(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

impl Process {
    /// Opens the process that has `pid` now; `None` where there is none.
    pub fn open(pid: i32) -> io::Result<Option<Self>> {
        let Some(pid) = Pid::from_raw(pid) else { return Ok(None) };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => {
                let descriptor = watched(descriptor)?;
                Ok(Some(Self { descriptor }))
            }
            Err(rustix::io::Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens exactly that process; `None` where it is gone.
    pub fn open_exactly(identity: ProcessIdentity) -> io::Result<Option<Self>> {
        let process = Self::open(identity.pid)?;
        // Compared after opening: from here on the descriptor cannot change whom it means.
        let now = Stat::read(identity.pid).map(|stat| stat.start_ticks);
        Ok(process.filter(|_| now == Some(identity.start_ticks)))
    }

    /// Sends a signal; to a process that has ended already, that is no error.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(self.descriptor.get_ref(), signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns when the process has ended, reaped or not.
    pub async fn ended(&self) {
        // The descriptor turns readable once, and for ever. It fails only where the reactor is shutting down.
        if self.descriptor.readable().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
