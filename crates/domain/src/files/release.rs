//! `release.yaml`: what is released.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnostic::Report;
use super::text::{CommitId, Scalar, Sha256, VariableName};
use super::{Source, tree};
use crate::change::{Link, Ticket};
use crate::id::{CellName, ChangeId, ComponentName, DatabaseName, StepName, TenantName, Version};
use crate::release::{AfterStep, Commit, Companion, DataStepKind, ReleaseKind, Reversible};
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
    /// The version that tenants run and that this release repairs: only those on it move, and releases in flight wait for them.
    pub hotfix: Option<Version>,
    /// Commits that it was built on besides, so that no hot-fix gets lost: their ids.
    #[serde(default)]
    #[schemars(with = "BTreeSet<CommitId>")]
    pub includes: BTreeSet<String>,
    /// The releases that go together, of this service and of others, in the order in which they begin: each when those before
    /// it are completed. Each of them lists all of them.
    #[serde(default)]
    pub together: Vec<Companion>,
    /// How long tenants are out of service while they are switched. Left out, not at all.
    pub downtime: Option<Duration>,
    /// Work on data around the release, in the order in which it is done.
    #[serde(default)]
    pub steps: Vec<ReleaseStep>,
}

/// A command that works on data: run once in each cell that the release moves tenants in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseStep {
    /// Its name in this release.
    pub name: StepName,
    /// When it is run.
    pub kind: DataStepKind,
    /// Whose artifact and configuration it gets.
    pub component: ComponentName,
    /// The program and its arguments, run without a shell. `{artifact}` stands for the component's artifact, `{cell}` and
    /// `{version}` for where and what is released.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// The command that takes its work back, run when the release has been rolled back everywhere. Left out, its work stays.
    #[serde(default)]
    pub undo: Vec<String>,
    /// What it works on: of two steps on one database in a cell, one waits for the other. Left out, the component's own.
    pub database: Option<DatabaseName>,
    /// A command that has not ended by then is stopped, and has failed.
    #[serde(default = "ten_minutes")]
    pub timeout: Duration,
    /// Only in these cells. Left out, in all.
    #[serde(default)]
    pub cells: BTreeSet<CellName>,
    /// What a rollback costs once it has begun. There is none behind a `contract`.
    #[serde(default)]
    pub rollback: AfterStep,
}

const fn ten_minutes() -> Duration {
    Duration::from_secs(600)
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

/// What a release file says of artifacts, changes and its version, whatever else is wrong with it: for whoever gathers what it
/// names without having the project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedInRelease {
    pub version: Option<Version>,
    pub artifacts: BTreeMap<ComponentName, NamedArtifact>,
    pub changes: BTreeSet<ChangeId>,
}

/// An artifact as a release file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedArtifact {
    /// Relative to the release file.
    pub path: String,
    /// The line of its component, from 1.
    pub line: usize,
}

/// What a release file names. What cannot be understood is left out; reading the release tells it.
#[must_use]
pub fn named_in_release(source: &Source) -> NamedInRelease {
    let Some(tree) = tree::read(&mut Report::new(source)) else {
        return NamedInRelease::default();
    };
    let line = |at: usize| source.text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let artifacts = tree.entries_of("components").iter().filter_map(|entry| {
        let artifact = NamedArtifact {
            path: entry.value.text_of("artifact")?.to_owned(),
            line: line(entry.key_span.start),
        };
        Some((ComponentName::new(&entry.key).ok()?, artifact))
    });
    NamedInRelease {
        version: tree.text_of("version").and_then(|text| Version::new(text).ok()),
        artifacts: artifacts.collect(),
        changes: listed_changes(source),
    }
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
    /// Configuration that is different in an environment.
    #[serde(default)]
    pub environments: EnvironmentConfiguration,
    /// Configuration that is different in a cell. It is stronger than that of its environment.
    #[serde(default)]
    pub cells: BTreeMap<CellName, Configuration>,
    /// Configuration that is different for a tenant. It is the strongest.
    #[serde(default)]
    pub tenants: BTreeMap<TenantName, Configuration>,
}

/// Configuration that is different in each environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EnvironmentConfiguration {
    /// In the cells with `environment: test`.
    pub test: Configuration,
    /// In the cells with `environment: production`.
    pub production: Configuration,
}

/// Environment variables and their values.
pub type Configuration = BTreeMap<VariableName, Scalar>;
