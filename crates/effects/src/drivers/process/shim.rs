//! The shim: a small process of its own between the driver and an instance. It outlives the server, so that a server
//! started anew finds everything as it was.
//!
//! It runs one life of one instance: checks the artifact, starts the child, keeps its output, stops it when told to,
//! writes down how it ended. Whether there is another life is the driver's to decide.
//!
//! It is started with the directory's lock as its standard input: taken by the driver before, it goes over without a
//! moment in which nobody has it, and the child inherits it in turn. As long as anything of this life is alive, the
//! directory is locked and no second life can begin.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process_group, setsid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;

use self::log::Log;
use super::artifacts::digest_of_file;
use super::pid::{Process, ProcessIdentity};
use super::record::{self, Exit, InstanceDirectory, Launch, Outcome, Running};

mod become_instance;
pub(super) mod log;

/// The shim itself: `shim watch DIRECTORY`.
pub(super) const WATCH: &str = "watch";
/// The step between the shim and the instance's own program: `shim become DIRECTORY SHIM-PID`.
const BECOME: &str = "become";

/// How long output may still arrive after the instance has ended: something it started may keep the pipe.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// Runs the hidden verb `shim` with the arguments after it. Started by the driver, never by a person.
#[must_use]
pub fn run(arguments: &[OsString]) -> ExitCode {
    match arguments {
        [role, directory] if role == WATCH => watch(directory),
        [role, directory, shim] if role == BECOME => become_instance::run(&instance_directory(directory), shim),
        _ => ExitCode::from(2),
    }
}

fn instance_directory(argument: &OsString) -> InstanceDirectory {
    InstanceDirectory::new(PathBuf::from(argument))
}

fn watch(directory: &OsString) -> ExitCode {
    let directory = instance_directory(directory);
    // A session of its own: what a terminal sends to the server's group is not meant for the instances.
    let _ = setsid();
    let Some(lock) = inherited_lock(&directory.lock()) else {
        return ExitCode::from(2);
    };
    let started = Instant::now();
    let ended = live(&directory, &lock).unwrap_or_else(|reason| Ended {
        outcome: Outcome::NotStarted { reason },
        stopped: false,
    });
    let exit = Exit {
        outcome: ended.outcome,
        stopped: ended.stopped,
        lived_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    match record::write(&directory.exit(), &exit) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The lock that came as standard input, open for the child as well; `None` where it is not this directory's.
fn inherited_lock(path: &Path) -> Option<OwnedFd> {
    let inherited = io::stdin().as_fd().try_clone_to_owned().ok()?;
    let open = fs::File::from(inherited);
    let (file, open_file) = (fs::metadata(path).ok()?, open.metadata().ok()?);
    if (file.dev(), file.ino()) != (open_file.dev(), open_file.ino()) {
        return None;
    }
    open.try_lock().ok()?;
    fcntl_setfd(&open, FdFlags::empty()).ok()?;
    Some(open.into())
}

struct Ended {
    outcome: Outcome,
    stopped: bool,
}

/// One life, from the check of the artifact to the exit; an error is the reason for not having started.
fn live(directory: &InstanceDirectory, _lock: &OwnedFd) -> Result<Ended, String> {
    let launch: Launch = record::read(&directory.launch()).ok_or("the shim cannot read what it shall start")?;
    let mut running = Running {
        shim: ProcessIdentity::of(std::process::id()).ok_or("the shim cannot read its own state in /proc")?,
        child: None,
        port: launch.port,
        started_at: record::now(),
    };
    write_running(directory, &running)?;
    // One thread: the kernel tells a child that its parent died when the *thread* that started it ends.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the shim cannot wait for events: {error}"))?;
    runtime.block_on(async {
        let mut terminate =
            signal(SignalKind::terminate()).map_err(|error| format!("the shim cannot catch signals: {error}"))?;
        let found = digest_of_file(&launch.artifact)
            .map_err(|error| format!("cannot read the artifact `{}`: {error}", launch.artifact.display()))?;
        if found != launch.digest {
            return Ok(Ended {
                outcome: Outcome::ArtifactChanged { found },
                stopped: false,
            });
        }
        let (mut child, last_output) = start(directory, &launch)?;
        running.child = ProcessIdentity::of(child.id());
        write_running(directory, &running)?;
        let process = open(&child)?;
        let lease = lease_lost(launch.lease.clone());
        let stopped = tokio::select! {
            () = process.ended() => false,
            _ = terminate.recv() => true,
            () = lease => true,
        };
        if stopped {
            stop(&child, &process, Duration::from_millis(launch.stop_grace_ms)).await;
        }
        let status = reap(&mut child).map_err(|error| format!("the shim cannot wait for the instance: {error}"))?;
        let _ = timeout(LAST_OUTPUT, last_output).await;
        let outcome = outcome_of(status);
        Ok(Ended { outcome, stopped })
    })
}

fn write_running(directory: &InstanceDirectory, running: &Running) -> Result<(), String> {
    record::write(&directory.running(), running)
        .map_err(|error| format!("the shim cannot write `{}`: {error}", directory.running().display()))
}

/// Starts the child in a process group of its own. The receiver fires when its output has come to an end.
fn start(directory: &InstanceDirectory, launch: &Launch) -> Result<(Child, oneshot::Receiver<()>), String> {
    let failed = |error: io::Error| format!("the shim cannot start the instance: {error}");
    let (mut output, input) = io::pipe().map_err(failed)?;
    let mut command = Command::new("/proc/self/exe");
    command
        .args(["shim", BECOME])
        .arg(directory.path())
        .arg(std::process::id().to_string())
        .process_group(0)
        .stdin(Stdio::null())
        // One pipe for both, so that the lines stay in the order in which they were written.
        .stdout(input.try_clone().map_err(failed)?)
        .stderr(input);
    let mut log = Log::open(directory.log(), launch.log);
    let (ended, last_output) = oneshot::channel();
    let child = command.spawn().map_err(failed)?;
    std::thread::spawn(move || {
        let _ = io::copy(&mut output, &mut log);
        let _ = ended.send(());
    });
    Ok((child, last_output))
}

fn open(child: &Child) -> Result<Process, String> {
    let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
    match Process::open(pid) {
        Ok(Some(process)) => Ok(process),
        // Not reaped yet, so it exists: what failed is the opening.
        Ok(None) => Err("the shim lost the instance that it started".to_owned()),
        Err(error) => Err(format!("the shim cannot watch the instance: {error}")),
    }
}

/// Politely, and after `grace` firmly: the child and what it started in its group.
async fn stop(child: &Child, process: &Process, grace: Duration) {
    signal_group(child, Signal::TERM);
    if timeout(grace, process.ended()).await.is_err() {
        signal_group(child, Signal::KILL);
        process.ended().await;
    }
}

fn signal_group(child: &Child, signal: Signal) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

/// Takes note of the exit of a child that has ended, and ends what it left behind in its group.
fn reap(child: &mut Child) -> io::Result<ExitStatus> {
    // Before waiting: until then the number of the group cannot belong to anybody else.
    signal_group(child, Signal::KILL);
    child.wait()
}

fn outcome_of(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(code), _) => Outcome::Code(code),
        (None, Some(signal)) => Outcome::Signal(signal),
        (None, None) => Outcome::Code(-1),
    }
}

/// Returns when nobody holds the lease any more; never where none is asked for.
async fn lease_lost(lease: Option<PathBuf>) {
    let Some(path) = lease else {
        return std::future::pending().await;
    };
    let (lost, wait) = oneshot::channel();
    // A thread, for the kernel wakes it the moment the holder ends. It never ends in good times.
    std::thread::spawn(move || {
        // A lease that cannot be opened is one that nobody holds.
        let shared = fs::File::open(&path).and_then(|file| file.lock_shared());
        let _ = lost.send(shared);
    });
    let _ = wait.await;
}
