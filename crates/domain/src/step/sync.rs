//! A list of all tenants is made true as a whole, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use super::Refused;
use super::cell_move::Ask;
use super::turn::{Cause, Turn};
use crate::event::{Listed, Roster};
use crate::id::{CellName, TenantName};
use crate::service::Service;

/// What a list of all tenants would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    pub added: BTreeMap<TenantName, CellName>,
    pub removed: BTreeSet<TenantName>,
    /// Where they go.
    pub moved: BTreeMap<TenantName, CellName>,
    pub suspended: BTreeSet<TenantName>,
    pub resumed: BTreeSet<TenantName>,
}

impl Difference {
    /// A tenant on its way to a cell is taken to be there.
    #[must_use]
    pub fn between(state: &Service, tenants: &BTreeMap<TenantName, Listed>) -> Self {
        let mut found = Self::default();
        let gone = state.seats.keys().filter(|tenant| !tenants.contains_key(*tenant));
        found.removed = gone.cloned().collect();
        for (tenant, listed) in tenants {
            let seat = state.seats.get(tenant);
            match seat.map(|seat| seat.leaves_for().unwrap_or(&seat.cell)) {
                None => drop(found.added.insert(tenant.clone(), listed.cell.clone())),
                Some(cell) if *cell != listed.cell => drop(found.moved.insert(tenant.clone(), listed.cell.clone())),
                Some(_) => {}
            }
            match (seat.is_some_and(|seat| seat.suspended), listed.suspended) {
                (false, true) => drop(found.suspended.insert(tenant.clone())),
                (true, false) => drop(found.resumed.insert(tenant.clone())),
                (true, true) | (false, false) => {}
            }
        }
        found
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Turn {
    /// The same list again finds nothing to do.
    pub fn sync_tenants(&mut self, roster: &Roster, cause: &Cause) -> Result<(), Refused> {
        let (declared, remove_at_most) = (&roster.declared, roster.remove_at_most);
        let difference = Difference::between(&self.state, &roster.tenants);
        let (removed, all) = (difference.removed.len(), self.state.seats.len());
        if removed > remove_at_most {
            return Err(Refused::RemovesTooMany {
                removed,
                all,
                at_most: remove_at_most,
            });
        }
        if difference.is_empty() {
            return Ok(());
        }
        let (before, rows) = (self.state.clone(), self.journal.len());
        let made = self.make(&difference, declared, cause);
        if made.is_err() {
            self.state = before;
            self.journal.truncate(rows);
        }
        made
    }

    fn make(&mut self, difference: &Difference, declared: &BTreeSet<CellName>, cause: &Cause) -> Result<(), Refused> {
        for tenant in &difference.removed {
            self.remove_tenant(tenant, cause)?;
        }
        for (tenant, cell) in &difference.added {
            if !self.state.cells.contains_key(cell) && !declared.contains(cell) {
                return Err(Refused::UnknownCell { cell: cell.clone() });
            }
            self.add_tenant(tenant, cell, cause)?;
        }
        for (tenant, cell) in &difference.moved {
            let ask = Ask {
                cell,
                keep_closed: false,
                declared: declared.contains(cell),
            };
            self.move_to_cell(tenant, &ask, cause)?;
        }
        for tenant in &difference.suspended {
            self.suspend(tenant, cause)?;
        }
        for tenant in &difference.resumed {
            self.resume_tenant(tenant, cause)?;
        }
        Ok(())
    }
}
