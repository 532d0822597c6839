//! `alerts.yaml`: what is watched day and night, who is told when something is wrong, and by which channel.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnostic::{Code, Diagnostic, Finding, Report};
use super::tree::{self, Node};
use super::{ALERTS_FILE, Source, folder_and_name};
use crate::change::WebAddress;
use crate::id::{CellName, ChannelName, CustomerName, TenantName};
use crate::time::Duration;

/// What is watched day and night, who is told when something is wrong, and by which channel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsFile {
    /// What is watched, and what is no cause for an alert.
    pub watch: AlertWatch,
    /// The ways to tell somebody, by their names.
    pub channels: BTreeMap<ChannelName, ChannelUse>,
    /// Who is told.
    pub roles: AlertRoles,
    /// Which alert goes to whom: the first one that an alert matches. One that matches none goes to the developers.
    pub routes: Vec<AlertRoute>,
    /// Who is told when nobody has acknowledged an alert in time.
    pub escalate: Vec<Escalation>,
    /// Whom to tell again and again that alerts are looked for: it is the silence that tells.
    pub heartbeat: Option<Heartbeat>,
}

/// What is watched, and what is no cause for an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertWatch {
    /// What is looked for.
    pub kinds: BTreeSet<AlertKind>,
    /// Requests are added up over so long, and judged at its end: from a second to an hour.
    pub interval: Duration,
    /// How many alarms may be false, over all tenants together.
    #[schemars(range(min = 0.001, max = 1000))]
    pub false_alarms_per_day: f64,
    /// The share of requests, in percent, whose failing is no cause for an alert.
    #[schemars(range(min = 0.001, max = 50))]
    pub errors_percent: f64,
    /// The share of requests, in percent, that may meet a time limit.
    #[schemars(range(min = 0.001, max = 50))]
    pub timeouts_percent: f64,
    /// The share of answers, in percent, that may be slow.
    #[schemars(range(min = 0.001, max = 50))]
    pub slow_percent: f64,
    /// An answer is slow that takes more than this many times what all but one of a hundred answers of its tenant take, ...
    #[schemars(range(min = 1, max = 100))]
    pub slow_ratio: f64,
    /// ... and so many milliseconds more.
    #[schemars(range(max = 3_600_000))]
    pub slow_slack_ms: u32,
    /// A gateway that has not been heard for so long is told of.
    pub gateway_silent: Duration,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertKind {
    /// Requests fail: answered 5xx, or by the gateway because the service gave no answer.
    Errors,
    /// Requests meet a time limit.
    Timeouts,
    /// Answers take longer than they used to.
    Latency,
    /// Fewer requests come than at this hour of the week.
    VolumeDrop,
    /// More requests come than at this hour of the week.
    VolumeSpike,
    /// What watches cannot do its work: a gateway is silent.
    Watcher,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertSeverity {
    /// Somebody has to do something at once.
    Critical,
    /// Something is broken.
    Error,
    /// Something is not as usual.
    Warning,
    /// To be read some day.
    Info,
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertRole {
    /// Who repairs the service.
    Developers,
    /// Who speaks to customers.
    Support,
}

/// A channel by the name it is registered under, and what it is told. No secret stands here: only where it is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelUse {
    /// The name of the channel.
    #[schemars(with = "crate::files::GateName")]
    pub uses: String,
    /// What it is told.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub with: serde_json::Value,
}

/// Who is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertRoles {
    /// Who repairs the service.
    pub developers: Option<Receivers>,
    /// Who speaks to customers.
    pub support: Option<Receivers>,
}

/// Where a role is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receivers {
    /// Every one of them is told.
    #[schemars(length(min = 1))]
    pub channels: BTreeSet<ChannelName>,
    /// Who owns what is alerted about: a team or a person, in words.
    pub owner: Option<String>,
}

/// Where an alert goes. Everything that is written has to fit; a route with nothing of it fits every alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertRoute {
    /// Alerts of these kinds.
    #[schemars(length(min = 1))]
    pub kinds: Option<BTreeSet<AlertKind>>,
    /// Alerts of this cell.
    pub cell: Option<CellName>,
    /// Alerts about this customer's tenants.
    pub customer: Option<CustomerName>,
    /// Alerts about this tenant.
    pub tenant: Option<TenantName>,
    /// Alerts that are so bad.
    pub severity: Option<AlertSeverity>,
    /// Who is told.
    pub role: AlertRole,
    /// Instead of the owner of the role.
    pub owner: Option<String>,
    /// Where it is written what to do.
    pub runbook: Option<WebAddress>,
}

/// Who is told when nobody has acknowledged an alert in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// How long after an alert was raised.
    pub after: Duration,
    /// Every one of them is told.
    #[schemars(length(min = 1))]
    pub channels: BTreeSet<ChannelName>,
}

/// Whom to tell again and again that alerts are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Who notices when it stays away.
    pub channel: ChannelName,
    /// How often.
    pub every: Duration,
}

impl AlertKind {
    pub const ALL: [Self; 6] = [
        Self::Errors,
        Self::Timeouts,
        Self::Latency,
        Self::VolumeDrop,
        Self::VolumeSpike,
        Self::Watcher,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Timeouts => "timeouts",
            Self::Latency => "latency",
            Self::VolumeDrop => "volume-drop",
            Self::VolumeSpike => "volume-spike",
            Self::Watcher => "watcher",
        }
    }
}

impl AlertSeverity {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl AlertRole {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Developers => "developers",
            Self::Support => "support",
        }
    }
}

impl AlertRoles {
    #[must_use]
    pub const fn of(&self, role: AlertRole) -> Option<&Receivers> {
        match role {
            AlertRole::Developers => self.developers.as_ref(),
            AlertRole::Support => self.support.as_ref(),
        }
    }
}

impl AlertWatch {
    pub const INTERVAL_LEAST: Duration = Duration::from_secs(1);
    pub const INTERVAL_MOST: Duration = Duration::from_hours(1);
}

impl Default for AlertWatch {
    fn default() -> Self {
        Self {
            kinds: AlertKind::ALL.into(),
            interval: Duration::from_secs(300),
            false_alarms_per_day: 1.0,
            errors_percent: 1.0,
            timeouts_percent: 0.5,
            slow_percent: 5.0,
            slow_ratio: 1.5,
            slow_slack_ms: 50,
            gateway_silent: Duration::from_secs(60),
        }
    }
}

/// Every mistake that `check` finds in the channels of the file of alerts among `sources`: what channels there are, and what each is told,
/// is known elsewhere. `check` is also told whether the channel has to take alerts and heartbeats. Only for sources that read without a mistake.
#[must_use]
pub fn check_channels(
    sources: &[Source],
    check: impl Fn(&ChannelUse, WantedOf) -> Result<(), String>,
) -> Vec<Diagnostic> {
    let is_alerts = |source: &&Source| folder_and_name(&source.path).1 == ALERTS_FILE;
    let found = sources.iter().filter(is_alerts).flat_map(|source| {
        let mut report = Report::new(source);
        if let Some(tree) = tree::read(&mut report) {
            let channels = tree.entries_of("channels").iter();
            let finding = |name: &str, node| finding(node, &|channel| check(channel, WantedOf::read(&tree, name)));
            report.extend(channels.filter_map(|entry| finding(&entry.key, &entry.value)));
        }
        report.diagnostics()
    });
    found.collect()
}

/// What a channel has to take, by where the file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedOf {
    pub alerts: bool,
    pub heartbeats: bool,
}

impl WantedOf {
    fn read(tree: &Node, name: &str) -> Self {
        let is_named = |place: &Node| place.items_of("channels").iter().any(|item| item.text() == Some(name));
        let roles = tree.entries_of("roles").iter().any(|role| is_named(&role.value));
        Self {
            alerts: roles || tree.items_of("escalate").iter().any(is_named),
            heartbeats: tree.field("heartbeat").and_then(|beat| beat.text_of("channel")) == Some(name),
        }
    }
}

fn finding(channel: &Node, check: &impl Fn(&ChannelUse) -> Result<(), String>) -> Option<Finding> {
    let read = ChannelUse::deserialize(channel).ok()?;
    let uses = channel.field("uses")?;
    let message = format!("this channel cannot be used: {}", check(&read).err()?);
    let span = channel
        .field("with")
        .map_or_else(|| uses.span.clone(), Node::first_span);
    Some(Finding::error(Code::Channel, &span, message))
}
