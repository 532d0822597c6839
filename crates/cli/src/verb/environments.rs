//! `tidegate environments`: what is not the same in test as in production.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use serde_json::json;
use tidegate_domain::files::Environment;
use tidegate_domain::plan::{ComponentDrift, VariableDrift, described, drift};

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::{output, project, verb};

/// Compare the environments that the cells are for
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    Diff(Diff),
}

/// Show which configuration and secrets of a component are not the same in all cells
#[derive(Debug, Clone, Arguments)]
struct Diff {
    /// The release file; without it, what tidegate.yaml says
    #[arg(value_name = "RELEASE.yaml")]
    release: Option<PathBuf>,
    /// End with 3 if a variable differs between environments without being declared
    #[arg(long)]
    exit_code: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let What::Diff(args) = &args.what;
    let mut read = project::read(context)?;
    let release = match &args.release {
        Some(path) => Some(project::release(path, &mut read, context)?.0),
        None => None,
    };
    let found = drift(&read.project, &described(&read.project, release.as_ref()));
    let undeclared = found
        .iter()
        .flat_map(|it| &it.variables)
        .filter(|it| is_undeclared(it))
        .count();
    if args.json {
        output::json(&json!({
            "schema_version": verb::SCHEMA_VERSION,
            "release": release.map(|release| release.version),
            "components": found,
            "undeclared": undeclared,
        }))?;
    } else {
        let cells = read.project.service.cells.iter();
        let environments: BTreeSet<Environment> = cells.map(|cell| cell.environment).collect();
        output::data(&draw(&found, &environments, undeclared))?;
    }
    Ok(Exit::Findings.when(args.exit_code && undeclared > 0))
}

const fn is_undeclared(drift: &VariableDrift) -> bool {
    drift.between_environments && !drift.declared
}

fn draw(found: &[ComponentDrift], environments: &BTreeSet<Environment>, undeclared: usize) -> String {
    let mut page = String::new();
    for component in found {
        let _ = writeln!(page, "Component {}", component.component);
        for variable in &component.variables {
            let said = match (variable.between_environments, variable.declared) {
                (true, true) => "declared",
                (true, false) => "not declared",
                (false, _) => "between cells of one environment",
            };
            let _ = writeln!(page, "  {}  ({said})", variable.variable);
            for environment in environments {
                let _ = writeln!(
                    page,
                    "    {:<12}{}",
                    environment.as_str(),
                    variable.in_words(*environment)
                );
            }
        }
    }
    let all = found.iter().map(|component| component.variables.len()).sum();
    let _ = match all {
        0 => writeln!(page, "every component is told the same in all cells"),
        1 => writeln!(page, "1 variable differs, {undeclared} of them undeclared"),
        all => writeln!(page, "{all} variables differ, {undeclared} of them undeclared"),
    };
    page
}
