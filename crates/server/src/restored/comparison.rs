//! What a restored state says, beside what gateways serve and what runs.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::desired::desired;
use tidegate_domain::effect::{Effect, EffectBody, Lane};
use tidegate_domain::id::{CellName, SlotId};
use tidegate_domain::observed::SlotState;
use tidegate_domain::service::{Phase, Service};
use tidegate_effects::drivers::Driver;
use tidegate_store::{OutboxRow, StoreError};
use tokio::time::Instant;

use super::Mark;
use crate::api::{GatewaySeen, PendingEffect, RestoredStatus, SlotDiffers, TenantDiffers};
use crate::control::Control;
use crate::gateways::{Gateways, Seen};
use crate::table;

/// Calls after which a gateway that was asked for its routes, and has not told them, is of a version that cannot.
const CALLS_TO_TELL: u32 = 3;

/// Compares. What is `missing` of it keeps it from being confirmed.
pub async fn compare(
    mark: &Mark,
    control: &Control,
    gateways: &Gateways,
    driver: &dyn Driver,
) -> Result<RestoredStatus, StoreError> {
    let mut status = RestoredStatus {
        file: mark.file.clone(),
        digest: mark.digest.clone(),
        restored_ms: mark.restored.0,
        copied_ms: mark.copied.0,
        generation: mark.generation,
        confirmed: mark.confirmed,
        ..RestoredStatus::default()
    };
    if !mark.is_unconfirmed() {
        return Ok(status);
    }
    let state = &control.view().state;
    let seen = gateways.seen(Instant::now());
    status.missing = missing(&seen, gateways.heard_for_a_lease(Instant::now()));
    status.reported = seen.iter().filter_map(Seen::highest).max();
    status.tenants = tenants(state, &seen);
    status.slots = slots(state, &driver.running());
    let pending = control.store().pending(control.service().as_str()).await?;
    status.pending = pending.iter().map(effect).collect();
    status.gateways = seen.into_iter().filter(|one| !one.superseded).map(gateway).collect();
    Ok(status)
}

/// What is to be heard before anybody can say that all was compared.
fn missing(seen: &[Seen], waited: bool) -> Vec<String> {
    let mut missing = Vec::new();
    let counted = seen.iter().filter(|one| !one.superseded);
    for one in counted {
        if !one.heard || one.lapsed {
            let what = "was registered and does not answer: start it, or forget it (`DELETE /v1/gateways/ID`)";
            missing.push(format!("gateway `{}` {what}", one.id));
        } else if one.holds.is_some() && one.routes.is_none() && one.calls < CALLS_TO_TELL {
            missing.push(format!("gateway `{}` has not said yet what it serves", one.id));
        }
    }
    if !waited && !seen.iter().any(|one| one.heard) {
        missing.push("no gateway was heard yet; they have 5 s to call".to_owned());
    }
    missing
}

fn gateway(seen: Seen) -> GatewaySeen {
    GatewaySeen {
        tells_routes: seen.routes.is_some(),
        id: seen.id,
        incarnation: seen.incarnation,
        answers: seen.heard && !seen.lapsed,
        generation: seen.holds,
    }
}

/// Tenants that a gateway serves otherwise than the state says.
fn tenants(state: &Service, seen: &[Seen]) -> Vec<TenantDiffers> {
    let document = desired(state);
    let mut restored: BTreeMap<String, String> = BTreeMap::new();
    for (name, cell) in &document.cells {
        let routes = cell.routes.iter();
        restored
            .extend(routes.map(|(tenant, route)| (tenant.to_string(), table::key(name, &route.version).to_string())));
    }
    let mut differs = Vec::new();
    for one in seen.iter().filter(|one| !one.superseded) {
        let Some(routes) = &one.routes else { continue };
        let names: BTreeSet<&String> = restored.keys().chain(routes.keys()).collect();
        for tenant in names {
            let (says, serves) = (restored.get(tenant), routes.get(tenant));
            if says != serves {
                differs.push(TenantDiffers {
                    tenant: tenant.clone(),
                    gateway: one.id.clone(),
                    restored: says.cloned(),
                    served: serves.cloned(),
                });
            }
        }
    }
    differs
}

/// Slots that run and are not to, or are to and do not.
fn slots(state: &Service, running: &BTreeMap<CellName, BTreeMap<SlotId, usize>>) -> Vec<SlotDiffers> {
    let cells: BTreeSet<&CellName> = state.cells.keys().chain(running.keys()).collect();
    let mut differs = Vec::new();
    let (no_slots, none_run) = (BTreeMap::new(), BTreeMap::new());
    for name in cells {
        let known = state.cells.get(name).map_or(&no_slots, |cell| &cell.slots);
        let run = running.get(name).unwrap_or(&none_run);
        let ids: BTreeSet<&SlotId> = known.keys().chain(run.keys()).collect();
        for id in ids {
            let instances = run.get(id).copied().unwrap_or(0);
            let slot = known.get(id);
            let is_as_known = match slot {
                None => false,
                Some(slot) => instances > 0 || slot.state == SlotState::Unknown,
            };
            if is_as_known {
                continue;
            }
            differs.push(SlotDiffers {
                cell: name.clone(),
                id: id.to_string(),
                restored: slot.map(|slot| {
                    let phase = match slot.phase {
                        Phase::Run => "run",
                        Phase::Drain { .. } => "drain",
                    };
                    phase.to_owned()
                }),
                instances,
            });
        }
    }
    differs
}

fn effect(row: &OutboxRow) -> PendingEffect {
    let body: Option<Effect> = serde_json::from_str(&row.body).ok();
    PendingEffect {
        id: row.id.clone(),
        lane: row.lane.clone(),
        text: body.map_or_else(|| "cannot be understood".to_owned(), |effect| in_words(&effect)),
        asked_ms: row.due_ms,
        begun: row.attempts > 0,
        by_default: if is_message(&row.lane) { "drop" } else { "do" }.to_owned(),
    }
}

/// A message that is sent twice does harm, and one that is not sent can still be.
pub fn is_message(lane: &str) -> bool {
    [Lane::Announce, Lane::Notice].iter().any(|one| one.as_str() == lane)
}

fn in_words(effect: &Effect) -> String {
    match &effect.body {
        EffectBody::Gate { version, wave, gate } => format!("run gate {} of wave {wave} of {version}", gate.uses),
        EffectBody::Announce(announcement) => {
            let milestone = announcement.milestone.as_str();
            format!("announce {milestone} of {} to webhooks", announcement.release)
        }
        EffectBody::Notice { version, .. } => format!("send a notice of {version}"),
        EffectBody::Job(task) => {
            let (component, version) = (&task.spec.component, &task.version);
            match &task.tenant {
                Some(tenant) => format!("run job {component} of tenant {tenant} on {version}"),
                None => format!("run job {component} of cell {} on {version}", task.spec.cell),
            }
        }
        EffectBody::Step(task) => format!("run step {} of {} on {}", task.step, task.version, task.database),
    }
}
