//! A share of the requests goes to a new version only where the tenants may be moved at that moment, and nobody is moved before it was
//! shown to be good.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::desired::{Split, desired};
use tidegate_domain::id::{TenantName, Version, WaveName};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::policy::OnInconclusive;
use tidegate_domain::release::Stage;
use tidegate_domain::service::{Place, Run, RunPhase, Service, WaveRun, WaveState};
use tidegate_domain::time::Timestamp;

use super::Checked;
use super::ledger::{Kept, Ledger};
use crate::world::Gateways;

const RULE: &str = "a split stands only in the canary of a wave that moves";

/// Every split of the document belongs to a canary that is under way, of tenants that may be moved now, to what is ready where they live.
pub fn stand_as_they_may(ledger: &Ledger, state: &Service, now: Timestamp) -> Checked {
    for (tenant, (split, seat_version)) in splits(state) {
        let says = |what: &str| format!("{} % of {tenant} are sent to {}: {what}", split.share, split.version);
        let Some((run, wave)) = canary_of(state, &tenant, &split) else {
            return Err((RULE, says("no wave is in its canary with it")));
        };
        let planned = ledger
            .runs
            .get(&run.version)
            .and_then(|kept| kept.promise.wave(&wave.name));
        let promised = planned.and_then(|planned| planned.policy.canary);
        if planned.is_some() && promised.is_none_or(|promised| promised.share < split.share) {
            return Err(("a canary splits no more than was planned", says("the plan says less")));
        }
        if seat_version == split.version {
            return Err((RULE, says("it is on that version")));
        }
        let cell = state.seats.get(&tenant).and_then(|seat| state.cells.get(&seat.cell));
        let slots = cell.and_then(|cell| Some((cell, cell.resolved.get(&split.version)?)));
        let is_ready = slots.is_some_and(|(cell, slots)| {
            let mut slots = slots.values();
            slots.all(|id| cell.slots.get(id).is_some_and(|slot| slot.state.is_ready()))
        });
        if !is_ready {
            return Err(("a split leads to what is ready", says("it is not ready there")));
        }
        if let Some(kept) = ledger.runs.get(&run.version) {
            ledger.lets_take_part((kept, Some(&wave.name)), &tenant, now, state)?;
        }
    }
    Ok(())
}

/// What the document splits, with what the tenants are on.
fn splits(state: &Service) -> BTreeMap<TenantName, (Split, Version)> {
    let mut waves = state.runs.iter().flat_map(|run| &run.waves);
    // The document is asked for after every turn, and most have none.
    if waves.all(|wave| wave.canary.is_none()) {
        return BTreeMap::new();
    }
    let cells = desired(state).cells;
    let routes = cells.into_values().flat_map(|cell| cell.routes);
    let splits = routes.filter_map(|(tenant, route)| Some((tenant, (route.split?, route.version))));
    splits.collect()
}

fn canary_of<'a>(state: &'a Service, tenant: &TenantName, split: &Split) -> Option<(&'a Run, &'a WaveRun)> {
    let moves = |run: &&Run| run.version == split.version && run.phase == RunPhase::Moving && run.hold.is_none();
    let run = state.runs.iter().find(moves)?;
    let takes_part = |wave: &&WaveRun| {
        let stage = matches!(
            wave.state,
            WaveState::Active {
                stage: Stage::Canary,
                ..
            }
        );
        let waits = wave
            .members
            .get(tenant)
            .is_some_and(|member| member.place == Place::Waiting);
        stage && waits
    };
    Some((run, run.waves.iter().find(takes_part)?))
}

/// Who has the newest table splits nobody else.
pub fn are_served_as_desired(state: &Service, gateways: &Gateways) -> Checked {
    let splits = splits(state);
    let mut served = gateways.splits(state.routing.generation);
    let wrong = served.find(|(_, tenant, split)| splits.get(*tenant).map(|(split, _)| split) != Some(*split));
    match wrong {
        Some((gateway, tenant, split)) => {
            let detail = format!(
                "gateway {gateway} sends {} % of {tenant} to {}, and has the newest table",
                split.share, split.version
            );
            Err(("a share that is taken back is served nowhere", detail))
        }
        None => Ok(()),
    }
}

/// A client that was sent to one version is not sent to another while the split stands.
pub fn clients_stay(before: &Service, state: &Service) -> Checked {
    let (before, now) = (splits(before), splits(state));
    let changed = now.iter().find(|(tenant, (split, version))| {
        let earlier = before.get(*tenant);
        earlier.is_some_and(|(earlier, on)| on == version && earlier.version == split.version && earlier != split)
    });
    match changed {
        Some((tenant, _)) => {
            let detail = format!("the split of {tenant} has become another one");
            Err(("a client keeps its version while a split stands", detail))
        }
        None => Ok(()),
    }
}

/// Who was promised a canary is switched after it, and after its least time.
pub fn has_lasted(run: &Kept, entry: &Entry, now: Timestamp) -> Checked {
    let Some(name) = &entry.wave else { return Ok(()) };
    let planned = run.promise.wave(name).and_then(|planned| planned.policy.canary);
    let (Some(planned), kept) = (planned, run.waves.get(name)) else {
        return Ok(());
    };
    if kept.is_some_and(|kept| kept.promoted) || entry.reason.contains("no tenant that waits") {
        return Ok(());
    }
    let Some(since) = kept.and_then(|kept| kept.canary) else {
        return Err((
            "a wave is switched after its canary",
            format!("wave {name} has had none"),
        ));
    };
    let least = since + planned.least;
    if now < least {
        let detail = format!("wave {name} is switched at {now}, its canary lasts until {least}");
        return Err(("a canary lasts its least time", detail));
    }
    Ok(())
}

/// A canary ends by a judgement that passed, by a person, because the playbook says so, or because nobody is left to split. The rows are those
/// since `before`.
pub fn only_evidence_ends(
    rows: &[(Timestamp, Entry)],
    (before, state): (&Service, &Service),
    passed: &BTreeSet<(Version, WaveName, u32)>,
) -> Checked {
    let switches = rows.iter().map(|(_, entry)| entry);
    let switches = switches
        .filter(|entry| entry.kind == EntryKind::StageEntered && entry.reason.starts_with("switch:"))
        .filter_map(|entry| Some((entry, entry.release.as_ref()?, entry.wave.as_ref()?)));
    for (entry, release, name) in switches {
        let wave = |state: &'_ Service| {
            let run = state.run(release)?;
            let wave = run.waves.iter().find(|wave| wave.name == *name)?.clone();
            Some((wave, run.policy.on_inconclusive))
        };
        let Some((last, usual)) = wave(before) else { continue };
        let (Some(policy), true) = (last.policy.canary, last.stage() == Some(Stage::Canary)) else {
            continue;
        };
        let lenient = policy.on_inconclusive.unwrap_or(usual) == OnInconclusive::Pass;
        let was_promoted = last.promoted
            || rows
                .iter()
                .any(|(_, row)| row.kind == EntryKind::Promoted && row.wave.as_ref() == Some(name));
        let nobody = entry.reason.contains("no tenant that waits") && !has_candidates(state, release, name);
        let key = (release.clone(), name.clone(), last.attempt);
        if !lenient && !was_promoted && !nobody && !passed.contains(&key) {
            let detail = format!("wave {name} of {release} is switched, nothing has passed");
            return Err(("missing metrics never end a canary", detail));
        }
    }
    Ok(())
}

/// Somebody still waits who is served on an earlier version.
fn has_candidates(state: &Service, release: &Version, name: &WaveName) -> bool {
    let run = state.run(release);
    let wave = run.and_then(|run| run.waves.iter().find(|wave| wave.name == *name));
    wave.is_some_and(|wave| {
        let mut waiting = wave.members.iter().filter(|(_, member)| member.place == Place::Waiting);
        waiting.any(|(tenant, _)| {
            let seat = state.seats.get(tenant);
            seat.is_some_and(|seat| seat.version.is_some() && seat.closed().is_none())
        })
    })
}
