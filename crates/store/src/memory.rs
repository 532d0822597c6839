//! The memory store: the same answers from ordinary maps, for the simulator and for tests.

mod tables;

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::commit::{Applied, Commit, Loaded, Record, Recorded};
use crate::error::{Problem, StoreError};
use crate::facts::Fact;
use crate::inbox::EventRow;
use crate::journal::{JournalCheck, JournalFilter, JournalRow};
use crate::outbox::{Finished, OutboxRow, Outcome};
use crate::plans::PlanRow;
use crate::retention::Old;
use tables::Tables;

/// A store in memory. A clone is a second handle on the same rows; a [`Memory::fork`] is a store of its own.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Copied on the first write after a fork.
    tables: Arc<Tables>,
    fault: Option<Fault>,
    rival: Option<Rival>,
}

/// What another writer does.
struct Rival(Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for Rival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rival")
    }
}

/// What the next write of a memory store shall meet, as SQLite and the machine under it could do to any write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another program holds the lock: nothing is written, the caller gets [`StoreError::Busy`].
    Busy,
    /// The write stands and the caller does not learn of it: it gets a [`StoreError::Database`].
    AnswerLost,
}

/// The result of a future that never waits, such as any call on a memory store and whatever is made of such calls.
///
/// # Panics
/// Where the future does wait.
pub fn complete_now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something outside of memory"),
    }
}

impl Memory {
    /// A store of its own with the rows of this one, made without copying them: what is written to either from now on,
    /// the other does not see.
    #[must_use]
    pub fn fork(&self) -> Self {
        let tables = Arc::clone(&self.shared().tables);
        let shared = Shared {
            tables,
            ..Shared::default()
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// Makes the next write fail; `None` takes it back.
    pub fn fail_next_write(&self, fault: Option<Fault>) {
        self.shared().fault = fault;
    }

    /// Runs `rival` just before the next write: another writer, who comes between what a caller has read and what it writes.
    pub fn before_next_write(&self, rival: impl FnOnce() + Send + 'static) {
        self.shared().rival = Some(Rival(Box::new(rival)));
    }

    /// Takes the rival back; true where there was no write that it could come before.
    pub fn without_rival(&self) -> bool {
        self.shared().rival.take().is_some()
    }

    pub(crate) fn epoch(&self) -> &str {
        "memory"
    }

    /// Every write looks at all it needs before it changes anything, so that a panic elsewhere leaves no half of one.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> Result<T, StoreError> {
        Ok(look(&self.shared().tables))
    }

    fn write<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Tables) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let rival = self.shared().rival.take();
        if let Some(Rival(act)) = rival {
            act();
        }
        let mut shared = self.shared();
        let path = PathBuf::from(self.epoch());
        match shared.fault.take() {
            None => work(Arc::make_mut(&mut shared.tables)),
            Some(Fault::Busy) => Err(StoreError::Busy { operation, path }),
            Some(Fault::AnswerLost) => {
                work(Arc::make_mut(&mut shared.tables))?;
                Err(StoreError::Database {
                    operation,
                    path,
                    problem: Problem::InputOutput,
                    source: Box::new(sqlx::Error::WorkerCrashed),
                })
            }
        }
    }

    pub(crate) fn apply(&self, commit: &Commit) -> Result<Applied, StoreError> {
        self.write("apply a commit", |tables| tables.apply(commit))
    }

    pub(crate) fn record(&self, record: &Record) -> Result<Recorded, StoreError> {
        self.write("record rows", |tables| tables.record(record))
    }

    pub(crate) fn load(&self, service: &str) -> Result<Option<Loaded>, StoreError> {
        self.read(|tables| tables.load(service))
    }

    pub(crate) fn services(&self) -> Result<Vec<String>, StoreError> {
        self.read(Tables::services)
    }

    pub(crate) fn events(&self, service: &str, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        self.read(|tables| tables.inbox.waiting(service, limit))
    }

    pub(crate) fn lease(
        &self,
        lane: &str,
        owner: &str,
        now_ms: i64,
        until_ms: i64,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.write("lease effects", |tables| {
            Ok(tables.outbox.lease(lane, owner, now_ms, until_ms, limit))
        })
    }

    pub(crate) fn renew(&self, owner: &str, ids: &[String], until_ms: i64) -> Result<Vec<String>, StoreError> {
        self.write("renew leases", |tables| Ok(tables.outbox.renew(owner, ids, until_ms)))
    }

    pub(crate) fn release_lease(
        &self,
        owner: &str,
        id: &str,
        retry_at_ms: i64,
        outcome: &str,
    ) -> Result<bool, StoreError> {
        self.write("give a lease back", |tables| {
            Ok(tables.outbox.release(owner, id, retry_at_ms, outcome))
        })
    }

    pub(crate) fn finish(&self, owner: &str, outcomes: &[Outcome]) -> Result<Vec<Finished>, StoreError> {
        self.write("record outcomes", |tables| tables.finish(owner, outcomes))
    }

    pub(crate) fn effect(&self, id: &str) -> Result<Option<OutboxRow>, StoreError> {
        self.read(|tables| tables.outbox.get(id).cloned())
    }

    pub(crate) fn pending(&self, service: &str) -> Result<Vec<OutboxRow>, StoreError> {
        self.read(|tables| tables.outbox.pending(service))
    }

    pub(crate) fn next_due(&self, lane: &str) -> Result<Option<i64>, StoreError> {
        self.read(|tables| tables.outbox.next_due(lane))
    }

    pub(crate) fn facts(&self, service: &str, kind: &str) -> Result<Vec<Fact>, StoreError> {
        self.read(|tables| tables.facts(service, kind))
    }

    pub(crate) fn fact(&self, service: &str, kind: &str, key: &str) -> Result<Option<String>, StoreError> {
        self.read(|tables| tables.fact(service, kind, key))
    }

    pub(crate) fn plan(&self, digest: &str) -> Result<Option<PlanRow>, StoreError> {
        self.read(|tables| tables.plan(digest))
    }

    pub(crate) fn drop_events(&self, old: &Old<'_>, answers: &str) -> Result<u64, StoreError> {
        self.write("drop old events", |tables| Ok(tables.drop_events(old, answers)))
    }

    pub(crate) fn drop_effects(&self, old: &Old<'_>, lane: &str) -> Result<u64, StoreError> {
        self.write("drop old effects", |tables| Ok(tables.outbox.drop_old(old, lane)))
    }

    pub(crate) fn drop_plans(&self, old: &Old<'_>, kept: &[String], inputs: &str) -> Result<u64, StoreError> {
        self.write("drop old plans", |tables| Ok(tables.drop_plans(old, kept, inputs)))
    }

    pub(crate) fn journal(
        &self,
        service: &str,
        filter: JournalFilter<'_>,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<JournalRow>, StoreError> {
        self.read(|tables| tables.journal(service, filter, after_seq, limit))
    }

    pub(crate) fn journal_head(&self, service: &str) -> Result<i64, StoreError> {
        self.read(|tables| tables.journal_head(service))
    }

    pub(crate) fn journal_verify(&self, service: &str) -> Result<JournalCheck, StoreError> {
        self.read(|tables| tables.journal_verify(service))
    }
}
