//! The gate `command`: a program that ends with 0 passes, one that ends otherwise fails, one that cannot be run, is killed or does not
//! end in time is an error. What it prints as JSON can be asked for values.

use std::process::ExitStatus;

use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::time::Duration as Span;

use super::expectation::{self, Expectation};
use super::program::{self, Printed, Program, in_words, last_words};
use super::{Gate, Running, Target, running, told};

pub const GATE: Gate = Gate {
    name: "command",
    validate: |with| read(with).map(|_| ()),
    suits: |_, _| Ok(()),
    run,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    /// Program and arguments, run in the project's folder without a shell.
    command: Vec<String>,
    #[serde(default = "ten_minutes")]
    timeout: Span,
    /// Variables of the server that it gets besides those that every program gets.
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

fn ten_minutes() -> Span {
    Span::from_secs(600)
}

fn read(with: &Value) -> Result<With, String> {
    let with: With = told(with)?;
    program::check(&with.command, &with.environment)?;
    if with.failure_codes.contains(&0) {
        return Err("`failure_codes` holds 0, which passes".to_owned());
    }
    expectation::check(&with.expect)?;
    Ok(with)
}

fn run(with: Value, target: Target) -> Running {
    running(with, read, |with| async move { judge(&with, &target).await })
}

async fn judge(with: &With, target: &Target) -> Judgement {
    let program = Program {
        command: &with.command,
        environment: &with.environment,
        directory: &target.directory,
        told: program::variables(target, &target.slots),
        timeout: with.timeout,
    };
    let (mut output, mut errors) = (Printed::default(), Printed::default());
    match program.run(&mut output, &mut errors).await {
        Ok(status) => ended(with, status, &output, &errors),
        Err(reason) => Judgement::new(Verdict::Error, reason),
    }
}

fn ended(with: &With, status: ExitStatus, output: &Printed, errors: &Printed) -> Judgement {
    let ended = format!("`{}` ended with {}", with.command[0], in_words(status));
    if status.success() && !with.expect.is_empty() {
        let Some(document) = output.whole() else {
            let reason = format!(
                "{ended}: what it printed is longer than {} bytes",
                program::WHOLE_BYTES_MAX
            );
            return Judgement::new(Verdict::Error, reason);
        };
        let judged = expectation::judge(&with.expect, document);
        return Judgement::new(judged.verdict, format!("{ended}: {}", judged.reason));
    }
    let verdict = match status.code() {
        Some(0) => Verdict::Pass,
        Some(code) if with.failure_codes.is_empty() || with.failure_codes.contains(&code) => Verdict::Fail,
        // It was killed, or did not do its work: that says nothing about the version.
        Some(_) | None => Verdict::Error,
    };
    Judgement::new(verdict, format!("{ended}{}", last_words(output, errors)))
}

#[cfg(test)]
mod tests;
