//! Several releases in flight: each tenant is moved by one at a time, and no cell runs too many versions.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::id::{CellName, ComponentName, TenantName};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::policy::WhileInFlight;
use tidegate_domain::service::{Member, Phase, Place, Run, RunPhase, Service, WaveRun, WaveState};
use tidegate_domain::time::Timestamp;

use super::Checked;
use super::ledger::Ledger;

/// A release that has to queue begins when the others have ended.
pub fn queue(state: &Service, ledger: &Ledger) -> Checked {
    for (index, run) in state.runs.iter().enumerate() {
        let promised = ledger.runs.get(&run.version).map(|kept| &kept.promise.plan);
        let queues = promised
            .is_some_and(|plan| plan.policy.while_in_flight == WhileInFlight::Queue && plan.release.hotfix.is_none());
        if !queues || run.phase != RunPhase::Moving {
            continue;
        }
        let mut earlier = state.runs[..index].iter();
        // A hot-fix is waited for tenant by tenant.
        if let Some(earlier) = earlier.find(|earlier| !earlier.phase.has_ended() && earlier.hotfix.is_none()) {
            let detail = format!("{} moves, and {} before it has not ended", run.version, earlier.version);
            return Err(("a release queues where it has to", detail));
        }
    }
    Ok(())
}

/// Who is on a release in flight is nobody's before it: an earlier one neither moves nor watches it any more.
pub fn one_at_a_time(state: &Service) -> Checked {
    let in_flight: Vec<&Run> = state.runs.iter().filter(|run| !run.phase.has_ended()).collect();
    for (index, run) in in_flight.iter().enumerate() {
        for (tenant, _) in run.members().filter(|(_, member)| member.place.is_on()) {
            let busy = |earlier: &&&Run| {
                let mut waves = earlier.waves.iter();
                waves.any(|wave| {
                    wave.members
                        .get(tenant)
                        .is_some_and(|member| is_busy(wave, member, run))
                })
            };
            if let Some(earlier) = in_flight[..index].iter().find(busy) {
                let detail = format!(
                    "{tenant} is on {}, and {} before it has still to do with it",
                    run.version, earlier.version
                );
                return Err(("a tenant is moved by one release at a time", detail));
            }
        }
    }
    Ok(())
}

/// Whom it has not moved yet, a release leaves to a hot-fix.
fn is_busy(wave: &WaveRun, member: &Member, other: &Run) -> bool {
    match member.place {
        Place::Waiting => other.hotfix.is_none() && matches!(wave.state, WaveState::Waiting | WaveState::Active { .. }),
        Place::Moved { .. } | Place::Returning { .. } => true,
        Place::Returned { .. } | Place::Left { .. } | Place::Superseded { .. } => false,
    }
}

/// When a wave begins to be prepared, its cells run no more versions of a component than the playbook allows.
pub fn versions(rows: &[(Timestamp, Entry)], state: &Service, ledger: &Ledger) -> Checked {
    for (_, entry) in rows {
        let begins = entry.kind == EntryKind::StageEntered && entry.reason.starts_with("prepare:");
        let (true, Some(version), Some(wave)) = (begins, &entry.release, &entry.wave) else {
            continue;
        };
        let (Some(kept), Some(run)) = (ledger.runs.get(version), state.run(version)) else {
            continue;
        };
        let most = usize::from(kept.promise.plan.policy.max_versions);
        let wave = run.waves.iter().find(|known| known.name == *wave);
        let members: BTreeSet<&TenantName> = wave.into_iter().flat_map(|wave| wave.members.keys()).collect();
        let seats = members.into_iter().filter_map(|tenant| state.seats.get(tenant));
        let cells: BTreeSet<&CellName> = seats.map(|seat| &seat.cell).collect();
        // The way back asks nobody.
        let returning = state.runs.iter().any(Run::returning);
        for cell in cells.into_iter().filter(|_| !returning) {
            let mut running: BTreeMap<&ComponentName, usize> = BTreeMap::new();
            let slots = state.cells.get(cell).into_iter().flat_map(|cell| cell.slots.values());
            for slot in slots.filter(|slot| slot.phase == Phase::Run) {
                *running.entry(&slot.component).or_default() += 1;
            }
            if let Some((component, count)) = running.into_iter().find(|(_, count)| *count > most) {
                let detail = format!("{version} begins in cell {cell}, which runs {count} versions of {component}");
                return Err(("no more versions in a cell than the playbook allows", detail));
            }
        }
    }
    Ok(())
}

/// Who has a hot-fix is moved to what was built on it, or to what a person has let go on since.
pub fn keeps_fixes(rows: &[(Timestamp, Entry)], before: &Service, ledger: &Ledger) -> Checked {
    let moved = rows.iter().filter(|(_, entry)| entry.kind == EntryKind::Moved);
    for (_, entry) in moved {
        let Some(run) = entry.release.as_ref().and_then(|version| ledger.runs.get(version)) else {
            continue;
        };
        for tenant in &entry.tenants {
            let from = before.seats.get(tenant).and_then(|seat| seat.version.as_ref());
            let Some(fix) = from.and_then(|from| ledger.runs.get(from)) else {
                continue;
            };
            let (to, fixed) = (&run.promise.plan.release, &fix.promise.plan.release);
            let lost = fixed.hotfix.is_some() && to.lacks(fixed).is_some();
            if lost && !ledger.resumed_since(run, fix) {
                let detail = format!("{tenant} moves from hot-fix {} to {}", fixed.version, to.version);
                return Err(("no hot-fix is lost", detail));
            }
        }
    }
    Ok(())
}
