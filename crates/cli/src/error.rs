//! What a verb can end with, and how it is told.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// Exit codes, the same for every verb. 2 is clap's, for arguments it cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Error = 1,
    /// Something was found; only where `--exit-code` asks for it.
    Findings = 3,
    /// The server or a rule said no.
    Refused = 4,
    TimedOut = 5,
}

impl Exit {
    /// This where it is so, else success.
    pub fn when(self, is_so: bool) -> ExitCode {
        if is_so { self.into() } else { ExitCode::SUCCESS }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a verb did not do what it was asked.
#[derive(Debug)]
pub struct CliError {
    pub exit: Exit,
    pub message: String,
    /// What works instead.
    pub help: Option<String>,
    pub source: Option<Box<dyn Error + Send + Sync>>,
    /// Printed as it is, before the message: diagnostics that have their own form.
    pub diagnostics: Option<String>,
}

impl CliError {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Error,
            message: message.into(),
            help: None,
            source: None,
            diagnostics: None,
        }
    }

    pub fn refused(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Refused,
            ..Self::new(message)
        }
    }

    pub fn timed_out(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::TimedOut,
            ..Self::new(message)
        }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    #[must_use]
    pub fn diagnostics(mut self, rendered: String) -> Self {
        self.diagnostics = Some(rendered);
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CliError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| -> &(dyn Error + 'static) { source.as_ref() })
    }
}

/// Tells the error, its causes and the way on, on stderr.
#[expect(clippy::print_stderr, reason = "the command line is where errors are told")]
pub fn report(error: &CliError) -> ExitCode {
    if let Some(diagnostics) = &error.diagnostics {
        eprintln!("{}\n", diagnostics.trim_end());
    }
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        eprintln!("because: {inner}");
        cause = inner.source();
    }
    if let Some(help) = &error.help {
        eprintln!("help: {help}");
    }
    error.exit.into()
}
