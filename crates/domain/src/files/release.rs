//! `release.yaml`: what is released.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnostic::Report;
use super::text::{Scalar, Sha256, VariableName};
use super::{Source, tree};
use crate::change::{Link, Ticket};
use crate::id::{CellName, ChangeId, ComponentName, TenantName, Version};
use crate::release::{Commit, ReleaseKind, Reversible};
use crate::time::Duration;

/// An immutable set of artifacts, configuration and changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseFile {
    /// The version. One version is one release: other content needs another version.
    pub version: Version,
    /// What sort of release it is: its playbook may treat each in its own way.
    #[serde(default)]
    pub kind: ReleaseKind,
    /// The source it was built from.
    #[serde(default)]
    pub commits: Vec<Commit>,
    /// What each component runs. A component that is not listed stays as it is.
    #[schemars(extend("minProperties" = 1))]
    pub components: BTreeMap<ComponentName, ReleaseComponent>,
    /// What the release is about, for those who decide about it.
    #[schemars(length(min = 1))]
    pub summary: Option<String>,
    /// Why it cannot wait. An emergency needs it.
    #[schemars(length(min = 1))]
    pub reason: Option<String>,
    /// The tickets that it closes, as your tracker names them.
    #[serde(default)]
    pub tickets: BTreeSet<Ticket>,
    /// Pages about the release as a whole.
    #[serde(default)]
    pub documentation: Vec<Link>,
    /// What changes for the people who use the service: the names of files in `changes/`, without `.md`.
    #[serde(default)]
    pub changes: BTreeSet<ChangeId>,
    /// How long the release can be taken back.
    #[serde(default)]
    pub reversible: Reversible,
    /// The release that this one repairs, where trouble was found after its first wave.
    pub patches: Option<Version>,
    /// How long tenants are out of service while they are switched. Left out, not at all.
    pub downtime: Option<Duration>,
}

/// The changes that a release file lists, whatever else is wrong with it: for a word about those that none lists.
#[must_use]
pub fn listed_changes(source: &Source) -> BTreeSet<ChangeId> {
    let Some(tree) = tree::read(&mut Report::new(source)) else {
        return BTreeSet::new();
    };
    let items = tree.items_of("changes").iter();
    items.filter_map(|item| ChangeId::new(item.text()?).ok()).collect()
}

/// What one component runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseComponent {
    /// The file to run, relative to this file.
    #[schemars(length(min = 1))]
    pub artifact: String,
    /// The SHA-256 the file must have. Left out, `plan` takes the one it finds, and from there on it is fixed.
    pub sha256: Option<Sha256>,
    /// The configuration, as environment variables.
    #[serde(default)]
    pub configuration: Configuration,
    /// Configuration that is different in a cell.
    #[serde(default)]
    pub cells: BTreeMap<CellName, Configuration>,
    /// Configuration that is different for a tenant.
    #[serde(default)]
    pub tenants: BTreeMap<TenantName, Configuration>,
}

/// Environment variables and their values.
pub type Configuration = BTreeMap<VariableName, Scalar>;
