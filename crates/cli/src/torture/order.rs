//! What the conductor and the publisher say to each other: one JSON document a line, orders on stdin, the status on stdout.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tidegate_gateway::table::{Instance, Phase, Route, Slot, SlotId, Table, TenantName, VersionKey};

/// The only component.
pub const COMPONENT: &str = "api";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Publish another table. Numbers grow, so that an order that was given before a kill is not carried out twice.
    Publish { number: u64, edit: Edit },
    /// This process has ended, whether it could still say so or not.
    Ended { pid: u32 },
}

/// One change of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// These tenants are served by these versions.
    Route(BTreeMap<VersionKey, Vec<TenantName>>),
    /// The version has this slot, and the one it had drains.
    Renew {
        version: VersionKey,
        id: SlotId,
        slot: Slot,
        before: Phase,
    },
    /// The slot has these instances.
    Instances { id: SlotId, instances: Vec<Instance> },
    /// The slot leaves the table.
    Remove(SlotId),
}

/// How far the gateways are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    pub listening: Option<SocketAddr>,
    /// The number of the last order that was carried out.
    pub number: u64,
    pub generation: u64,
    /// When this generation was published, in microseconds of the monotonic clock.
    pub published_micros: u64,
    /// The generation that every registered gateway process has confirmed, and when the last of them did.
    pub confirmed: u64,
    pub confirmed_micros: u64,
    /// What persisting it took, at most.
    pub persist_micros: u64,
    /// Of all registered processes, by the calls that confirmed.
    pub in_flight: BTreeMap<SlotId, u64>,
    /// Why a gateway did not take a table.
    pub refused: Option<String>,
}

impl Edit {
    pub fn apply(self, table: &mut Table) {
        match self {
            Edit::Route(groups) => {
                let mut routes: BTreeMap<TenantName, Route> = table
                    .routes
                    .iter()
                    .map(|(tenant, route)| (tenant.clone(), route.clone()))
                    .collect();
                for (version, tenants) in groups {
                    routes.extend(tenants.into_iter().map(|tenant| (tenant, Route::to(version.clone()))));
                }
                table.routes = routes.into_iter().collect();
            }
            Edit::Renew {
                version,
                id,
                slot,
                before,
            } => {
                if let Some(version) = table.versions.get_mut(&version)
                    && let Some(old) = version.slots.insert(COMPONENT.into(), id.clone())
                    && let Some(old) = table.slots.get_mut(&old)
                {
                    old.phase = before;
                }
                table.slots.insert(id, slot);
            }
            Edit::Instances { id, instances } => {
                if let Some(slot) = table.slots.get_mut(&id) {
                    slot.instances = instances;
                }
            }
            Edit::Remove(id) => {
                table.slots.remove(&id);
            }
        }
    }
}
