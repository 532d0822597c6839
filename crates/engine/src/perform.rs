//! Performing: lease, do, report. The outcome comes back as an event; nothing else is written.

use tidegate_domain::effect::{Effect, EffectId, Lane};
use tidegate_domain::event::{Event, EventKind, Judgement};
use tidegate_domain::id::Actor;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_store::{OutboxRow, Outcome, Settlement, Store, StoreError};

use crate::turn::entry;

/// Who performs, and for how long an effect is theirs.
#[derive(Debug, Clone)]
pub struct Lease<'a> {
    /// One performer in one life: a restarted one must not pass for its predecessor.
    pub owner: &'a str,
    pub length: Duration,
    /// Effects taken at once.
    pub limit: u32,
}

/// How an attempt at an effect ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It is over; this is what the next turn hears.
    Over(Judgement),
    /// It is to be tried again at `at`, and why.
    Again { at: Timestamp, why: String },
    /// It is given up: nothing that can be done here helps.
    Dead(Judgement),
}

#[derive(Debug, thiserror::Error)]
pub enum PerformError {
    #[error("cannot {operation} effects of lane {lane}")]
    Store {
        operation: &'static str,
        lane: &'static str,
        #[source]
        source: StoreError,
    },
    #[error("cannot understand effect {id}")]
    Effect {
        id: String,
        #[source]
        source: serde_json::Error,
    },
}

/// Takes what is due in `lane`, has it done one after the other, and reports each outcome. Returns how many were taken.
///
/// An effect may be done twice: a performer that dies between doing and reporting leaves its lease to lapse. `act` gets the
/// effect's id to tell whoever is reached that it is the same.
pub async fn perform(
    store: &Store,
    lane: Lane,
    lease: &Lease<'_>,
    now: Timestamp,
    act: impl AsyncFn(&Effect) -> Done,
) -> Result<usize, PerformError> {
    let failed = |operation| {
        move |source| PerformError::Store {
            operation,
            lane: lane.as_str(),
            source,
        }
    };
    let until = now + lease.length;
    let rows = store
        .lease(lane.as_str(), lease.owner, now.0, until.0, lease.limit)
        .await
        .map_err(failed("lease"))?;
    for row in &rows {
        let effect: Effect = serde_json::from_str(&row.body).map_err(|source| PerformError::Effect {
            id: row.id.clone(),
            source,
        })?;
        let (settlement, judgement) = match act(&effect).await {
            Done::Over(judgement) => (Settlement::Done, judgement),
            Done::Dead(judgement) => (Settlement::Dead, judgement),
            Done::Again { at, why } => {
                store
                    .release_lease(lease.owner, &row.id, at.0, &why)
                    .await
                    .map_err(failed("release"))?;
                continue;
            }
        };
        let outcome = report(row, settlement, judgement, now);
        store.finish(lease.owner, &[outcome]).await.map_err(failed("finish"))?;
    }
    Ok(rows.len())
}

fn report(row: &OutboxRow, settlement: Settlement, judgement: Judgement, now: Timestamp) -> Outcome {
    let text = judgement.reason.clone();
    let kind = EventKind::Performed {
        effect: EffectId::read(&row.id),
        judgement,
    };
    let event = Event {
        actor: Actor::system(&row.lane),
        reason: None,
        kind,
    };
    // The lease count makes a second report of the same life the same event, and one of a later life another.
    let key = format!("performed/{}/{}", row.id, row.attempts);
    Outcome {
        id: row.id.clone(),
        settlement,
        outcome: text,
        event: entry(&key, &event, now),
    }
}
