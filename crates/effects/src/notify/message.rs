//! What people are told of an alert.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidegate_domain::files::{AlertKind, AlertRole, AlertSeverity};
use tidegate_domain::id::{CellName, CustomerName, ServiceName, TenantName, Version};
use tidegate_domain::time::Timestamp;

/// One message about one alert, whole: a channel asks nobody for more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Of the alert: the same in all of its states, and in no other alert.
    pub id: String,
    pub state: State,
    /// When the alert came into this state, or the heartbeat was due: the same for every attempt to tell it.
    pub at: Timestamp,
    pub kind: AlertKind,
    pub severity: AlertSeverity,
    /// One line, without a full stop.
    pub title: String,
    /// What was measured and expected, in sentences.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    pub service: ServiceName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<CellName>,
    #[serde(default, skip_serializing_if = "Tenants::is_empty")]
    pub tenants: Tenants,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerName>,
    /// Who is told.
    pub role: AlertRole,
    /// Who has to do with what is alerted about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// An address of what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// The release that is in progress where this happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Version>,
    /// When what is alerted about began.
    pub since: Timestamp,
    /// Who brought it into this state, where a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// An address of the alert itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Whom it concerns. With many of them the list is the first few, and the count tells of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenants {
    pub count: usize,
    pub names: Vec<TenantName>,
}

/// More are counted, not named.
pub const TENANTS_MAX: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Raised,
    /// Nobody has acknowledged it in time.
    Escalated,
    /// Somebody looks after it.
    Acknowledged,
    Resolved,
    /// No alert: whoever watches is there. It tells by being missing.
    Heartbeat,
}

impl Message {
    /// What a receiver tells the message by: the same for every attempt at it, and another for each state and each heartbeat.
    #[must_use]
    pub fn key(&self) -> String {
        let (id, state, at) = (&self.id, self.state.as_str(), self.at.0);
        // The full stops of a version would part what is signed.
        format!("msg_{}", digest(&format!("{id}\n{state}\n{at}")))
    }
}

/// 128 bits of it.
pub(super) fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Tenants {
    /// The first of them by name.
    #[must_use]
    pub fn of(mut names: Vec<TenantName>) -> Self {
        names.sort_unstable();
        names.dedup();
        let count = names.len();
        names.truncate(TENANTS_MAX);
        Self { count, names }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
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
            Self::Heartbeat => "heartbeat",
        }
    }
}
