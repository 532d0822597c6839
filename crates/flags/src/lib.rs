//! Feature flags in flagd's format: definitions in, compiled rules, the same answer to the same question everywhere.
//!
//! It refuses to know where definitions come from and who asks for values, what time it is (a timestamp is an argument), and
//! releases, tenants and waves: those are attributes of a context to it. Whatever a definition or a context says, the work is
//! bounded (see [`limits`]) and nothing panics.
//!
//! [`load`] makes a [`Snapshot`] of a definition and of the snapshot before it: a flag whose new definition is refused stays
//! as it was.

mod bucket;
mod change;
mod debt;
pub mod limits;
pub mod lint;
mod load;
mod outcome;
mod problem;
mod rule;
mod snapshot;
mod version;

pub use bucket::HashVersion;
pub use change::{FlagChange, Kind as ChangeKind, Member, Move, Moves, Question, diff, moves};
pub use debt::{Debt, Patience, Stage, Suggestion, Usage, debt, undefined};
pub use load::{load, load_document};
pub use outcome::{ErrorCode, Kind, Outcome, Reason, whole};
pub use problem::{Problem, Severity};
pub use snapshot::{Count, Flag, Snapshot, Variant};
