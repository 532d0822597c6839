//! From the confirmation of a restored state to the moment the world is as the state says.
//!
//! Gateways keep the table that they have until every slot that the new one leads to takes work. Slots that the state does
//! not know run on until every gateway has confirmed the new table and nothing is in flight on them. Both are asked of the
//! world each time, so that a server killed meanwhile goes on where it was.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tidegate_domain::desired::CellDesired;
use tidegate_domain::id::{Actor, SlotId};
use tidegate_effects::drivers::Driver;
use tidegate_store::{Record, StoreError};
use tokio::time::Instant;

use super::{Mark, row};
use crate::control::{Control, View};
use crate::gateways::Gateways;

/// After the last gateway has confirmed, requests on slots that nobody knows have so long to end.
const DRAIN_MAX: Duration = Duration::from_secs(30);

/// Whether every slot that a route leads to is seen to take work, where the table says it is.
pub fn leads_to_what_runs(view: &View, driver: &dyn Driver, generation: u64) -> bool {
    let mut cells = view.desired.cells.iter();
    cells.all(|(name, cell)| {
        let seen = driver.observe(name);
        seen.generation >= generation
            && routed(cell).is_some_and(|slots| {
                slots.into_iter().all(|id| {
                    let told = cell.slots.get(id).map(|slot| &*slot.instances);
                    let found = seen.slots.get(id);
                    found.is_some_and(|state| state.is_ready() && told == Some(state.instances()))
                })
            })
    })
}

/// `None` where a route leads to a version that has not all of its slots yet.
fn routed(cell: &CellDesired) -> Option<BTreeSet<&SlotId>> {
    let mut slots = BTreeSet::new();
    for route in cell.routes.values() {
        slots.extend(cell.versions.get(&route.version)?.values());
    }
    Some(slots)
}

/// Takes the mark away when nothing of the world before is used any more.
pub async fn end(
    control: &Control,
    gateways: &Gateways,
    mark: &Mark,
    confirmed_since: &mut Option<Instant>,
) -> Result<(), StoreError> {
    let Some(generation) = mark.confirmed else {
        return Ok(());
    };
    let now = Instant::now();
    let report = gateways.report(&[], now);
    if report.confirmed.is_none_or(|confirmed| confirmed < generation) || !report.lapsed.is_empty() {
        *confirmed_since = None;
        return Ok(());
    }
    let since = *confirmed_since.get_or_insert(now);
    let view = control.view();
    let known: BTreeSet<&SlotId> = view.state.cells.values().flat_map(|cell| cell.slots.keys()).collect();
    let cut = gateways.in_flight_beside(|slot| known.iter().any(|id| id.as_str() == slot));
    if cut > 0 && now - since < DRAIN_MAX {
        return Ok(());
    }
    let reason = match cut {
        0 => "every gateway serves by the restored state, and nothing is in flight elsewhere".to_owned(),
        _ => format!("every gateway serves by the restored state; {cut} in flight elsewhere are cut"),
    };
    let body = json!({ "generation": generation, "cut": cut });
    let record = Record {
        service: control.service().to_string(),
        facts: vec![Mark::delete()],
        journal: vec![row(&Actor::system("restore"), "restore_ended", reason, &body)],
        ..Record::default()
    };
    control.store().record(&record).await?;
    control.remark(None);
    Ok(())
}
