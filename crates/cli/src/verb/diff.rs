//! `tidegate diff`.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_domain::id::{Digest, Version};
use tidegate_server::api::{ComponentDiff, Diff, VariableDiff};

use crate::context::Context;
use crate::error::CliError;
use crate::output;

/// Show what differs from one release to another: artifacts, configuration, changes
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[arg(value_name = "FROM")]
    pub from: Version,
    #[arg(value_name = "TO")]
    pub to: Version,
    /// End with 3 if a component differs
    #[arg(long)]
    pub exit_code: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let diff: Diff = context
        .client()?
        .get(&format!("/v1/releases/{}/diff/{}", args.from, args.to))?;
    if args.json {
        output::json(&diff)?;
    } else {
        output::data(&draw(&diff))?;
    }
    let differs = !diff.components.is_empty();
    Ok(crate::error::Exit::Findings.when(args.exit_code && differs))
}

fn draw(diff: &Diff) -> String {
    let mut page = format!("From {} to {}\n", diff.from, diff.to);
    if diff.components.is_empty() {
        page.push_str("  no component differs\n");
    }
    for component in &diff.components {
        draw_component(&mut page, component);
    }
    for change in &diff.changes {
        let _ = writeln!(page, "  {} ({}): {}", change.kind, change.impact, change.title);
    }
    page
}

fn draw_component(page: &mut String, diff: &ComponentDiff) {
    let _ = writeln!(page, "  component {}", diff.component);
    if diff.artifact_from != diff.artifact_to {
        let _ = writeln!(
            page,
            "    artifact {} -> {}",
            short(&diff.artifact_from),
            short(&diff.artifact_to)
        );
    }
    if diff.definition_differs {
        page.push_str("    how it is run or found differs\n");
    }
    for VariableDiff { scope, name, from, to } in &diff.configuration {
        let value = |value: &Option<String>| {
            value
                .as_ref()
                .map_or("(not set)".to_owned(), |value| format!("`{value}`"))
        };
        let _ = writeln!(page, "    {name} for {scope}: {} -> {}", value(from), value(to));
    }
}

fn short(digest: &Option<Digest>) -> &str {
    digest.as_ref().map_or("(none)", Digest::short)
}
