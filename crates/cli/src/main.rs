//! The one executable: server, gateway, slot shim and command line. It refuses to know how anything is decided: a verb
//! reads its arguments, asks the crate or the server that knows, and prints.

mod client;
mod context;
mod demo;
mod error;
mod lease;
mod logging;
mod output;
mod paint;
mod project;
mod runtime;
mod table;
mod torture;
mod traffic;
mod verb;
mod when;

use std::process::ExitCode;

use clap::Parser as _;

use self::verb::CommandLine;

fn main() -> ExitCode {
    let line = CommandLine::parse();
    match verb::run(line) {
        Ok(code) => code,
        Err(error) => error::report(&error),
    }
}
