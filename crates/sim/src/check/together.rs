//! Releases of several services that go together: none begins too early, and what one takes back all take back.

use std::collections::BTreeSet;

use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::release::{Companion, Reversible};
use tidegate_domain::service::{CompanionPhase, CompanionRun, Member, Place, Run, RunPhase, Service};
use tidegate_domain::time::Timestamp;

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

/// Companions that have come back, and what that asked of a release here is settled: it could not go back when they did, which
/// people were told, or a person has let it go on since.
#[derive(Debug, Clone, Default)]
pub struct Settled(BTreeSet<(Version, Timestamp, Companion)>);

impl Settled {
    /// Where a companion has come back nobody stays, unless data, other releases or the lack of an earlier version kept them then.
    pub fn comes_back(&mut self, rows: &[(Timestamp, Entry)], last: Option<&Service>, state: &Service) -> Checked {
        let mut settled = BTreeSet::new();
        let mut checked = Ok(());
        for run in &state.runs {
            let had = last.and_then(|last| last.runs.iter().find(|had| is_same(had, run)));
            for companion in came_back(run) {
                let key = (run.version.clone(), run.applied, companion.clone());
                let is_known = had.is_some_and(|had| came_back(had).any(|known| known == companion));
                let is_settled = if is_known {
                    self.0.contains(&key) || rows.iter().any(|(_, row)| lets_go_on(row, run))
                } else {
                    let before = last.zip(had);
                    !can_go_back(state, run) || before.is_some_and(|(last, had)| !can_go_back(last, had))
                };
                if is_settled {
                    settled.insert(key);
                } else {
                    checked = checked.and(nobody_stays(state, run, companion));
                }
            }
        }
        self.0 = settled;
        checked
    }
}

fn is_same(had: &Run, run: &Run) -> bool {
    had.version == run.version && had.applied == run.applied
}

fn came_back(run: &Run) -> impl Iterator<Item = &Companion> {
    let back = |one: &&CompanionRun| one.phase == CompanionPhase::RolledBack;
    run.together.iter().filter(back).map(|one| &one.companion)
}

fn lets_go_on(row: &Entry, run: &Run) -> bool {
    row.kind == EntryKind::Resumed && row.release.as_ref() == Some(&run.version)
}

fn nobody_stays(state: &Service, run: &Run, companion: &Companion) -> Checked {
    let counts = matches!(
        run.phase,
        RunPhase::Moving | RunPhase::Completed { .. } | RunPhase::Superseded { .. }
    );
    let stays = |(_, member): &(&TenantName, &Member)| matches!(member.place, Place::Moved { .. });
    match run.members().find(stays) {
        Some((tenant, _)) if counts && can_go_back(state, run) => {
            let detail = format!("{tenant} is on {}, and {companion} has come back", run.version);
            Err(("what one service takes back, all take back", detail))
        }
        Some(_) | None => Ok(()),
    }
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
