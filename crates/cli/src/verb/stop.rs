//! `tidegate stop`: ends what `serve` leaves running, and the server itself.

use std::process::ExitCode;

use clap::Args as Arguments;

use crate::context::Context;
use crate::error::CliError;
use crate::{output, runtime};

/// Stop everything of this project: the server, its gateway and every instance
///
/// Nothing is forgotten: `tidegate serve` starts again what was released. To stop the server alone, press Ctrl-C.
#[derive(Debug, Clone, Arguments)]
pub struct Args {}

pub fn run(_: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let state_dir = context.state_dir();
    if !state_dir.is_dir() {
        return Err(CliError::new(format!("there is no state in `{}`", state_dir.display()))
            .help("name the project's folder with `--project DIR`, or the state's with `--state DIR`"));
    }
    let executable =
        std::env::current_exe().map_err(|error| CliError::new("cannot find this program's own file").because(error))?;
    let stopped = runtime::serving()?.block_on(tidegate_server::stop(&state_dir, executable));
    let stopped = stopped.map_err(|error| CliError::new("cannot stop everything").because(error))?;
    let mut lines = Vec::new();
    lines.extend(
        stopped
            .server
            .map(|pid| format!("stopped the server (process {pid})\n")),
    );
    lines.extend(
        stopped
            .gateway
            .map(|pid| format!("stopped the gateway (process {pid})\n")),
    );
    lines.extend(
        stopped
            .slots
            .iter()
            .map(|(cell, slot)| format!("stopped {slot} in {cell}\n")),
    );
    if lines.is_empty() {
        output::message("nothing was running");
    }
    output::data(&lines.concat())?;
    Ok(ExitCode::SUCCESS)
}
