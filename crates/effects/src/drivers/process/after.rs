//! The order of components: what must be ready before a slot starts, and gone before it stops.

use std::collections::BTreeMap;

use tidegate_domain::id::SlotId;
use tidegate_domain::observed::SlotState;

use super::cell::Wish;
use super::record::SlotRecord;

/// Why `slot` has to wait before it starts; `None` where it need not.
///
/// It waits for the slots of the components it names, in the versions it belongs to itself: another version's slot of the
/// same component is of no help to it.
pub(super) fn start_waits_for(slot: &SlotId, wish: &Wish, states: &BTreeMap<SlotId, SlotState>) -> Option<String> {
    let spec = &wish.slots.get(slot)?.spec;
    let versions = wish
        .versions
        .values()
        .filter(|slots| slots.get(&spec.component) == Some(slot));
    let before = versions.flat_map(|slots| {
        spec.definition
            .after
            .iter()
            .filter_map(|component| slots.get(component))
    });
    for slot in before {
        match states.get(slot) {
            Some(SlotState::Ready { .. }) => {}
            Some(SlotState::Failed { .. }) => return Some(format!("waits for `{slot}`, which has failed")),
            Some(SlotState::Unknown | SlotState::Starting { .. } | SlotState::Stopping) | None => {
                return Some(format!("waits for `{slot}` to be ready"));
            }
        }
    }
    None
}

/// Whether `slot` has to wait before it stops, for one of `stopping` that was started after it is still there.
pub(super) fn stop_waits(slot: &SlotId, stopping: &BTreeMap<SlotId, SlotRecord>) -> bool {
    let Some(record) = stopping.get(slot) else { return false };
    let later = |(other, later): (&SlotId, &SlotRecord)| other != slot && later.after.contains(&record.component);
    stopping.iter().any(later)
}

#[cfg(test)]
mod tests;
