//! What the verbs that command a release have in common: the server takes the command or refuses it, and answers after
//! the turn that did.

use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;
use tidegate_domain::id::Version;

use crate::context::Context;
use crate::error::CliError;
use crate::output;

/// Gives the command `what` to a release.
pub fn give(context: &Context, release: &Version, what: &str, body: &impl Serialize) -> Result<ExitCode, CliError> {
    context
        .client()?
        .post::<Value>(&format!("/v1/releases/{release}/{what}"), body)?;
    output::message("next: tidegate status");
    Ok(ExitCode::SUCCESS)
}
