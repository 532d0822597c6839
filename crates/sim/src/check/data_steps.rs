//! Work on data: done before what needs it, one at a time, never under the feet of a version that runs, and taken back with its
//! release.

use std::collections::BTreeSet;

use tidegate_domain::id::{CellName, Version};
use tidegate_domain::release::{AfterStep, DataStep, DataStepKind};
use tidegate_domain::service::{Place, Run, RunPhase, Service, StepPhase, StepRun, WaveState};
use tidegate_domain::time::Timestamp;

use super::Checked;
use super::ledger::Ledger;
use crate::world::{Gateways, Performed};

/// What a state must be like by itself. What a step is, is what was promised.
pub fn are_sound(state: &Service, ledger: &Ledger) -> Checked {
    data_is_ready(state, ledger)?;
    one_at_a_time(state, ledger)?;
    nobody_lacks_what_was_contracted(state)
}

fn data_is_ready(state: &Service, ledger: &Ledger) -> Checked {
    const RULE: &str = "a version runs only on data that is expanded for it";
    for run in &state.runs {
        let expands = |step: &&StepRun| promised(ledger, run, step).kind == DataStepKind::Expand;
        for step in run.steps.iter().filter(expands).filter(|step| !step.is_done()) {
            let runs = in_use(state, &run.version, &step.cell);
            let slot = has_slot_of_its_own(state, &step.cell, |version| *version == run.version);
            if runs || slot {
                let detail = format!(
                    "cell {} runs {}, whose step {} is {}",
                    step.cell,
                    run.version,
                    step.step.name,
                    step.phase.in_words()
                );
                return Err((RULE, detail));
            }
        }
    }
    Ok(())
}

/// A step as the plan had it when it was checked.
fn promised<'a>(ledger: &'a Ledger, run: &Run, step: &'a StepRun) -> &'a DataStep {
    let kept = ledger.runs.get(&run.version).into_iter();
    let mut steps = kept.flat_map(|kept| &kept.promise.plan.release.steps);
    let found = steps.find(|promised| promised.name == step.step.name);
    found.unwrap_or(&step.step)
}

/// A tenant of the cell is on the version.
fn in_use(state: &Service, version: &Version, cell: &CellName) -> bool {
    let mut seats = state.seats.values();
    seats.any(|seat| seat.cell == *cell && seat.version.as_ref() == Some(version))
}

/// A slot that only versions such as these run.
fn has_slot_of_its_own(state: &Service, cell: &CellName, is_one: impl Fn(&Version) -> bool) -> bool {
    let Some(cell) = state.cells.get(cell) else {
        return false;
    };
    cell.slots.keys().any(|slot| {
        let mut versions = cell
            .resolved
            .iter()
            .filter(|(_, slots)| slots.values().any(|id| id == slot));
        versions.all(|(version, _)| is_one(version))
    })
}

fn one_at_a_time(state: &Service, ledger: &Ledger) -> Checked {
    let mut busy = BTreeSet::new();
    let steps = state
        .runs
        .iter()
        .flat_map(|run| run.steps.iter().map(move |step| (run, step)));
    for (run, step) in steps.filter(|(_, step)| step.is_at_work()) {
        if !busy.insert((&step.cell, &promised(ledger, run, step).database)) {
            let detail = format!("step {} works in cell {} beside another", step.step.name, step.cell);
            return Err(("one step at a time works on a database", detail));
        }
    }
    Ok(())
}

fn nobody_lacks_what_was_contracted(state: &Service) -> Checked {
    for (index, run) in state.runs.iter().enumerate() {
        let later: BTreeSet<&Version> = state.runs[index..].iter().map(|run| &run.version).collect();
        for (tenant, seat) in &state.seats {
            let Some(on) = &seat.version else { continue };
            let lacks = run.contracted_in(&seat.cell).is_some() && (*on < run.version || !later.contains(on));
            if lacks {
                let detail = format!(
                    "tenant {tenant} is on {on} in cell {}, which {} has contracted",
                    seat.cell, run.version
                );
                return Err(("no version runs without the data it needs", detail));
            }
        }
    }
    Ok(())
}

/// What may follow a state, by what was promised of each release.
pub fn follow(last: &Service, state: &Service, ledger: &Ledger, now: Timestamp) -> Checked {
    for run in &state.runs {
        for step in &run.steps {
            let before = phase_in(last, &run.version, step);
            if before == Some(step.phase) || !step.is_at_work() {
                continue;
            }
            may_begin(state, run, step, ledger, now)?;
        }
        loses_nothing_by_itself(last, run, ledger)?;
    }
    Ok(())
}

fn phase_in(last: &Service, version: &Version, step: &StepRun) -> Option<StepPhase> {
    let found = last.run(version)?.step(&step.cell, &step.step.name);
    found
        .filter(|before| before.attempt == step.attempt)
        .map(|before| before.phase)
}

fn may_begin(state: &Service, run: &Run, step: &StepRun, ledger: &Ledger, now: Timestamp) -> Checked {
    let detail = || format!("step {} of {} in cell {}", step.step.name, run.version, step.cell);
    if step.phase == StepPhase::Undoing {
        let in_downtime = run.steps.iter().any(|it| it.is_in_downtime() && it.cell == step.cell);
        if in_use(state, &run.version, &step.cell) && !in_downtime {
            return Err(("work is taken back when nobody needs it", detail()));
        }
        if let Some(run) = run_of_job(state, &step.cell, |version| *version == run.version) {
            return Err((
                "work is taken back when nobody needs it",
                format!("{}: {run}", detail()),
            ));
        }
        return Ok(());
    }
    match promised(ledger, run, step).kind {
        // That nobody is served, gateways tell.
        DataStepKind::Expand | DataStepKind::DuringDowntime => {}
        DataStepKind::Migrate => {
            let mut here = run
                .waves
                .iter()
                .filter(|wave| wave.cells(&state.seats).contains(&step.cell));
            if here.any(|wave| !matches!(wave.state, WaveState::Confirmed { .. })) {
                return Err(("data is migrated behind its release", detail()));
            }
        }
        DataStepKind::Contract => {
            let promise = ledger.runs.get(&run.version).map(|kept| &kept.promise.plan);
            let window = promise.map_or(run.policy.rollback_window, |plan| plan.policy.rollback_window);
            let over = matches!(run.phase, RunPhase::Completed { at } if at + window <= now);
            // One that was begun is finished.
            if !over && step.failures == 0 {
                return Err(("data is contracted when nobody can be taken back", detail()));
            }
            let begun = state.runs.iter().position(|other| other.version == run.version);
            let later = &state.runs[begun.unwrap_or_default()..];
            let is_earlier = |version: &Version| later.iter().all(|run| run.version != *version);
            if let Some(run) = run_of_job(state, &step.cell, is_earlier) {
                return Err((
                    "data is contracted when nobody can be taken back",
                    format!("{}: {run}", detail()),
                ));
            }
            if has_slot_of_its_own(state, &step.cell, is_earlier) {
                return Err((
                    "data is contracted when nobody can be taken back",
                    format!("{}: a slot runs", detail()),
                ));
            }
        }
    }
    Ok(())
}

/// A run of a job that goes on in the cell on such a version.
fn run_of_job(state: &Service, cell: &CellName, is_one: impl Fn(&Version) -> bool) -> Option<String> {
    let mut runs = state.jobs.values().filter_map(|job| job.run.as_ref());
    let run = runs.find(|run| run.cell == *cell && is_one(&run.version))?;
    Some(format!("a job runs on {}", run.version))
}

/// Who goes back without having been sent back by a person.
fn loses_nothing_by_itself(last: &Service, run: &Run, ledger: &Ledger) -> Checked {
    let Some(before) = last.run(&run.version) else {
        return Ok(());
    };
    let served = |step: &StepRun| !step.is_in_downtime() || in_use(last, &run.version, &step.cell);
    let loses = |step: &&StepRun| {
        step.has_begun() && served(step) && promised(ledger, run, step).rollback == AfterStep::LosesNewWrites
    };
    for (tenant, member) in run.members() {
        let (Place::Returning { reason } | Place::Returned { reason, .. }) = &member.place else {
            continue;
        };
        let moved = before
            .members()
            .any(|(name, before)| name == tenant && matches!(before.place, Place::Moved { .. }));
        let cell = last.seats.get(tenant).map(|seat| &seat.cell);
        let lost = before.steps.iter().filter(|step| Some(&step.cell) == cell).find(loses);
        if let Some(step) = lost.filter(|_| moved && reason.starts_with("tidegate/")) {
            let detail = format!(
                "tenant {tenant} leaves {} behind step {}: {reason}",
                run.version, step.step.name
            );
            return Err(("nothing that was written is lost by itself", detail));
        }
    }
    Ok(())
}

/// What is said to be done was done.
pub fn were_done(state: &Service, performed: &Performed) -> Checked {
    for run in &state.runs {
        let done = run
            .steps
            .iter()
            .filter(|step| step.is_done() && step.phase != StepPhase::Kept);
        for step in done {
            if performed.times(step.effect(&run.version).as_str()) == 0 {
                let detail = format!("step {} of {} in cell {}", step.step.name, run.version, step.cell);
                return Err(("a step is done when its command has ended well", detail));
            }
        }
    }
    Ok(())
}

/// What is at hand of a release: what else is not done waits for people or for other tenants.
pub fn open(run: &Run) -> impl Iterator<Item = &StepRun> {
    run.steps
        .iter()
        .filter(|step| step.is_at_work() || run.takes_back(step))
}

/// What gateways serve, and what was done outside to the data.
pub fn nobody_is_served_on_other_data(
    state: &Service,
    ledger: &Ledger,
    gateways: &Gateways,
    performed: &Performed,
) -> Checked {
    for run in &state.runs {
        let in_downtime = |step: &&StepRun| promised(ledger, run, step).kind == DataStepKind::DuringDowntime;
        for step in run.steps.iter().filter(in_downtime) {
            if step.is_at_work()
                && let Some(reached) = gateways.reaches(&step.cell, state)
            {
                let detail = format!(
                    "step {} of {} in cell {}: {reached}",
                    step.step.name, run.version, step.cell
                );
                return Err(("nobody is served while data are worked on in downtime", detail));
            }
            let worked = performed.worked(&run.version, &step.cell, &step.step);
            let taken_back = step.phase == StepPhase::Undone;
            if !worked && !taken_back {
                continue;
            }
            for (tenant, member) in run.members() {
                let here = state.seats.get(tenant).filter(|seat| seat.cell == step.cell);
                let Some(seat) = here else { continue };
                let on_new = seat.version.as_ref() == Some(&run.version);
                let on_old = !on_new && seat.version.is_some() && seat.version == member.from;
                let lacks_its_own = (worked && on_old) || (taken_back && on_new);
                if lacks_its_own && gateways.opens(&seat.cell, tenant) {
                    let detail = format!(
                        "tenant {tenant} is served by {:?} after step {} of {}{}",
                        seat.version,
                        step.step.name,
                        run.version,
                        if taken_back { " was taken back" } else { "" }
                    );
                    return Err(("nobody is served on data of another version", detail));
                }
            }
        }
    }
    Ok(())
}
