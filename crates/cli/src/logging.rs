//! Logs of the verbs that serve: to stderr, set up once.

use std::io;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::context::Context;

/// How a verb that serves logs.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How a line of the log is written; RUST_LOG says what is logged
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    /// One JSON object a line
    Json,
}

/// Sends what this process logs to stderr: `info` and above, unless RUST_LOG says otherwise.
pub fn start(options: &Options, context: &Context) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false);
    match options.log_format {
        Format::Text => subscriber.with_ansi(context.color_stderr()).init(),
        Format::Json => subscriber.json().flatten_event(true).init(),
    }
}
