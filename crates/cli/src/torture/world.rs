//! The service under test: its cells, versions and tenants, and the table it begins with.

use std::collections::BTreeMap;

use tidegate_gateway::table::{
    ClientSource, ComponentRule, FORMAT, Instance, Phase, Policy, Route, Slot, SlotId, Table, TenantName, TenantSource,
    Version, VersionKey,
};
use tidegate_loyalty::tenant::Tenant as Name;

use super::order::COMPONENT;

/// Where nothing but tables changes: there, no loss is excused.
pub const SAFE_CELLS: [&str; 2] = ["eu", "us"];
/// Where instances are killed too, with load of its own, so that what a death costs is counted apart.
pub const MORTAL_CELL: &str = "lab";
pub const CELLS: [&str; 3] = [SAFE_CELLS[0], SAFE_CELLS[1], MORTAL_CELL];
pub const VERSIONS: [&str; 3] = ["1.0.0", "1.1.0", "1.1.1"];
/// The header that names the tenant.
pub const TENANT_HEADER: &str = "x-tenant";
const TENANTS_PER_CELL: usize = 16;

/// A tenant that sends requests.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub name: Name,
    pub cell: &'static str,
    /// The version it is on.
    pub version: &'static str,
}

pub fn tenants() -> Vec<Tenant> {
    let of_cell = |cell: &'static str| {
        (0..TENANTS_PER_CELL).map(move |number| Tenant {
            name: format!("{cell}-{number}")
                .parse()
                .expect("a cell's name begins a tenant's"),
            cell,
            version: VERSIONS[0],
        })
    };
    CELLS.into_iter().flat_map(of_cell).collect()
}

/// Tenants that only make the table as large as it is in life.
pub fn idle_tenants(count: usize) -> Vec<TenantName> {
    (0..count).map(|number| format!("idle-{number:05}").into()).collect()
}

pub fn key(cell: &str, version: &str) -> VersionKey {
    format!("{cell}/{version}").into()
}

pub fn slot(cell: &str, version: &str, instances: Vec<Instance>) -> Slot {
    Slot {
        component: COMPONENT.into(),
        version: version.to_owned(),
        cell: cell.to_owned(),
        instances,
        phase: Phase::Active,
    }
}

/// The first table: everybody on the first version.
pub fn table(slots: BTreeMap<SlotId, Slot>, tenants: &[Tenant], idle: &[TenantName]) -> Table {
    let version = |(id, slot): (&SlotId, &Slot)| {
        let version = Version {
            label: slot.version.clone(),
            cell: slot.cell.clone(),
            slots: [(COMPONENT.into(), id.clone())].into(),
        };
        (key(&slot.cell, &slot.version), version)
    };
    let sending = tenants
        .iter()
        .map(|tenant| (tenant.name.as_str().into(), Route::to(key(tenant.cell, tenant.version))));
    let first = Route::to(key(SAFE_CELLS[0], VERSIONS[0]));
    let idle = idle.iter().map(|name| (name.clone(), first.clone()));
    Table {
        format: FORMAT,
        epoch: "torture".to_owned(),
        generation: 1,
        service: "loyalty".to_owned(),
        tenant_from: vec![TenantSource::Header(TENANT_HEADER.to_owned())],
        client_from: ClientSource::Address,
        components: vec![ComponentRule {
            name: COMPONENT.into(),
            host: None,
            path: "/".to_owned(),
            policy: Policy::default(),
        }],
        versions: slots.iter().map(version).collect(),
        slots,
        routes: sending.chain(idle).collect(),
        answers: tidegate_gateway::table::Answers::default(),
        preview_key: None,
    }
}
