//! The runtime of the verbs that serve; a verb that asks one question has none of its own.

use tokio::runtime::{Builder, Runtime};

use crate::error::CliError;

/// With a thread for each core.
pub fn serving() -> Result<Runtime, CliError> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new("cannot start the threads that serve").because(error))
}
