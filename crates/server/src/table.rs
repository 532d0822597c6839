//! From the desired document to the table that gateways serve by.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::desired::{CellDesired, Desired, SlotDesired, SlotPhase};
use tidegate_domain::id::{CellName, ComponentName, ServiceName, Version};
use tidegate_domain::release::{ComponentKind, Definition};
use tidegate_domain::service::Closed;
use tidegate_domain::time::Timestamp;
use tidegate_gateway::table::{
    Answers, ClientSource, ComponentRule, FORMAT, Instance, Mode, Phase, Policy, PreviewKey, Route, Slot, Split, Table,
    TenantSource, Version as Resolved, VersionKey,
};

/// What a client is told to wait by a gateway that does not know the end.
const RETRY_AFTER_S: u32 = 60;

/// What a table has besides the desired document: from the service file, and from the store.
#[derive(Debug, Clone)]
pub struct Frame {
    pub epoch: String,
    pub service: ServiceName,
    pub tenant_from: Vec<TenantSource>,
    pub client_from: ClientSource,
    pub preview_key: PreviewKey,
    pub answers: Answers,
}

impl Frame {
    /// The table for a desired document.
    #[must_use]
    pub fn table(&self, desired: &Desired) -> Table {
        let mut table = Table {
            format: FORMAT,
            epoch: self.epoch.clone(),
            generation: desired.generation,
            service: self.service.to_string(),
            tenant_from: self.tenant_from.clone(),
            client_from: self.client_from.clone(),
            components: rules(desired),
            slots: BTreeMap::new(),
            versions: BTreeMap::new(),
            routes: desired
                .cells
                .iter()
                .flat_map(|(name, cell)| routes(name, cell))
                .collect(),
            answers: self.answers.clone(),
            preview_key: Some(self.preview_key.clone()),
        };
        for (name, cell) in &desired.cells {
            let served = cell.slots.iter().filter(|(_, slot)| is_http(&slot.spec.definition));
            table
                .slots
                .extend(served.map(|(id, desired)| (id.as_str().into(), slot(name, desired))));
            let versions = cell.versions.iter();
            table
                .versions
                .extend(versions.map(|(version, _)| (key(name, version), resolved(name, cell, version))));
        }
        table
    }
}

/// Gateways tell versions of different cells apart.
pub fn key(cell: &CellName, version: &Version) -> VersionKey {
    format!("{cell}/{version}").into()
}

fn routes(name: &CellName, cell: &CellDesired) -> impl Iterator<Item = (tidegate_gateway::table::TenantName, Route)> {
    cell.routes.iter().map(move |(tenant, route)| {
        let mut to = Route::to(key(name, &route.version));
        if let Some(ends) = route.maintenance {
            to.mode = maintenance(ends);
        }
        if let Some(closed) = route.closed {
            to.mode = while_closed(closed);
            to.closed = Some(match closed {
                Closed::Suspended => tidegate_gateway::table::Closed::Suspended,
                Closed::Moving => tidegate_gateway::table::Closed::Moving,
            });
        }
        to.split = route.split.as_ref().map(|split| Split {
            version: key(name, &split.version),
            basis_points: u16::from(split.share) * 100,
            salt: split.version.to_string(),
        });
        to.assets_from = route.before.as_ref().map(|before| key(name, before));
        (tenant.as_str().into(), to)
    })
}

/// One sentence for whoever meets the page; programs read `Retry-After`.
fn maintenance(ends: Timestamp) -> Mode {
    Mode::Maintenance {
        retry_after_s: RETRY_AFTER_S,
        until_ms: unix_ms(ends),
        message: format!("This service is being updated, as announced. It is expected back by {ends}."),
    }
}

/// For a gateway that is older than this server and knows no tenant that is closed.
fn while_closed(closed: Closed) -> Mode {
    let message = match closed {
        Closed::Suspended => "This tenant is suspended.",
        Closed::Moving => "This tenant is being moved and will be served again in a moment.",
    };
    Mode::Maintenance {
        retry_after_s: RETRY_AFTER_S,
        until_ms: None,
        message: message.to_owned(),
    }
}

fn slot(cell: &CellName, desired: &SlotDesired) -> Slot {
    let instances = desired.instances.iter().map(|instance| Instance {
        id: instance.id.as_str().into(),
        address: instance.address,
    });
    Slot {
        component: desired.spec.component.as_str().into(),
        version: desired.spec.version.to_string(),
        cell: cell.to_string(),
        instances: instances.collect(),
        phase: match desired.phase {
            SlotPhase::Run => Phase::Active,
            SlotPhase::Drain {
                requests_until,
                streams_until,
            } => Phase::Draining {
                requests_until_ms: unix_ms(requests_until),
                streams_until_ms: unix_ms(streams_until),
            },
        },
    }
}

fn unix_ms(at: Timestamp) -> Option<u64> {
    u64::try_from(at.0).ok()
}

fn resolved(name: &CellName, cell: &CellDesired, version: &Version) -> Resolved {
    let slots = cell.versions.get(version).into_iter().flatten();
    let served = slots.filter(|(_, id)| {
        let slot = cell.slots.get(*id);
        slot.is_some_and(|slot| is_http(&slot.spec.definition))
    });
    Resolved {
        label: version.to_string(),
        cell: name.to_string(),
        slots: served
            .map(|(component, id)| (component.as_str().into(), id.as_str().into()))
            .collect(),
    }
}

/// How requests find the components of every version: those that tenants are on, then those that only a preview names.
///
/// A table has one set of rules. A tenant whose version lacks a component is told so by the gateway; where two versions
/// give one host and path to different components, the one found first keeps it.
fn rules(desired: &Desired) -> Vec<ComponentRule> {
    let mut found: BTreeMap<(Option<&str>, &str), &ComponentName> = BTreeMap::new();
    let routed = desired.cells.values().flat_map(|cell| {
        let versions: BTreeSet<&Version> = cell.routes.values().map(|route| &route.version).collect();
        versions.into_iter().map(move |version| (cell, version))
    });
    let others = desired
        .cells
        .values()
        .flat_map(|cell| cell.versions.keys().map(move |version| (cell, version)));
    for (cell, version) in routed.chain(others) {
        for (component, host, path) in matched(cell, version) {
            found.entry((host, path)).or_insert(component);
        }
    }
    let rules = found.into_iter().map(|((host, path), component)| ComponentRule {
        name: component.as_str().into(),
        host: host.map(str::to_owned),
        path: path.to_owned(),
        policy: Policy::default(),
    });
    rules.collect()
}

/// The HTTP components of a version in a cell, with where they are found.
fn matched<'a>(
    cell: &'a CellDesired,
    version: &Version,
) -> impl Iterator<Item = (&'a ComponentName, Option<&'a str>, &'a str)> {
    let slots = cell.versions.get(version).into_iter().flatten();
    slots.filter_map(|(component, id)| match &cell.slots.get(id)?.spec.definition.kind {
        ComponentKind::Http { host, path } => Some((component, host.as_deref(), path.as_str())),
        ComponentKind::Worker { .. } | ComponentKind::Job => None,
    })
}

fn is_http(definition: &Definition) -> bool {
    match definition.kind {
        ComponentKind::Http { .. } => true,
        ComponentKind::Worker { .. } | ComponentKind::Job => false,
    }
}

#[cfg(test)]
mod tests;
