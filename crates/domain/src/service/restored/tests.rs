use std::collections::BTreeMap;

use crate::desired::{Owns, desired};
use crate::event::Verdict;
use crate::fixture::{Shop, installed, version};
use crate::id::CellName;
use crate::observed::SlotState;
use crate::time::Duration;

/// A shop that stands still with its first wave on 1.1.0, as a copy of it was made.
fn copied() -> Shop {
    let mut shop = installed();
    shop.apply("1.1.0");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    shop
}

fn running(shop: &Shop) -> BTreeMap<CellName, std::collections::BTreeSet<crate::id::SlotId>> {
    let cells = shop.state.cells.iter();
    cells
        .map(|(name, cell)| (name.clone(), cell.slots.keys().cloned().collect()))
        .collect()
}

#[test]
fn every_number_that_fences_is_above_what_the_world_has_seen_and_nobody_has_moved() {
    let mut shop = copied();
    let before = desired(&shop.state);
    assert!(shop.state.highest_generation() >= shop.state.routing.generation);
    let slots = running(&shop);
    shop.state.raise_above(5_000, &slots);
    let after = desired(&shop.state);
    assert_eq!(after.generation, 5_000);
    assert_eq!(shop.state.highest_generation(), 5_000);
    for (name, cell) in &after.cells {
        assert_eq!(cell.routes, before.cells[name].routes, "routes are as they were");
        for slot in cell.slots.values() {
            match &slot.owns {
                Owns::Nothing => {}
                Owns::Tenants(tenants) => assert!(tenants.values().all(|epoch| *epoch == 5_000)),
                Owns::Cell(epoch) => assert_eq!(*epoch, 5_000),
            }
        }
    }
    assert_eq!((shop.state.routing.confirmed, shop.state.routing.reported), (0, 0));
}

#[test]
fn a_slot_that_was_not_found_counts_as_not_started() {
    let mut shop = copied();
    let mut slots = running(&shop);
    let (cell, here) = slots.iter_mut().next().unwrap();
    let lost = here.pop_first().unwrap();
    let cell = cell.clone();
    shop.state.raise_above(5_000, &slots);
    for (id, slot) in &shop.state.cells[&cell].slots {
        assert_eq!(slot.state == SlotState::Unknown, *id == lost, "{id}");
    }
    assert_eq!(shop.state.cells[&cell].slots[&lost].since, 5_000);
}

#[test]
fn the_release_goes_on_to_its_end_from_above() {
    let mut shop = copied();
    let slots = running(&shop);
    shop.state.raise_above(5_000, &slots);
    shop.settle();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    shop.pass(Duration::from_hours(1));
    shop.judge("1.1.0", "rest", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    assert_eq!((shop.on("1.1.0").len(), shop.phase("1.1.0")), (6, "completed"));
    assert!(shop.state.routing.generation > 5_000);
    assert!(shop.state.run(&version("1.1.0")).unwrap().hold.is_none());
}
