//! `tidegate apply`: exactly the plan that was read, or a refusal with the difference.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::thread::sleep;
use std::time::{Duration as Wait, Instant};

use clap::Args as Arguments;
use tidegate_domain::id::{Digest, Version};
use tidegate_domain::release::Stage;
use tidegate_domain::time::Duration;
use tidegate_server::api::{Applied, Apply, ReleaseStatus};

use super::plan;
use crate::client::Client;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output;

/// From one look at the release to the next.
const LOOK_EVERY: Wait = Wait::from_millis(250);

/// Carry a plan out: the digest that `plan` printed, or a release file that is planned first
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// A plan's digest, or a release file
    #[arg(value_name = "DIGEST|FILE")]
    pub what: What,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Wait until the release has completed, is held, or has come back
    #[arg(long)]
    pub wait: bool,
    /// How long to wait at the most
    #[arg(long, value_name = "DURATION", requires = "wait")]
    pub timeout: Option<Duration>,
}

#[derive(Debug, Clone)]
pub enum What {
    Plan(Digest),
    Release(PathBuf),
}

impl FromStr for What {
    type Err = tidegate_domain::id::InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("sha256:") {
            return Digest::new(text).map(Self::Plan);
        }
        Ok(Self::Release(PathBuf::from(text)))
    }
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let client = context.client()?;
    let plan = match &args.what {
        What::Plan(digest) => digest.clone(),
        What::Release(path) => plan::with_server(path, context)?,
    };
    let applied: Applied = client.post(
        "/v1/releases",
        &Apply {
            plan,
            reason: args.reason.clone(),
        },
    )?;
    if !applied.has_effect {
        output::message(&format!(
            "release {} was applied before: nothing has changed",
            applied.version
        ));
    }
    if args.wait {
        return wait(&client, &applied.version, args.timeout);
    }
    output::message("next: tidegate status --watch");
    Ok(ExitCode::SUCCESS)
}

fn wait(client: &Client, version: &Version, timeout: Option<Duration>) -> Result<ExitCode, CliError> {
    let deadline = timeout.map(|timeout| Instant::now() + timeout.to_std());
    let mut told = String::new();
    loop {
        let release: ReleaseStatus = client.get(&format!("/v1/releases/{version}"))?;
        let now = progress(&release);
        if now != told {
            output::message(&now);
            told = now;
        }
        if let Some(ended) = ended(&release) {
            return ended;
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let waits = release
                .waiting
                .first()
                .map(|waiting| format!("; it waits for {}", waiting.text));
            let waits = waits.unwrap_or_default();
            return Err(
                CliError::timed_out(format!("release {version} is still {}{waits}", release.phase))
                    .help("it goes on by itself: `tidegate status`"),
            );
        }
        sleep(LOOK_EVERY);
    }
}

fn ended(release: &ReleaseStatus) -> Option<Result<ExitCode, CliError>> {
    let version = &release.version;
    if release.ended_ms.is_some() {
        return Some(match release.phase.as_str() {
            "completed" => Ok(ExitCode::SUCCESS),
            phase => Err(CliError::new(format!("release {version} has {}", came_back(phase)))
                .help(format!("`tidegate history --release {version}` says why"))),
        });
    }
    let hold = release.hold.as_ref()?;
    let held = format!("release {version} is held by {}: {}", hold.by, hold.reason);
    Some(Err(CliError {
        exit: Exit::Refused,
        ..CliError::new(held)
    }
    .help(format!(
        "`tidegate resume {version} --reason …` or `tidegate abort {version} --reason …`"
    ))))
}

fn came_back(phase: &str) -> String {
    if phase == "aborted" {
        "been aborted".to_owned()
    } else {
        format!("been {phase}")
    }
}

fn progress(release: &ReleaseStatus) -> String {
    let waves = release.waves.iter().map(|wave| {
        let stage = wave.stage.map(Stage::as_str);
        let now = stage.unwrap_or(&wave.state);
        format!(
            "{} {now} ({} of {} moved)",
            wave.name, wave.tenants.moved, wave.tenants.total
        )
    });
    format!(
        "{} {}: {}",
        release.version,
        release.phase,
        waves.collect::<Vec<_>>().join(", ")
    )
}
