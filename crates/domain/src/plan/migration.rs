//! Which breaking changes come to whom, and who has not migrated yet.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{About, Problem, ProblemKind};
use super::schedule::PlannedMigration;
use super::words::first_names;
use super::{PlannedWave, Skipped};
use crate::change::{Change, Impact};
use crate::files::PlaybookFile;
use crate::id::{ChangeId, TenantName, Version};
use crate::policy::OnUnmigrated;
use crate::release::Release;
use crate::service::Service;

/// The breaking changes of the release and of what its tenants skip, with the versions that each of them is new to. None where
/// the playbook does not ask.
pub(super) fn planned(
    state: &Service,
    playbook: &PlaybookFile,
    release: &Release,
    waves: &[PlannedWave],
    skipped: &BTreeMap<Version, Skipped>,
) -> Vec<PlannedMigration> {
    if playbook.on_unmigrated.is_none() {
        return Vec::new();
    }
    let from = waves.iter().flat_map(|wave| wave.tenants.values());
    let from: BTreeSet<&Version> = from.filter_map(|tenant| tenant.from.as_ref()).collect();
    let mut planned: BTreeMap<&ChangeId, PlannedMigration> = BTreeMap::new();
    for version in from {
        let earlier = skipped.get(version).into_iter().flat_map(|skipped| &skipped.changes);
        let changes = release.changes.iter().chain(earlier);
        let has = |change: &Change| state.pinned.get(version).is_some_and(|release| release.has(&change.id));
        for change in changes.filter(|change| change.impact == Impact::Breaking && !has(change)) {
            let entry = planned.entry(&change.id).or_insert_with(|| of(change));
            entry.from.insert(version.clone());
        }
    }
    planned.into_values().collect()
}

fn of(change: &Change) -> PlannedMigration {
    PlannedMigration {
        change: change.id.clone(),
        title: change.title.clone(),
        owner: change.owner.clone(),
        deadline: change.deadline,
        from: BTreeSet::new(),
    }
}

/// One for each change that somebody has not migrated for.
pub(super) fn problems(
    state: &Service,
    playbook: &PlaybookFile,
    migrations: &[PlannedMigration],
    waves: &[PlannedWave],
) -> Vec<Problem> {
    let Some(rule) = playbook.on_unmigrated else {
        return Vec::new();
    };
    let problems = migrations.iter().filter_map(|planned| {
        let members = waves.iter().flat_map(|wave| &wave.tenants);
        let comes_to = members.filter(|(_, tenant)| {
            let from = tenant.from.as_ref();
            from.is_some_and(|from| planned.from.contains(from))
        });
        let (mut behind, mut all) = (BTreeSet::new(), 0);
        for (name, _) in comes_to {
            all += 1;
            let known = state.migration(&planned.change, name);
            if !known.is_some_and(|known| known.state.is_ready()) {
                behind.insert(name);
            }
        }
        (!behind.is_empty()).then(|| lagging(rule, planned, &behind, all))
    });
    problems.collect()
}

fn lagging(rule: OnUnmigrated, planned: &PlannedMigration, behind: &BTreeSet<&TenantName>, all: usize) -> Problem {
    let change = &planned.change;
    let names = first_names(behind.iter().map(|name| format!("`{name}`")));
    let count = match behind.len() {
        1 => "1 tenant has".to_owned(),
        count if count == all => format!("all {count} tenants have"),
        count => format!("{count} of {all} tenants have"),
    };
    let then = match rule {
        OnUnmigrated::LeaveBehind => "would be left behind",
        OnUnmigrated::BlockWave => "would hold up its wave until then",
    };
    let owner = planned.owner.as_ref();
    let owner = owner.map_or_else(
        || "nobody sees to it (`owner` of the change)".to_owned(),
        |owner| format!("{owner} sees to it"),
    );
    let until = planned
        .deadline
        .map_or_else(String::new, |day| format!(", and the old way works until {day}"));
    Problem::warns(
        ProblemKind::Unmigrated,
        format!(
            "{count} not migrated for the breaking change `{change}`, and {then}: {names}; {owner}{until}"
        ),
        format!(
            "`tidegate migrations list --change {change}` shows how far they are; `tidegate migrations set {change} migrated --tenant NAME --reason ..` says that one is ready"
        ),
    )
    .about(About::Release)
}
