//! The order of the environments, held against the cells and the playbook once more.

use crate::files::Environment;
use crate::id::CellName;
use crate::plan::build::PlanInput;
use crate::plan::{Plan, PlannedWave};

pub(super) fn broken(plan: &Plan, input: &PlanInput) -> Vec<String> {
    let order = match input.project.playbooks.get(&plan.policy.playbook) {
        Some(playbook) if !playbook.environments.is_empty() => &playbook.environments,
        Some(_) | None => return Vec::new(),
    };
    let mut broken = Vec::new();
    let mut reached = 0;
    for wave in &plan.waves {
        let places = places(wave, input, order);
        if places.iter().any(|place| Some(place) != places.first()) {
            broken.push(format!(
                "wave `{}` moves tenants in more than one environment",
                wave.name
            ));
        }
        if places.iter().any(|place| *place < reached) {
            broken.push(format!(
                "wave `{}` moves tenants in an environment that waves before it have left",
                wave.name
            ));
        }
        reached = places.into_iter().max().unwrap_or(reached).max(reached);
    }
    broken
}

/// For each tenant, which place the environment of its cell has. One that has none is behind all others.
fn places(wave: &PlannedWave, input: &PlanInput, order: &[Environment]) -> Vec<usize> {
    let environment = |cell: &CellName| {
        let mut cells = input.project.service.cells.iter();
        cells.find(|known| known.name == *cell).map(|cell| cell.environment)
    };
    let places = wave.tenants.values().map(|tenant| {
        let environment = environment(&tenant.cell).unwrap_or_default();
        let place = order.iter().position(|listed| *listed == environment);
        place.unwrap_or(order.len())
    });
    places.collect()
}
