//! One alert: what is wrong, who is told, and how far that has come.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use tidegate_domain::files::{AlertKind, AlertRole, AlertSeverity};
use tidegate_domain::id::{Actor, CellName, ChannelName, CustomerName, TenantName, Version};
use tidegate_domain::time::Timestamp;

/// Whom something is wrong with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Subject {
    /// All tenants of a cell together.
    Cell(CellName),
    Gateway(String),
    Tenant(TenantName),
}

/// What is wrong with one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    pub subject: Subject,
    pub kind: AlertKind,
    pub cell: Option<CellName>,
    pub severity: AlertSeverity,
    pub since: Timestamp,
    /// What was measured and expected.
    pub says: String,
}

/// Several alarms that are one matter, for one set of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// The same in all of its states, and of no other alert.
    pub id: String,
    pub state: State,
    /// Of the alarm that it began with.
    pub kind: AlertKind,
    /// That of the worst of its alarms.
    pub severity: AlertSeverity,
    pub cells: BTreeSet<CellName>,
    /// Its alarms, also those that are over.
    pub symptoms: BTreeMap<Subject, BTreeMap<AlertKind, Symptom>>,
    pub since: Timestamp,
    pub raised: Timestamp,
    /// When an alarm last came to it.
    pub joined: Timestamp,
    pub receiver: Receiver,
    /// The release that was in progress there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Version>,
    /// The silence that keeps it from being told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Timestamp>,
    /// Escalations that were told.
    #[serde(default)]
    pub escalations: usize,
    /// Everybody who was told of it, or is to be.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub told: BTreeSet<ChannelName>,
    /// What became of the messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody has said yet that they look after it.
    Raised,
    /// Nobody has in time, and others were told.
    Escalated,
    /// Somebody looks after it.
    Acknowledged,
    Resolved,
}

/// What is, or was, wrong with one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Symptom {
    pub severity: AlertSeverity,
    pub since: Timestamp,
    pub says: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<SymptomEnded>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SymptomEnded {
    pub at: Timestamp,
    pub why: String,
}

/// Who is told. Alarms for different people are different alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    pub role: AlertRole,
    /// None where `alerts.yaml` says of nobody how to reach them.
    #[serde(default)]
    pub channels: BTreeSet<ChannelName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// Where all its tenants are this customer's, and the route says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledged {
    pub by: Actor,
    pub at: Timestamp,
    pub reason: String,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Told {
    pub channel: String,
    /// What it told: `raised`, `escalated`, `acknowledged` or `resolved`.
    pub what: String,
    pub at_ms: i64,
    /// Whether the channel has taken it.
    pub delivered: bool,
    /// What the channel calls it, or why it has not taken it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Which alarms are not to be told. Everything that is named has to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Matcher {
    /// Of these kinds.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kinds: BTreeSet<AlertKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<CellName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    /// Of this customer's tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerName>,
}

/// What a person does not want to be told of for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    pub of: Matcher,
    pub by: Actor,
    pub reason: String,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// How many messages of an alert are remembered.
const MESSAGES_MAX: usize = 50;

impl Alert {
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state != State::Resolved
    }

    /// What still lasts.
    pub fn lasting(&self) -> impl Iterator<Item = (&Subject, AlertKind, &Symptom)> {
        let all = self.symptoms.iter();
        let all = all.flat_map(|(subject, kinds)| kinds.iter().map(move |(kind, symptom)| (subject, *kind, symptom)));
        all.filter(|(_, _, symptom)| symptom.ended.is_none())
    }

    pub fn tenants(&self) -> impl Iterator<Item = &TenantName> {
        self.symptoms.keys().filter_map(Subject::tenant)
    }

    pub fn remember(&mut self, told: Told) {
        self.messages.push(told);
        let more = self.messages.len().saturating_sub(MESSAGES_MAX);
        self.messages.drain(..more);
    }
}

impl State {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Escalated => "escalated",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

impl Matcher {
    #[must_use]
    pub fn matches(
        &self,
        subject: &Subject,
        kind: AlertKind,
        cell: Option<&CellName>,
        customer: Option<&CustomerName>,
    ) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.cell.as_ref().is_none_or(|wanted| cell == Some(wanted))
            && self
                .tenant
                .as_ref()
                .is_none_or(|wanted| subject.tenant() == Some(wanted))
            && self.customer.as_ref().is_none_or(|wanted| customer == Some(wanted))
    }

    /// In words, for the journal.
    #[must_use]
    pub fn in_words(&self) -> String {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        let mut words = match kinds.is_empty() {
            true => "everything".to_owned(),
            false => kinds.join(", "),
        };
        let named = [
            ("cell", self.cell.as_ref().map(CellName::as_str)),
            ("tenant", self.tenant.as_ref().map(TenantName::as_str)),
            ("customer", self.customer.as_ref().map(CustomerName::as_str)),
        ];
        for (what, name) in named {
            if let Some(name) = name {
                words.push_str(&format!(" of {what} {name}"));
            }
        }
        words
    }
}

impl Silence {
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

impl Subject {
    #[must_use]
    pub const fn tenant(&self) -> Option<&TenantName> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Cell(_) | Self::Gateway(_) => None,
        }
    }

    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.tenant().is_none()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell(cell) => write!(f, "cell/{cell}"),
            Self::Gateway(gateway) => write!(f, "gateway/{gateway}"),
            Self::Tenant(tenant) => write!(f, "tenant/{tenant}"),
        }
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

impl TryFrom<String> for Subject {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = |what: &str, name: &str| match what {
            "cell" => CellName::new(name).ok().map(Self::Cell),
            "gateway" => Some(Self::Gateway(name.to_owned())),
            "tenant" => TenantName::new(name).ok().map(Self::Tenant),
            _ => None,
        };
        let subject = text.split_once('/').and_then(|(what, name)| read(what, name));
        subject.ok_or_else(|| format!("`{text}` is neither a cell, a gateway nor a tenant"))
    }
}
