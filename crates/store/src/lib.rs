//! Everything Tidegate must still know after a crash, and the only SQL in the house.
//!
//! One [`Commit`] is one transaction: the state of a service where its generation still matches, the events it
//! consumed, the effects it decided on, the facts, plans and journal rows that go with it. All of it stands or none.
//!
//! What this crate refuses to know: what a row means. States, events, effects, facts and plans are opaque JSON
//! text; services, lanes, kinds and owners are names that it compares and never reads. It has no clock (moments
//! come in as Unix milliseconds) and no randomness but the epoch that SQLite draws when a store is made.

mod backup;
mod commit;
mod error;
mod facts;
mod inbox;
mod journal;
mod memory;
mod outbox;
mod plans;
mod retention;
mod sqlite;
mod store;

pub use backup::{Copied, CopiedService};
pub use commit::{Applied, Commit, Loaded, Record, Recorded};
pub use error::{Problem, StoreError};
pub use facts::{Fact, FactChange};
pub use inbox::{EventEntry, EventRow};
pub use journal::{Checkpoint, Exported, JournalCheck, JournalEntry, JournalFilter, JournalRow};
pub use memory::{Fault, Memory, complete_now};
pub use outbox::{Finished, OutboxEntry, OutboxRow, OutboxState, Outcome, SettledEffect, Settlement};
pub use plans::{PlanEntry, PlanRow};
pub use retention::Old;
pub use sqlite::Sqlite;
pub use store::Store;
