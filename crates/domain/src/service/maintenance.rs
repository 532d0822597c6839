//! Tenants that are out of service while they are switched: planned, announced, and no longer than the playbook says.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Place, Service, StepRun};
use crate::id::{CellName, TenantName, Version};
use crate::time::Timestamp;

/// Requests of these tenants get the maintenance page until they are moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    pub since: Timestamp,
    /// What readers of the page are told: the promised end, or the extended one.
    pub ends: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extended: bool,
    /// The first generation whose table gives them the page.
    pub generation: u64,
    pub tenants: BTreeSet<TenantName>,
}

impl Service {
    /// Who is out of service now, and until when. Who was moved meanwhile is served by the same table that moves it.
    #[must_use]
    pub fn out_of_service(&self) -> BTreeMap<&TenantName, Timestamp> {
        let waves = self.runs.iter().flat_map(|run| &run.waves);
        let closed = waves.filter_map(|wave| Some((wave, wave.maintenance.as_ref()?)));
        let tenants = closed.flat_map(|(wave, maintenance)| {
            let waits = |tenant: &&TenantName| {
                let member = wave.members.get(*tenant);
                member.is_some_and(|member| matches!(member.place, Place::Waiting | Place::Returning { .. }))
            };
            let waiting = maintenance.tenants.iter().filter(waits);
            waiting.map(|tenant| (tenant, maintenance.ends))
        });
        let mut all: BTreeMap<&TenantName, Timestamp> = tenants.collect();
        for (tenant, ends) in self.kept_by_data() {
            all.entry(tenant).or_insert(ends);
        }
        all
    }

    /// Whoever is on a version that the data of its cell allow nobody to be served on now, whatever was planned.
    fn kept_by_data(&self) -> BTreeMap<&TenantName, Timestamp> {
        let steps = self.runs.iter().flat_map(|run| &run.steps);
        let cells: BTreeSet<&CellName> = steps.filter(|step| step.holds_data()).map(|step| &step.cell).collect();
        // Asked for every document, and few releases have such work.
        let here = self.seats.iter().filter(|(_, seat)| cells.contains(&seat.cell));
        let mut known: BTreeMap<(&CellName, &Version), Option<Timestamp>> = BTreeMap::new();
        let kept = here.filter_map(|(tenant, seat)| {
            let version = seat.version.as_ref()?;
            let ends = known.entry((&seat.cell, version)).or_insert_with(|| {
                let (_, step) = self.unfit(&seat.cell, version)?;
                Some(step.since + step.step.timeout)
            });
            Some((tenant, (*ends)?))
        });
        kept.collect()
    }

    /// The cells of which tenants are out of service for work on their data: nobody works for these either.
    #[must_use]
    pub fn cells_at_work(&self, out_of_service: &BTreeMap<&TenantName, Timestamp>) -> BTreeSet<&CellName> {
        let cells = self.runs.iter().flat_map(|run| {
            let is_open = |step: &&StepRun| !step.is_done() && !run.phase.has_ended();
            let steps = run.steps.iter().filter(|step| step.is_in_downtime());
            let steps = steps.filter(move |step| is_open(step) || run.undoes_in_downtime());
            steps.map(|step| &step.cell)
        });
        let cells: BTreeSet<&CellName> = cells.collect();
        if cells.is_empty() {
            return cells;
        }
        let closed = out_of_service
            .keys()
            .filter_map(|tenant| Some(&self.seats.get(*tenant)?.cell));
        closed.filter(|cell| cells.contains(cell)).collect()
    }
}
