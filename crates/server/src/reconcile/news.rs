//! What of an observation is news to the state machine.

use tidegate_domain::observed::{CellReport, CellReports, GatewayReport, SlotState};
use tidegate_domain::release::ComponentKind;
use tidegate_domain::service::{Cell, MoveStage, Phase, Seat, Service, Slot};

/// How soon the state machine needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Only people read it: another number that is not zero, another reason for the same state.
    Words,
    /// Something may move, or must not any more.
    Now,
}

/// What the driver says of a slot, or what is known where it has not looked yet.
pub fn seen_or_known<'a>(seen: Option<&'a SlotState>, known: &'a SlotState) -> &'a SlotState {
    match seen {
        None | Some(SlotState::Unknown) => known,
        Some(
            state @ (SlotState::Starting { .. }
            | SlotState::Ready { .. }
            | SlotState::Failed { .. }
            | SlotState::Stopping),
        ) => state,
    }
}

/// `None`: the state says all of it already.
pub fn urgency(state: &Service, cells: &CellReports, gateways: &GatewayReport) -> Option<Urgency> {
    let of_cells = cells.iter().filter_map(|(name, report)| {
        let cell = state.cells.get(name)?;
        of_cell(cell, report).filter(|_| has_workers(state) || of_slots(cell, report).is_some())
    });
    of_cells.chain(of_gateways(state, gateways)).max()
}

/// The news about one cell.
pub fn of_cell(cell: &Cell, report: &CellReport) -> Option<Urgency> {
    let ownership = (report.ownership > cell.ownership).then_some(Urgency::Now);
    ownership.max(of_slots(cell, report))
}

fn of_slots(cell: &Cell, report: &CellReport) -> Option<Urgency> {
    let slots = cell.slots.iter();
    slots
        .filter_map(|(id, slot)| of_slot(&slot.state, report.slots.get(id)?))
        .max()
}

fn of_slot(known: &SlotState, seen: &SlotState) -> Option<Urgency> {
    if known == seen {
        return None;
    }
    let same_kind = std::mem::discriminant(known) == std::mem::discriminant(seen);
    let same = same_kind && known.instances() == seen.instances();
    Some(if same { Urgency::Words } else { Urgency::Now })
}

/// Whether anybody asks who owns what.
fn has_workers(state: &Service) -> bool {
    let components = state.pinned.values().flat_map(|release| release.components.values());
    let mut kinds = components.map(|component| &component.definition.kind);
    kinds.any(|kind| match kind {
        ComponentKind::Worker { .. } => true,
        ComponentKind::Http { .. } | ComponentKind::Job => false,
    })
}

fn of_gateways(state: &Service, report: &GatewayReport) -> Option<Urgency> {
    let routing = &state.routing;
    let confirmed = report.confirmed.unwrap_or(0) != routing.reported;
    let alone = report.confirmed.is_none() != routing.alone;
    if confirmed || alone || report.lapsed != routing.lapsed {
        return Some(Urgency::Now);
    }
    let awaited = is_awaited(state);
    let slots = state.cells.values().flat_map(|cell| &cell.slots);
    slots
        .filter_map(|(id, slot)| {
            let in_flight = report.in_flight.get(id).copied().unwrap_or(0);
            let ended = awaited && slot.in_flight > 0 && in_flight == 0;
            of_drain(slot, in_flight).max(ended.then_some(Urgency::Now))
        })
        .max()
}

/// Tenants are closed or out of service until what was in flight has ended, in slots that others go on using.
fn is_awaited(state: &Service) -> bool {
    let closed = |seat: &Seat| {
        let stage = seat.moving.as_ref().map(|moving| &moving.stage);
        matches!(stage, Some(MoveStage::Closed { .. }))
    };
    let mut waves = state.runs.iter().flat_map(|run| &run.waves);
    waves.any(|wave| wave.maintenance.is_some()) || state.seats.values().any(closed)
}

/// What is in flight matters where a slot is being left.
fn of_drain(slot: &Slot, in_flight: u64) -> Option<Urgency> {
    match slot.phase {
        Phase::Run => None,
        Phase::Drain { .. } if slot.in_flight == in_flight => None,
        Phase::Drain { .. } if slot.in_flight == 0 || in_flight == 0 => Some(Urgency::Now),
        Phase::Drain { .. } => Some(Urgency::Words),
    }
}
