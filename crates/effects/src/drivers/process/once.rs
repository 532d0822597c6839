//! A command that is run once to its end: one life in a directory of its own, named by the effect that it is.
//!
//! What the shim writes down of its end outlives the server, so that a server started anew neither begins it a second time
//! beside itself nor misses how it ended. What the command prints stays in its log: an outcome goes into the journal and to
//! webhooks, and nobody knows what a program prints.

use std::fs;
use std::time::Duration;

use tidegate_domain::effect::EffectId;
use tidegate_domain::event::{Judgement, Verdict};
use tokio::time::timeout;

use super::launch::{Blanks, ConfigurationFile, launch_once};
use super::life::{self, Life, StartError};
use super::lock::Lock;
use super::record::{self, Exit, InstanceDirectory, Outcome};
use super::secrets::Secrets;
use super::{Shared, in_words};
use crate::drivers::Once;

/// Directories of commands of one kind that have ended, kept for their output. Far more than commands that are waited for at one
/// time: how one of those has ended must not be forgotten.
const KEPT: usize = 1_000;

pub(super) async fn run(shared: &Shared, id: &EffectId, task: Once<'_>) -> Judgement {
    let directory = shared.layout.once(id);
    match to_its_end(shared, &directory, id, task).await {
        Ok(judgement) => judgement,
        Err(reason) => Judgement::new(Verdict::Error, reason),
    }
}

async fn to_its_end(
    shared: &Shared,
    directory: &InstanceDirectory,
    id: &EffectId,
    task: Once<'_>,
) -> Result<Judgement, String> {
    loop {
        if let Some(life) = life::find(directory).await.map_err(|error| in_words(&error))? {
            if !ended_within(&life, task).await {
                life::stop(directory).await;
                let reason = format!("it had not ended within {} and was stopped", task.timeout());
                return Ok(Judgement::new(Verdict::Fail, reason));
            }
        } else if record::read::<Exit>(&directory.exit()).is_none() {
            match begin(shared, directory, id, task).await {
                Ok(()) => {}
                // Somebody has it after all: look again who it is.
                Err(StartError::Locked) => continue,
                Err(error) => return Err(in_words(&error)),
            }
            continue;
        }
        // Without a record its shim was killed, and how it ended is not known: it is begun again.
        if let Some(exit) = record::read::<Exit>(&directory.exit()) {
            return Ok(ended(exit));
        }
    }
}

async fn begin(
    shared: &Shared,
    directory: &InstanceDirectory,
    id: &EffectId,
    task: Once<'_>,
) -> Result<(), StartError> {
    collect(directory);
    let artifact = shared.artifacts.obtain(&task.spec().artifact).await?;
    let blanks = Blanks {
        spec: task.spec(),
        directory,
        artifact: &artifact,
        port: 0,
        tenant: task.tenant(),
    };
    let launch = launch_once(&blanks, id, task, &shared.options);
    let configuration = ConfigurationFile::of(task.spec());
    let secrets = Secrets::resolve(&task.spec().secrets)?;
    life::begin_in(directory, &shared.executable, &configuration, (&launch, &secrets)).map(drop)
}

/// Counted from its start, whichever server has begun it.
async fn ended_within(life: &Life, task: Once<'_>) -> bool {
    let passed = record::now().0.saturating_sub(life.started_at.0);
    let left = task.timeout().as_millis().saturating_sub(passed);
    let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
    timeout(left, life.shim.ended()).await.is_ok()
}

fn ended(exit: Exit) -> Judgement {
    let lived = Duration::from_millis(exit.lived_ms);
    let (verdict, reason) = match exit.outcome {
        _ if exit.stopped => (Verdict::Fail, format!("it was stopped after {lived:?}")),
        Outcome::Code(0) => (Verdict::Pass, format!("it ended with code 0 after {lived:?}")),
        Outcome::Code(code) => (Verdict::Fail, format!("it ended with code {code} after {lived:?}")),
        Outcome::Signal(signal) => (
            Verdict::Fail,
            format!("it was ended by signal {signal} after {lived:?}"),
        ),
        Outcome::NotStarted { reason } => (Verdict::Error, reason),
        Outcome::ArtifactChanged { found } => (
            Verdict::Error,
            format!("the kept copy of its artifact was changed to {found}"),
        ),
    };
    Judgement::new(verdict, reason)
}

/// Deletes the oldest of the directories beside this one in which nothing runs.
fn collect(directory: &InstanceDirectory) {
    let beside = directory.path().parent().map(fs::read_dir);
    let Some(Ok(entries)) = beside else { return };
    let mut ended: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    ended.sort();
    let surplus = ended.len().saturating_sub(KEPT);
    for (_, path) in ended.into_iter().take(surplus) {
        let old = InstanceDirectory::new(path.clone());
        if matches!(Lock::try_acquire(&old.lock()), Ok(Some(_)))
            && let Err(error) = fs::remove_dir_all(&path)
        {
            tracing::warn!(path = %path.display(), %error, "cannot delete what a command has printed");
        }
    }
}
