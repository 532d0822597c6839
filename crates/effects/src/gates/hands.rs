//! A hold of instances that no tenant uses, for a gate that disturbs them. No gate gets more of the driver.

use std::fmt;
use std::sync::Arc;

use tidegate_domain::id::{CellName, ComponentName, SlotId};
use tidegate_domain::observed::{Instance, SlotState};
use tokio::sync::watch;

use crate::drivers::{Disturbance, Driver};

/// A new slot that no tenant uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    pub cell: CellName,
    pub component: ComponentName,
    pub slot: SlotId,
}

#[derive(Clone)]
pub struct Hands {
    driver: Arc<dyn Driver>,
    slots: Vec<Unused>,
}

impl Hands {
    #[must_use]
    pub fn new(driver: Arc<dyn Driver>, slots: Vec<Unused>) -> Self {
        Self { driver, slots }
    }

    /// The slots of a component.
    pub(super) fn slots_of(&self, component: &ComponentName) -> Vec<Unused> {
        let slots = self.slots.iter().filter(|slot| slot.component == *component);
        slots.cloned().collect()
    }

    /// How a slot is doing now.
    pub(super) fn state(&self, slot: &Unused) -> SlotState {
        let mut report = self.driver.observe(&slot.cell);
        report.slots.remove(&slot.slot).unwrap_or_default()
    }

    /// Counts the changes of what [`Hands::state`] answers.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.driver.changes()
    }

    /// Returns when the life of the instance is over.
    pub(super) async fn disturb(&self, slot: &Unused, instance: &Instance, how: Disturbance) -> Result<(), String> {
        self.driver.disturb(&slot.cell, &slot.slot, instance, how).await
    }
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hands")
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}
