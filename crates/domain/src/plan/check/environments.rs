//! The order of the environments, held against the cells and the playbook once more.

use std::collections::BTreeSet;

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
        if places.len() > 1 {
            broken.push(format!(
                "wave `{}` moves tenants in more than one environment",
                wave.name
            ));
        }
        if places.first().is_some_and(|place| *place < reached) {
            broken.push(format!(
                "wave `{}` moves tenants in an environment that waves before it have left",
                wave.name
            ));
        }
        reached = places.last().map_or(reached, |place| reached.max(*place));
    }
    broken
}

/// Which places the environments of the wave's cells have. One that has none is behind all others.
fn places(wave: &PlannedWave, input: &PlanInput, order: &[Environment]) -> BTreeSet<usize> {
    let environment = |cell: &CellName| {
        let mut cells = input.project.service.cells.iter();
        cells.find(|known| known.name == *cell).map(|cell| cell.environment)
    };
    // A wave has many tenants, and few cells.
    let cells: BTreeSet<&CellName> = wave.tenants.values().map(|tenant| &tenant.cell).collect();
    let places = cells.into_iter().map(|cell| {
        let environment = environment(cell).unwrap_or_default();
        let place = order.iter().position(|listed| *listed == environment);
        place.unwrap_or(order.len())
    });
    places.collect()
}
