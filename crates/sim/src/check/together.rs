//! Releases of several services that go together: none begins too early, and what one takes back all take back.

use tidegate_domain::id::Version;
use tidegate_domain::release::{Companion, Reversible};
use tidegate_domain::service::{CompanionPhase, Place, Run, RunPhase, Service};

use super::Checked;
use super::ledger::Ledger;
use crate::product;

/// What begins to be prepared has all companions where they have to be, by the plan that was applied.
pub fn begins(last: Option<&Service>, state: &Service, ledger: &Ledger) -> Checked {
    for run in state.runs.iter().filter(|run| run.has_begun()) {
        let had = last.and_then(|last| last.run(&run.version));
        if had.is_some_and(|had| had.has_begun() && had.applied == run.applied) {
            continue;
        }
        let Some(kept) = ledger.runs.get(&run.version) else {
            continue;
        };
        let all = &kept.promise.plan.release.together;
        let own = all.iter().position(|one| one.service == product::service());
        for (index, companion) in all.iter().enumerate().filter(|(index, _)| Some(*index) != own) {
            let known = run.together.iter().find(|known| known.companion == *companion);
            let phase = known.map(|known| &known.phase);
            let well = match phase {
                Some(CompanionPhase::Completed) => true,
                Some(CompanionPhase::Applied) => Some(index) > own,
                _ => false,
            };
            if !well {
                let detail = format!("{} begins, and of {companion} is known: {phase:?}", run.version);
                return Err(("releases that go together begin in their order", detail));
            }
        }
    }
    Ok(())
}

/// Where a companion has come back nobody stays, unless data, other releases or the lack of an earlier version keep them.
pub fn comes_back(state: &Service) -> Checked {
    for run in &state.runs {
        let back = run.together.iter().find(|one| one.phase == CompanionPhase::RolledBack);
        let counts = matches!(
            run.phase,
            RunPhase::Moving | RunPhase::Completed { .. } | RunPhase::Superseded { .. }
        );
        let Some(companion) = back.filter(|_| counts && can_go_back(state, run)) else {
            continue;
        };
        let mut stays = run
            .members()
            .filter(|(_, member)| matches!(member.place, Place::Moved { .. }));
        if let Some((tenant, _)) = stays.next() {
            let detail = format!(
                "{tenant} is on {}, and {} has come back",
                run.version, companion.companion
            );
            return Err(("what one service takes back, all take back", detail));
        }
    }
    Ok(())
}

/// Its server has ended a release for good.
pub fn is_over(state: &Service, version: &Version, companion: &Companion) -> bool {
    let known = state.run(version).into_iter().flat_map(|run| &run.together);
    let mut known = known.filter(|known| known.companion == *companion);
    known.any(|known| matches!(known.phase, CompanionPhase::RolledBack | CompanionPhase::Stopped))
}

fn can_go_back(state: &Service, run: &Run) -> bool {
    let moved_on = run.members().any(|(tenant, member)| {
        let on = state.seats.get(tenant).and_then(|seat| seat.version.as_ref());
        matches!(member.place, Place::Moved { .. }) && on != Some(&run.version)
    });
    let release = state.pinned.get(&run.version);
    let free = release.is_some_and(|release| release.reversible == Reversible::Always && release.steps.is_empty());
    let contracted = state.cells.values().any(|cell| cell.contracted.is_some());
    free && !contracted && !moved_on && run.came_from(|_| true).is_some()
}
