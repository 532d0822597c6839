//! Tenants that move between cells or are suspended: what is served to them, and where.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::id::{CellName, TenantName, Version};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::service::{Seat, Service, StepRun};
use tidegate_domain::time::Timestamp;

use super::{Checked, Checker};
use crate::world::Gateways;

/// What the journal says of them.
#[derive(Debug, Clone, Default)]
pub struct Rosters {
    /// Who is suspended, and the generation of the document that was the first to know.
    suspended: BTreeMap<TenantName, u64>,
    /// Who was a tenant before and came again, maybe elsewhere: nobody has seen to it that gateways forgot the first.
    came_again: BTreeSet<TenantName>,
    seen: BTreeSet<TenantName>,
}

impl Rosters {
    /// Holds a commit's rows against the states before and after it.
    pub fn follow(&mut self, rows: &[(Timestamp, Entry)], last: Option<&Service>, state: &Service) -> Checked {
        for (_, entry) in rows {
            for tenant in &entry.tenants {
                self.take(entry.kind, tenant, state.routing.generation);
            }
        }
        let Some(last) = last else { return Ok(()) };
        let taken_back = |tenant: &TenantName| {
            let back = |entry: &Entry| {
                let kinds = [EntryKind::Returned, EntryKind::TenantAdded, EntryKind::TenantStarted];
                kinds.contains(&entry.kind) && entry.tenants.contains(tenant)
            };
            rows.iter().any(|(_, entry)| back(entry))
        };
        for (tenant, seat) in &state.seats {
            let Some(before) = last.seats.get(tenant).filter(|before| before.cell != seat.cell) else {
                continue;
            };
            if seat.version < before.version && !taken_back(tenant) {
                let detail = format!(
                    "tenant {tenant} went from cell {} to cell {}, and from {:?} to {:?}",
                    before.cell, seat.cell, before.version, seat.version
                );
                return Err(("nobody goes back in version by changing its cell", detail));
            }
        }
        Ok(())
    }

    fn take(&mut self, kind: EntryKind, tenant: &TenantName, generation: u64) {
        if kind == EntryKind::TenantSuspended {
            self.suspended.insert(tenant.clone(), generation);
        } else if matches!(kind, EntryKind::TenantResumed | EntryKind::TenantRemoved) {
            self.suspended.remove(tenant);
        } else if kind == EntryKind::TenantAdded && !self.seen.insert(tenant.clone()) {
            self.came_again.insert(tenant.clone());
        }
    }

    /// Whoever has heard of a suspension serves no request of that tenant.
    pub fn suspended_are_not_served(&self, state: &Service, gateways: &Gateways) -> Checked {
        for (tenant, generation) in &self.suspended {
            if *generation <= state.routing.confirmed
                && let Some(gateway) = gateways.serves(tenant).next()
            {
                let detail = format!(
                    "tenant {tenant} is suspended since generation {generation}, which is confirmed; gateway {gateway} serves it"
                );
                return Err(("no request of a suspended tenant reaches an instance", detail));
            }
        }
        Ok(())
    }

    /// Whatever table each of them has.
    pub fn served_by_one_cell(&self, gateways: &Gateways) -> Checked {
        let mut cells: BTreeMap<&TenantName, (&str, &CellName)> = BTreeMap::new();
        for (gateway, tenant, cell) in gateways.open_routes() {
            if self.came_again.contains(tenant) {
                continue;
            }
            let (first, known) = *cells.entry(tenant).or_insert((gateway, cell));
            if known != cell {
                let detail = format!(
                    "tenant {tenant} is served in cell {known} by gateway {first} and in cell {cell} by {gateway}"
                );
                return Err(("a tenant is served by one cell only", detail));
            }
        }
        Ok(())
    }
}

/// A move that nothing but a person can let go on: the release that its version is of rests, or has ended without what it would have
/// done in downtime to the data of the new cell.
pub fn waits_for_a_person(state: &Service, seat: &Seat, resting: &BTreeSet<&Version>) -> bool {
    let run = seat.version.as_ref().and_then(|version| state.run(version));
    run.is_some_and(|run| {
        let undone = |step: &StepRun| step.is_in_downtime() && !step.is_done() && seat.leaves_for() == Some(&step.cell);
        match run.phase.has_ended() {
            false => resting.contains(&run.version),
            true => run.steps.iter().any(undone),
        }
    })
}

impl Checker {
    /// What gateways serve at this moment.
    pub fn tenants(&mut self, state: &Service, gateways: &Gateways) {
        let suspended = self.rosters.suspended_are_not_served(state, gateways);
        let one_cell = self.rosters.served_by_one_cell(gateways);
        self.take(suspended.and(one_cell));
    }
}
