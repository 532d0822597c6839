//! `playbooks/*.yaml`: how releases move.

mod auto;
mod cadence;
mod gate;
mod health;
mod wave;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::auto::Auto;
pub use self::cadence::{AnyDay, Cadence, RollingPatches, Train};
pub use self::gate::WaveGate;
pub use self::health::{Errors, Health, Latency};
pub use self::wave::{Conditions, Select, Wave};
use super::service::Environment;
use crate::id::{CalendarName, PlaybookName, WindowName};
use crate::policy::{
    ApprovalRule, Downtime, EmergencyPath, HotfixPath, NoticeRule, OnFailure, OnInconclusive, OnUnmigrated,
    ReservationRule, WhileInFlight,
};
use crate::time::Duration;

/// How releases move: in which waves, how long each is watched, and what happens when it hurts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaybookFile {
    /// The name of the playbook: the file's name without `.yaml`.
    pub name: PlaybookName,
    /// The waves, in their order. A tenant moves with the first one that selects it.
    #[schemars(length(min = 1))]
    pub waves: Vec<Wave>,
    /// The environments that a release goes through, in this order: no tenant moves in one before all waves of those before it
    /// are confirmed. Left out, the environment of a cell makes no difference.
    #[serde(default)]
    pub environments: Vec<Environment>,
    /// How the new version is judged against the old one.
    #[serde(default)]
    pub health: Health,
    /// What is rolled back by itself when a verdict fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// What happens when a bake has lasted its longest and there is no verdict.
    #[serde(default)]
    pub on_inconclusive: OnInconclusive,
    /// What becomes of tenants that a change of impact `breaking` comes to, and of which nobody has said that they have migrated
    /// or are not affected (`tidegate migrations`). Left out, they move like all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unmigrated: Option<OnUnmigrated>,
    /// What a release does that is applied while an earlier one is in flight.
    #[serde(default)]
    pub while_in_flight: WhileInFlight,
    /// How many versions of a component may run in a cell at once. What is only kept warm for a rollback is stopped first.
    #[serde(default = "crate::policy::max_versions")]
    #[schemars(range(min = 2))]
    pub max_versions: u8,
    /// How long starting the new version may take.
    #[serde(default = "prepare_within")]
    pub prepare_within: Duration,
    /// How long the gateways may take to confirm a switch.
    #[serde(default = "switch_within")]
    pub switch_within: Duration,
    /// How long the old version stays warm after the last wave.
    #[serde(default = "rollback_window")]
    pub rollback_window: Duration,
    /// The calendar that days of the release and gaps between waves are counted in. Left out, UTC without working days.
    pub calendar: Option<CalendarName>,
    /// On which days releases leave. Left out, on any.
    pub cadence: Option<Cadence>,
    /// Which releases leave on those days, and how long before they have to be ready. Left out, all, up to the last moment.
    #[serde(default)]
    pub train: Train,
    /// The windows, by name, that tenants move in. Left out, all that the service has.
    pub windows: Option<Vec<WindowName>>,
    /// The freezes, by name, that are obeyed. Left out, all that the service has.
    pub freezes: Option<Vec<WindowName>>,
    /// Whether a wave takes the hour of least traffic of all that are admissible. It needs a traffic profile.
    #[serde(default)]
    pub quietest: bool,
    /// Who is told what, and how long before. Left out, nobody.
    #[serde(default)]
    pub notices: Vec<NoticeRule>,
    /// Who has to agree. Left out, nobody.
    #[serde(default)]
    pub approvals: Vec<ApprovalRule>,
    /// How an emergency release moves.
    #[serde(default)]
    pub emergency: EmergencyPath,
    /// How a hot-fix moves where it is otherwise than other releases. Left out, as they do.
    #[serde(default)]
    pub hotfix: HotfixPath,
    /// The downtime that a release may plan. Left out, none.
    pub downtime: Option<Downtime>,
    /// Whether tenants may choose when they move. Left out, they move when the plan says.
    pub reservations: Option<ReservationRule>,
    /// How often the parts of the service are replaced by upgraded ones. Left out, whenever somebody does.
    pub rolling_patches: Option<RollingPatches>,
    /// What is done by itself with a release that was handed in (`tidegate releases create`). Left out, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto: Option<Auto>,
    /// With `auto: apply`: whether a release that something blocks gives way to one that was handed in later. Left out, the
    /// later one waits for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto_supersedes: bool,
}

fn prepare_within() -> Duration {
    Duration::from_secs(300)
}

fn switch_within() -> Duration {
    Duration::from_secs(60)
}

fn rollback_window() -> Duration {
    Duration::from_hours(24)
}
