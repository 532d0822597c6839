//! `tidegate completions`.

use std::process::ExitCode;

use clap::{Args as Arguments, CommandFactory as _};
use clap_complete::Shell;

use super::CommandLine;
use crate::error::CliError;
use crate::output;

/// Print a script that completes verbs and options in a shell
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    pub shell: Shell,
}

pub fn run(args: &Args) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut CommandLine::command(), "tidegate", &mut script);
    output::data(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
