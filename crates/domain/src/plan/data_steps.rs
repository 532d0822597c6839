//! Work on data that a plan cannot hold.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{About, Problem, ProblemKind};
use super::{LeftBehind, PlannedWave};
use crate::id::{CellName, TenantName, WaveName};
use crate::release::{DataStep, DataStepKind, Release};
use crate::service::Service;

/// What is wrong with the steps of a release, for a service in this state. What its file alone tells is told there.
pub(super) fn problems(state: &Service, release: &Release, waves: &[PlannedWave]) -> Vec<Problem> {
    let known = |step: &&DataStep| !release.components.contains_key(&step.component);
    let lost = release.steps.iter().filter(known).map(|step| {
        let message = format!(
            "step `{}` is run with component `{}`, which the release does not have",
            step.name, step.component
        );
        Problem::blocks(ProblemKind::Step, message, "name a component of tidegate.yaml")
    });
    let unexpanded = release
        .steps
        .iter()
        .filter(|step| step.kind == DataStepKind::Contract && !was_expanded(state, release, step));
    let unexpanded = unexpanded.map(|step| {
        let message = format!(
            "step `{}` takes away from database `{}` what no release has replaced: there is no `expand` of it",
            step.name, step.database
        );
        let help = "add the step of kind `expand` that puts something in its place, to this release or to one before";
        Problem::blocks(ProblemKind::Step, message, help)
    });
    let tenants = waves.iter().flat_map(|wave| wave.tenants.values());
    let cells: BTreeSet<&CellName> = tenants.map(|tenant| &tenant.cell).collect();
    let contracted = cells
        .into_iter()
        .filter_map(|cell| Some((cell, state.contracted_past(cell, &release.version)?)));
    let contracted = contracted.map(|(cell, by)| {
        let message = format!(
            "release {} cannot run in cell `{cell}` any more: release {by} has taken away from its data what earlier versions need",
            release.version
        );
        Problem::blocks(ProblemKind::Step, message, format!("fix forward with a release after {by}"))
    });
    lost.chain(unexpanded)
        .chain(contracted)
        .map(|problem| problem.about(About::Release))
        .collect()
}

/// This release, or one that was applied and is still known, expands what the step contracts.
fn was_expanded(state: &Service, release: &Release, contract: &DataStep) -> bool {
    let of_runs = state.runs.iter().flat_map(|run| &run.steps).map(|run| &run.step);
    let of_pinned = state.pinned.values().flat_map(|release| &release.steps);
    let mut steps = release.steps.iter().chain(of_runs).chain(of_pinned);
    steps.any(|step| step.kind == DataStepKind::Expand && step.database == contract.database)
}

/// Work in downtime is done for all tenants of a cell together: none of them may stay, or come in another wave.
pub(super) fn apart(
    release: &Release,
    waves: &[PlannedWave],
    left_behind: &BTreeMap<TenantName, LeftBehind>,
) -> Vec<Problem> {
    let mut steps = release
        .steps
        .iter()
        .filter(|step| step.kind == DataStepKind::DuringDowntime)
        .peekable();
    if steps.peek().is_none() {
        return Vec::new();
    }
    let mut cells: BTreeMap<&CellName, BTreeMap<&WaveName, &TenantName>> = BTreeMap::new();
    for wave in waves {
        for (tenant, planned) in &wave.tenants {
            cells
                .entry(&planned.cell)
                .or_default()
                .entry(&wave.name)
                .or_insert(tenant);
        }
    }
    let mut problems = Vec::new();
    for step in steps {
        for (cell, waves) in cells.iter().filter(|(cell, _)| step.is_for(cell)) {
            let stays = left_behind
                .iter()
                .find(|(_, left)| left.cell == **cell && left.on.is_some());
            let mut waves = waves.iter();
            let (apart, help, about) = if let Some((tenant, left)) = stays {
                let apart = format!("tenant `{tenant}` stays where it is: {}", left.because);
                let help = format!(
                    "let a wave take `{tenant}` with the others of cell `{cell}`, or move it to another cell first"
                );
                (apart, help, About::Tenant(tenant.clone()))
            } else if let (Some((first, one)), Some((second, other))) = (waves.next(), waves.next()) {
                let apart = format!("tenant `{one}` is in wave {first} and tenant `{other}` in wave {second}");
                let help = format!(
                    "let one wave of the playbook take all tenants of cell `{cell}`: `select: {{cell: {cell}}}`"
                );
                (apart, help, About::Wave((*second).clone()))
            } else {
                continue;
            };
            let message = format!(
                "step `{}` takes all tenants of cell `{cell}` out of service together, and {apart}",
                step.name
            );
            problems.push(Problem::blocks(ProblemKind::Step, message, help).about(about));
        }
    }
    problems
}
