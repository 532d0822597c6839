//! The plan linter: invariants that live outside the planner, where it cannot break them. Run in every test and before apply.

mod environments;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};

use super::build::PlanInput;
use super::report::{Problem, ProblemKind};
use super::{FORMAT, Plan, PlannedWave, required};
use crate::id::{CellName, TenantName};

/// What is wrong with `plan` for the facts of `input`. A sound plan has no problem.
#[must_use]
pub fn check(plan: &Plan, input: &PlanInput) -> Vec<Problem> {
    let mut checked = Checked {
        plan,
        input,
        seen: BTreeMap::new(),
        broken: Vec::new(),
    };
    checked.head();
    for wave in &plan.waves {
        checked.wave(wave);
    }
    checked.everybody();
    checked.components();
    checked.configuration();
    checked.broken.extend(schedule::broken(plan, input));
    checked.broken.extend(environments::broken(plan, input));
    let help = "this is a defect of the planner: report it with the plan";
    checked
        .broken
        .into_iter()
        .map(|text| Problem::blocks(ProblemKind::Defect, text, help))
        .collect()
}

struct Checked<'a> {
    plan: &'a Plan,
    input: &'a PlanInput,
    /// The wave of each tenant seen so far.
    seen: BTreeMap<&'a TenantName, &'a str>,
    broken: Vec<String>,
}

impl<'a> Checked<'a> {
    fn head(&mut self) {
        let plan = self.plan;
        if plan.format != FORMAT {
            self.broken.push(format!(
                "the plan has format {}, this program writes {FORMAT}",
                plan.format
            ));
        }
        if plan.service != self.input.state.name {
            self.broken.push(format!("the plan is for service `{}`", plan.service));
        }
    }

    fn wave(&mut self, wave: &'a PlannedWave) {
        let (plan, state, name) = (self.plan, &self.input.state, &wave.name);
        if wave.tenants.is_empty() {
            self.broken.push(format!("wave `{name}` moves nobody"));
        }
        if wave.policy.bake.least > wave.policy.bake.longest {
            self.broken
                .push(format!("the least bake of wave `{name}` is longer than its longest"));
        }
        for (tenant, planned) in &wave.tenants {
            let to = &plan.release.version;
            if let Some(other) = self.seen.insert(tenant, name.as_str()) {
                self.broken
                    .push(format!("tenant `{tenant}` is in wave `{other}` and in wave `{name}`"));
            }
            if plan.left_behind.contains_key(tenant) {
                self.broken
                    .push(format!("tenant `{tenant}` is in wave `{name}` and left behind"));
            }
            if state.seats.get(tenant).is_some_and(|seat| seat.cell != planned.cell) {
                let cell = &planned.cell;
                self.broken.push(format!(
                    "tenant `{tenant}` is planned in cell `{cell}`, where it does not live"
                ));
            }
            if planned.from.as_ref() == Some(to) {
                self.broken
                    .push(format!("tenant `{tenant}` would move from {to} to {to}"));
            }
            if let Some(from) = planned.from.as_ref().filter(|from| !state.pinned.contains_key(*from)) {
                self.broken.push(format!(
                    "tenant `{tenant}` could not go back: version {from} is not kept"
                ));
            }
        }
    }

    fn everybody(&mut self) {
        for tenant in self.input.state.seats.keys() {
            if !self.seen.contains_key(tenant) && !self.plan.left_behind.contains_key(tenant) {
                self.broken
                    .push(format!("tenant `{tenant}` is neither moved nor left behind"));
            }
        }
    }

    fn components(&mut self) {
        let components = &self.plan.release.components;
        for component in &self.input.project.service.components {
            if !components.contains_key(&component.name) {
                self.broken
                    .push(format!("component `{}` is missing in the release", component.name));
            }
        }
        for (name, part) in components {
            for after in part
                .definition
                .after
                .iter()
                .filter(|after| !components.contains_key(*after))
            {
                self.broken.push(format!(
                    "component `{name}` waits for `{after}`, which the release does not have"
                ));
            }
        }
    }

    /// Whoever is moved has a value of every variable that is required, from the slot or of its own; and none is both given in
    /// clear and a secret.
    fn configuration(&mut self) {
        let release = &self.plan.release;
        let tenants = self.plan.waves.iter().flat_map(|wave| &wave.tenants);
        let mut of_cells: BTreeMap<&CellName, BTreeSet<&TenantName>> = BTreeMap::new();
        for (tenant, planned) in tenants {
            of_cells.entry(&planned.cell).or_default().insert(tenant);
        }
        for (cell, tenants) in of_cells {
            for spec in release.components.keys().filter_map(|name| release.slot(cell, name)) {
                let (component, own) = (&spec.component, &spec.tenant_configuration);
                for variable in spec.definition.requires.iter().filter(|it| !required::gives(&spec, it)) {
                    let lacks =
                        |tenant: &&&TenantName| !own.get(**tenant).is_some_and(|own| own.contains_key(variable));
                    if let Some(tenant) = tenants.iter().find(lacks) {
                        self.broken.push(format!(
                            "component `{component}` has no `{variable}` for tenant `{tenant}` in cell `{cell}`"
                        ));
                    }
                }
                let plain = [&spec.definition.environment, &spec.configuration]
                    .into_iter()
                    .chain(own.values());
                for name in plain
                    .flat_map(BTreeMap::keys)
                    .filter(|name| spec.secrets.contains_key(*name))
                {
                    self.broken.push(format!(
                        "`{name}` of component `{component}` is a secret and given in clear"
                    ));
                }
            }
        }
    }
}
