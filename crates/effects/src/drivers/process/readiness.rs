//! Whether an instance can take work.

use std::process::Stdio;
use std::time::Duration;

use tidegate_domain::release::{ReadinessCheck, SlotSpec};
use tokio::process::Command;
use tokio::time::timeout;

use super::launch::Blanks;
use super::loopback;
use super::ports::address_of;
use super::record::{self, InstanceDirectory, Launch, Running};
use super::secrets::Secrets;
use super::{INHERITED_VARIABLES, in_words, variables_of};

/// Looks once; an error says what is missing, in words.
pub(super) async fn check(spec: &SlotSpec, directory: &InstanceDirectory, limit: Duration) -> Result<(), String> {
    match &spec.definition.ready.check {
        ReadinessCheck::Path(path) => {
            let running: Running = record::read(&directory.running()).ok_or("its process is being started")?;
            answers(running.port, path, limit).await
        }
        ReadinessCheck::Command(command) => succeeds(command, spec, directory, limit).await,
        ReadinessCheck::Started => {
            let running = record::read::<Running>(&directory.running());
            let started = running.is_some_and(|running| running.child.is_some());
            started
                .then_some(())
                .ok_or_else(|| "its process is being started".to_owned())
        }
    }
}

async fn answers(port: u16, path: &str, limit: Duration) -> Result<(), String> {
    match loopback::get(address_of(port), path, limit).await {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(format!("`GET {path}` answers {}", answer.status.as_u16())),
        Err(error) => Err(format!("`GET {path}`: {}", in_words(&error))),
    }
}

/// Runs the command with the environment of the instance, and the secrets that the instance has.
async fn succeeds(
    command: &[String],
    spec: &SlotSpec,
    directory: &InstanceDirectory,
    limit: Duration,
) -> Result<(), String> {
    let launch: Launch = record::read(&directory.launch()).ok_or("its process is being started")?;
    let running: Running = record::read(&directory.running()).ok_or("its process is being started")?;
    let secrets = Secrets::carried_by(running.shim.pid, &launch.secrets)?;
    let blanks = Blanks {
        spec,
        directory,
        artifact: &launch.artifact,
        port: launch.port,
        tenant: None,
    };
    let command = blanks.fill_all(command);
    let Some((program, arguments)) = command.split_first() else {
        return Err("the readiness command is empty".to_owned());
    };
    let ended = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(variables_of(INHERITED_VARIABLES))
        .envs(secrets.for_instance())
        .envs(&launch.environment)
        .current_dir(directory.work())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    match timeout(limit, ended).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("the readiness command `{program}` ended with {status}")),
        Ok(Err(error)) => Err(format!("the readiness command `{program}` cannot be run: {error}")),
        Err(_) => Err(format!(
            "the readiness command `{program}` did not end within {limit:?}"
        )),
    }
}
