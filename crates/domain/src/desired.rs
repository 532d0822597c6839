//! How the world shall be: one whole document with one generation. Drivers and gateways make it so and refuse an older one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{CellName, ComponentName, SlotId, TenantName, Version};
use crate::observed::Instance;
use crate::release::SlotSpec;

/// Routes and slots of every cell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desired {
    /// Raised by every change of the rest.
    pub generation: u64,
    pub cells: BTreeMap<CellName, CellDesired>,
}

/// One cell: a slot that is not named here is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellDesired {
    pub slots: BTreeMap<SlotId, SlotDesired>,
    /// What each version in use resolves to.
    pub versions: BTreeMap<Version, BTreeMap<ComponentName, SlotId>>,
    pub routes: BTreeMap<TenantName, Route>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotDesired {
    pub spec: SlotSpec,
    pub phase: SlotPhase,
    /// The instances that gateways may send to, as the driver reported them.
    pub instances: Vec<Instance>,
    /// For a worker: what it owns.
    pub owns: Owns,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlotPhase {
    /// Starts and stays.
    Run,
    /// No route leads here any more; what is in flight may end.
    Drain,
}

/// What a worker slot works for. An epoch fences: the resource refuses a lower one than it has seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Owns {
    /// Not a worker, or a worker in standby.
    #[default]
    Nothing,
    /// The tenants and the epoch of each.
    Tenants(BTreeMap<TenantName, u64>),
    /// The whole cell, with its epoch.
    Cell(u64),
}

/// Where a tenant's requests go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub version: Version,
    /// The version that pages loaded before the switch may still ask for assets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Version>,
}
