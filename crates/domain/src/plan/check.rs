//! The plan linter: invariants that live outside the planner, where it cannot break them. Run in every test and before apply.

use std::collections::BTreeMap;

use super::build::PlanInput;
use super::report::Problem;
use super::{FORMAT, Plan};
use crate::id::TenantName;

/// What is wrong with `plan` for the facts of `input`. A sound plan has no problem.
#[must_use]
pub fn check(plan: &Plan, input: &PlanInput) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut broken = |text: String| {
        problems.push(Problem::blocks(
            text,
            "this is a defect of the planner: report it with the plan",
        ));
    };
    if plan.format != FORMAT {
        broken(format!(
            "the plan has format {}, this program writes {FORMAT}",
            plan.format
        ));
    }
    if plan.service != input.state.name {
        broken(format!("the plan is for service `{}`", plan.service));
    }
    let mut seen: BTreeMap<&TenantName, &str> = BTreeMap::new();
    for wave in &plan.waves {
        if wave.tenants.is_empty() {
            broken(format!("wave `{}` moves nobody", wave.name));
        }
        if wave.policy.bake.least > wave.policy.bake.longest {
            broken(format!(
                "wave `{}` bakes at least longer than at the longest",
                wave.name
            ));
        }
        for (tenant, planned) in &wave.tenants {
            if let Some(other) = seen.insert(tenant, wave.name.as_str()) {
                broken(format!(
                    "tenant `{tenant}` is in wave `{other}` and in wave `{}`",
                    wave.name
                ));
            }
            if plan.left_behind.contains_key(tenant) {
                broken(format!("tenant `{tenant}` is in wave `{}` and left behind", wave.name));
            }
            let seat = input.state.seats.get(tenant);
            if seat.is_some_and(|seat| seat.cell != planned.cell) {
                broken(format!(
                    "tenant `{tenant}` is planned in cell `{}`, where it does not live",
                    planned.cell
                ));
            }
            if planned.from.as_ref() == Some(&plan.release.version) {
                broken(format!(
                    "tenant `{tenant}` would move from {0} to {0}",
                    plan.release.version
                ));
            }
            if let Some(from) = planned
                .from
                .as_ref()
                .filter(|from| !input.state.pinned.contains_key(*from))
            {
                broken(format!(
                    "tenant `{tenant}` could not go back: version {from} is not kept"
                ));
            }
        }
    }
    for tenant in input.state.seats.keys() {
        if !seen.contains_key(tenant) && !plan.left_behind.contains_key(tenant) {
            broken(format!("tenant `{tenant}` is neither moved nor left behind"));
        }
    }
    for component in &input.project.service.components {
        if !plan.release.components.contains_key(&component.name) {
            broken(format!("component `{}` is missing in the release", component.name));
        }
    }
    for (name, part) in &plan.release.components {
        if let Some(missing) = part
            .definition
            .after
            .iter()
            .find(|after| !plan.release.components.contains_key(*after))
        {
            broken(format!(
                "component `{name}` waits for `{missing}`, which the release does not have"
            ));
        }
    }
    problems
}
