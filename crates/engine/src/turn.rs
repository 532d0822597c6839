//! One turn: load, take the events that wait, step, commit.

use tidegate_domain::effect::{Effect, Settled};
use tidegate_domain::event::{Event, EventKind};
use tidegate_domain::id::ServiceName;
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::service::{FORMAT, Run, Service};
use tidegate_domain::step::{Refused, Step, step};
use tidegate_domain::time::Timestamp;
use tidegate_domain::waiting::Waiting;
use tidegate_store::{
    Commit, EventEntry, EventRow, Fact, FactChange, JournalEntry, Old, OutboxEntry, SettledEffect, Settlement, Store,
    StoreError,
};

/// Events taken in one turn at the most: 10,000 tenants' outcomes need a few dozen turns, and no turn is long.
const EVENTS_MAX: u32 = 500;

/// The facts that say why an event had no effect, by its key.
const REFUSAL: &str = "refusal";

/// Conflicts in a row after which something is wrong: turns of one service run one after the other.
const CONFLICTS_MAX: u32 = 16;

/// What a turn has led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Turned {
    pub state: Service,
    /// When to turn again though nothing has happened.
    pub wake: Option<Timestamp>,
    pub waiting: Vec<Waiting>,
    pub taken: Vec<Taken>,
    /// The desired document or anything else of the state is not what it was.
    pub changed: bool,
    /// More events wait than one turn takes.
    pub more: bool,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    pub seq: i64,
    pub key: String,
    pub refused: Option<Refused>,
}

#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    #[error("cannot read or write the state of service {service}")]
    Store {
        service: ServiceName,
        #[source]
        source: StoreError,
    },
    #[error("cannot understand the stored state of service {service}")]
    State {
        service: ServiceName,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "the stored state of service {service} has format {found}, this program knows {FORMAT}: use the newer program"
    )]
    NewerFormat { service: ServiceName, found: u32 },
    #[error("cannot understand event {seq} of service {service}")]
    Event {
        service: ServiceName,
        seq: i64,
        #[source]
        source: serde_json::Error,
    },
}

/// The state with its generation; a service without a state is new and has generation 0.
pub async fn load(store: &Store, service: &ServiceName) -> Result<(u64, Service), TurnError> {
    let failed = |source| TurnError::Store {
        service: service.clone(),
        source,
    };
    let Some(loaded) = store.load(service.as_str()).await.map_err(failed)? else {
        return Ok((0, Service::new(service.clone())));
    };
    let state: Service = serde_json::from_str(&loaded.state).map_err(|source| TurnError::State {
        service: service.clone(),
        source,
    })?;
    if state.format > FORMAT {
        return Err(TurnError::NewerFormat {
            service: service.clone(),
            found: state.format,
        });
    }
    Ok((loaded.generation, state))
}

/// Puts an event where the next turn finds it. The same `key` twice is the same event.
pub async fn put_event(
    store: &Store,
    service: &ServiceName,
    key: &str,
    event: &Event,
    now: Timestamp,
) -> Result<i64, TurnError> {
    let failed = |source| TurnError::Store {
        service: service.clone(),
        source,
    };
    let seqs = store
        .put_events(service.as_str(), &[entry(key, event, now)])
        .await
        .map_err(failed)?;
    Ok(seqs.first().copied().unwrap_or_default())
}

/// The row for an event.
#[must_use]
pub(crate) fn entry(key: &str, event: &Event, now: Timestamp) -> EventEntry {
    let body = serde_json::to_string(event).expect("an event has text keys only");
    EventEntry {
        key: key.to_owned(),
        actor: event.actor.to_string(),
        body,
        at_ms: now.0,
    }
}

/// Takes what waits and does all that follows, in one commit. Decides again where another turn was faster.
pub async fn turn(store: &Store, service: &ServiceName, now: Timestamp) -> Result<Turned, TurnError> {
    let mut conflicts = 0;
    loop {
        match turn_once(store, service, now).await {
            Err(TurnError::Store {
                source: StoreError::Conflict { .. } | StoreError::EventNotWaiting { .. },
                ..
            }) if conflicts < CONFLICTS_MAX => {
                conflicts += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn turn_once(store: &Store, service: &ServiceName, now: Timestamp) -> Result<Turned, TurnError> {
    let failed = |source| TurnError::Store {
        service: service.clone(),
        source,
    };
    let (generation, before) = load(store, service).await?;
    let rows = store.events(service.as_str(), EVENTS_MAX).await.map_err(failed)?;
    let events = rows
        .iter()
        .map(|row| read(service, row))
        .collect::<Result<Vec<Event>, _>>()?;
    let Step {
        state,
        effects,
        settled,
        mut journal,
        wake,
        waiting,
        refused,
    } = step(&before, &events, now);
    let taken: Vec<Taken> = rows
        .iter()
        .zip(refused)
        .map(|(row, refused)| Taken {
            seq: row.seq,
            key: row.key.clone(),
            refused,
        })
        .collect();
    journal.extend(
        taken
            .iter()
            .zip(&events)
            .filter_map(|(taken, event)| refusal(taken, event)),
    );
    let changed = state != before;
    // Without news, the effects that a step names are those that it named before: they are in the outbox.
    if changed || !rows.is_empty() || !journal.is_empty() {
        let applied = state.runs.iter().filter(|run| is_news(run, &before));
        let next = changed.then(|| serde_json::to_string(&state).expect("a state has text keys only"));
        let commit = Commit {
            service: service.to_string(),
            expected_generation: generation,
            state: next,
            consumed: rows.iter().map(|row| row.seq).collect(),
            settled: settled.iter().map(settled_effect).collect(),
            outbox: effects.iter().map(|effect| outbox(effect, now)).collect(),
            journal: journal.iter().map(|entry| journal_entry(entry, now)).collect(),
            facts: taken.iter().filter_map(kept_refusal).collect(),
            applied: applied.map(|run| run.plan.to_string()).collect(),
            ..Commit::default()
        };
        store.apply(&commit).await.map_err(failed)?;
    }
    let more = rows.len() == EVENTS_MAX as usize;
    Ok(Turned {
        state,
        wake,
        waiting,
        taken,
        changed,
        more,
    })
}

/// A plan became this release.
fn is_news(run: &Run, before: &Service) -> bool {
    before.run(&run.version).is_none_or(|known| known.plan != run.plan)
}

fn read(service: &ServiceName, row: &EventRow) -> Result<Event, TurnError> {
    serde_json::from_str(&row.body).map_err(|source| TurnError::Event {
        service: service.clone(),
        seq: row.seq,
        source,
    })
}

/// A refused command is written down too: who asked for what, and why not.
fn refusal(taken: &Taken, event: &Event) -> Option<Entry> {
    let refused = taken.refused.as_ref()?;
    let release = match &event.kind {
        EventKind::Apply { plan, .. } => Some(plan.release.version.clone()),
        EventKind::GateAsked(asked) => Some(asked.version.clone()),
        EventKind::Approve { version, .. }
        | EventKind::Reject { version, .. }
        | EventKind::Waive { version, .. }
        | EventKind::NoticesProven { version, .. }
        | EventKind::Report { version, .. }
        | EventKind::Reserve { version, .. }
        | EventKind::Hold { version, .. }
        | EventKind::Resume { version }
        | EventKind::Promote { version }
        | EventKind::Abort { version }
        | EventKind::RollBack { version, .. }
        | EventKind::CompanionSeen { version, .. }
        | EventKind::Judged { version, .. } => Some(version.clone()),
        EventKind::Freeze { .. }
        | EventKind::Unfreeze { .. }
        | EventKind::OptIn { .. }
        | EventKind::OptOut { .. }
        | EventKind::TenantAdded { .. }
        | EventKind::TenantRemoved { .. }
        | EventKind::TenantAsked { .. }
        | EventKind::JobAsked { .. }
        | EventKind::MigrationsSet(_)
        | EventKind::TenantsSynced(_)
        | EventKind::Observed { .. }
        | EventKind::Performed { .. } => None,
    };
    Some(Entry {
        actor: event.actor.clone(),
        kind: EntryKind::Refused,
        release,
        wave: None,
        reason: refused.to_string(),
        tenants: Vec::new(),
        now_on: None,
    })
}

/// Why an event that was taken before had no effect; `None` where it had one. For whoever sends the same event again.
pub async fn first_answer(store: &Store, service: &ServiceName, key: &str) -> Result<Option<Refused>, TurnError> {
    let failed = |source| TurnError::Store {
        service: service.clone(),
        source,
    };
    let kept = store.fact(service.as_str(), REFUSAL, key).await.map_err(failed)?;
    let read = kept.map(|text| serde_json::from_str(&text)).transpose();
    read.map_err(|source| TurnError::State {
        service: service.clone(),
        source,
    })
}

/// Drops a batch of events that were taken and came before, with the answers to them; says how many. Whoever sends one of them again
/// sends a new one.
///
/// # Errors
/// The store does not work.
pub async fn drop_events(store: &Store, old: &Old<'_>) -> Result<u64, StoreError> {
    store.drop_events(old, REFUSAL).await
}

/// An answer that is not kept is consent.
fn kept_refusal(taken: &Taken) -> Option<FactChange> {
    let refused = taken.refused.as_ref()?;
    Some(FactChange::Put(Fact {
        kind: REFUSAL.to_owned(),
        key: taken.key.clone(),
        body: serde_json::to_string(refused).expect("a refusal has text keys only"),
    }))
}

fn outbox(effect: &Effect, now: Timestamp) -> OutboxEntry {
    OutboxEntry {
        id: effect.id.to_string(),
        lane: effect.lane().as_str().to_owned(),
        body: serde_json::to_string(effect).expect("an effect has text keys only"),
        due_ms: now.0,
    }
}

fn settled_effect(settled: &Settled) -> SettledEffect {
    SettledEffect {
        id: settled.id.to_string(),
        settlement: Settlement::Done,
        outcome: settled.outcome.clone(),
    }
}

fn journal_entry(entry: &Entry, now: Timestamp) -> JournalEntry {
    JournalEntry {
        at_ms: now.0,
        actor: entry.actor.to_string(),
        reason: entry.reason.clone(),
        kind: entry.kind.as_str().to_owned(),
        release: entry.release.as_ref().map(ToString::to_string),
        subject: match entry.tenants.as_slice() {
            [tenant] => Some(tenant.to_string()),
            _ => None,
        },
        about: entry.tenants.iter().map(ToString::to_string).collect(),
        body: serde_json::to_string(entry).expect("an entry has text keys only"),
    }
}
