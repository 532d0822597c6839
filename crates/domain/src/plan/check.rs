//! The plan linter: invariants that live outside the planner, where it cannot break them. Run in every test and before apply.

mod environments;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};

use super::build::PlanInput;
use super::report::{Problem, ProblemKind};
use super::{FORMAT, Plan, PlannedWave, required};
use crate::id::{CellName, TenantName, WaveName};

/// What is wrong with `plan` for the facts of `input`. A sound plan has no problem.
#[must_use]
pub fn check(plan: &Plan, input: &PlanInput) -> Vec<Problem> {
    let mut checked = Checked {
        plan,
        input,
        broken: Vec::new(),
    };
    checked.head();
    for wave in &plan.waves {
        checked.wave(wave);
    }
    checked.tenants();
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
        if wave.policy.canary.is_some_and(|canary| canary.least > canary.longest) {
            self.broken
                .push(format!("the least canary of wave `{name}` is longer than its longest"));
        }
        for (tenant, planned) in &wave.tenants {
            let to = &plan.release.version;
            if plan.left_behind.contains_key(tenant) {
                self.broken
                    .push(format!("tenant `{tenant}` is in wave `{name}` and left behind"));
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

    /// Everybody is somewhere, once, and where it lives: all that are planned walk along all that have a seat, by name.
    fn tenants(&mut self) {
        let waves = self.plan.waves.iter();
        let planned = waves.flat_map(|wave| wave.tenants.iter().map(|(tenant, at)| (tenant, &wave.name, &at.cell)));
        let mut planned: Vec<(&TenantName, &WaveName, &CellName)> = planned.collect();
        planned.sort_by_key(|(tenant, ..)| *tenant);
        for pair in planned.windows(2) {
            let [(tenant, wave, _), (same, other, _)] = pair else {
                continue;
            };
            if tenant == same {
                self.broken
                    .push(format!("tenant `{tenant}` is in wave `{wave}` and in wave `{other}`"));
            }
        }
        let mut planned = planned.into_iter().peekable();
        for (tenant, seat) in &self.input.state.seats {
            while planned.next_if(|(name, ..)| *name < tenant).is_some() {}
            match planned.peek().filter(|(name, ..)| *name == tenant) {
                Some((_, _, cell)) if **cell != seat.cell => self.broken.push(format!(
                    "tenant `{tenant}` is planned in cell `{cell}`, where it does not live"
                )),
                Some(_) => {}
                None if self.plan.left_behind.contains_key(tenant) => {}
                None => self
                    .broken
                    .push(format!("tenant `{tenant}` is neither moved nor left behind")),
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
        let tenants = || self.plan.waves.iter().flat_map(|wave| &wave.tenants);
        let cells: BTreeSet<&CellName> = tenants().map(|(_, planned)| &planned.cell).collect();
        for cell in cells {
            for spec in release.components.keys().filter_map(|name| release.slot(cell, name)) {
                let (component, own) = (&spec.component, &spec.tenant_configuration);
                for variable in spec.definition.requires.iter().filter(|it| !required::gives(&spec, it)) {
                    let has = |tenant| own.get(tenant).is_some_and(|own| own.contains_key(variable));
                    let mut here = tenants().filter(|(_, planned)| planned.cell == *cell);
                    if let Some((tenant, _)) = here.find(|(tenant, _)| !has(*tenant)) {
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
