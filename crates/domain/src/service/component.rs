//! Since when the parts of a service run unchanged, and when an upgraded one is due.

use std::collections::BTreeMap;

use super::Service;
use crate::calendar::{Calendars, Class, Period};
use crate::id::{ComponentName, Version};
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

impl Service {
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
