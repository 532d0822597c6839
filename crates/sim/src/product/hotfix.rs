//! Hot-fixes of the product: each has one commit, which other releases were built on or not.

use std::collections::BTreeSet;

use tidegate_domain::id::{Digest, Version};
use tidegate_domain::plan::PlannedTenant;
use tidegate_domain::release::Commit;
use tidegate_domain::service::Service;

use crate::script::Script;

fn commit(fix: &Version) -> String {
    Digest::of(fix.as_str().as_bytes()).short().to_owned()
}

fn fixes(script: &Script) -> impl Iterator<Item = &Version> {
    let releases = script.releases.iter();
    releases
        .filter(|(_, release)| release.hotfix.is_some())
        .map(|(version, _)| version)
}

pub fn commits(script: &Script, version: &Version) -> Vec<Commit> {
    let own = fixes(script).filter(|fix| *fix == version);
    let commit = |fix: &Version| Commit {
        repository: None,
        id: commit(fix),
        at: None,
    };
    own.map(commit).collect()
}

pub fn includes(script: &Script, version: &Version) -> BTreeSet<String> {
    let known = fixes(script).filter(|_| !script.releases[version].lacks_fixes);
    known.map(commit).collect()
}

/// A plan for it would be blocked: nobody runs what it repairs, or that is itself on its way.
pub fn is_in_vain(script: &Script, version: &Version, state: &Service) -> bool {
    let Some(fixed) = &script.releases[version].hotfix else {
        return false;
    };
    let mut seats = state.seats.values();
    let runs = seats.any(|seat| seat.version.as_ref() == Some(fixed));
    !runs || state.run(fixed).is_some_and(|run| !run.phase.has_ended())
}

/// A plan for it would be blocked: somebody has a fix that it lacks.
pub fn is_lost<'a>(script: &Script, version: &Version, mut moved: impl Iterator<Item = &'a PlannedTenant>) -> bool {
    let lacks = script.releases[version].lacks_fixes;
    let is_fix = |from: &Version| script.releases.get(from).is_some_and(|from| from.hotfix.is_some());
    lacks && moved.any(|planned| planned.from.as_ref().is_some_and(is_fix))
}
