//! Work on data that a plan cannot hold.

use super::report::{About, Problem, ProblemKind};
use crate::release::{DataStep, DataStepKind, Release};
use crate::service::Service;

/// What is wrong with the steps of a release, for a service in this state. What its file alone tells is told there.
pub(super) fn problems(state: &Service, release: &Release) -> Vec<Problem> {
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
    lost.chain(unexpanded)
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
