mod decimal;
mod document;
mod format;
mod judge;
mod limits;
mod pattern;
mod problem;
#[cfg(test)]
mod random;
mod schema;
pub use document::Documents;
pub use problem::{Place, Problem};
