//! Raw numbers in, verdict out: whether a release hurts, and whom.
//!
//! It refuses to know where numbers come from (counters, Prometheus, a file), who asks, and what follows from a
//! verdict. It has no clock: the age of the numbers is one of them. The same evidence gets the same judgement on every
//! machine, so a stored piece of evidence proves its verdict later.
//!
//! Everything sequential stands on one idea, [`Likelihood`]: how likely each ratio of the new version to the old one has become,
//! bucket by bucket. [`Monitor`] judges one metric with it, [`Detector`] stays awake for days, [`floor`] says beforehand what
//! some traffic can show. [`WaveHealth`] puts them together for a wave of tenants: what a server asks at every look.

pub mod alert;
mod change_point;
mod detector;
mod e_value;
mod exact;
mod floor;
mod health;
mod judgement;
mod monitor;
mod pair;
mod paired;
mod promotion;
mod ratio;
mod recording;
mod sample;
pub mod shadow;
mod words;

pub use change_point::{ChangePoint, change_points};
pub use detector::{Budget, Detector};
pub use e_value::{culprits, log_mean, log_weighted_mean};
pub use exact::{Count, binomial, share_at_least, share_at_most};
pub use floor::{Floor, Question, Traffic, floor};
pub use health::{CanaryTraffic, Evidence, HealthRule, Kept, TenantEvidence, WaveFloor, WaveHealth, WaveTraffic};
pub use judgement::{Culprit, Judgement, Verdict};
pub use monitor::{Assignment, Bucket, Counts, Decision, Metric, Misfit, Monitor, Rule, Samples};
pub use pair::{Pair, TRIALS_MAX};
pub use paired::{Against, BLOCKS_MIN, PAIRS_MAX, PairedRatio, independent_blocks};
pub use ratio::{Form, Likelihood};
pub use recording::{Decided, Recording};
pub use sample::Sample;
