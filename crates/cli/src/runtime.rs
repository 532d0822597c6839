//! The runtime of the verbs that serve; a verb that asks one question has none of its own.

use std::num::NonZeroUsize;

use tokio::runtime::{Builder, Runtime};

use crate::error::CliError;

/// With a thread for each core.
pub fn serving() -> Result<Runtime, CliError> {
    build(&mut Builder::new_multi_thread())
}

/// With so many threads; one is the calling thread itself, which saves waking another for every event.
pub fn serving_on(threads: NonZeroUsize) -> Result<Runtime, CliError> {
    match threads.get() {
        1 => build(&mut Builder::new_current_thread()),
        threads => build(Builder::new_multi_thread().worker_threads(threads)),
    }
}

fn build(builder: &mut Builder) -> Result<Runtime, CliError> {
    builder
        .enable_all()
        .build()
        .map_err(|error| CliError::new("cannot start the threads that serve").because(error))
}
