//! Two versions of an API, compared: what changed, whom it breaks, and a message that shows it.
//!
//! It refuses to know where documents come from (they are handed in as values that were parsed already, with the documents that
//! they refer to), who calls the API, and releases, tenants and waves. Whatever the documents say, the work is bounded and
//! nothing panics: what could not be decided is told as unknown, and counts as breaking.
//!
//! [`compare`] makes a [`Comparison`] of two [`Documents`]. What is judged and how is in `docs/contract.md`.

mod change;
mod compare;
mod decimal;
mod document;
mod format;
mod judge;
mod limits;
mod pattern;
mod problem;
#[cfg(test)]
mod random;
mod rule;
mod schema;

pub use change::{Breaks, Change, Comparison, Direction, Level, Policy, Witness};
pub use compare::compare;
pub use document::Documents;
pub use problem::{Place, Problem};
pub use rule::Rule;
