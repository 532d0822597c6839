//! The rules as people write them, as the comparison takes them.

use std::path::Path;

use tidegate_effects::gates::shadow;
use tidegate_evidence::shadow::Rules;

use crate::context::Context;
use crate::error::CliError;
use crate::project;

pub fn read(path: &Path, context: &Context) -> Result<Rules, CliError> {
    let file = project::shadow(path, context)?;
    shadow::rules(&file).map_err(|problem| CliError::new(problem).help("write a path such as `$.items[].price`"))
}
