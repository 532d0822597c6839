//! The gate `command`: a program that ends with 0 passes, one that ends otherwise fails, one that cannot be run, is killed or does not
//! end in time is an error. What it prints as JSON can be asked for values.

use std::env;
use std::process::{ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::time::Duration as Span;
use tokio::process::Command;
use tokio::time::timeout;

use super::expectation::{self, Expectation};
use super::{Gate, Running, Target, running, told};

pub const GATE: Gate = Gate {
    name: "command",
    validate: |with| read(with).map(|_| ()),
    run,
};

/// Output shown with a verdict, in bytes.
const LAST_WORDS_BYTES_MAX: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    /// Program and arguments, run in the project's folder without a shell.
    command: Vec<String>,
    #[serde(default = "ten_minutes")]
    timeout: Span,
    /// Variables of the server that it gets besides [`KEPT`]. The others may hold secrets of the components.
    #[serde(default)]
    environment: Vec<String>,
    /// Codes that say that the version failed; then any other than these and 0 says that the program did not do its work. Where none is listed, all
    /// but 0 do.
    #[serde(default)]
    failure_codes: Vec<i32>,
    /// What the program has to print as one JSON document, once it has ended with 0.
    #[serde(default)]
    expect: Vec<Expectation>,
}

/// Variables of the server that every gate gets.
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

fn ten_minutes() -> Span {
    Span::from_secs(600)
}

fn read(with: &Value) -> Result<With, String> {
    let with: With = told(with)?;
    if with.environment.iter().any(|name| name == "TIDEGATE_TOKEN") {
        return Err("a gate is no client of the control plane: it gets no `TIDEGATE_TOKEN`".to_owned());
    }
    if with.failure_codes.contains(&0) {
        return Err("`failure_codes` holds 0, which passes".to_owned());
    }
    expectation::check(&with.expect)?;
    match with.command.first() {
        Some(program) if !program.is_empty() => Ok(with),
        Some(_) | None => Err("`command` names no program".to_owned()),
    }
}

fn run(with: Value, target: Target) -> Running {
    running(read(&with), |with| async move { judge(&with, &target).await })
}

async fn judge(with: &With, target: &Target) -> Judgement {
    let program = with.command[0].as_str();
    let slots = serde_json::to_string(&target.slots).expect("slots have text keys only");
    let given = KEPT.into_iter().chain(with.environment.iter().map(String::as_str));
    let given = given.filter_map(|name| Some((name, env::var_os(name)?)));
    let child = Command::new(program)
        .args(&with.command[1..])
        .env_clear()
        .envs(given)
        .current_dir(&target.directory)
        .env("TIDEGATE_RELEASE", target.version.as_str())
        .env("TIDEGATE_WAVE", target.wave.as_str())
        .env("TIDEGATE_SLOTS", slots)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let child = match child {
        Ok(child) => child,
        Err(error) => return Judgement::new(Verdict::Error, format!("`{program}` cannot be started: {error}")),
    };
    let mut group = Group::of(child.id());
    match timeout(with.timeout.to_std(), child.wait_with_output()).await {
        Ok(Ok(output)) => {
            group.has_ended();
            ended(with, &output)
        }
        Ok(Err(error)) => Judgement::new(Verdict::Error, format!("`{program}` cannot be waited for: {error}")),
        Err(_) => Judgement::new(
            Verdict::Error,
            format!("`{program}` did not end within {} and was killed", with.timeout),
        ),
    }
}

fn ended(with: &With, output: &Output) -> Judgement {
    let ended = format!("`{}` ended with {}", with.command[0], in_words(output.status));
    if output.status.success() && !with.expect.is_empty() {
        let judged = expectation::judge(&with.expect, &output.stdout);
        return Judgement::new(judged.verdict, format!("{ended}: {}", judged.reason));
    }
    let verdict = match output.status.code() {
        Some(0) => Verdict::Pass,
        Some(code) if with.failure_codes.is_empty() || with.failure_codes.contains(&code) => Verdict::Fail,
        // It was killed, or did not do its work: that says nothing about the version.
        Some(_) | None => Verdict::Error,
    };
    Judgement::new(verdict, format!("{ended}{}", last_words(output)))
}

fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("code {code}"),
        None => status.to_string(),
    }
}

/// The last line that was written, errors before the rest.
fn last_words(output: &Output) -> String {
    let lines = [&output.stderr, &output.stdout].map(|bytes| {
        let tail = &bytes[bytes.len().saturating_sub(LAST_WORDS_BYTES_MAX)..];
        let text = String::from_utf8_lossy(tail);
        text.lines()
            .rfind(|line| !line.trim().is_empty())
            .map(|line| line.trim().to_owned())
    });
    match lines.into_iter().flatten().next() {
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

#[cfg(test)]
mod tests;
