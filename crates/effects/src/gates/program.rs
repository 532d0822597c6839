//! A program that a gate runs: in the project's folder, without a shell, with few variables of the server, and killed with all that it has
//! started when its time is over or nobody waits for it any more.

mod printed;

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{self, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tidegate_domain::time::Duration as Span;
use tokio::process::Command;
use tokio::time::timeout;

pub(super) use self::printed::{Printed, WHOLE_BYTES_MAX};
use super::{Target, TargetSlot};

/// Variables of the server that every program gets.
const KEPT: [&str; 9] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

#[derive(Debug)]
pub(super) struct Program<'w> {
    /// The program and its arguments.
    pub command: &'w [String],
    /// Variables of the server that it gets besides [`KEPT`]. The others may hold secrets of the components.
    pub environment: &'w [String],
    pub directory: &'w Path,
    /// Variables that the gate sets itself, stronger than those of the server.
    pub told: Vec<(&'static str, OsString)>,
    pub timeout: Span,
}

/// What is wrong with a command and the variables it is to get, if anything is.
///
/// # Errors
/// In words, for the one who wrote them.
pub(super) fn check(command: &[String], environment: &[String]) -> Result<(), String> {
    if environment.iter().any(|name| name == "TIDEGATE_TOKEN") {
        return Err("a gate is no client of the control plane: it gets no `TIDEGATE_TOKEN`".to_owned());
    }
    match command.first() {
        Some(program) if !program.is_empty() => Ok(()),
        Some(_) | None => Err("`command` names no program".to_owned()),
    }
}

/// What every program is told of the release, and of these slots.
pub(super) fn variables(target: &Target, slots: &[TargetSlot]) -> Vec<(&'static str, OsString)> {
    let slots = serde_json::to_string(slots).expect("slots have text keys only");
    vec![
        ("TIDEGATE_RELEASE", target.version.as_str().into()),
        ("TIDEGATE_WAVE", target.wave.as_str().into()),
        ("TIDEGATE_SLOTS", slots.into()),
    ]
}

impl Program<'_> {
    /// As a message names it.
    pub fn name(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }

    /// Ready to be started, by whomever. What it prints is shown nowhere.
    pub fn prepared(&self) -> process::Command {
        let given = KEPT.into_iter().chain(self.environment.iter().map(String::as_str));
        let mut command = process::Command::new(self.name());
        command
            .args(self.command.get(1..).unwrap_or_default())
            .env_clear()
            .envs(given.filter_map(|name| Some((name, env::var_os(name)?))))
            .envs(self.told.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        command
    }

    /// Runs it until it has ended and nothing writes to its outputs any more. What it prints is in `output` and `errors` also where it does
    /// not end in time.
    ///
    /// # Errors
    /// In words, where it cannot be run, or did not end in time.
    pub async fn run(&self, output: &mut Printed, errors: &mut Printed) -> Result<ExitStatus, String> {
        let name = self.name();
        let child = Command::from(self.prepared())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = child.map_err(|error| format!("`{name}` cannot be started: {error}"))?;
        let mut group = Group::of(child.id());
        let (from_output, from_errors) = (child.stdout.take(), child.stderr.take());
        let ended = async { tokio::try_join!(child.wait(), output.fill(from_output), errors.fill(from_errors)) };
        match timeout(self.timeout.to_std(), ended).await {
            Ok(Ok((status, (), ()))) => {
                group.has_ended();
                Ok(status)
            }
            Ok(Err(error)) => Err(format!("`{name}` cannot be waited for: {error}")),
            Err(_) => Err(format!("`{name}` did not end within {} and was killed", self.timeout)),
        }
    }
}

pub(super) fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("code {code}"),
        None => status.to_string(),
    }
}

/// The last line that was written, errors before the rest, as it stands behind a sentence.
pub(super) fn last_words(output: &Printed, errors: &Printed) -> String {
    match errors.last_line().or_else(|| output.last_line()) {
        Some(line) => format!(": {line}"),
        None => String::new(),
    }
}

/// The processes a gate has started. They are killed when nobody waits for the gate any more.
struct Group(Option<Pid>);

impl Group {
    fn of(pid: Option<u32>) -> Self {
        Self(pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)))
    }

    fn has_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Gone already: nothing to do.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
