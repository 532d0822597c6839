//! The one door: what both stores do alike.

use std::path::Path;

use crate::backup::Copied;
use crate::commit::{Applied, Commit, Loaded, Record, Recorded};
use crate::error::StoreError;
use crate::facts::{Fact, FactChange};
use crate::inbox::{EventEntry, EventRow};
use crate::journal::{Checkpoint, Exported, JournalCheck, JournalEntry, JournalFilter, JournalRow};
use crate::memory::Memory;
use crate::outbox::{Finished, OutboxRow, Outcome};
use crate::plans::{PlanEntry, PlanRow};
use crate::retention::Old;
use crate::sqlite::{self, Sqlite};

/// A store. A clone is a second handle on the same one.
///
/// The two kinds answer every call alike, errors included. SQLite wants a Tokio runtime; every future of the memory
/// store is complete when it is first polled, so that a simulator runs it without any ([`complete_now`]).
/// A call whose future is dropped half-way was either applied whole or not at all.
///
/// [`complete_now`]: crate::complete_now
#[derive(Clone, Debug)]
pub enum Store {
    Sqlite(Sqlite),
    Memory(Memory),
}

/// Sends a call to the store at hand; only SQLite makes its caller wait.
macro_rules! either {
    ($self:ident.$call:ident($($argument:expr),*)) => {
        match $self {
            Self::Sqlite(sqlite) => sqlite.$call($($argument),*).await,
            Self::Memory(memory) => memory.$call($($argument),*),
        }
    };
}

impl Store {
    /// Opens the SQLite database at `path`, makes it and its directory where they are missing, and brings its tables to
    /// this version. Until the last handle is dropped no other process can open it.
    ///
    /// # Errors
    /// `InUse`, `NewerSchema`, `Directory`, `Migrate`, `Busy`, `Database`.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Sqlite::open(path).await.map(Self::Sqlite)
    }

    /// What the file of a backup holds. It is only read, from end to end.
    ///
    /// # Errors
    /// `NotWhole`, `NewerSchema`, `File`, `Database`.
    pub async fn look_at_backup(from: &Path) -> Result<Copied, StoreError> {
        sqlite::restore::look_at_backup(from).await
    }

    /// Makes a store at `path` of the backup whose digest was looked at, with an epoch of its own, and with `marks` written
    /// into it before anybody can open it. Killed at any instant, it leaves no store, or a whole one with its marks.
    ///
    /// # Errors
    /// `NotWhole`, `NewerSchema`, `InUse`, `StoreThere`, `File`, `Directory`, `Migrate`, `Busy`, `Database`.
    pub async fn restore(from: &Path, path: &Path, digest: &str, marks: &[Record]) -> Result<(), StoreError> {
        sqlite::restore::restore(from, path, digest, marks).await
    }

    /// Writes a copy of the store as it is at one instant to `to`, whole and readable by its owner alone, while others go
    /// on writing to the store. One at a time may be written to a name.
    ///
    /// # Errors
    /// `Exists`, `File`, `Busy`, `Database`, `InMemory`.
    pub async fn backup(&self, to: &Path) -> Result<Copied, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.backup(to).await,
            Self::Memory(_) => Err(StoreError::InMemory),
        }
    }

    /// An empty store that lasts as long as its handles.
    #[must_use]
    pub fn memory() -> Self {
        Self::Memory(Memory::default())
    }

    /// The id drawn when the store was made: whoever remembers a generation remembers this with it, and so tells this
    /// store from one that took its place. Always `memory` for the memory store, to keep simulations repeatable.
    #[must_use]
    pub fn epoch(&self) -> &str {
        match self {
            Self::Sqlite(sqlite) => sqlite.epoch(),
            Self::Memory(memory) => memory.epoch(),
        }
    }

    /// Applies what a turn decided: all of it, or nothing.
    ///
    /// # Errors
    /// `Conflict`, `EventNotWaiting`, `EffectDiffers`, `UnknownEffect`, `PlanDiffers`, in this order of looking.
    pub async fn apply(&self, commit: &Commit) -> Result<Applied, StoreError> {
        either!(self.apply(commit))
    }

    /// Writes rows from outside a turn: all of them, or nothing.
    ///
    /// # Errors
    /// `EventDiffers`, `PlanDiffers`, in this order of looking.
    pub async fn record(&self, record: &Record) -> Result<Recorded, StoreError> {
        either!(self.record(record))
    }

    /// The state of a service, `None` before its first commit with one.
    pub async fn load(&self, service: &str) -> Result<Option<Loaded>, StoreError> {
        either!(self.load(service))
    }

    /// The names of all services that have a state, sorted.
    pub async fn services(&self) -> Result<Vec<String>, StoreError> {
        either!(self.services())
    }

    /// Puts events and says the sequence number of each ([`Recorded::events`]).
    ///
    /// # Errors
    /// `EventDiffers`.
    pub async fn put_events(&self, service: &str, events: &[EventEntry]) -> Result<Vec<i64>, StoreError> {
        let recorded = self
            .record(&Record {
                service: service.to_owned(),
                events: events.to_vec(),
                ..Record::default()
            })
            .await?;
        Ok(recorded.events)
    }

    /// The oldest events that wait, in the order they came.
    pub async fn events(&self, service: &str, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        either!(self.events(service, limit))
    }

    /// Leases to `owner` the effects of a lane that are due at `now_ms` or whose lease has lapsed by then, those ready
    /// longest first. `owner` names one performer in one life: a restarted one must not pass for its predecessor.
    pub async fn lease(
        &self,
        lane: &str,
        owner: &str,
        now_ms: i64,
        until_ms: i64,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        either!(self.lease(lane, owner, now_ms, until_ms, limit))
    }

    /// Extends leases that `owner` holds and returns the ids it no longer holds: those it should stop working on.
    pub async fn renew(&self, owner: &str, ids: &[String], until_ms: i64) -> Result<Vec<String>, StoreError> {
        either!(self.renew(owner, ids, until_ms))
    }

    /// Gives an effect back to be tried again at `retry_at_ms`, with a word on why. False where `owner` does not hold
    /// it any more; nothing is changed then.
    pub async fn release_lease(
        &self,
        owner: &str,
        id: &str,
        retry_at_ms: i64,
        outcome: &str,
    ) -> Result<bool, StoreError> {
        either!(self.release_lease(owner, id, retry_at_ms, outcome))
    }

    /// Ends effects and puts their events, in one transaction. Says what became of each, in the order given; to repeat
    /// a report changes nothing.
    ///
    /// # Errors
    /// `UnknownEffect`, `EventDiffers`: the whole batch is refused.
    pub async fn finish(&self, owner: &str, outcomes: &[Outcome]) -> Result<Vec<Finished>, StoreError> {
        either!(self.finish(owner, outcomes))
    }

    /// One effect by its id, whatever its state.
    pub async fn effect(&self, id: &str) -> Result<Option<OutboxRow>, StoreError> {
        either!(self.effect(id))
    }

    /// The effects of a service that are due or leased, by id.
    pub async fn pending(&self, service: &str) -> Result<Vec<OutboxRow>, StoreError> {
        either!(self.pending(service))
    }

    /// When [`Store::lease`] next has something in this lane: the earliest moment an effect is due or a lease lapses.
    pub async fn next_due(&self, lane: &str) -> Result<Option<i64>, StoreError> {
        either!(self.next_due(lane))
    }

    /// Changes facts alone. Where the change is to be accounted for, [`Store::record`] takes the journal row with it.
    pub async fn change_facts(&self, service: &str, changes: &[FactChange]) -> Result<(), StoreError> {
        self.record(&Record {
            service: service.to_owned(),
            facts: changes.to_vec(),
            ..Record::default()
        })
        .await?;
        Ok(())
    }

    /// A service's facts of one kind, by key.
    pub async fn facts(&self, service: &str, kind: &str) -> Result<Vec<Fact>, StoreError> {
        either!(self.facts(service, kind))
    }

    /// The body of one fact.
    pub async fn fact(&self, service: &str, kind: &str, key: &str) -> Result<Option<String>, StoreError> {
        either!(self.fact(service, kind, key))
    }

    /// Keeps a plan.
    ///
    /// # Errors
    /// `PlanDiffers`.
    pub async fn put_plan(&self, service: &str, plan: &PlanEntry) -> Result<(), StoreError> {
        self.record(&Record {
            service: service.to_owned(),
            plans: vec![plan.clone()],
            ..Record::default()
        })
        .await?;
        Ok(())
    }

    /// A plan by its digest.
    pub async fn plan(&self, digest: &str) -> Result<Option<PlanRow>, StoreError> {
        either!(self.plan(digest))
    }

    /// Drops events that were consumed and came before, and the facts of kind `answers` under their keys; says how many. The newest
    /// event stays, so that no number is given away twice. An event that comes again under a dropped key is a new one.
    pub async fn drop_events(&self, old: &Old<'_>, answers: &str) -> Result<u64, StoreError> {
        either!(self.drop_events(old, answers))
    }

    /// Drops effects of a lane that have ended and were due before; says how many. One whose holder may still report stays. An
    /// effect that is decided again under a dropped id is a new one: the caller names lanes in which none is.
    pub async fn drop_effects(&self, old: &Old<'_>, lane: &str) -> Result<u64, StoreError> {
        either!(self.drop_effects(old, lane))
    }

    /// Drops plans that were made before and that no release came of, and the facts of kind `inputs` under their digests; says how
    /// many. Those `kept` stay.
    pub async fn drop_plans(&self, old: &Old<'_>, kept: &[String], inputs: &str) -> Result<u64, StoreError> {
        either!(self.drop_plans(old, kept, inputs))
    }

    /// Rows of a service's journal after the one numbered `after_seq`, in order.
    pub async fn journal(
        &self,
        service: &str,
        filter: JournalFilter<'_>,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<JournalRow>, StoreError> {
        either!(self.journal(service, filter, after_seq, limit))
    }

    /// The number of the last row of a service's journal, 0 while it is empty.
    pub async fn journal_head(&self, service: &str) -> Result<i64, StoreError> {
        either!(self.journal_head(service))
    }

    /// Writes the rows at the beginning of a service's journal that are older than `before_ms` to the file `to`, one JSON document a
    /// line, synced and whole when it has its name; the journal stays as it is. `None` where no row is so old.
    ///
    /// # Errors
    /// `Exists`, `File`, `Busy`, `Database`, `InMemory`.
    pub async fn export_journal(
        &self,
        service: &str,
        before_ms: i64,
        to: &Path,
    ) -> Result<Option<Exported>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.export_journal(service, before_ms, to).await,
            Self::Memory(_) => Err(StoreError::InMemory),
        }
    }

    /// What [`Store::export_journal`] wrote to the file `from` and nobody dropped; `None` where there is no such file. Every row of it
    /// is followed from where the journal begins.
    ///
    /// # Errors
    /// `NotInJournal` where the file says something else, `File`, `Busy`, `Database`, `InMemory`.
    pub async fn exported_journal(&self, service: &str, from: &Path) -> Result<Option<Exported>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.exported_journal(service, from).await,
            Self::Memory(_) => Err(StoreError::InMemory),
        }
    }

    /// Drops the rows of a service's journal up to a checkpoint and appends the row that tells of it, in one transaction. That row
    /// names the hash of the checkpoint in its body: without it, the journal is not whole. Says the number of that row.
    ///
    /// # Errors
    /// `NotInJournal`, `Busy`, `Database`, `InMemory`.
    pub async fn drop_journal(
        &self,
        service: &str,
        checkpoint: &Checkpoint,
        told: &JournalEntry,
    ) -> Result<i64, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.drop_journal(service, checkpoint, told).await,
            Self::Memory(_) => Err(StoreError::InMemory),
        }
    }

    /// Reads a service's journal from end to end, or from its checkpoint, and hashes it again.
    pub async fn journal_verify(&self, service: &str) -> Result<JournalCheck, StoreError> {
        either!(self.journal_verify(service))
    }
}
