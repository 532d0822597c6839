//! Canaries that cannot be.

use super::PlannedWave;
use super::report::{About, Problem, ProblemKind};
use crate::release::{ComponentKind, DataStep, DataStepKind, Release};

/// A share of the requests can go to the new version only where both versions may serve a tenant at the same time.
pub(super) fn problems(release: &Release, waves: &[PlannedWave]) -> Vec<Problem> {
    let canaries = waves.iter().filter(|wave| wave.policy.canary.is_some());
    let problems = canaries.filter_map(|wave| {
        let (why, help) = against(release, wave)?;
        let message = format!("wave {} has a canary, and {why}", wave.name);
        Some(Problem::blocks(ProblemKind::Canary, message, help).about(About::Wave(wave.name.clone())))
    });
    problems.collect()
}

fn against(release: &Release, wave: &PlannedWave) -> Option<(String, &'static str)> {
    let apart = "take `canary` from the wave for this release: the bake watches its tenants once they have moved";
    let is_http = |kind: &ComponentKind| matches!(kind, ComponentKind::Http { .. });
    let mut components = release.components.values();
    if !components.any(|part| is_http(&part.definition.kind)) {
        let why = "no component of the release is behind http: there are no requests to split".to_owned();
        return Some((why, "take `canary` from the wave: `gates` can try the workers and jobs"));
    }
    let here = |step: &&DataStep| {
        let is_here = wave.tenants.values().any(|tenant| step.is_for(&tenant.cell));
        step.kind == DataStepKind::DuringDowntime && is_here
    };
    if let Some(step) = release.steps.iter().find(here) {
        let why = format!(
            "step `{}` works on its data in downtime: before it the new version cannot serve anybody, after it the old one",
            step.name
        );
        return Some((why, apart));
    }
    release.downtime.map(|longest| {
        let why = format!(
            "the release declares a downtime of {longest}: its tenants are out of service while they are switched, so that no two versions serve them"
        );
        (why, apart)
    })
}
