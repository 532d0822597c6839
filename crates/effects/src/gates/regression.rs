//! The gate `regression`: a test suite that is run once for every combination of a platform and a tenant, and has to pass in each.
//!
//! A platform is a part of the wave's new slots, chosen by the labels of their cells; a tenant is one of ours. Nothing is run again to
//! pass, and a report that is not of this run, holds no test or contradicts the exit code never passes.

mod finding;
mod junit;
mod matrix;
mod report;
mod tap;
mod with;

use std::fs;
use std::path::PathBuf;
use std::process::ExitStatus;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tokio::fs::File;
use tokio::task::spawn_blocking;

use self::finding::{Finding, Outcome};
use self::matrix::Combination;
use self::report::Report;
use self::with::{Format, With};
use super::program::{self, Printed, Program, in_words, last_words};
use super::{Gate, Running, Target, make_room, running};

pub const GATE: Gate = Gate {
    name: "regression",
    validate: |with| With::read(with).map(|_| ()),
    suits: |with, project| With::read(with)?.check_names(project),
    run,
};

fn run(with: Value, target: Target) -> Running {
    running(with, With::read, |with| async move { judge(&with, &target).await })
}

async fn judge(with: &With, target: &Target) -> Judgement {
    let combinations = match matrix::combinations(with, target) {
        Ok(combinations) => combinations,
        Err(reason) => return Judgement::new(Verdict::Error, reason),
    };
    if let Err(reason) = make_room(&target.kept) {
        return Judgement::new(Verdict::Error, reason);
    }
    let runs: Vec<_> = combinations.iter().map(|one| try_one(with, target, one)).collect();
    let outcomes: Vec<Outcome> = stream::iter(runs).buffered(with.parallel).collect().await;
    finding::judge(&outcomes, &target.kept)
}

async fn try_one(with: &With, target: &Target, combination: &Combination<'_>) -> Outcome {
    let finding = match Run::prepare(with, target, combination).await {
        Ok(run) => run.go(with, target, combination).await.unwrap_or_else(Finding::Broken),
        Err(reason) => Finding::Broken(reason),
    };
    Outcome {
        name: combination.place.in_words(),
        finding,
    }
}

/// One combination that runs.
struct Run {
    /// Where it is kept.
    folder: PathBuf,
    /// Where the suite writes its report, unless it prints it or has none.
    report: Option<PathBuf>,
    output: Printed,
    errors: Printed,
}

impl Run {
    async fn prepare(with: &With, target: &Target, combination: &Combination<'_>) -> Result<Self, String> {
        let folder = combination.place.folder(&target.kept);
        let cannot = |error| format!("nothing can be kept in `{}`: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(cannot)?;
        let report = match (with.report.format, &with.report.path) {
            (Format::ExitCode, _) | (Format::Tap, None) => None,
            (Format::Junit, None) => Some(folder.join(kept_name(with))),
            (Format::Junit | Format::Tap, Some(path)) => {
                Some(report::clear(&target.directory, &combination.place.fill(path)?)?)
            }
        };
        Ok(Self {
            report,
            output: Printed::into(File::create(folder.join("stdout")).await.map_err(cannot)?),
            errors: Printed::into(File::create(folder.join("stderr")).await.map_err(cannot)?),
            folder,
        })
    }

    /// Runs the suite, and says what it has come to.
    async fn go(mut self, with: &With, target: &Target, combination: &Combination<'_>) -> Result<Finding, String> {
        let place = &combination.place;
        let command = with.command_for(place, self.report.as_deref())?;
        let mut told = program::variables(target, &combination.slots);
        told.extend(
            place
                .platform
                .map(|platform| ("TIDEGATE_PLATFORM", platform.name.clone().into())),
        );
        told.extend(place.tenant.map(|tenant| ("TIDEGATE_TENANT", tenant.as_str().into())));
        told.extend(self.report.as_ref().map(|report| ("TIDEGATE_REPORT", report.into())));
        let program = Program {
            command: &command,
            environment: &with.environment,
            directory: &target.directory,
            told,
            timeout: with.timeout,
        };
        let ended = program.run(&mut self.output, &mut self.errors).await;
        let cannot = |error| format!("what it printed cannot be kept in `{}`: {error}", self.folder.display());
        self.output.close().await.map_err(cannot)?;
        self.errors.close().await.map_err(cannot)?;
        self.judge(with, program.name(), ended?).await
    }

    async fn judge(&self, with: &With, name: &str, status: ExitStatus) -> Result<Finding, String> {
        let ended = format!("`{name}` ended with {}", in_words(status));
        let words = last_words(&self.output, &self.errors);
        let report = match with.report.format {
            Format::Junit | Format::Tap => self.read_report(with).await,
            Format::ExitCode => Ok(Report::default()),
        };
        if status.code().is_none() {
            return Err(format!("{ended}{words}"));
        }
        match with.report.format {
            Format::Junit | Format::Tap => {
                let report = report.map_err(|reason| format!("{reason} ({ended}{words})"))?;
                finding::of_report(with, report, status.success(), &ended, &words)
            }
            Format::ExitCode => Ok(finding::of_exit_code(status.success(), &format!("{ended}{words}"))),
        }
    }

    /// What the suite reports. A copy of the report is kept.
    async fn read_report(&self, with: &With) -> Result<Report, String> {
        let printed = self.output.whole().map(<[u8]>::to_vec);
        let (report, format) = (self.report.clone(), with.report.format);
        let kept = self.folder.join(kept_name(with));
        let read = move || {
            let text = match report {
                Some(report) => {
                    let text = report::read(&report)?.ok_or("there is no report")?;
                    if report != kept {
                        fs::write(&kept, &text).map_err(|error| format!("the report cannot be kept: {error}"))?;
                    }
                    text
                }
                None => report::text(printed.ok_or_else(|| {
                    format!(
                        "what it prints is longer than {} bytes: write it to a `path`",
                        program::WHOLE_BYTES_MAX
                    )
                })?)?,
            };
            match format {
                Format::Tap => tap::read(&text),
                Format::Junit | Format::ExitCode => junit::read(&text),
            }
        };
        // Others are served meanwhile: a report may be long.
        spawn_blocking(read)
            .await
            .map_err(|error| format!("the report cannot be read: {error}"))?
    }
}

fn kept_name(with: &With) -> &'static str {
    match with.report.format {
        Format::Junit | Format::ExitCode => "report.xml",
        Format::Tap => "report.tap",
    }
}

#[cfg(test)]
mod tests;
