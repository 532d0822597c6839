//! Beginning, finding and stopping what runs in an instance's directory.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tidegate_domain::time::Timestamp;
use tokio::time::{Instant, sleep, timeout};

use super::super::Disturbance;
use super::artifacts::ArtifactError;
use super::instance::Supervisor;
use super::launch::{Blanks, ConfigurationFile, launch};
use super::lock::{self, Lock};
use super::pid::Process;
use super::record::{self, InstanceDirectory, Launch, Running, SlotRecord};
use super::secrets::{SecretError, Secrets};
use super::{INHERITED_VARIABLES, shim, variables_of};

/// Something that runs in the directory, with a shim that watches over it.
pub(super) struct Life {
    pub shim: Process,
    pub port: u16,
    pub started_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("cannot write `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("no port is free for it")]
    NoPort,
    #[error("its directory is locked by what runs there already")]
    Locked,
    #[error("cannot start the shim `{}`", executable.display())]
    Shim {
        executable: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot watch the shim")]
    Watch(#[source] io::Error),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FindError {
    #[error("cannot look at the lock in `{}`", directory.display())]
    Lock {
        directory: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is locked by a process that cannot be ended", .0.display())]
    CannotEnd(PathBuf),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum DisturbError {
    #[error(transparent)]
    Find(#[from] FindError),
    #[error("nothing runs in `{}`", .0.display())]
    Nothing(PathBuf),
    #[error("the process cannot be signalled")]
    Signal(#[source] io::Error),
    #[error("the process did not end")]
    Runs,
}

/// How long a shim that has just been started may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(2);
/// Between looks at a lock.
const LOOK: Duration = Duration::from_millis(10);
/// After the grace that a stop gives: for the kernel, and for a shim that is short of CPU.
const MARGIN: Duration = Duration::from_secs(2);
/// How long ended processes may take to let go of the lock.
const RELEASE: Duration = Duration::from_secs(10);

/// Starts a life of the instance, as its first or its next.
pub(super) fn begin(of: &Supervisor, artifact: &Path) -> Result<Life, StartError> {
    let directory = &of.directory;
    let port = of.shared.ports.choose().ok_or(StartError::NoPort)?;
    let blanks = Blanks {
        spec: &of.spec,
        directory,
        artifact,
        port,
        tenant: None,
    };
    let slot = SlotRecord {
        component: of.spec.component.clone(),
        after: of.spec.definition.after.clone(),
    };
    let slot_path = directory.path().with_file_name("slot.json");
    written(&directory.work(), record::create_directory)?;
    written(&slot_path, |path| record::write(path, &slot))?;
    let launch = launch(&blanks, &of.slot, of.index, &of.shared.options);
    begin_in(
        directory,
        &of.shared.executable,
        &ConfigurationFile::of(&of.spec),
        (&launch, &Secrets::resolve(&of.spec.secrets)?),
    )
}

/// Starts a life in a directory of its own, by what the shim is told, and what it is told and nobody else.
pub(super) fn begin_in(
    directory: &InstanceDirectory,
    executable: &Path,
    configuration: &ConfigurationFile<'_>,
    (launch, secrets): (&Launch, &Secrets),
) -> Result<Life, StartError> {
    written(&directory.work(), record::create_directory)?;
    let lock = written(&directory.lock(), Lock::try_acquire)?.ok_or(StartError::Locked)?;
    written(&directory.configuration(), |path| record::write(path, configuration))?;
    written(&directory.launch(), |path| record::write(path, launch))?;
    // What is said of the life before must not be taken for this one's.
    written(&directory.running(), record::remove)?;
    written(&directory.exit(), record::remove)?;
    let started_at = record::now();
    let shim = start_shim(executable, directory, (lock, secrets))?;
    Ok(Life {
        shim,
        port: launch.port,
        started_at,
    })
}

fn written<T>(path: &Path, write: impl FnOnce(&Path) -> io::Result<T>) -> Result<T, StartError> {
    write(path).map_err(|source| StartError::Write {
        path: path.to_owned(),
        source,
    })
}

fn start_shim(
    executable: &Path,
    directory: &InstanceDirectory,
    (lock, secrets): (Lock, &Secrets),
) -> Result<Process, StartError> {
    let mut command = Command::new(executable);
    command
        .args(["shim", shim::WATCH])
        .arg(directory.path())
        .env_clear()
        .envs(variables_of(INHERITED_VARIABLES))
        .envs(secrets.for_shim())
        .current_dir(directory.path())
        // The lock goes over to the shim as its standard input, and is never free in between.
        .stdin(Stdio::from(lock.into_descriptor()))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(|source| StartError::Shim {
        executable: executable.to_owned(),
        source,
    })?;
    let open = || {
        let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
        Process::open(pid)?.ok_or(io::Error::from(io::ErrorKind::NotFound))
    };
    let (process, reaped) = open().and_then(|one| Ok((one, open()?))).map_err(StartError::Watch)?;
    // On its own, for it has to be done even when nobody drives this instance any more.
    tokio::spawn(async move {
        reaped.ended().await;
        let _ = child.wait();
    });
    Ok(process)
}

/// Whoever runs in the directory now. What has lost its shim is ended first, so that it is never met again.
pub(super) async fn find(directory: &InstanceDirectory) -> Result<Option<Life>, FindError> {
    let since = Instant::now();
    let mut waited_for = None;
    loop {
        if is_free(directory)? {
            return Ok(None);
        }
        let running: Option<Running> = record::read(&directory.running());
        if let Some(running) = &running
            && let Ok(Some(shim)) = Process::open_exactly(running.shim)
        {
            return Ok(Some(Life {
                shim,
                port: running.port,
                started_at: running.started_at,
            }));
        }
        // The kernel has told an instance without a shim to end. One that was never written down is a shim that has
        // just been started.
        let patience = match running {
            Some(_) => *waited_for.get_or_insert_with(|| grace(directory)),
            None => INTRODUCTION,
        };
        if since.elapsed() > patience {
            return end_holders(directory).await.map(|()| None);
        }
        sleep(LOOK).await;
    }
}

fn is_free(directory: &InstanceDirectory) -> Result<bool, FindError> {
    match Lock::try_acquire(&directory.lock()) {
        Ok(lock) => Ok(lock.is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(FindError::Lock {
            directory: directory.path().to_owned(),
            source,
        }),
    }
}

/// Ends everything that has the lock open, firmly.
async fn end_holders(directory: &InstanceDirectory) -> Result<(), FindError> {
    let deadline = Instant::now() + RELEASE;
    while !is_free(directory)? {
        if Instant::now() > deadline {
            return Err(FindError::CannotEnd(directory.path().to_owned()));
        }
        for pid in lock::holders(&directory.lock()).unwrap_or_default() {
            // Opened first and looked at again: a number used anew has not the lock open.
            if let Ok(Some(process)) = Process::open(pid)
                && lock::holders(&directory.lock()).is_ok_and(|holders| holders.contains(&pid))
            {
                let _ = process.signal(Signal::KILL);
            }
        }
        sleep(LOOK).await;
    }
    Ok(())
}

fn grace(directory: &InstanceDirectory) -> Duration {
    let launch: Option<Launch> = record::read(&directory.launch());
    Duration::from_millis(launch.map_or(0, |launch| launch.stop_grace_ms))
}

/// Politely, and after the grace firmly. Returns when nothing runs in the directory, or nothing that can be ended.
pub(super) async fn stop(directory: &InstanceDirectory) {
    let stopped = async {
        if let Some(life) = find(directory).await? {
            let _ = life.shim.signal(Signal::TERM);
            // The shim itself gives the grace. This is for a shim that does not do its work.
            if timeout(grace(directory) + MARGIN, life.shim.ended()).await.is_err() {
                let _ = life.shim.signal(Signal::KILL);
            }
            end_holders(directory).await?;
        }
        Ok::<(), FindError>(())
    };
    if let Err(error) = stopped.await {
        tracing::error!(directory = %directory.path().display(), %error, "cannot stop an instance");
    }
}

/// Ends what runs in the directory on purpose, as `how` says. Whoever keeps the instance running sees it end as it would by itself.
pub(super) async fn disturb(directory: &InstanceDirectory, how: Disturbance) -> Result<(), DisturbError> {
    let nothing = || DisturbError::Nothing(directory.path().to_owned());
    let life = find(directory).await?.ok_or_else(nothing)?;
    match how {
        Disturbance::Restart => life.shim.signal(Signal::TERM).map_err(DisturbError::Signal)?,
        Disturbance::Kill => {
            let running: Option<Running> = record::read(&directory.running());
            let child = running.and_then(|running| running.child).ok_or_else(nothing)?;
            let child = Process::open_exactly(child).map_err(DisturbError::Signal)?;
            child
                .ok_or_else(nothing)?
                .signal(Signal::KILL)
                .map_err(DisturbError::Signal)?;
        }
    }
    let ended = timeout(grace(directory) + MARGIN, life.shim.ended()).await;
    ended.map_err(|_| DisturbError::Runs)
}
