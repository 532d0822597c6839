//! Which versions a cell needs: what its tenants are on, go to, and may go back to.

use std::collections::{BTreeMap, BTreeSet};

use super::turn::Turn;
use crate::id::{CellName, ComponentName, SlotId, Version};
use crate::policy::MAX_VERSIONS;
use crate::service::{Place, Run, Service, WaveState};
use crate::time::Timestamp;

pub type Needed = BTreeMap<CellName, BTreeSet<Version>>;

impl Turn {
    /// What has to run, and what is kept warm for a rollback besides: of that the latest first, as far as versions are allowed.
    pub fn needed(&mut self) -> Needed {
        let mut needed = self.in_use();
        for (cell, version) in self.needed_on_the_way() {
            add(&mut needed, &cell, &version);
        }
        let most = self
            .state
            .runs
            .last()
            .map_or(MAX_VERSIONS, |run| run.policy.max_versions);
        let wakes: Vec<Timestamp> = self.state.runs.iter().filter_map(Run::warm_until).collect();
        for run in self.state.runs.iter().rev() {
            if run.warm_until().is_none_or(|until| until <= self.now) {
                continue;
            }
            for (cell, version) in self.state.came_from_in_cells(run) {
                let here = needed.entry(cell.clone()).or_default();
                if !here.contains(version) && self.state.versions_with(cell, here, version).1 <= usize::from(most) {
                    here.insert(version.clone());
                }
            }
        }
        wakes.into_iter().for_each(|at| self.wake_at(at));
        needed
    }

    /// What tenants are on, what is being prepared for them, and what those of a release in flight came from.
    fn in_use(&self) -> Needed {
        let mut needed = Needed::new();
        for seat in self.state.seats.values() {
            if let Some(version) = &seat.version {
                add(&mut needed, &seat.cell, version);
            }
        }
        for run in &self.state.runs {
            for wave in &run.waves {
                if matches!(wave.state, WaveState::Active { .. }) {
                    let cells = wave.cells(&self.state.seats).into_iter();
                    for cell in cells.filter(|cell| self.is_expanded(run, cell)) {
                        add(&mut needed, &cell, &run.version);
                    }
                }
                for (tenant, member) in &wave.members {
                    let back = match member.place {
                        Place::Moved { .. } => !run.phase.has_ended(),
                        Place::Returning { .. } => true,
                        Place::Waiting | Place::Returned { .. } | Place::Left { .. } | Place::Superseded { .. } => {
                            false
                        }
                    };
                    if let (true, Some(from), Some(seat)) = (back, &member.from, self.state.seats.get(tenant)) {
                        let known = needed.get(&seat.cell).is_some_and(|versions| versions.contains(from));
                        if !known && self.is_expanded_for(from, &seat.cell) {
                            add(&mut needed, &seat.cell, from);
                        }
                    }
                }
            }
        }
        needed
    }

    /// A cell in which a wave would bring one version too many, in words.
    pub fn too_many_versions(&self, run: usize, wave: usize) -> Option<String> {
        let current = &self.state.runs[run];
        let most = current.policy.max_versions;
        let needed = self.in_use();
        let cells = current.waves[wave].cells(&self.state.seats).into_iter();
        let nothing = BTreeSet::new();
        cells.into_iter().find_map(|cell| {
            let here = needed.get(&cell).unwrap_or(&nothing);
            let (component, count) = self.state.versions_with(&cell, here, &current.version);
            (count > usize::from(most)).then(|| {
                let component = component.map_or("a component", ComponentName::as_str);
                let others: Vec<&str> = here.iter().map(Version::as_str).collect();
                format!(
                    "cell {cell} runs {} and would run {count} versions of {component} at once, and the playbook allows {most}: move \
                     or remove the tenants that are left on an old one",
                    others.join(", ")
                )
            })
        })
    }
}

impl Service {
    /// The component with the most slots in a cell where `versions` and one more run, and how many these are. Versions that run the
    /// same share a slot.
    fn versions_with<'a>(
        &'a self,
        cell: &CellName,
        versions: &BTreeSet<Version>,
        more: &Version,
    ) -> (Option<&'a ComponentName>, usize) {
        let Some(cell) = self.cells.get(cell) else {
            return (None, 0);
        };
        let mut slots: BTreeMap<&ComponentName, BTreeSet<&SlotId>> = BTreeMap::new();
        let resolved = versions
            .iter()
            .chain([more])
            .filter_map(|version| cell.resolved.get(version));
        for (component, slot) in resolved.flatten() {
            slots.entry(component).or_default().insert(slot);
        }
        let most = slots.into_iter().max_by_key(|(_, slots)| slots.len());
        most.map_or((None, 0), |(component, slots)| (Some(component), slots.len()))
    }

    /// The versions that the tenants of an ended run can be taken back to, where they live.
    fn came_from_in_cells<'a>(&'a self, run: &'a Run) -> BTreeSet<(&'a CellName, &'a Version)> {
        let mut found = BTreeSet::new();
        for (tenant, member) in run.members() {
            if let (Place::Moved { .. }, Some(from), Some(seat)) = (&member.place, &member.from, self.seats.get(tenant))
            {
                found.insert((&seat.cell, from));
            }
        }
        found
    }
}

fn add(needed: &mut Needed, cell: &CellName, version: &Version) {
    if !needed.get(cell).is_some_and(|versions| versions.contains(version)) {
        needed.entry(cell.clone()).or_default().insert(version.clone());
    }
}
