//! What a state must be like by itself.

use std::collections::BTreeSet;

use tidegate_domain::desired::Desired;
use tidegate_domain::id::{CellName, TenantName, Version, WaveName};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::policy::OnInconclusive;
use tidegate_domain::service::{Member, Place, Run, RunPhase, Service, WaveRun, WaveState};
use tidegate_domain::time::Timestamp;

use super::Checked;

/// No tenant is on a release whose wave has not started, and nobody stays on one that was rolled back.
pub fn tenants_are_on_started_waves(state: &Service) -> Checked {
    const RULE: &str = "no tenant is on a release whose wave has not started";
    for run in &state.runs {
        for wave in &run.waves {
            let idle = matches!(wave.state, WaveState::Waiting | WaveState::Dropped);
            // Who came from nowhere has nowhere to go back to.
            let early = wave
                .members
                .iter()
                .find(|(_, member)| idle && member.place.is_on() && member.from.is_some());
            if let Some((tenant, _)) = early {
                let detail = format!(
                    "tenant {tenant} is on {}, wave {} is {:?}",
                    run.version, wave.name, wave.state
                );
                return Err((RULE, detail));
            }
        }
    }
    for run in state
        .runs
        .iter()
        .filter(|run| matches!(run.phase, RunPhase::Completed { .. }))
    {
        if let Some((tenant, _)) = run.members().find(|(_, member)| member.place == Place::Waiting) {
            let detail = format!(
                "release {} is completed, tenant {tenant} still waits for it",
                run.version
            );
            return Err(("a completed release has moved everybody or left them by name", detail));
        }
    }
    for (tenant, seat) in &state.seats {
        let Some(run) = seat.version.as_ref().and_then(|version| state.run(version)) else {
            continue;
        };
        let member = run.members().find(|(name, _)| *name == tenant);
        let wrong = match (member, run.phase) {
            (Some((_, member)), _) => !member.place.is_on() && member.from.as_ref() != Some(&run.version),
            (None, RunPhase::Completed { .. } | RunPhase::Aborted { .. }) => false,
            (None, RunPhase::Queued | RunPhase::Moving | RunPhase::RolledBack { .. } | RunPhase::Superseded { .. }) => {
                true
            }
        };
        if wrong {
            let place = member.map(|(_, member)| &member.place);
            let detail = format!(
                "tenant {tenant} is on {}, which is {}; as a member it is {place:?}",
                run.version,
                run.phase.in_words()
            );
            return Err((RULE, detail));
        }
    }
    Ok(())
}

/// Who counts as moved by a release is on it, unless a later one has moved it on.
pub fn members_are_where_they_are_said_to_be(state: &Service) -> Checked {
    for (index, run) in state.runs.iter().enumerate() {
        for (tenant, member) in run.members().filter(|(_, member)| member.place.is_on()) {
            let on = state.seats.get(tenant).and_then(|seat| seat.version.as_ref());
            // From a hot-fix tenants are moved on by releases that were applied before it, too.
            let others = state.runs.iter().enumerate();
            let others = others.filter(|(other, _)| *other > index || (*other != index && run.hotfix.is_some()));
            let moved_on = others
                .flat_map(|(_, run)| run.members())
                .any(|(name, later)| name == tenant && later.place.is_on());
            // Who was created while all that ran went back has no version until it follows.
            let follows = on.is_none() && matches!(member.place, Place::Returning { .. });
            if on != Some(&run.version) && !moved_on && !follows {
                let detail = format!(
                    "tenant {tenant} counts as {:?} by {}, and is on {on:?}",
                    member.place, run.version
                );
                return Err(("a release moves a tenant only from where its plan says", detail));
            }
        }
    }
    Ok(())
}

/// Never more between two versions than the playbook allows.
pub fn not_too_many_at_once(state: &Service) -> Checked {
    for run in &state.runs {
        for wave in run
            .waves
            .iter()
            .filter(|wave| matches!(wave.state, WaveState::Active { .. }))
        {
            let between = |member: &Member| matches!(member.place, Place::Moved { generation } if generation > state.routing.confirmed);
            let tenants: Vec<&TenantName> = wave
                .members
                .iter()
                .filter(|(_, m)| between(m))
                .map(|(name, _)| name)
                .collect();
            let cells: BTreeSet<&CellName> = tenants
                .iter()
                .filter_map(|name| Some(&state.seats.get(*name)?.cell))
                .collect();
            // Those of a cell whose data were worked on in downtime move together, however many they are.
            let one_by_one = tenants.iter().filter(|name| {
                let seat = state.seats.get(**name);
                seat.is_none_or(|seat| run.downtime_work_in(&seat.cell).is_none())
            });
            let parallel = wave.policy.max_parallel;
            let too_many = |most: Option<u32>, count: usize| most.is_some_and(|most| count > most as usize);
            if too_many(parallel.tenants, one_by_one.count()) || too_many(parallel.cells, cells.len()) {
                let detail = format!(
                    "wave {} of {}: {} tenants of {} cells are between two versions",
                    wave.name,
                    run.version,
                    tenants.len(),
                    cells.len()
                );
                return Err(("never more at once than the playbook allows", detail));
            }
        }
    }
    Ok(())
}

/// Nobody is out of service whose wave is not on its way.
pub fn downtime_ends_with_its_wave(state: &Service) -> Checked {
    for run in &state.runs {
        for wave in run.waves.iter().filter(|wave| wave.maintenance.is_some()) {
            // Whoever is left in the cell while that is undone: who was closed may be gone. Once it is, slots may have to become ready.
            let keeps = |(tenant, member): (&TenantName, &Member)| {
                state.seats.get(tenant).is_some_and(|seat| {
                    let mut steps = run.steps.iter().filter(|step| step.cell == seat.cell);
                    let returns = matches!(member.place, Place::Returning { .. });
                    steps.any(|step| step.holds_data() || (returns && step.is_in_downtime()))
                })
            };
            let undoes = matches!(wave.state, WaveState::RolledBack { .. }) && wave.members.iter().any(keeps);
            if run.policy.downtime.is_none() || !(undoes || matches!(wave.state, WaveState::Active { .. })) {
                let detail = format!(
                    "wave {} of {} is {:?} and out of service",
                    wave.name, run.version, wave.state
                );
                return Err(("planned downtime ends with its wave", detail));
            }
        }
    }
    Ok(())
}

/// What tenants are on is pinned, has slots, and these are named.
pub fn every_version_in_use_runs(state: &Service, document: &Desired) -> Checked {
    for (tenant, seat) in &state.seats {
        let Some(version) = &seat.version else { continue };
        let resolved = document
            .cells
            .get(&seat.cell)
            .and_then(|cell| cell.versions.get(version));
        if resolved.is_none() {
            let detail = format!(
                "tenant {tenant} is on {version}, which does not run in cell {}",
                seat.cell
            );
            return Err(("every version in use runs", detail));
        }
    }
    Ok(())
}

/// A wave that is watched is confirmed by a judgement that passed, by a person, or because the playbook says so. The rows are
/// those since `before`.
pub fn only_evidence_confirms(
    rows: &[(Timestamp, Entry)],
    (before, state): (&Service, &Service),
    passed: &BTreeSet<(Version, WaveName, u32)>,
) -> Checked {
    for run in &state.runs {
        let started = started_on(&run.version, rows);
        for wave in run
            .waves
            .iter()
            .filter(|wave| matches!(wave.state, WaveState::Confirmed { .. }))
        {
            let last = before
                .run(&run.version)
                .and_then(|last| last.waves.iter().find(|last| last.name == wave.name));
            let already = last.is_some_and(|last| last.state == wave.state);
            let key = (run.version.clone(), wave.name.clone(), wave.attempt);
            let lenient = run.policy.on_inconclusive == OnInconclusive::Pass;
            if !already && !lenient && is_watched(wave, &started) && !wave.promoted && !passed.contains(&key) {
                let detail = format!("wave {} of {} is confirmed, nothing has passed", wave.name, run.version);
                return Err(("missing metrics never confirm a wave", detail));
            }
        }
    }
    Ok(())
}

/// Who starts on a release where it has completed counts to its last wave, and was not there when that was confirmed.
fn started_on(version: &Version, rows: &[(Timestamp, Entry)]) -> BTreeSet<TenantName> {
    let starts = |entry: &&Entry| entry.kind == EntryKind::TenantStarted && entry.now_on.as_ref() == Some(version);
    let started = rows.iter().map(|(_, entry)| entry).filter(starts);
    started.flat_map(|entry| entry.tenants.iter().cloned()).collect()
}

/// There was somebody to watch: tenants that are on the release or were taken back from it, and that a wave had moved there.
fn is_watched(wave: &WaveRun, started: &BTreeSet<TenantName>) -> bool {
    let came = |member: &Member| member.place.is_on() || matches!(member.place, Place::Returned { .. });
    let mut members = wave.members.iter();
    !wave.policy.bake.longest.is_zero() && members.any(|(tenant, member)| came(member) && !started.contains(tenant))
}

/// The generation that put the tenant on the version it is on; `None` where it is on none.
pub fn on_its_version_since(state: &Service, tenant: &TenantName) -> Option<u64> {
    let seat = state.seats.get(tenant)?;
    seat.version.as_ref().map(|_| seat.epoch)
}

/// Who goes back waits for nothing but the slots it goes back to; where data are undone first, for those of its cell.
pub fn the_way_back_is_free(state: &Service) -> Checked {
    let is_ready = |cell: &CellName, version: &Version| {
        let cell = state.cells.get(cell);
        let slots = cell.and_then(|cell| Some((cell, cell.resolved.get(version)?)));
        slots.is_some_and(|(cell, slots)| {
            let mut slots = slots.values();
            slots.all(|id| cell.slots.get(id).is_some_and(|slot| slot.state.is_ready()))
        })
    };
    for run in &state.runs {
        for wave in &run.waves {
            let returning = wave.members.iter().filter_map(|(tenant, member)| {
                let returns = matches!(member.place, Place::Returning { .. });
                Some((
                    tenant,
                    member.from.as_ref().filter(|_| returns)?,
                    &state.seats.get(tenant)?.cell,
                ))
            });
            let returning: Vec<(&TenantName, &Version, &CellName)> = returning.collect();
            let is_closed = |tenant| wave.maintenance.as_ref().is_some_and(|it| it.tenants.contains(tenant));
            for (tenant, from, cell) in &returning {
                // What was done to its data in downtime is undone first, for all of the cell, and nobody serves these meanwhile.
                let undone_first = run.downtime_work_in(cell).is_some();
                let mut others = returning.iter().filter(|(_, _, other)| other == cell);
                let waits = undone_first && (is_closed(*tenant) || !others.all(|(_, from, cell)| is_ready(cell, from)));
                if is_ready(cell, from) && !waits {
                    let detail = format!("{tenant} is still on {}, and {from} is ready for it", run.version);
                    return Err(("the way back waits for nothing but slots", detail));
                }
            }
        }
    }
    Ok(())
}

/// A notice that was asked for is not asked for again in the same run, and what proves it stays.
pub fn a_notice_is_asked_for_once(before: &Service, state: &Service) -> Checked {
    for run in &state.runs {
        let same = |last: &&Run| last.plan == run.plan && last.applied == run.applied;
        let Some(last) = before.run(&run.version).filter(same) else {
            continue;
        };
        for (key, earlier) in &last.notices {
            let Some(now) = run.notices.get(key) else {
                return Err(("a notice is asked for once", format!("{key} is forgotten")));
            };
            let kept = |earlier: bool, same: bool| !earlier || same;
            if !kept(earlier.asked.is_some(), earlier.asked == now.asked)
                || !kept(earlier.proof.is_some(), earlier.proof == now.proof)
            {
                return Err((
                    "a notice is asked for once",
                    format!("{key} is asked for or proven anew"),
                ));
            }
        }
    }
    Ok(())
}
