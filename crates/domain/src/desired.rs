//! How the world shall be: one whole document with one generation. Drivers and gateways make it so and refuse an older one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{CellName, ComponentName, SlotId, TenantName, Version};
use crate::observed::Instance;
use crate::release::{ComponentKind, Ownership, SlotSpec};
use crate::service::{Cell, Closed, Phase, Service, Slot};
use crate::time::Timestamp;

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
    /// No route leads here any more; what is in flight may end until these instants.
    Drain {
        requests_until: Timestamp,
        streams_until: Timestamp,
    },
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
    /// A share of the clients is served by another version; everything else knows the tenant on `version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// The version that pages loaded before the switch may still ask for assets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Version>,
    /// Requests get the maintenance page; by then they are expected to be served again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Timestamp>,
    /// Requests get an answer that says why nobody serves them, whatever else stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

/// A share of a tenant's clients on another version. The same client always gets the same one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    pub version: Version,
    /// In percent.
    pub share: u8,
}

/// The whole document for a state.
#[must_use]
pub fn desired(state: &Service) -> Desired {
    let mut cells: BTreeMap<CellName, CellDesired> = BTreeMap::new();
    let maintenance = state.out_of_service();
    let at_work = state.cells_at_work(&maintenance);
    let splits = splits(state);
    for (name, cell) in &state.cells {
        let versions = versions(cell);
        let slots = cell
            .slots
            .iter()
            .filter_map(|(id, slot)| Some((id.clone(), desired_slot(state, (name, cell), (id, slot))?)));
        let slots = slots.map(|(id, mut slot): (SlotId, SlotDesired)| {
            if matches!(slot.owns, Owns::Cell(_)) && at_work.contains(name) {
                slot.owns = Owns::Nothing;
            }
            (id, slot)
        });
        cells.insert(
            name.clone(),
            CellDesired {
                slots: slots.collect(),
                versions,
                routes: BTreeMap::new(),
            },
        );
    }
    for (tenant, seat) in &state.seats {
        let (Some(version), Some(cell)) = (&seat.version, cells.get_mut(&seat.cell)) else {
            continue;
        };
        let before = seat
            .before
            .as_ref()
            .filter(|before| *before != version && cell.versions.contains_key(*before));
        let split = splits
            .get(tenant)
            .filter(|split| cell.versions.contains_key(&split.version) && !maintenance.contains_key(tenant));
        let route = Route {
            version: version.clone(),
            split: split.cloned(),
            before: before.cloned(),
            maintenance: maintenance.get(tenant).copied(),
            closed: seat.closed(),
        };
        cell.routes.insert(tenant.clone(), route);
        // Who is on its way to another cell is nobody's work: its data may be copied. Nor is anybody while all data are worked on.
        let rests = seat.is_closed_for_move() || (at_work.contains(&seat.cell) && maintenance.contains_key(tenant));
        let Some(slots) = cell.versions.get(version).filter(|_| !rests) else {
            continue;
        };
        for id in slots.values() {
            if let Some(SlotDesired {
                owns: Owns::Tenants(tenants),
                ..
            }) = cell.slots.get_mut(id)
            {
                tenants.insert(tenant.clone(), seat.epoch);
            }
        }
    }
    Desired {
        generation: state.routing.generation,
        cells,
    }
}

/// Whose clients a canary splits.
fn splits(state: &Service) -> BTreeMap<&TenantName, Split> {
    let waves = state
        .runs
        .iter()
        .flat_map(|run| run.waves.iter().map(move |wave| (run, wave)));
    let canaries = waves.filter_map(|(run, wave)| Some((&run.version, wave.policy.canary?, wave.canary.as_ref()?)));
    let splits = canaries.flat_map(|(version, policy, canary)| {
        canary.tenants.keys().map(move |tenant| {
            let version = version.clone();
            let share = policy.share;
            (tenant, Split { version, share })
        })
    });
    splits.collect()
}

/// The pinned versions of which every component has a slot in this cell.
fn versions(cell: &Cell) -> BTreeMap<Version, BTreeMap<ComponentName, SlotId>> {
    let mut versions = cell.resolved.clone();
    versions.retain(|_, slots| !slots.is_empty() && slots.values().all(|id| cell.slots.contains_key(id)));
    versions
}

fn desired_slot(
    state: &Service,
    (name, cell): (&CellName, &Cell),
    (id, slot): (&SlotId, &Slot),
) -> Option<SlotDesired> {
    let spec = state.pinned.get(&slot.version)?.slot(name, &slot.component)?;
    let owns = match &spec.definition.kind {
        ComponentKind::Worker {
            ownership: Ownership::Tenant,
        } => Owns::Tenants(BTreeMap::new()),
        ComponentKind::Worker {
            ownership: Ownership::Cell,
        } => {
            let owner = cell.owners.get(&slot.component);
            let slot_of = |version| cell.resolved.get(version)?.get(&slot.component);
            match owner.filter(|owner| slot_of(&owner.version) == Some(id)) {
                // One that is left, because nobody runs anything in the cell any more, has no work to take.
                Some(owner) if slot.phase == Phase::Run => Owns::Cell(owner.epoch),
                Some(_) | None => Owns::Nothing,
            }
        }
        ComponentKind::Http { .. } | ComponentKind::Job => Owns::Nothing,
    };
    let phase = match slot.phase {
        Phase::Run => SlotPhase::Run,
        Phase::Drain { since, .. } => {
            let drain = spec.definition.drain;
            SlotPhase::Drain {
                requests_until: since + drain.requests,
                streams_until: since + drain.streams,
            }
        }
    };
    Some(SlotDesired {
        spec,
        phase,
        instances: slot.state.instances().to_vec(),
        owns,
    })
}
