//! A world that begins where a service is: every slot that it wants is ready, and every gateway serves what it wants.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_domain::desired::desired;
use tidegate_domain::event::{Event, EventKind};
use tidegate_domain::files::Project;
use tidegate_domain::id::{Actor, ComponentName};
use tidegate_domain::plan::Facts;
use tidegate_domain::release::{ComponentKind, Ownership, Release};
use tidegate_domain::service::{CellOwner, Service};
use tidegate_domain::step::step;
use tidegate_domain::time::Timestamp;
use tidegate_store::{Commit, complete_now};

use super::driver::Driver;
use super::gateway::Gateways;
use super::server::chain;
use super::{Happening, World};
use crate::script::Script;

/// Two, so that a switch is one that several have to confirm.
const GATEWAYS: [&str; 2] = ["gateway-1", "gateway-2"];

/// A service whose tenants are where the facts say, of which nothing else is known but the files of the project.
#[must_use]
pub fn installed(project: &Project, facts: &Facts, at: Timestamp) -> Service {
    let mut state = facts.state(project);
    for tenant in &project.tenants.tenants {
        let cell = state.cells.entry(tenant.cell.clone()).or_default();
        let on = state.seats.get(&tenant.id).and_then(|seat| seat.version.as_ref());
        if let Some(release) = on.and_then(|version| state.pinned.get(version)) {
            cell.owners = owners(release);
        }
    }
    loop {
        let next = step(&state, &[as_desired(&state)], at).state;
        if next == state {
            return state;
        }
        state = next;
    }
}

fn owners(release: &Release) -> BTreeMap<ComponentName, CellOwner> {
    let of_cell = ComponentKind::Worker {
        ownership: Ownership::Cell,
    };
    let workers = release
        .components
        .iter()
        .filter(|(_, part)| part.definition.kind == of_cell);
    let owner = CellOwner {
        version: release.version.clone(),
        epoch: 1,
        generation: 1,
    };
    workers.map(|(name, _)| (name.clone(), owner.clone())).collect()
}

/// Drivers and gateways have made it so.
fn as_desired(state: &Service) -> Event {
    let document = Arc::new(desired(state));
    let mut driver = Driver::default();
    driver.adopt(&document);
    let mut gateways = Gateways::new(&GATEWAYS.map(str::to_owned));
    gateways.adopt(&document);
    Event {
        actor: Actor::system("observer"),
        reason: None,
        kind: EventKind::Observed {
            cells: driver.report(),
            gateways: gateways.report(),
        },
    }
}

impl World {
    /// A world without a scenario: what happens to it comes from outside.
    pub fn inhabited(state: &Service, epoch: Timestamp) -> Self {
        let script = Script {
            cells: state.cells.keys().cloned().collect(),
            gateways: GATEWAYS.map(str::to_owned).to_vec(),
            ..Script::default()
        };
        let mut world = Self::empty(state.name.clone(), epoch, script);
        let document = Arc::new(desired(state));
        world.driver.adopt(&document);
        world.gateways.adopt(&document);
        world.checker.begin_with(state);
        let commit = Commit {
            service: state.name.to_string(),
            state: Some(serde_json::to_string(state).expect("a state has text keys only")),
            ..Commit::default()
        };
        if let Err(error) = complete_now(world.store().apply(&commit)) {
            world.checker.violate("a state can be kept", chain(&error));
        }
        world.schedule(0, Happening::Turn);
        world
    }
}
