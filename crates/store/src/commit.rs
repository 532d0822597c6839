//! The two things that can be written: a turn's whole outcome, and rows that come from outside a turn.

use crate::facts::FactChange;
use crate::inbox::EventEntry;
use crate::journal::JournalEntry;
use crate::outbox::{OutboxEntry, SettledEffect};
use crate::plans::PlanEntry;

/// What one turn decided, applied in one transaction or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    pub service: String,
    /// The generation the turn decided on; 0 for a service that has no state yet. Checked even when `state` is
    /// `None`: to consume an event without a change is a decision too.
    pub expected_generation: u64,
    /// The next state as JSON; it gets the generation `expected_generation + 1`. `None` leaves both as they are.
    pub state: Option<String>,
    /// Sequence numbers of the events this turn took in; each must still be waiting.
    pub consumed: Vec<i64>,
    pub outbox: Vec<OutboxEntry>,
    pub settled: Vec<SettledEffect>,
    pub facts: Vec<FactChange>,
    pub plans: Vec<PlanEntry>,
    /// Digests of plans that this turn made releases of: from now on they are kept for ever. One that is not there is no mistake.
    pub applied: Vec<String>,
    pub journal: Vec<JournalEntry>,
}

/// What an applied commit led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The service's generation after the commit.
    pub generation: u64,
    /// The last row of the service's journal after the commit, 0 while it is empty.
    pub journal_seq: i64,
}

/// Rows that reach a service from outside a turn, whatever its generation: one transaction. A request that changes a
/// fact puts the event that tells the next turn about it, and the journal row that says who did it, in the same one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub service: String,
    pub events: Vec<EventEntry>,
    pub facts: Vec<FactChange>,
    pub plans: Vec<PlanEntry>,
    pub journal: Vec<JournalEntry>,
}

/// What a record led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The sequence number of each event, in the order given; one that was there already keeps its own.
    pub events: Vec<i64>,
    /// The last row of the service's journal after the record, 0 while it is empty.
    pub journal_seq: i64,
}

/// A service's state as the last commit left it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Loaded {
    #[sqlx(try_from = "i64")]
    pub generation: u64,
    pub state: String,
}
