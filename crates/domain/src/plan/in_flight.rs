//! How a release goes with those that are in flight, what its tenants skip, and how many versions a cell comes to run.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::build::PlanInput;
use super::report::{About, PlanReport, Problem, ProblemKind};
use super::{LeftBehind, PlannedWave};
use crate::change::{Change, Impact};
use crate::files::PlaybookFile;
use crate::id::{CellName, ComponentName, SlotId, TenantName, Version};
use crate::policy::WhileInFlight;
use crate::release::{DataStepKind, Release};
use crate::service::{Run, Service};

/// What tenants that come from one version did not get on their way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// The releases, in the order in which they were applied.
    pub releases: Vec<Version>,
    /// Theirs, in that order.
    pub changes: Vec<Change>,
}

/// The way of a release past those in flight.
pub(super) struct Way {
    pub how: WhileInFlight,
    /// Why it queues though the playbook says otherwise.
    pub queues_because: Option<String>,
    /// The releases in flight, in the order in which they were applied.
    pub earlier: Vec<Version>,
}

impl PlanReport {
    pub(super) fn goes(&mut self, way: Way) {
        match way.how {
            WhileInFlight::Queue => self.after = way.earlier.into_iter().next_back(),
            WhileInFlight::Supersede => self.takes_over = way.earlier,
            WhileInFlight::Parallel => self.beside = way.earlier,
        }
        self.queues_because = way.queues_because;
    }
}

/// As the playbook says; a release that could not supersede the others without harm queues behind them.
pub(super) fn way(input: &PlanInput, playbook: &PlaybookFile) -> Way {
    let release = &input.release;
    let repairs = (release.patches.as_ref(), release.hotfix.as_ref());
    let is_earlier = |run: &&Run| !run.phase.has_ended() && stands_beside(run, &release.version, repairs);
    let earlier: Vec<&Run> = input.state.runs.iter().filter(is_earlier).collect();
    let queues_because = match playbook.while_in_flight {
        WhileInFlight::Supersede if !earlier.is_empty() => cannot_supersede(input, playbook, &earlier),
        WhileInFlight::Parallel => cannot_go_beside(input, &earlier),
        WhileInFlight::Supersede | WhileInFlight::Queue => None,
    };
    Way {
        how: match queues_because {
            Some(_) => WhileInFlight::Queue,
            None => playbook.while_in_flight,
        },
        queues_because,
        earlier: earlier.into_iter().map(|run| run.version.clone()).collect(),
    }
}

/// It is another release in the row, neither a repair nor what is repaired: `repairs` is what the release patches, and what it is
/// a hot-fix of.
fn stands_beside(run: &Run, release: &Version, (patches, hotfix): (Option<&Version>, Option<&Version>)) -> bool {
    run.version != *release && Some(&run.version) != patches && run.hotfix.is_none() && hotfix.is_none()
}

/// What works on the data of a whole cell in downtime goes back before, and comes after, everything else there.
fn cannot_go_beside(input: &PlanInput, earlier: &[&Run]) -> Option<String> {
    let in_downtime = |kind: DataStepKind| kind == DataStepKind::DuringDowntime;
    if !earlier.is_empty() && input.release.steps.iter().any(|step| in_downtime(step.kind)) {
        return Some("it works on data in downtime".to_owned());
    }
    let works = |run: &&&Run| {
        let release = input.state.pinned.get(&run.version);
        release.is_some_and(|release| release.steps.iter().any(|step| in_downtime(step.kind)))
    };
    let run = earlier.iter().find(works)?;
    Some(format!("release {} works on data in downtime", run.version))
}

/// A tenant that skipped work on its data would run what its data is not ready for; and where too many versions run already,
/// only a release that moves everybody takes one away.
fn cannot_supersede(input: &PlanInput, playbook: &PlaybookFile, earlier: &[&Run]) -> Option<String> {
    let state = &input.state;
    if !input.release.steps.is_empty() {
        return Some("it works on data".to_owned());
    }
    let is_first = |run: &&&Run| run.members().any(|(_, member)| member.from.is_none());
    if let Some(run) = earlier.iter().find(is_first) {
        return Some(format!("tenants have had no version before release {}", run.version));
    }
    let works = |run: &&&Run| {
        let release = state.pinned.get(&run.version);
        release.is_some_and(|release| !release.steps.is_empty())
    };
    if let Some(run) = earlier.iter().find(works) {
        return Some(format!("release {} works on data", run.version));
    }
    let mut versions: BTreeMap<&CellName, BTreeSet<&Version>> = BTreeMap::new();
    for seat in state.seats.values() {
        versions.entry(&seat.cell).or_default().extend(&seat.version);
    }
    for (tenant, member) in earlier.iter().flat_map(|run| run.members()) {
        if let (true, Some(seat)) = (member.place.is_on(), state.seats.get(tenant)) {
            versions.entry(&seat.cell).or_default().extend(&member.from);
        }
    }
    let most = usize::from(playbook.max_versions);
    let full = versions.into_iter().find(|(_, versions)| versions.len() >= most);
    full.map(|(cell, versions)| {
        let count = versions.len();
        format!("cell {cell} runs {count} versions already, and `max_versions` is {most}")
    })
}

/// For each version that tenants come from, the releases between it and the planned one that they never had.
pub(super) fn skipped(state: &Service, release: &Release, waves: &[PlannedWave]) -> BTreeMap<Version, Skipped> {
    let from = waves.iter().flat_map(|wave| wave.tenants.values());
    let from: BTreeSet<&Version> = from.filter_map(|tenant| tenant.from.as_ref()).collect();
    let mut skipped = BTreeMap::new();
    for version in from {
        // A hot-fix stands in the row where what it repairs does.
        let root = state.root_of(version);
        let place = state.runs.iter().rposition(|run| run.version == *root);
        let later = &state.runs[place.map_or(0, |place| place + 1)..];
        let counts = |run: &&Run| {
            let repairs = (release.patches.as_ref(), release.hotfix.as_ref());
            !run.phase.came_back() && stands_beside(run, &release.version, repairs)
        };
        let releases: Vec<Version> = later.iter().filter(counts).map(|run| run.version.clone()).collect();
        if releases.is_empty() {
            continue;
        }
        let pinned = releases.iter().filter_map(|version| state.pinned.get(version));
        let own: BTreeSet<_> = release.changes.iter().map(|change| &change.id).collect();
        let mut seen = BTreeSet::new();
        let changes = pinned.flat_map(|release| &release.changes);
        let changes = changes.filter(|change| !own.contains(&change.id) && seen.insert(&change.id));
        let changes = changes.cloned().collect();
        skipped.insert(version.clone(), Skipped { releases, changes });
    }
    skipped
}

/// Of all that comes to somebody with the release.
pub(super) fn impact(release: &Release, skipped: &BTreeMap<Version, Skipped>) -> Impact {
    let changes = skipped.values().flat_map(|skipped| &skipped.changes);
    let greatest = changes.map(|change| change.impact).max().unwrap_or_default();
    release.impact().max(greatest)
}

/// Cells that would run more versions than the playbook lets them.
pub(super) fn too_many_versions(
    state: &Service,
    playbook: &PlaybookFile,
    release: &Release,
    waves: &[PlannedWave],
    left_behind: &BTreeMap<TenantName, LeftBehind>,
) -> Vec<Problem> {
    let mut versions: BTreeMap<&CellName, BTreeMap<&Version, Option<&TenantName>>> = BTreeMap::new();
    for planned in waves.iter().flat_map(|wave| wave.tenants.values()) {
        let here = versions.entry(&planned.cell).or_default();
        here.insert(&release.version, None);
        if let Some(from) = &planned.from {
            here.entry(from).or_default();
        }
    }
    for (tenant, left) in left_behind {
        if let (Some(here), Some(on)) = (versions.get_mut(&left.cell), &left.on) {
            here.entry(on).or_default().get_or_insert(tenant);
        }
    }
    let most = usize::from(playbook.max_versions);
    let mut problems = Vec::new();
    for (cell, here) in versions.into_iter().filter(|(_, here)| here.len() > most) {
        let mut slots: BTreeMap<ComponentName, BTreeSet<SlotId>> = BTreeMap::new();
        for version in here.keys() {
            let known = if **version == release.version {
                Some(release)
            } else {
                state.pinned.get(*version)
            };
            for (component, slot) in known.into_iter().flat_map(|known| known.slot_ids(cell)) {
                slots.entry(component).or_default().insert(slot);
            }
        }
        let Some((component, slots)) = slots.into_iter().find(|(_, slots)| slots.len() > most) else {
            continue;
        };
        let left = here.into_iter().find_map(|(version, left)| Some((version, left?)));
        let help = left.map_or_else(
            || "raise `max_versions` of the playbook".to_owned(),
            |(version, tenant)| {
                format!(
                    "move `{tenant}` and others that are left on {version}, or raise `max_versions` of the playbook"
                )
            },
        );
        let text = format!(
            "cell `{cell}` would run {} versions of component `{component}` at once, and {most} are allowed",
            slots.len()
        );
        problems.push(Problem::blocks(ProblemKind::Versions, text, help).about(About::Release));
    }
    problems
}
