//! Prints. Data goes to stdout, messages to stderr; nothing else in the program writes to either.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::error::CliError;

/// Data, as it is. A reader that has gone away (`| head`) is no error.
pub fn data(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::new("cannot write to stdout").because(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// One JSON document.
pub fn json(document: &impl Serialize) -> Result<(), CliError> {
    data(&json_text(document)?)
}

/// The text of a JSON document, as it is printed.
pub fn json_text(document: &impl Serialize) -> Result<String, CliError> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|error| CliError::new("cannot write the answer as JSON").because(error))?;
    text.push('\n');
    Ok(text)
}

/// A word to the person at the terminal.
#[expect(clippy::print_stderr, reason = "messages go to stderr")]
pub fn message(text: &str) {
    eprintln!("{text}");
}

pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}
