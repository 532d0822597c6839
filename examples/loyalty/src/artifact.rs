//! The artifact: one executable file. Its first line names the interpreter, the rest says as JSON which version it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Linux reads at most this many bytes of the first line.
const FIRST_LINE_BYTES_MAX: usize = 255;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    pub version: String,
    pub edition: Edition,
}

/// How the versions differ. All of them read and write the same data; members, while their schema is the one between the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edition {
    Old,
    /// Answers with one more field, `tier`, and keeps the names of members in another column.
    Good,
    Bad(Faults),
}

/// For whom a version is bad, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every second answer tells a wrong total.
    pub wrong_for: BTreeSet<String>,
    /// Every other second answer is an error.
    pub fails_for: BTreeSet<String>,
    /// Every answer takes longer.
    pub slow_for: BTreeSet<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error("the file has no `#!` line")]
    NoInterpreter,
    #[error("the description after the `#!` line is not valid")]
    Description(#[from] serde_json::Error),
    #[error(
        "`{}` cannot stand in a `#!` line, which takes no white space and at most {FIRST_LINE_BYTES_MAX} bytes", path.display()
    )]
    Interpreter { path: PathBuf },
}

impl Artifact {
    pub fn old() -> Artifact {
        Artifact {
            version: "1.0.0".to_owned(),
            edition: Edition::Old,
        }
    }

    pub fn good() -> Artifact {
        Artifact {
            version: "1.1.0".to_owned(),
            edition: Edition::Good,
        }
    }

    pub fn bad(faults: Faults) -> Artifact {
        Artifact {
            version: "1.2.0".to_owned(),
            edition: Edition::Bad(faults),
        }
    }

    /// The text of the executable file, to be written with mode 0755. `program` is the absolute path of an executable whose
    /// verb `loyalty` calls [`crate::main`].
    ///
    /// # Errors
    /// The path of the program is too long for a `#!` line or has white space in it.
    pub fn render(&self, program: &Path) -> Result<String, ArtifactError> {
        let refused = || ArtifactError::Interpreter {
            path: program.to_owned(),
        };
        let path = program.to_str().ok_or_else(refused)?;
        let first = format!("#!{path} loyalty");
        if path.contains(char::is_whitespace) || first.len() > FIRST_LINE_BYTES_MAX {
            return Err(refused());
        }
        let description = serde_json::to_string_pretty(self)?;
        Ok(format!("{first}\n{description}\n"))
    }

    /// # Errors
    /// The text is not what [`Artifact::render`] writes.
    pub fn parse(text: &str) -> Result<Artifact, ArtifactError> {
        let (first, description) = text.split_once('\n').ok_or(ArtifactError::NoInterpreter)?;
        if !first.starts_with("#!") {
            return Err(ArtifactError::NoInterpreter);
        }
        Ok(serde_json::from_str(description)?)
    }
}

#[cfg(test)]
mod tests;
