//! A release: an immutable set of artifacts, configuration and changes, complete for every component of the service.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::change::{Change, Impact, Link, Ticket};
use crate::files::{Environment, TimeZoneName};
use crate::id::{CellName, ChangeId, ComponentName, Digest, SlotId, TenantName, Version};
use crate::time::Duration;

mod companion;
mod data_step;
mod job;
mod secret;

pub use self::companion::Companion;
pub use self::data_step::{AfterStep, DataStep, DataStepKind};
pub use self::job::{JobPer, JobTerms, MissedRuns};
pub use self::secret::{SecretReference, SecretReferences, Secrets};

/// Everything a tenant on this version runs. A component that the release file did not list is here too, as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub version: Version,
    pub kind: ReleaseKind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<Commit>,
    pub components: BTreeMap<ComponentName, ComponentRelease>,
    /// The cells that are not for production.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<CellName, Environment>,
    /// What the release is about, for those who decide about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Why it cannot wait; an emergency has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tickets: BTreeSet<Ticket>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documentation: Vec<Link>,
    /// In the order of their ids. They are whole: what customers are told is a decision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    pub reversible: Reversible,
    /// The release that this one repairs: its waves are taken up where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patches: Option<Version>,
    /// The version that this one repairs for those who run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hotfix: Option<Version>,
    /// Commits that it was built on besides `commits`, by their ids.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub includes: BTreeSet<String>,
    /// The releases that go together, this one among them, in the order in which they begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<Companion>,
    /// How long tenants are out of service while they are switched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime: Option<Duration>,
    /// Work on data, in the order in which it is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<DataStep>,
    /// Of tenants that are elsewhere than UTC, where a job is run by their clocks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub time_zones: BTreeMap<TenantName, TimeZoneName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseKind {
    /// Moves in its playbook's own time.
    #[default]
    Scheduled,
    /// Cannot wait for the next window.
    Emergency,
    /// Replaces parts by upgraded ones; nothing changes for customers.
    Patch,
    /// Moves a flag, not code.
    Feature,
    /// The same artifacts with other configuration.
    Configuration,
}

impl ReleaseKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Emergency => "emergency",
            Self::Patch => "patch",
            Self::Feature => "feature",
            Self::Configuration => "configuration",
        }
    }
}

/// A commit that the release is built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Where the commit is found, as people write it: `github.com/acme/loyalty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The commit's id.
    #[schemars(with = "crate::files::CommitId")]
    pub id: String,
    /// When it was committed (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::files::Instant>")]
    pub at: Option<String>,
}

/// How far a release can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reversible {
    /// At any time.
    #[default]
    Always,
    /// Only as long as the wave has not entered this stage: the data forbids going back from there on.
    Until(Stage),
}

/// The stages of a wave, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The new slots start in every cell concerned.
    Prepare,
    /// The gates run against the new slots.
    Verify,
    /// A share of the tenants' requests goes to the new slots, and is judged against the others.
    Canary,
    /// The tenants' routes move.
    Switch,
    /// The moved tenants are watched.
    Bake,
    /// The wave is done.
    Confirm,
}

/// What a release says of one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentRelease {
    pub definition: Definition,
    pub artifact: Artifact,
    pub configuration: Configuration,
    #[serde(default, skip_serializing_if = "Secrets::is_empty")]
    pub secrets: Secrets,
}

/// A file that runs, known by what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    pub digest: Digest,
    /// Where the file was when the plan was made. The driver runs its own copy, checked against the digest.
    pub path: String,
}

/// Settings given to a component: for all, then by environment, by cell and by tenant. A later one replaces an earlier one's key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub all: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<Environment, BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cells: BTreeMap<CellName, BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tenants: BTreeMap<TenantName, BTreeMap<String, String>>,
}

/// How a component is run and found, as the service file says at the time of the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    pub kind: ComponentKind,
    /// Program and arguments. `{artifact}`, `{port}`, `{cell}` and `{version}` are filled in; no shell reads it.
    pub command: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Variables that it must have in every cell. It runs the same whatever stands here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub requires: BTreeSet<String>,
    pub instances: u16,
    pub ready: Readiness,
    /// From the polite stop to the firm one.
    pub stop_grace: Duration,
    pub drain: Drain,
    /// Components that must be ready before this one starts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub after: BTreeSet<ComponentName>,
    /// Memory to be free before an instance starts, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// How its runs are begun, where it is a job.
    #[serde(default, skip_serializing_if = "JobTerms::is_default")]
    pub job: JobTerms,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ComponentKind {
    /// Behind the gateway, matched by host and path.
    Http {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
        path: String,
    },
    /// Consumes a stream or queue.
    Worker { ownership: Ownership },
    /// Runs that end on the version they began with. It has no slot: nothing runs between two of them.
    Job,
}

/// What of a worker's work moves with a wave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// Both versions run, each with its tenants.
    #[default]
    Tenant,
    /// One version runs for the whole cell; it is handed over when the cell's last wave moves.
    Cell,
}

/// When an instance can take work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readiness {
    pub check: ReadinessCheck,
    /// An instance that is not ready by then has failed to start.
    pub within: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReadinessCheck {
    /// `GET` on the instance's port answers 2xx.
    Path(String),
    /// The program ends with 0.
    Command(Vec<String>),
    /// The process runs.
    Started,
}

/// How long what is in flight may take when a slot is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Drain {
    /// For requests.
    pub requests: Duration,
    /// For event streams and WebSockets.
    pub streams: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            requests: Duration::from_secs(30),
            streams: Duration::from_secs(300),
        }
    }
}

/// One slot to run, complete: the same content has the same [`SlotId`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotSpec {
    pub component: ComponentName,
    pub cell: CellName,
    /// The first version that ran this content here; the label people see.
    pub version: Version,
    pub definition: Definition,
    pub artifact: Artifact,
    /// For all tenants of the cell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configuration: BTreeMap<String, String>,
    /// Overrides by tenant.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tenant_configuration: BTreeMap<TenantName, BTreeMap<String, String>>,
    /// Where the secrets are found that its instances get as variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: SecretReferences,
}

impl Release {
    /// The first commit of a hot-fix that this release was not built on, as far as it says so.
    #[must_use]
    pub fn lacks<'a>(&self, fix: &'a Self) -> Option<&'a str> {
        let has = |id: &str| self.includes.contains(id) || self.commits.iter().any(|commit| commit.id == id);
        let mut commits = fix.commits.iter().map(|commit| commit.id.as_str());
        commits.find(|id| !has(id))
    }

    /// It brings this change.
    #[must_use]
    pub fn has(&self, change: &ChangeId) -> bool {
        self.changes.iter().any(|known| known.id == *change)
    }

    /// The greatest impact of its changes.
    #[must_use]
    pub fn impact(&self) -> Impact {
        self.changes
            .iter()
            .map(|change| change.impact)
            .max()
            .unwrap_or_default()
    }

    /// What `component` runs in `cell`; `None` where the release has no such component.
    #[must_use]
    pub fn slot(&self, cell: &CellName, component: &ComponentName) -> Option<SlotSpec> {
        let part = self.components.get(component)?;
        let environment = self.environment_of(cell);
        let mut configuration = part.configuration.all.clone();
        let of_environment = part.configuration.environments.get(&environment);
        let of_cell = part.configuration.cells.get(cell);
        for own in of_environment.into_iter().chain(of_cell) {
            configuration.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        Some(SlotSpec {
            component: component.clone(),
            cell: cell.clone(),
            version: self.version.clone(),
            definition: part.definition.clone(),
            artifact: part.artifact.clone(),
            configuration,
            tenant_configuration: part.configuration.tenants.clone(),
            secrets: part.secrets.in_cell(cell, environment),
        })
    }

    #[must_use]
    pub fn environment_of(&self, cell: &CellName) -> Environment {
        self.environments.get(cell).copied().unwrap_or_default()
    }

    /// The slot ids of every component that has one in `cell`.
    #[must_use]
    pub fn slot_ids(&self, cell: &CellName) -> BTreeMap<ComponentName, SlotId> {
        let lasting = self.components.iter().filter(|(_, part)| part.job().is_none());
        let id = |name: &ComponentName| Some((name.clone(), self.slot(cell, name)?.id()));
        lasting.filter_map(|(name, _)| id(name)).collect()
    }

    /// Its components that are jobs.
    pub fn jobs(&self) -> impl Iterator<Item = (&ComponentName, &JobTerms)> {
        let components = self.components.iter();
        components.filter_map(|(name, part)| Some((name, part.job()?)))
    }

    /// The clocks that a tenant's schedules are read by.
    #[must_use]
    pub fn time_zone_of(&self, tenant: &TenantName) -> TimeZoneName {
        self.time_zones.get(tenant).cloned().unwrap_or_else(TimeZoneName::utc)
    }
}

impl ComponentRelease {
    /// How its runs are begun, where it is a job.
    #[must_use]
    pub fn job(&self) -> Option<&JobTerms> {
        match self.definition.kind {
            ComponentKind::Job => Some(&self.definition.job),
            ComponentKind::Http { .. } | ComponentKind::Worker { .. } => None,
        }
    }
}

impl SlotSpec {
    /// Derived from all that makes a difference to the running process, of a secret its reference. Where the artifact lay, the
    /// version's label, what is required and the number of instances make none.
    #[must_use]
    pub fn id(&self) -> SlotId {
        let mut definition = self.definition.clone();
        definition.instances = 0;
        definition.requires.clear();
        let content = (
            &self.cell,
            &definition,
            &self.artifact.digest,
            &self.configuration,
            &self.tenant_configuration,
        );
        let bytes = if self.secrets.is_empty() {
            serde_json::to_vec(&content)
        } else {
            serde_json::to_vec(&(content, &self.secrets))
        };
        let bytes = bytes.expect("maps with text keys serialise");
        SlotId::new(&self.component, &Digest::of(&bytes))
    }
}

#[cfg(test)]
mod tests;
