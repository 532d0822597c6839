//! A state that was restored from a copy, and the world that has gone on since the copy was made.

use std::collections::{BTreeMap, BTreeSet};

use super::Service;
use crate::id::{CellName, SlotId};
use crate::observed::SlotState;

impl Service {
    /// Makes the state newer than all that the world has seen: the routing, every tenant's epoch and every cell owner's
    /// are `generation` from here, so that gateways, drivers and the resources behind workers refuse whatever was handed
    /// out before. Nothing is confirmed any more: what gateways and workers had confirmed was a document of another
    /// history. Slots that are not in `running` count as not started.
    ///
    /// Versions stay as they are: only [`crate::step::step`] moves a tenant.
    pub fn raise_above(&mut self, generation: u64, running: &BTreeMap<CellName, BTreeSet<SlotId>>) {
        let routing = &mut self.routing;
        routing.generation = generation;
        routing.confirmed = 0;
        routing.reported = 0;
        for seat in self.seats.values_mut().filter(|seat| seat.version.is_some()) {
            seat.epoch = generation;
        }
        for (name, cell) in &mut self.cells {
            for owner in cell.owners.values_mut() {
                owner.epoch = generation;
                owner.generation = generation;
            }
            let here = running.get(name);
            for (id, slot) in &mut cell.slots {
                slot.in_flight = 0;
                if !here.is_some_and(|slots| slots.contains(id)) {
                    slot.state = SlotState::Unknown;
                    // What a driver has seen until now is not of the one that it will start.
                    slot.since = generation;
                }
            }
        }
    }

    /// The highest number that was ever handed out by this state: of the routing, or as an epoch.
    #[must_use]
    pub fn highest_generation(&self) -> u64 {
        let seats = self.seats.values().map(|seat| seat.epoch);
        let owners = self.cells.values().flat_map(|cell| cell.owners.values());
        let owners = owners.map(|owner| owner.epoch.max(owner.generation));
        let highest = seats.chain(owners).max().unwrap_or(0);
        highest.max(self.routing.generation)
    }
}

#[cfg(test)]
mod tests;
