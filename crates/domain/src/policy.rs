//! What a plan froze of its playbook: how this release moves, and what happens when it hurts.

mod approval;
mod canary;
mod gap;
mod gate;
pub(crate) mod health;
mod in_flight;
mod manual;
mod migration;
mod notice;
mod path;
mod reservation;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::Period;
use crate::id::PlaybookName;
use crate::time::Duration;

pub use self::approval::{ApprovalPoint, ApprovalRule, Before};
pub use self::canary::Canary;
pub use self::gap::{Gap, InvalidGap};
pub use self::gate::{Disposition, GateOutcome, GateUse, gate_names};
pub(crate) use self::in_flight::max_versions;
pub use self::in_flight::{MAX_VERSIONS, WhileInFlight};
pub use self::manual::{Manual, Who};
pub use self::migration::OnUnmigrated;
pub use self::notice::{NoticeKind, NoticeRule};
pub use self::path::{Downtime, EmergencyPath, HotfixPath, OnlyWhen, Skip, Validation, WhenSilent};
pub use self::reservation::ReservationRule;

/// For the whole release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub playbook: PlaybookName,
    /// The new slots must be ready within this time of the wave's start.
    pub prepare_within: Duration,
    /// Every gateway must have confirmed within this time of a switch.
    pub switch_within: Duration,
    /// How long the old slots stay warm after the last wave.
    pub rollback_window: Duration,
    pub on_failure: OnFailure,
    pub on_inconclusive: OnInconclusive,
    /// What becomes of tenants that a breaking change would break. `None`: they are moved like all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unmigrated: Option<OnUnmigrated>,
    pub health: HealthPolicy,
    /// The release is an emergency: what it does not wait for, and what is due afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<EmergencyPath>,
    /// Tenants are out of service while they are switched, for as long as this says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime: Option<Downtime>,
    /// Whether tenants may choose when they move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservations: Option<ReservationRule>,
    /// How it goes with earlier releases that are in flight.
    #[serde(default, skip_serializing_if = "WhileInFlight::is_queue")]
    pub while_in_flight: WhileInFlight,
    /// How many versions of a component may run in a cell at once.
    #[serde(default = "in_flight::max_versions", skip_serializing_if = "in_flight::is_default")]
    pub max_versions: u8,
    /// A component that runs unchanged for longer is overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_every: Option<Period>,
}

/// For one wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WavePolicy {
    pub max_parallel: Parallel,
    /// A share of the tenants' requests goes to the new version first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    pub bake: Bake,
    /// Least time after the wave before is confirmed, counted in the calendar of [`crate::plan::Schedule::base`].
    pub gap: Gap,
    pub gates: Vec<GateUse>,
    /// What customers have to report of an earlier wave before their tenants of this one move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
}

impl WavePolicy {
    /// The least time from when its tenants may move until it is confirmed.
    #[must_use]
    pub fn least(&self) -> Duration {
        self.least_canary() + self.bake.least
    }

    /// The least time until they move.
    #[must_use]
    pub fn least_canary(&self) -> Duration {
        self.canary.map_or(Duration::ZERO, |canary| canary.least)
    }
}

/// How many may be between two versions at once. `None` is all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parallel {
    /// Tenants whose switch is not confirmed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub tenants: Option<u32>,
    /// Cells that have such tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub cells: Option<u32>,
}

/// How long moved tenants are watched before the wave counts as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bake {
    /// Never shorter than this.
    pub least: Duration,
    /// Never longer than this: then `on_inconclusive` decides. Zero: the wave is not watched at all.
    pub longest: Duration,
    /// Requests to the new version that must have been judged, counted over the whole wave.
    pub requests: u64,
    /// What else has to pass by before the wave can end, `longest` or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<Through>,
    /// Tenants with fewer requests a week than this have no peak worth waiting for: the plan names them.
    #[serde(skip_serializing_if = "is_zero")]
    pub excuse_below: u64,
    /// What happens at the longest without a verdict; left out, what the playbook says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_inconclusive: Option<OnInconclusive>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What a bake lasts through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Through {
    /// The next hours of most traffic of each tenant, by the traffic profile that the plan froze.
    Peak,
}

impl Default for Bake {
    fn default() -> Self {
        Self {
            least: Duration::from_secs(600),
            longest: Duration::from_hours(2),
            requests: 100,
            through: None,
            excuse_below: 0,
            on_inconclusive: None,
        }
    }
}

/// Who is brought back when a verdict fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The tenants that the verdict names; the wave where it names none.
    Tenant,
    /// The wave that is judged.
    #[default]
    Wave,
    /// Every tenant that the release has moved.
    Release,
    /// Nobody: the release is held until a person decides.
    Hold,
}

/// What becomes of a wave whose bake has lasted its longest without a clear verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnInconclusive {
    #[default]
    Hold,
    Pass,
}

/// When a wave's health has failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthPolicy {
    /// The probability of failing a wave that is no worse than tolerated, over its whole bake; between 0 and 1.
    #[serde(default = "health::alpha", skip_serializing_if = "health::is_alpha")]
    pub alpha: f64,
    /// The probability of failing one that has baked, on one day; between 0 and 1.
    #[serde(
        default = "health::false_alarms_per_day",
        skip_serializing_if = "health::is_false_alarms_per_day"
    )]
    pub false_alarms_per_day: f64,
    /// How many times as many errors and slow answers as before are no cause to act, at least 1.
    #[serde(default = "health::margin", skip_serializing_if = "health::is_margin")]
    pub margin: f64,
    /// The new version's share of errors may exceed the old one's by so many percentage points, ...
    pub error_margin_percent: f64,
    /// ... as long as it is below this, in percent. Above it only `margin` counts.
    pub error_ceiling_percent: f64,
    /// The latency quantile that is compared, between 0 and 1.
    pub latency_quantile: f64,
    /// The new version's may be this many times the old one's, ...
    pub latency_ratio: f64,
    /// ... plus this.
    pub latency_slack: Duration,
    /// How often the evidence is judged.
    pub interval: Duration,
}

// The numbers come from a checked file and are finite, so equality is total.
impl Eq for HealthPolicy {}
