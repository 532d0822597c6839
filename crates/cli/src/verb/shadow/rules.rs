//! The rules of a comparison, read from a file.

use std::path::Path;

use tidegate_effects::gates;
use tidegate_evidence::shadow::Rules;

use crate::context::Context;
use crate::error::CliError;
use crate::project;

pub fn read(path: &Path, context: &Context) -> Result<Rules, CliError> {
    gates::rules(&project::shadow(path, context)?)
        .map_err(|problem| CliError::new(problem).help("write a path such as `$.items[].price`"))
}
