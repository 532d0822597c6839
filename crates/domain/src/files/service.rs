//! `tidegate.yaml`: the service, where it runs, what it is made of and how a request finds its tenant.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::retention::Retention;
use super::tenants::{Labels, labels};
use super::text::{
    Address, CookieName, HeaderName, HostName, HostTemplate, LabelName, Memory, PathTemplate, Scalar, ServerAddress,
    UrlPath, VariableName,
};
use crate::calendar::{Calendar, WrittenSchedule, WrittenWindow};
use crate::id::{CalendarName, CellName, ComponentName, PlaybookName, ServiceName};
use crate::release::{Drain, JobPer, JobTerms, MissedRuns, Ownership, SecretReference};
use crate::time::Duration;

/// The service: what it is made of, where it runs, and how a request finds its tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceFile {
    /// The name of the service.
    pub service: ServiceName,
    /// The playbook that releases follow: the `name` of a file in `playbooks/`.
    pub playbook: PlaybookName,
    /// The places that run the service, each for its tenants.
    #[schemars(length(min = 1))]
    pub cells: Vec<Cell>,
    /// The gateway that requests come in through.
    pub gateway: Gateway,
    /// The parts that are deployed, each as a unit.
    #[schemars(length(min = 1))]
    pub components: Vec<Component>,
    /// Working days and holidays, by a name that tenants and windows use.
    #[serde(default)]
    pub calendars: BTreeMap<CalendarName, Calendar>,
    /// When tenants may move, and when they may not.
    #[serde(default)]
    pub windows: Vec<WrittenWindow>,
    /// Other services that releases of this one can go together with, each with a server of its own.
    #[serde(default)]
    pub services: BTreeMap<ServiceName, OtherService>,
    /// How long the server keeps what is over.
    #[serde(default)]
    pub retention: Retention,
}

/// Another service, and how its server is asked how far a release is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherService {
    /// Where its server answers.
    pub server: ServerAddress,
    /// A token of that server that may read. Only where its value is found stands here.
    pub token: SecretReference,
}

/// One place that runs the service for a set of tenants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The name of the cell.
    pub name: CellName,
    /// What the cell is for.
    #[serde(default)]
    pub environment: Environment,
    /// Labels that gates choose it by.
    #[serde(default, deserialize_with = "labels", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "Labels")]
    pub labels: BTreeMap<LabelName, Scalar>,
    /// How many instances may be starting at one time.
    #[serde(default = "max_starting")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_starting: u32,
}

fn max_starting() -> u32 {
    2
}

/// What a cell is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// No customer depends on it.
    Test,
    /// Customers depend on it.
    #[default]
    Production,
}

impl Environment {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

/// The gateway: its listeners, and where a request names its tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Where clients connect.
    #[serde(default = "listen")]
    pub listen: Address,
    /// Where clients connect with TLS, besides `listen`.
    pub tls: Option<Tls>,
    /// Where components connect to call each other; a call keeps the tenant's version.
    pub internal: Option<Address>,
    /// Where metrics and health are read.
    pub admin: Option<Address>,
    /// Where a request names its tenant, tried in this order. Two that disagree are answered with 400.
    #[schemars(length(min = 1))]
    pub tenant_from: Vec<TenantFrom>,
    /// What tells the clients of a tenant apart: a canary splits them, and one that fails again and again counts once. Left out, their
    /// network address; behind a proxy that is the same for all.
    pub client_from: Option<ClientFrom>,
    /// What is answered where no version does.
    #[serde(default)]
    pub answers: Answers,
}

/// What the gateway answers by itself, where it shall say it in other words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// To requests of a tenant that does not exist; 404 where nothing is said.
    pub unknown: Option<Answer>,
    /// To requests of a tenant that is suspended; 403 where nothing is said.
    pub suspended: Option<Answer>,
    /// To requests of a tenant that is on its way to another cell; 503 with `Retry-After` where nothing is said.
    pub moving: Option<Answer>,
}

/// One answer of the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status code.
    #[schemars(range(min = 400, max = 599))]
    pub status: Option<u16>,
    /// One sentence for whoever reads it.
    #[schemars(length(min = 1))]
    pub text: Option<String>,
    /// The HTML that browsers get.
    #[schemars(length(min = 1))]
    pub page: Option<String>,
}

/// A listener with TLS. Its files are read again when they change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Where clients connect with TLS.
    pub listen: Address,
    /// A PEM file with the certificate and those that vouch for it, relative to this file.
    #[schemars(length(min = 1))]
    pub certificate: String,
    /// A PEM file with the certificate's private key, relative to this file.
    #[schemars(length(min = 1))]
    pub key: String,
}

fn listen() -> Address {
    Address(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))
}

/// One place where a request may name its tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum TenantFrom {
    Host {
        /// The host, with `{tenant}` where the tenant's name stands.
        host: HostTemplate,
    },
    Path {
        /// What the path begins with, with `{tenant}` as its last segment.
        path: PathTemplate,
        /// Whether the component sees the path without this beginning.
        #[serde(default)]
        strip: bool,
    },
    Header {
        /// The request header that holds the tenant's name. Clients can write what they like there.
        header: HeaderName,
    },
    Cookie {
        /// The cookie that holds the tenant's name.
        cookie: CookieName,
    },
    Jwt {
        /// A claim of the bearer token.
        jwt: Jwt,
    },
}

/// What tells the clients of one tenant apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum ClientFrom {
    Header {
        /// The request header that is the same for all requests of a client, such as `authorization`.
        header: HeaderName,
    },
    Cookie {
        /// The cookie that is the same for all requests of a client, such as that of its session.
        cookie: CookieName,
    },
}

/// The claim of a token that names the tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Jwt {
    Verified {
        /// The claim that holds the tenant's name.
        #[schemars(length(min = 1))]
        claim: String,
        /// A file with the public keys (PEM or JWKS), relative to this file.
        #[schemars(length(min = 1))]
        keys: String,
    },
    Unverified {
        /// The claim that holds the tenant's name.
        #[schemars(length(min = 1))]
        claim: String,
        /// Says that the component verifies the token; the gateway only reads it.
        verify: Verify,
    },
}

/// Who verifies a token that the gateway does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// The component.
    Upstream,
}

/// A part of the service that is deployed as a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The name of the component.
    pub name: ComponentName,
    /// What kind of program it is.
    #[serde(default)]
    pub kind: ComponentKind,
    /// The requests it gets (only `http`). The longest path wins.
    #[serde(default)]
    pub r#match: Match,
    /// The program and its arguments, run without a shell. `{artifact}` stands for the release's artifact, `{port}` for
    /// the port of this instance, `{cell}` and `{version}` for where and what it runs, and in a job `{tenant}` for whom.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// Environment variables for every version; a release's configuration comes on top.
    #[serde(default)]
    pub environment: BTreeMap<VariableName, Scalar>,
    /// Variables that it must have in every cell: a release in which one has no value is refused.
    #[serde(default)]
    pub requires: BTreeSet<VariableName>,
    /// Secrets, by the variable that an instance gets the value in. Only where a value is found stands here, never the value.
    #[serde(default)]
    pub secrets: BTreeMap<VariableName, SecretReference>,
    /// Variables and secrets that may be different from one environment to another, where the playbook has `environments`.
    #[serde(default)]
    pub differs: BTreeSet<VariableName>,
    /// What is different in an environment.
    #[serde(default)]
    pub environments: ComponentEnvironments,
    /// What is different in a cell. It is stronger than what is different in its environment.
    #[serde(default)]
    pub cells: BTreeMap<CellName, ComponentPlace>,
    /// How many instances of one version run in a cell.
    #[serde(default = "instances")]
    #[schemars(range(min = 1, max = 1000))]
    pub instances: u16,
    /// When an instance is ready. Left out, it is ready as soon as it runs.
    pub ready: Option<Ready>,
    /// How an instance is stopped.
    #[serde(default)]
    pub stop: Stop,
    /// How long an old version may finish what it has begun.
    #[serde(default)]
    pub drain: Drain,
    /// Components that must be ready before this one starts; on the way back it goes before them.
    #[serde(default)]
    pub after: Vec<ComponentName>,
    /// What a worker is handed over by (only `worker`).
    #[serde(default)]
    pub ownership: Ownership,
    /// The memory of one instance, checked before it is started.
    pub memory: Option<Memory>,
    /// Whom one run is for (only `job`).
    #[serde(default)]
    pub per: JobPer,
    /// When runs begin (only `job`). Left out, only on demand.
    pub schedule: Option<WrittenSchedule>,
    /// What becomes of runs whose time has passed (only `job`).
    #[serde(default)]
    pub missed: MissedRuns,
    /// How long a run may take before it is stopped (only `job`).
    #[serde(default = "job_timeout")]
    pub timeout: Duration,
}

fn job_timeout() -> Duration {
    JobTerms::TIMEOUT
}

fn instances() -> u16 {
    1
}

/// What of a component is different in each environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ComponentEnvironments {
    /// In the cells with `environment: test`.
    pub test: ComponentPlace,
    /// In the cells with `environment: production`.
    pub production: ComponentPlace,
}

/// What of a component is different in some places.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ComponentPlace {
    /// Secrets that are found elsewhere, or that only these places have.
    pub secrets: BTreeMap<VariableName, SecretReference>,
}

/// What kind of program a component is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentKind {
    /// Answers requests, behind the gateway.
    #[default]
    Http,
    /// Consumes a stream or a queue.
    Worker,
    /// Runs that end on the version they began with, by a schedule or on demand.
    Job,
}

/// The requests a component gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// The host; left out, any.
    pub host: Option<HostName>,
    /// What the path begins with.
    pub path: UrlPath,
}

impl Default for Match {
    fn default() -> Self {
        Self {
            host: None,
            path: UrlPath::new("/").expect("the root is a path"),
        }
    }
}

/// When an instance is ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Ready {
    Path {
        /// A GET of this path is answered with 2xx.
        path: UrlPath,
        /// How long an instance may take.
        #[serde(default = "ready_within")]
        within: Duration,
    },
    Command {
        /// This program ends with 0. The placeholders are those of the component's `command`.
        #[schemars(length(min = 1))]
        command: Vec<String>,
        /// How long an instance may take.
        #[serde(default = "ready_within")]
        within: Duration,
    },
}

fn ready_within() -> Duration {
    Duration::from_secs(30)
}

/// How an instance is stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stop {
    /// How long after the polite signal the firm one follows.
    pub grace: Duration,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(10),
        }
    }
}
