//! Starting the parts of a run: every one is this same executable, as a process of its own, with a log in the folder of the run.

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::TortureError;

const START_LIMIT: Duration = Duration::from_secs(20);

#[derive(Debug, Clone)]
pub struct Processes {
    executable: PathBuf,
    folder: PathBuf,
}

impl Processes {
    pub fn new(folder: &Path) -> Result<Self, TortureError> {
        let executable = std::env::current_exe().map_err(TortureError::io("cannot find the executable"))?;
        Ok(Self {
            executable,
            folder: folder.to_owned(),
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A command of this executable that ends with the run at the latest; its stderr is appended to `LOG.log`.
    pub fn command(&self, log: &str) -> Result<Command, TortureError> {
        let path = self.folder.join(format!("{log}.log"));
        let log = OpenOptions::new().create(true).append(true).open(path);
        let log = log.map_err(TortureError::io("cannot open a log"))?;
        let mut command = Command::new(&self.executable);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        Ok(command)
    }
}

pub fn spawn(command: &mut Command) -> Result<Child, TortureError> {
    command.spawn().map_err(TortureError::io("cannot start a process"))
}

pub fn lines(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    let stdout = child.stdout.take().expect("its stdout was asked for as a pipe");
    BufReader::new(stdout).lines()
}

/// The first line that a process prints.
pub async fn first_line(who: &'static str, lines: &mut Lines<BufReader<ChildStdout>>) -> Result<String, TortureError> {
    let line = within(START_LIMIT, "the first word of a process", lines.next_line()).await?;
    let line = line.map_err(TortureError::io("cannot hear a process"))?;
    line.ok_or(TortureError::Ended { who })
}

pub async fn within<T>(limit: Duration, what: &'static str, wait: impl Future<Output = T>) -> Result<T, TortureError> {
    tokio::time::timeout(limit, wait)
        .await
        .map_err(|_| TortureError::Late { what, limit })
}

/// Asks a process to end, and waits.
pub async fn terminate(mut child: Child, limit: Duration) -> Result<ExitStatus, TortureError> {
    if let Some(pid) = pid(&child) {
        kill_process(pid, Signal::TERM)
            .map_err(std::io::Error::from)
            .map_err(TortureError::io("cannot send a signal"))?;
    }
    let ended = within(limit, "the end of a process that was told to", child.wait()).await?;
    ended.map_err(TortureError::io("cannot wait for a process"))
}

fn pid(child: &Child) -> Option<Pid> {
    let number = i32::try_from(child.id()?).ok()?;
    Pid::from_raw(number)
}

/// An address on loopback that nobody listens on now.
pub fn free_address() -> Result<SocketAddr, TortureError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_err(TortureError::io("cannot find a free port"))
}
