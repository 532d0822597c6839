//! Since when the parts of a service run unchanged, and when an upgraded one is due.

use std::collections::{BTreeMap, BTreeSet};

use super::Service;
use crate::calendar::{Calendars, Class, Period};
use crate::id::{CellName, ComponentName, Digest, Version};
use crate::release::Release;
use crate::time::Timestamp;

/// A component that is replaced by an upgraded one now and then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchDue {
    pub component: ComponentName,
    /// Since when its artifact is what most tenants run.
    pub since: Timestamp,
    pub due: Timestamp,
}

/// What tenants of one cell run of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub component: ComponentName,
    pub cell: CellName,
    pub artifact: Digest,
    /// The versions that have it, in no order of time.
    pub versions: BTreeSet<Version>,
    pub tenants: usize,
    /// Since when the whole service runs it; absent as long as it does not.
    pub since: Option<Timestamp>,
    /// When it is to be replaced by an upgraded one, where that is said.
    pub due: Option<Timestamp>,
}

/// How often components are replaced, and the days that this is counted in.
#[derive(Debug, Clone, Copy)]
pub struct Rolling<'a> {
    pub calendars: &'a Calendars,
    pub base: &'a Class,
    pub every: &'a Period,
}

impl Service {
    /// What runs where, by component and cell; of each that a cell has several of, all.
    #[must_use]
    pub fn running(&self, rolling: Option<Rolling<'_>>) -> Vec<Running> {
        let mut found: BTreeMap<(&ComponentName, &CellName, &Digest), (BTreeSet<&Version>, usize)> = BTreeMap::new();
        for seat in self.seats.values() {
            let release = seat.version.as_ref().and_then(|version| self.pinned.get(version));
            for (name, part) in release.iter().flat_map(|release| &release.components) {
                let (versions, tenants) = found.entry((name, &seat.cell, &part.artifact.digest)).or_default();
                versions.extend(&seat.version);
                *tenants += 1;
            }
        }
        let running = found
            .into_iter()
            .map(|((component, cell, artifact), (versions, tenants))| {
                let since = self
                    .artifacts
                    .get(component)
                    .and_then(|known| known.get(artifact))
                    .copied();
                let due = rolling.zip(since).and_then(|(rolling, since)| {
                    let due = rolling.calendars.earliest_start(rolling.base, since, rolling.every);
                    due.ok()
                });
                Running {
                    component: component.clone(),
                    cell: cell.clone(),
                    artifact: artifact.clone(),
                    versions: versions.into_iter().cloned().collect(),
                    tenants,
                    since,
                    due,
                }
            });
        running.collect()
    }

    /// What most tenants run.
    #[must_use]
    pub fn mostly_on(&self) -> Option<&Release> {
        let mut counts: BTreeMap<&Version, usize> = BTreeMap::new();
        for version in self.seats.values().filter_map(|seat| seat.version.as_ref()) {
            *counts.entry(version).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        self.pinned.get(most?.0)
    }

    /// When each component that most tenants run is due to be replaced, counted in a calendar. One whose days the calendar does
    /// not know is not here.
    #[must_use]
    pub fn patches_due(&self, calendars: &Calendars, base: &Class, every: &Period) -> Vec<PatchDue> {
        let components = self.mostly_on().into_iter().flat_map(|release| &release.components);
        let due = components.filter_map(|(name, part)| {
            let since = *self.artifacts.get(name)?.get(&part.artifact.digest)?;
            Some(PatchDue {
                component: name.clone(),
                since,
                due: calendars.earliest_start(base, since, every).ok()?,
            })
        });
        due.collect()
    }
}
