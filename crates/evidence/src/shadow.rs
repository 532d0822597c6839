//! Recorded responses of two versions to the same requests: where they differ, and whether that is the release or noise.
//!
//! Noise is measured: the old version answers each request twice. If the new version behaves as the old one does, its answer and the
//! old version's second one are exchangeable, so of the pairs in which exactly one of them differs from the first answer, half
//! are expected on each side (Q. McNemar, Psychometrika 12, 1947, in its exact form). That is tested for each endpoint, field and
//! kind of difference, and S. Holm's bound holds all tests together. A difference that is there in every answer of either
//! version cannot be told from noise by whether it is there; only its kind can.
//!
//! The test is read once, when the recordings are complete. Looked at again and again it would have to be paid for.

mod array;
mod body;
mod comparison;
mod difference;
mod endpoint;
mod field;
mod json;
mod latency;
mod record;
mod report;
mod rules;
#[cfg(test)]
mod tests;

pub use comparison::Comparison;
pub use difference::{Differences, Shown};
pub use endpoint::endpoint;
pub use field::{Field, Kind, Pattern, Step};
pub use json::DEPTH_MAX;
pub use record::{Misread, Record};
pub use report::{EndpointReport, FieldReport, LatencyReport, Report};
pub use rules::{IGNORED_HEADERS, Normaliser, REDACTED_NAMES, Rules, Tolerance};

/// The probability of failing a version that answers as the old one does.
pub const ALPHA: f64 = 0.01;
/// The part of it that is spent on latency.
const ALPHA_OF_LATENCY: f64 = 0.002;
/// The part of it that is spent on what the responses say.
const ALPHA_OF_RESPONSES: f64 = ALPHA - ALPHA_OF_LATENCY;
/// With fewer pairs nothing is said about a version.
pub const PAIRS_MIN: u64 = 50;
