//! Variables that a component must have and that have no value somewhere.

use std::collections::BTreeSet;

use super::build::PlanInput;
use super::report::{About, Problem, ProblemKind};
use crate::id::{CellName, ComponentName};
use crate::release::{Release, SlotSpec};

/// One problem for each variable, with all cells in which it has no value.
pub(super) fn problems(input: &PlanInput, release: &Release) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (component, part) in &release.components {
        for variable in &part.definition.requires {
            let cells = input.project.service.cells.iter().map(|cell| &cell.name);
            let lacking: Vec<&CellName> = cells
                .filter(|cell| !has_value(input, release, (component, cell), variable))
                .collect();
            if !lacking.is_empty() {
                problems.push(lacks(input, component, variable, &lacking));
            }
        }
    }
    problems
}

fn has_value(
    input: &PlanInput,
    release: &Release,
    (component, cell): (&ComponentName, &CellName),
    variable: &str,
) -> bool {
    let Some(spec) = release.slot(cell, component) else {
        return true;
    };
    gives(&spec, variable) || each_tenant_has_one(input, &spec, variable)
}

/// Whether all instances of a slot have a value for a variable.
pub(super) fn gives(spec: &SlotSpec, variable: &str) -> bool {
    spec.definition.environment.contains_key(variable)
        || spec.configuration.contains_key(variable)
        || spec.secrets.contains_key(variable)
}

/// A cell without tenants has none that could have a value of its own.
fn each_tenant_has_one(input: &PlanInput, spec: &SlotSpec, variable: &str) -> bool {
    let of_cell = |tenant: &&crate::files::Tenant| tenant.cell == spec.cell;
    let mut tenants = input.project.tenants.tenants.iter().filter(of_cell).peekable();
    let own = |tenant: &crate::files::Tenant| {
        let own = spec.tenant_configuration.get(&tenant.id);
        own.is_some_and(|own| own.contains_key(variable))
    };
    tenants.peek().is_some() && tenants.all(own)
}

fn lacks(input: &PlanInput, component: &ComponentName, variable: &str, cells: &[&CellName]) -> Problem {
    let all = cells.len() == input.project.service.cells.len();
    let (place, narrower) = match cells {
        [cell] => (format!("cell `{cell}`"), format!("under `cells: {{{cell}: ..}}`")),
        cells => {
            let names: BTreeSet<String> = cells.iter().map(|cell| format!("`{cell}`")).collect();
            let names: Vec<String> = names.into_iter().collect();
            (
                format!("cells {}", names.join(", ")),
                "under `environments` or `cells`".to_owned(),
            )
        }
    };
    let place = if all { "any cell".to_owned() } else { place };
    let remedy = if input.release.components.contains_key(component) {
        format!(
            "give it one in `configuration` of the release or {narrower}, or as one of the `secrets` in tidegate.yaml"
        )
    } else {
        format!("list `{component}` in the release and give it one there: it runs on as it is otherwise")
    };
    let message = format!("component `{component}` requires `{variable}`, which has no value in {place}");
    Problem::blocks(ProblemKind::Configuration, message, remedy).about(About::Variable {
        component: component.clone(),
        variable: variable.to_owned(),
    })
}
