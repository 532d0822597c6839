//! From a valid table to a snapshot, in one pass.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use http::HeaderValue;

use super::Fleet;
use super::snapshot::{Component, ComponentHolds, HostRule, Route, Snapshot, Split, Tenant, Version, VersionIdentity};
use crate::preview::PreviewVerifier;
use crate::table::{ComponentRule, Table, TableError, VersionKey};
use crate::tenant::{CompiledClientSource, Pattern, TenantSources};
use crate::upstream::Slot;

type Versions = HashMap<VersionKey, Arc<Version>>;

pub(super) fn compile(table: Table, serial: u64, fleet: &Fleet) -> Result<Snapshot, TableError> {
    let sources = Arc::new(TenantSources::compile(&table.tenant_from)?);
    let client = CompiledClientSource::compile(&table.client_from)?;
    let components = components(&table.components, fleet);
    let slots = table
        .slots
        .iter()
        .map(|(id, slot)| {
            let instances = slot
                .instances
                .iter()
                .map(|instance| fleet.instance(id, instance))
                .collect();
            let slot = Slot {
                load: fleet.load(id),
                instances,
                phase: slot.phase,
            };
            (id.clone(), Arc::new(slot))
        })
        .collect();
    let mut snapshot = Snapshot {
        serial,
        slots,
        sources,
        client,
        tenants: HashMap::new(),
        versions: HashMap::new(),
        components,
        preview: table.preview_key.as_ref().and_then(PreviewVerifier::new),
        table: Arc::new(table),
    };
    snapshot.versions = versions(&snapshot)?;
    snapshot.tenants = tenants(&snapshot);
    Ok(snapshot)
}

/// The most telling rule first: one with a host before one without, then the longest path.
fn components(rules: &[ComponentRule], fleet: &Fleet) -> Vec<Component> {
    let mut components: Vec<Component> = rules
        .iter()
        .map(|rule| Component {
            name: rule.name.clone(),
            host: rule.host.as_ref().map(|host| match host.contains("{tenant}") {
                true => HostRule::Tenant(Pattern::new(&host.to_ascii_lowercase())),
                false => HostRule::Exact(host.to_ascii_lowercase()),
            }),
            path: rule.path.clone(),
            policy: rule.policy,
            holds: fleet
                .holds
                .get(&rule.name)
                .cloned()
                .unwrap_or_else(|| Arc::new(ComponentHolds::default())),
        })
        .collect();
    components.sort_by_key(|component| (component.host.is_none(), Reverse(component.path.len())));
    components
}

fn versions(snapshot: &Snapshot) -> Result<Versions, TableError> {
    let version = |(key, version): (&VersionKey, &crate::table::Version)| {
        let identity = VersionIdentity {
            key: key.clone(),
            header: header(key.as_str())?,
            label: version.label.as_str().into(),
            cell: version.cell.as_str().into(),
        };
        let slot = |component: &Component| {
            let id = version.slots.get(&component.name)?;
            snapshot.slots.get(id).cloned()
        };
        let version = Version {
            identity: Arc::new(identity),
            slots: snapshot.components.iter().map(slot).collect(),
        };
        Ok((key.clone(), Arc::new(version)))
    };
    snapshot.table.versions.iter().map(version).collect()
}

fn tenants(snapshot: &Snapshot) -> HashMap<crate::table::TenantName, Tenant> {
    let version = |key: &VersionKey| snapshot.versions[key].clone();
    let mut tenants = HashMap::with_capacity(snapshot.table.routes.iter().count());
    for group in snapshot.table.routes.groups() {
        let route = Arc::new(Route {
            mode: group.route.mode.clone(),
            closed: group.route.closed,
            version: version(&group.route.version),
            split: group.route.split.as_ref().map(|split| Split {
                version: version(&split.version),
                basis_points: split.basis_points,
                salt: split.salt.clone(),
            }),
            assets_from: group.route.assets_from.as_ref().map(version),
        });
        let tenant = || Tenant {
            route: route.clone(),
            identity: OnceLock::new(),
        };
        tenants.extend(group.tenants.iter().map(|name| (name.clone(), tenant())));
    }
    tenants
}

/// Names are visible ASCII after validation, so this does not fail.
pub(super) fn header(name: &str) -> Result<HeaderValue, TableError> {
    HeaderValue::from_str(name).map_err(|_| TableError::Name {
        kind: "header",
        name: name.to_owned(),
    })
}
