//! The last step before the instance's own program runs, in the process that will be it.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::super::record::{self, InstanceDirectory, Launch};
use super::super::secrets::Secrets;
use super::super::{INHERITED_VARIABLES, variables_of};

/// What shells answer for a program that cannot be run.
const CANNOT_RUN: u8 = 127;

/// The kernel refuses to run a file that is open for writing. The driver's copy is closed by then, but a process forked
/// during the copying has it until its own exec, a moment later.
const BUSY_MAX: Duration = Duration::from_secs(2);

/// Turns this process into the instance. Returns only where that fails; the reason is in the instance's log.
pub(super) fn run(directory: &InstanceDirectory, shim: &OsString) -> ExitCode {
    let error = exec(directory, shim);
    let _ = writeln!(io::stderr(), "[tidegate] {error}");
    ExitCode::from(CANNOT_RUN)
}

fn exec(directory: &InstanceDirectory, shim: &OsString) -> String {
    let Some(launch) = record::read::<Launch>(&directory.launch()) else {
        return "cannot read what to run".to_owned();
    };
    let Some((program, arguments)) = launch.command.split_first() else {
        return "the command is empty".to_owned();
    };
    // This survives the exec: the instance is asked to end when its shim is killed. What does not heed it still holds
    // the lock, and the driver ends it.
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        return format!("cannot ask to be told of the shim's death: {error}");
    }
    let parent = Pid::as_raw(getppid()).to_string();
    if shim.to_str() != Some(parent.as_str()) {
        return "the shim is gone".to_owned();
    }
    let secrets = match Secrets::carried(&launch.secrets) {
        Ok(secrets) => secrets,
        Err(reason) => return reason,
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(variables_of(INHERITED_VARIABLES))
        .envs(secrets.for_instance())
        .envs(&launch.environment)
        .current_dir(directory.work());
    let since = Instant::now();
    loop {
        let error = command.exec();
        if error.kind() != io::ErrorKind::ExecutableFileBusy || since.elapsed() > BUSY_MAX {
            return format!("cannot run `{program}`: {error}");
        }
        sleep(Duration::from_millis(5));
    }
}
