//! Raw numbers in, verdict out: whether a release hurts, and whom.
//!
//! It refuses to know where numbers come from (counters, Prometheus, a file), who asks, and what follows from a
//! verdict. It has no clock: the age of the numbers is one of them. The same evidence gets the same judgement on every
//! machine, so a stored piece of evidence proves its verdict later.
//!
//! [`judge`] is the border that stays; what stands behind it so far is a basic judgement that compares fixed totals. It
//! is read with a small error probability because it is asked again and again, which a fixed test does not correct.

mod exact;
mod health;
mod judgement;
mod sample;

pub use health::{Evidence, HealthRule, TenantEvidence, judge};
pub use judgement::{Culprit, Extent, Judgement, Numbers, Symptom, Verdict};
pub use sample::Sample;
