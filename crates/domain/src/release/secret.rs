//! Where a secret is found. Its value is nowhere here: whoever starts an instance looks it up, and hands it over.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::{AbsolutePath, CredentialName, Environment, Scalar, VariableName};
use crate::id::CellName;

/// Where a secret is found when an instance starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum SecretReference {
    File {
        /// The file that holds it. One line break at its end is no part of it.
        file: AbsolutePath,
        /// Another one for another value: with it a release starts instances that have the new value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Scalar>,
    },
    Environment {
        /// A variable of the environment that the control plane was started with.
        environment: VariableName,
        /// Another one for another value: with it a release starts instances that have the new value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Scalar>,
    },
    Credential {
        /// A credential that systemd has given to the control plane: the name of a file in `$CREDENTIALS_DIRECTORY`.
        credential: CredentialName,
        /// Another one for another value: with it a release starts instances that have the new value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Scalar>,
    },
}

/// References by the variable that the value is handed over in.
pub type SecretReferences = BTreeMap<String, SecretReference>;

/// The secrets of a component: for all, then by environment, then by cell. A later one replaces an earlier one's key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub all: SecretReferences,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<Environment, SecretReferences>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cells: BTreeMap<CellName, SecretReferences>,
}

impl Secrets {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Those that hold in a cell.
    #[must_use]
    pub fn in_cell(&self, cell: &CellName, environment: Environment) -> SecretReferences {
        let of_environment = self.environments.get(&environment);
        let of_cell = self.cells.get(cell);
        let layers = [Some(&self.all), of_environment, of_cell];
        let references = layers.into_iter().flatten().flatten();
        references
            .map(|(name, reference)| (name.clone(), reference.clone()))
            .collect()
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match self {
            Self::File { file, version } => {
                write!(f, "file `{}`", file.as_str())?;
                version
            }
            Self::Environment { environment, version } => {
                write!(f, "variable `{}` of the control plane", environment.as_str())?;
                version
            }
            Self::Credential { credential, version } => {
                write!(f, "credential `{}`", credential.as_str())?;
                version
            }
        };
        match version {
            Some(version) => write!(f, ", version {}", version.as_str()),
            None => Ok(()),
        }
    }
}
