//! Hot-fixes: a child of what tenants run, for those who run it; and the rule that no later release loses one.

use std::collections::{BTreeMap, BTreeSet};

use super::PlannedWave;
use super::build::PlanInput;
use super::report::{About, Problem, ProblemKind};
use crate::files::Project;
use crate::id::Version;
use crate::policy::{HotfixPath, WavePolicy};
use crate::release::Release;
use crate::service::Service;

/// What the playbook has for hot-fixes instead of what it has for others.
pub(super) fn shorten(policy: &mut WavePolicy, path: &HotfixPath, project: &Project) {
    policy.bake = path.bake.unwrap_or(policy.bake);
    policy.gap = path.gap.unwrap_or(policy.gap);
    if let Some(gates) = &path.gates {
        policy.gates = project.plain_gates(gates);
    }
}

/// What is wrong with a hot-fix, or with what a release makes of earlier ones.
pub(super) fn problems(input: &PlanInput, release: &Release, waves: &[PlannedWave]) -> Vec<Problem> {
    let of_fix = release.hotfix.as_ref().map(|fixed| of_hotfix(input, release, fixed));
    let mut problems: Vec<Problem> = of_fix.into_iter().flatten().collect();
    problems.extend(lost(&input.state, release, waves));
    problems
}

fn of_hotfix(input: &PlanInput, release: &Release, fixed: &Version) -> Vec<Problem> {
    let state = &input.state;
    let version = &release.version;
    let blocks = |text: String, help: String| Problem::blocks(ProblemKind::Hotfix, text, help).about(About::Release);
    let mut problems = Vec::new();
    let seats = state.seats.values();
    let running: BTreeSet<&str> = seats.filter_map(|seat| Some(seat.version.as_ref()?.as_str())).collect();
    if !running.contains(fixed.as_str()) {
        let running: Vec<&str> = running.into_iter().collect();
        let running = running.join(", ");
        problems.push(blocks(
            format!("no tenant runs {fixed}, which hot-fix {version} is for"),
            format!("tenants run {running}: a hot-fix is for one of these"),
        ));
        return problems;
    }
    if state.run(fixed).is_some_and(|run| !run.phase.has_ended()) {
        problems.push(blocks(
            format!("release {fixed} is in flight: what repairs it takes its place"),
            format!("write `patches: {fixed}` instead of `hotfix`"),
        ));
    }
    if !release.steps.is_empty() {
        problems.push(blocks(
            format!("hot-fix {version} works on data"),
            "release it as any other: releases in flight do not know of that work".to_owned(),
        ));
    }
    if release.commits.is_empty() {
        problems.push(blocks(
            format!("hot-fix {version} names no commit"),
            "list it in `commits`: a later release without it would undo the fix, and is refused".to_owned(),
        ));
    }
    let later = state.pinned.keys().filter(|known| *known > fixed && *known != version);
    let next = later.into_iter().find(|known| state.pinned[*known].hotfix.is_none());
    let between = version > fixed && next.is_none_or(|next| version < next);
    if !between {
        let before = next.map_or_else(String::new, |next| format!(" and before {next}"));
        problems.push(blocks(
            format!("hot-fix {version} of {fixed} is out of order by its number"),
            format!("give it one after {fixed}{before}"),
        ));
    }
    problems
}

/// Tenants that have a fix are moved only to what was built on it.
fn lost(state: &Service, release: &Release, waves: &[PlannedWave]) -> Vec<Problem> {
    let mut counts: BTreeMap<&Version, usize> = BTreeMap::new();
    let moved = waves.iter().flat_map(|wave| wave.tenants.values());
    for from in moved.filter_map(|tenant| tenant.from.as_ref()) {
        *counts.entry(from).or_default() += 1;
    }
    let mut problems = Vec::new();
    for (from, count) in counts {
        for fix in state.fixes_in(from) {
            if let Some(commit) = release.lacks(fix) {
                let text = format!(
                    "release {} lacks commit {commit}, which hot-fix {} has brought to {count} of its tenants",
                    release.version, fix.version
                );
                let help = "build it on the fix, and list the commit in `commits` or `includes`";
                problems.push(Problem::blocks(ProblemKind::Hotfix, text, help).about(About::Release));
            }
        }
    }
    problems
}

impl Service {
    /// The hot-fixes that a version contains by its descent, itself first.
    pub(crate) fn fixes_in<'a>(&'a self, version: &'a Version) -> Vec<&'a Release> {
        let mut fixes = Vec::new();
        let mut next = self.pinned.get(version);
        // No longer a row than there are versions.
        for _ in 0..self.pinned.len() {
            let Some(fix) = next.filter(|release| release.hotfix.is_some()) else {
                break;
            };
            fixes.push(fix);
            next = fix.hotfix.as_ref().and_then(|fixed| self.pinned.get(fixed));
        }
        fixes
    }

    /// A tenant on `from` has a fix that `to` was not built on.
    pub(crate) fn loses_a_fix(&self, from: &Version, to: &Version) -> bool {
        let fixes = self.fixes_in(from);
        let to = self.pinned.get(to);
        to.is_some_and(|to| {
            fixes
                .iter()
                .any(|fix| fix.version != to.version && to.lacks(fix).is_some())
        })
    }

    /// The version that a hot-fix, and those that it repairs in a row, repair in the end; itself where it repairs none.
    pub(crate) fn root_of<'a>(&'a self, version: &'a Version) -> &'a Version {
        let fixes = self.fixes_in(version);
        fixes.last().and_then(|fix| fix.hotfix.as_ref()).unwrap_or(version)
    }
}
