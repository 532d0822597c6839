//! A person has compared, and says that the restored state is to count from here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tidegate_domain::effect::EffectId;
use tidegate_domain::event::{Event, EventKind, Judgement, Verdict};
use tidegate_domain::id::{Actor, CellName, SlotId};
use tidegate_effects::drivers::Driver;
use tidegate_engine::{TurnError, load};
use tidegate_store::{Commit, EventEntry, JournalEntry, SettledEffect, Settlement, StoreError};

use super::{Mark, comparison, row};
use crate::api::{PendingEffect, RestoredStatus};
use crate::clock;
use crate::control::Control;
use crate::gateways::Gateways;

/// Between the highest generation that was reported and the next: more than a server can have given out to workers, or to a
/// gateway that was lost with it, after the last one that anybody reports.
const MARGIN: u64 = 1_000_000;

/// Keys of the events that end effects.
const KEY_PREFIX: &str = "restored/";

/// More events than ever wait: they are read whole.
const EVENTS_MAX: u32 = 1_000_000;

/// What becomes of the effects that were asked for before the backup was made.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    pub carry_out: BTreeSet<String>,
    pub drop: BTreeSet<String>,
    /// They were done after the backup, says the person.
    pub done: BTreeSet<String>,
}

/// What was confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    pub generation: u64,
    pub carried_out: Vec<String>,
    pub dropped: Vec<String>,
    pub done: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    #[error("the state was not restored, or was confirmed before: there is nothing to confirm")]
    NotRestored,
    #[error("not everything was compared yet: {}", .0.join("; "))]
    Incomplete(Vec<String>),
    #[error("no effect `{0}` is pending; `tidegate status` lists them")]
    UnknownEffect(String),
    #[error("effect `{0}` is named twice: say one of do, drop and done")]
    NamedTwice(String),
    #[error(transparent)]
    State(#[from] TurnError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How one effect goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    CarryOut,
    Drop,
    Done,
}

/// Raises the state above all that was seen, ends the effects that are not to be carried out, and lets the loops go on: one
/// commit, so that a confirmation killed half-way is none.
pub async fn confirm(
    control: &Control,
    gateways: &Gateways,
    driver: &dyn Driver,
    effects: &Effects,
    (actor, reason): (&Actor, &str),
) -> Result<Confirmed, ConfirmError> {
    let mark = control
        .mark()
        .filter(Mark::is_unconfirmed)
        .ok_or(ConfirmError::NotRestored)?;
    let compared = comparison::compare(&mark, control, gateways, driver).await?;
    if !compared.missing.is_empty() {
        return Err(ConfirmError::Incomplete(compared.missing));
    }
    let choices = choose(&compared.pending, effects)?;
    let (at, mut state) = load(control.store(), control.service()).await?;
    let highest = compared.reported.unwrap_or(0).max(state.highest_generation());
    let generation = highest.saturating_add(MARGIN);
    state.raise_above(generation, &running(driver));
    let consumed = outdated(control).await?;
    let ended = end_gates_and_steps(&choices, &compared.pending, actor);
    control.store().put_events(control.service().as_str(), &ended).await?;
    let confirmed = Mark {
        confirmed: Some(generation),
        ..mark
    };
    let answer = answer(generation, &choices);
    let commit = Commit {
        service: control.service().to_string(),
        expected_generation: at,
        state: Some(serde_json::to_string(&state).expect("a state has text keys only")),
        consumed,
        settled: settle(&choices, &compared.pending),
        facts: vec![confirmed.put()],
        journal: rows(&compared, &answer, (actor, reason)),
        ..Commit::default()
    };
    control.store().apply(&commit).await?;
    gateways.ask_for_routes(false);
    control.remark(Some(confirmed));
    Ok(answer)
}

fn running(driver: &dyn Driver) -> BTreeMap<CellName, BTreeSet<SlotId>> {
    let cells = driver.running().into_iter();
    cells.map(|(cell, slots)| (cell, slots.into_keys().collect())).collect()
}

fn choose(pending: &[PendingEffect], effects: &Effects) -> Result<BTreeMap<String, Choice>, ConfirmError> {
    let by_default = |one: &PendingEffect| match comparison::is_message(&one.lane) {
        true => Choice::Drop,
        false => Choice::CarryOut,
    };
    let mut choices: BTreeMap<String, Choice> = pending.iter().map(|one| (one.id.clone(), by_default(one))).collect();
    let mut named = BTreeSet::new();
    let lists = [
        (&effects.carry_out, Choice::CarryOut),
        (&effects.drop, Choice::Drop),
        (&effects.done, Choice::Done),
    ];
    for (ids, choice) in lists {
        for id in ids {
            if !named.insert(id) {
                return Err(ConfirmError::NamedTwice(id.clone()));
            }
            match choices.get_mut(id) {
                Some(chosen) => *chosen = choice,
                None => return Err(ConfirmError::UnknownEffect(id.clone())),
            }
        }
    }
    Ok(choices)
}

/// What drivers and gateways were seen to do before the backup says nothing of now, and a confirmation that was killed before
/// its commit may have left its word on effects.
async fn outdated(control: &Control) -> Result<Vec<i64>, StoreError> {
    let waiting = control.store().events(control.service().as_str(), EVENTS_MAX).await?;
    let is_observation = |body: &str| {
        let event = serde_json::from_str::<Event>(body);
        event.is_ok_and(|event| matches!(event.kind, EventKind::Observed { .. }))
    };
    let outdated = waiting
        .iter()
        .filter(|row| row.key.starts_with(KEY_PREFIX) || is_observation(&row.body));
    Ok(outdated.map(|row| row.seq).collect())
}

/// Releases wait for gates and steps, so they are told how these ended.
fn end_gates_and_steps(choices: &BTreeMap<String, Choice>, pending: &[PendingEffect], by: &Actor) -> Vec<EventEntry> {
    let now = clock::now();
    let waited_for = pending.iter().filter(|one| !comparison::is_message(&one.lane));
    let ended = waited_for.filter_map(|one| {
        let judgement = match choices.get(&one.id)? {
            Choice::CarryOut => return None,
            Choice::Drop => Judgement::new(Verdict::Error, format!("dropped by {by} after a restore")),
            Choice::Done => Judgement::new(Verdict::Pass, format!("it was done before the restore, says {by}")),
        };
        let event = Event {
            actor: by.clone(),
            reason: None,
            kind: EventKind::Performed {
                effect: EffectId::read(&one.id),
                judgement,
            },
        };
        Some(EventEntry {
            key: format!("{KEY_PREFIX}{}/{}", now.0, one.id),
            actor: by.to_string(),
            body: serde_json::to_string(&event).expect("an event has text keys only"),
            at_ms: now.0,
        })
    });
    ended.collect()
}

fn settle(choices: &BTreeMap<String, Choice>, pending: &[PendingEffect]) -> Vec<SettledEffect> {
    let ended = pending.iter().filter_map(|one| {
        let (settlement, outcome) = match choices.get(&one.id)? {
            Choice::CarryOut => return None,
            Choice::Drop => (Settlement::Dead, "dropped after a restore"),
            Choice::Done => (Settlement::Done, "done before a restore"),
        };
        Some(SettledEffect {
            id: one.id.clone(),
            settlement,
            outcome: outcome.to_owned(),
        })
    });
    ended.collect()
}

fn answer(generation: u64, choices: &BTreeMap<String, Choice>) -> Confirmed {
    let of = |wanted: Choice| -> Vec<String> {
        let chosen = choices.iter().filter(|(_, choice)| **choice == wanted);
        chosen.map(|(id, _)| id.clone()).collect()
    };
    Confirmed {
        generation,
        carried_out: of(Choice::CarryOut),
        dropped: of(Choice::Drop),
        done: of(Choice::Done),
    }
}

/// One row for the confirmation with what was compared, one for each effect that is not carried out.
fn rows(compared: &RestoredStatus, answer: &Confirmed, (actor, reason): (&Actor, &str)) -> Vec<JournalEntry> {
    let body = json!({
        "generation": answer.generation,
        "carried_out": answer.carried_out,
        "restored": compared,
    });
    let mut rows = vec![row(actor, "restore_confirmed", reason.to_owned(), &body)];
    for (ids, kind) in [(&answer.dropped, "effect_dropped"), (&answer.done, "effect_done")] {
        let ended = compared.pending.iter().filter(|one| ids.contains(&one.id));
        rows.extend(ended.map(|one| JournalEntry {
            subject: Some(one.id.clone()),
            ..row(actor, kind, format!("{reason}: {}", one.text), &json!(one))
        }));
    }
    rows
}
