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
