//! Handing over work between the worker slots of a cell: whoever shall not own something any more lets go of it first,
//! then its owner is told to begin.
//!
//! What a worker owns is asked of the worker each time, so that nothing depends on what was told before. A worker that
//! does not answer cannot hold up its successor for long: the epoch makes the resource refuse it (see `docs/worker.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tidegate_domain::desired::Owns;
use tidegate_domain::id::SlotId;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use self::protocol::{CallFailed, Share, Status};
use super::in_words;
use super::instance::Ready;

mod protocol;

/// Who shall own what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Assignment {
    pub generation: u64,
    pub workers: BTreeMap<SlotId, Worker>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Worker {
    pub owns: Owns,
    /// Where it is spoken to, as long as it is ready.
    pub ready: Option<Ready>,
}

/// What has been made so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct InForce {
    pub generation: u64,
    /// Why a worker does not own what it shall.
    pub troubles: BTreeMap<SlotId, String>,
}

/// Makes assignments so, one after the other.
pub(super) struct Keeper {
    pub assignments: watch::Receiver<Assignment>,
    pub in_force: watch::Sender<InForce>,
    pub news: Arc<Notify>,
    /// How long a worker may take to finish what it lets go of.
    pub hand_over_max: Duration,
}

/// What one round of calls came to.
#[derive(Debug, Default)]
struct Round {
    /// Owners that are not at work, and why.
    troubles: BTreeMap<SlotId, String>,
    /// Workers that have not let go of something, in the life that was asked.
    unanswered: BTreeSet<(SlotId, i64)>,
}

/// How a worker answered.
struct LetGo<'a> {
    slot: &'a SlotId,
    life: i64,
    /// What it owned before it was asked to let go.
    status: Option<Status>,
    failed: Option<CallFailed>,
}

/// Until the next round where something is not as it shall be.
const AGAIN: Duration = Duration::from_millis(250);
/// How long a worker may take to say what it owns, or to begin.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// The same for one that has not answered before: it must not hold up the others again.
const ANSWER_MAX_UNANSWERED: Duration = Duration::from_millis(250);

impl Keeper {
    pub async fn run(mut self) {
        let mut round = Round::default();
        loop {
            let assignment = self.assignments.borrow_and_update().clone();
            round = self.round(&assignment, &round.unanswered).await;
            self.tell(&assignment, &round);
            let settled = round.troubles.is_empty() && round.unanswered.is_empty();
            let changed = self.assignments.changed();
            let over = match settled {
                true => changed.await.is_err(),
                false => matches!(timeout(AGAIN, changed).await, Ok(Err(_))),
            };
            if over {
                return;
            }
        }
    }

    fn tell(&self, assignment: &Assignment, round: &Round) {
        let told = self.in_force.send_if_modified(|held| {
            let before = held.clone();
            if round.troubles.is_empty() {
                held.generation = assignment.generation;
            }
            held.troubles.clone_from(&round.troubles);
            *held != before
        });
        if told {
            for (slot, reason) in &round.troubles {
                tracing::info!(%slot, reason, "a worker does not own yet what it shall");
            }
            self.news.notify_one();
        }
    }

    async fn round(&self, assignment: &Assignment, unanswered: &BTreeSet<(SlotId, i64)>) -> Round {
        let mut round = Round::default();
        let mut held = BTreeMap::new();
        let asked = assignment.workers.iter().filter_map(|(slot, worker)| {
            let ready = worker.ready.as_ref()?;
            let before = unanswered.contains(&(slot.clone(), ready.life));
            Some(self.let_go(slot, &worker.owns, ready, before))
        });
        for LetGo {
            slot,
            life,
            status,
            failed,
        } in join_all(asked).await
        {
            held.extend(status.map(|status| (slot, status)));
            if let Some(error) = failed {
                let entry = (slot.clone(), life);
                if !unanswered.contains(&entry) {
                    tracing::warn!(%slot, error = in_words(&error), "a worker does not hand over; it is fenced");
                }
                round.unanswered.insert(entry);
            }
        }
        let owners = assignment
            .workers
            .iter()
            .filter(|(_, worker)| owns_something(&worker.owns));
        let begun = owners.map(|(slot, worker)| begin(slot, worker, held.get(slot)));
        for (slot, begun) in join_all(begun).await {
            if let Err(reason) = begun {
                round.troubles.insert(slot.clone(), reason);
            }
        }
        round
    }

    /// Asks a worker what it owns, and has it let go of what it shall not.
    async fn let_go<'a>(&self, slot: &'a SlotId, owns: &Owns, ready: &Ready, before: bool) -> LetGo<'a> {
        let address = ready.instance.address;
        let quick = if before { ANSWER_MAX_UNANSWERED } else { ANSWER_MAX };
        let patient = if before {
            ANSWER_MAX_UNANSWERED
        } else {
            self.hand_over_max
        };
        let (status, failed) = match protocol::status(address, quick).await {
            Err(error) => (None, Some(error)),
            Ok(status) => {
                let failed = deactivate(address, &status.extra(owns), patient).await.err();
                (Some(status), failed)
            }
        };
        LetGo {
            slot,
            life: ready.life,
            status,
            failed,
        }
    }
}

async fn deactivate(address: SocketAddr, extra: &[Share], limit: Duration) -> Result<(), CallFailed> {
    for share in extra {
        protocol::deactivate(address, share, limit).await?;
    }
    Ok(())
}

/// Has an owner take what it does not hold yet; an error is the reason, in words.
async fn begin<'a>(slot: &'a SlotId, worker: &Worker, status: Option<&Status>) -> (&'a SlotId, Result<(), String>) {
    let Some(ready) = &worker.ready else {
        return (slot, Err("it is not ready".to_owned()));
    };
    let Some(status) = status else {
        return (slot, Err("it does not answer".to_owned()));
    };
    let begun = match status.missing(&worker.owns) {
        Some(share) => protocol::activate(ready.instance.address, &share, ANSWER_MAX).await,
        None => Ok(()),
    };
    (slot, begun.map_err(|error| in_words(&error)))
}

/// A worker in standby owns nothing, and nobody waits for it.
fn owns_something(owns: &Owns) -> bool {
    match owns {
        Owns::Nothing => false,
        Owns::Tenants(tenants) => !tenants.is_empty(),
        Owns::Cell(_) => true,
    }
}
