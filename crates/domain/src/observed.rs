//! What drivers and gateways report of the world: facts, as they were seen last.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::id::{CellName, SlotId};

/// One instance that takes work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Unique within the slot, stable over adoption: `0`, `1`, ...
    pub id: String,
    pub address: SocketAddr,
}

/// How a slot is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum SlotState {
    /// The driver has not said anything of it yet.
    #[default]
    Unknown,
    /// Instances are starting; `reason` says what is waited for.
    Starting { reason: String, ready: Vec<Instance> },
    /// All instances take work.
    Ready { ready: Vec<Instance> },
    /// The slot cannot come up, or keeps dying: `reason` is what a person needs to know. Instances that still work are listed.
    Failed { reason: String, ready: Vec<Instance> },
    /// Told to stop; not gone yet.
    Stopping,
}

/// What the driver saw in one cell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellReport {
    /// The generation of the desired document that the driver acted on when it saw this.
    #[serde(default)]
    pub generation: u64,
    pub slots: BTreeMap<SlotId, SlotState>,
    /// The generation of the desired document whose worker ownership is in force: every worker has what it shall own
    /// and nothing else.
    pub ownership: u64,
}

/// What all registered gateways together say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayReport {
    /// The generation that every registered gateway has persisted and serves; `None` where none is registered.
    pub confirmed: Option<u64>,
    /// Requests, streams and tunnels in flight by slot, over all gateways. A slot that is not named has none.
    pub in_flight: BTreeMap<SlotId, u64>,
    /// Gateways whose lease has lapsed: they may still serve, so nothing that they may name is stopped.
    pub lapsed: Vec<String>,
}

/// Reports by cell.
pub type CellReports = BTreeMap<CellName, CellReport>;

impl SlotState {
    /// The instances that take work now.
    #[must_use]
    pub fn instances(&self) -> &[Instance] {
        match self {
            Self::Starting { ready, .. } | Self::Ready { ready } | Self::Failed { ready, .. } => ready,
            Self::Unknown | Self::Stopping => &[],
        }
    }

    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    /// For people: what it is waiting for, or what went wrong.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Unknown => "not started yet".to_owned(),
            Self::Starting { reason, .. } => format!("starting: {reason}"),
            Self::Ready { ready } if ready.len() == 1 => "ready, 1 instance".to_owned(),
            Self::Ready { ready } => format!("ready, {} instances", ready.len()),
            Self::Failed { reason, .. } => format!("failed: {reason}"),
            Self::Stopping => "stopping".to_owned(),
        }
    }

    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. })
    }
}
