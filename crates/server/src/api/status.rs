//! Everything about the service at one instant: what moves, what waits and for what.

mod admission;
mod canary;
mod gates;
mod jobs;
pub mod steps;
mod together;
mod waiting;

use std::collections::BTreeMap;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::Judgement;
use tidegate_domain::id::{CellName, ComponentName, Digest, ServiceName, TenantName, Version, WaveName};
use tidegate_domain::observed::SlotState;
use tidegate_domain::release::Stage;
use tidegate_domain::service::{Cell, Phase, Place, Rolling, Run, RunPhase, Service, WaveRun, WaveState};
use tidegate_domain::time::Timestamp;
use tidegate_domain::waiting::Waiting;

pub use self::admission::{ApprovalStatus, NoticeCounts, ValidationStatus, WaiverStatus};
pub use self::canary::CanaryStatus;
use self::canary::canary;
pub use self::gates::{GateOverride, GateQuestion, GateStatus};
pub use self::jobs::JobFailures;
pub use self::steps::StepStatus;
pub use self::together::CompanionStatus;
pub use self::waiting::WaitingText;
use super::created::CreatedStatus;
use super::exchange::Answer;
use super::freezes::FreezeStatus;
use super::gateways::Gateway;
use super::journal::JournalStatus;
use super::restored::RestoredStatus;
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::clock;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    pub schema_version: u32,
    pub service: ServiceName,
    /// Of the routing as it shall be.
    pub generation: u64,
    /// The highest generation that all gateways have confirmed.
    pub confirmed: u64,
    /// Why nothing can be decided now, such as a full disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// The state was restored from a backup, and does not count yet, or the world is still being brought in line with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<RestoredStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalStatus>,
    /// In the order they were applied.
    pub releases: Vec<ReleaseStatus>,
    /// Handed in and not applied, in the order they were handed in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub created: Vec<CreatedStatus>,
    /// What is waited for that belongs to no release.
    pub waiting: Vec<WaitingText>,
    /// Put on at run time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<FreezeStatus>,
    /// When each component is due to be replaced by an upgraded one, where the playbook says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<PatchStatus>,
    pub gateways: Vec<Gateway>,
    pub cells: Vec<CellStatus>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseStatus {
    pub version: Version,
    /// `queued`, `moving`, `completed`, `rolled back`, `aborted` or `superseded`.
    pub phase: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldStatus>,
    pub plan: Digest,
    pub author: String,
    pub applied_ms: i64,
    /// Whether it can be taken back, in words.
    pub reversible: String,
    /// The release that takes whom this one has not moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<Version>,
    /// Who made the plan, where that is somebody else than who applied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_by: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<NoticeCounts>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validations: Vec<ValidationStatus>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverStatus>,
    /// The releases that go together, this one among them, in the order in which they begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<CompanionStatus>,
    pub waves: Vec<WaveStatus>,
    /// Its work on data, in cells that it has come to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepStatus>,
    /// Runs of jobs that have failed on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_jobs: Vec<JobFailures>,
    pub waiting: Vec<WaitingText>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldStatus {
    pub by: String,
    pub reason: String,
    pub since_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaveStatus {
    pub name: WaveName,
    /// `waiting`, `active`, `confirmed`, `rolled back`, `dropped` or `superseded`.
    pub state: String,
    /// Of an active wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// When it entered this state or stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<i64>,
    /// When this attempt moved its first tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched_ms: Option<i64>,
    /// Why it was rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub attempt: u32,
    /// A person skipped the rest of its canary, or of its bake.
    pub promoted: bool,
    pub tenants: TenantCounts,
    /// While a share of its tenants' clients is served by the new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStatus>,
    /// Its tenants that are out of service now, as planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<MaintenanceStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthStatus>,
    pub gates: Vec<GateStatus>,
}

/// How many tenants of a wave are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TenantCounts {
    pub total: usize,
    pub waiting: usize,
    pub moved: usize,
    pub returning: usize,
    pub returned: usize,
    /// Left behind on their version.
    pub left: usize,
    /// Moved on by a release that patches this one.
    #[serde(default)]
    pub superseded: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaintenanceStatus {
    pub tenants: Vec<TenantName>,
    pub since_ms: i64,
    /// What customers are told: the promised end, or the extended one.
    pub ends_ms: i64,
    pub extended: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthStatus {
    /// `pass`, `fail`, `inconclusive`, `no data` or `error`; only `pass` passes.
    pub verdict: String,
    pub reason: String,
    /// What it would take to decide, where that is not decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// Requests to the new version that were judged.
    pub requests: u64,
    /// When the wave was last judged so; absent for a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// The tenants that are hurt, each with its own sentence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub culprits: BTreeMap<TenantName, String>,
}

/// A component, and since when it runs unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatchStatus {
    pub component: ComponentName,
    pub since_ms: i64,
    pub due_ms: i64,
    pub overdue: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CellStatus {
    pub name: CellName,
    pub tenants: usize,
    pub slots: Vec<SlotStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlotStatus {
    pub id: String,
    pub component: ComponentName,
    /// A version that it runs for; an unchanged component serves several.
    pub version: Version,
    /// `run` or `drain`.
    pub phase: String,
    /// `unknown`, `starting`, `ready`, `failed` or `stopping`.
    pub state: String,
    /// The state in words, with its reason.
    pub text: String,
    pub in_flight: u64,
    /// Instances that take work.
    pub ready: usize,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::GET,
        "/v1/status",
        "Everything about the service at this instant",
        get,
    )]
}

async fn get(state: AppState, _: Authorized<permission::Read>, (): ()) -> Result<Answer<Status>, Problem> {
    let view = state.control().view();
    let mut status = of(&view.state, &view.waiting);
    status.trouble.clone_from(&view.trouble);
    status.gateways = super::gateways::list(&state);
    status.restored = super::restored::of(&state).await?;
    status.journal = super::journal::status(&state).await?;
    status.patches = patches(&view.state, clock::now());
    status.created = super::created::waiting(&state).await?;
    Ok(Answer(status))
}

/// The state in words.
#[must_use]
pub fn of(service: &Service, waiting: &[Waiting]) -> Status {
    let mut tenants: BTreeMap<&CellName, usize> = BTreeMap::new();
    for seat in service.seats.values() {
        *tenants.entry(&seat.cell).or_default() += 1;
    }
    let cells = service.cells.iter().map(|(name, cell)| CellStatus {
        name: name.clone(),
        tenants: tenants.get(name).copied().unwrap_or_default(),
        slots: slots(cell),
    });
    Status {
        schema_version: SCHEMA_VERSION,
        service: service.name.clone(),
        generation: service.routing.generation,
        confirmed: service.routing.confirmed,
        trouble: None,
        restored: None,
        journal: None,
        releases: service.runs.iter().map(|run| release(service, run, waiting)).collect(),
        created: Vec::new(),
        waiting: waiting
            .iter()
            .filter(|waiting| waiting.release().is_none())
            .map(waiting::in_words)
            .collect(),
        freezes: super::freezes::of(service),
        patches: Vec::new(),
        gateways: Vec::new(),
        cells: cells.collect(),
    }
}

/// By the playbook of the newest release that is completed.
pub fn rolling(service: &Service) -> Option<Rolling<'_>> {
    let run = service.completed().into_iter().next()?;
    Some(Rolling {
        calendars: &run.schedule.calendars,
        base: &run.schedule.base,
        every: run.policy.patch_every.as_ref()?,
    })
}

fn patches(service: &Service, now: Timestamp) -> Vec<PatchStatus> {
    let Some(rolling) = rolling(service) else {
        return Vec::new();
    };
    let due = service.patches_due(rolling.calendars, rolling.base, rolling.every);
    let status = due.into_iter().map(|patch| PatchStatus {
        component: patch.component,
        since_ms: patch.since.0,
        due_ms: patch.due.0,
        overdue: patch.due <= now,
    });
    status.collect()
}

impl Status {
    /// The newest release with this version.
    #[must_use]
    pub fn release(self, version: &Version) -> Option<ReleaseStatus> {
        self.releases
            .into_iter()
            .rev()
            .find(|release| release.version == *version)
    }
}

fn release(service: &Service, run: &Run, waiting: &[Waiting]) -> ReleaseStatus {
    let ended = match run.phase {
        RunPhase::Queued | RunPhase::Moving => None,
        RunPhase::Completed { at }
        | RunPhase::RolledBack { at }
        | RunPhase::Aborted { at }
        | RunPhase::Superseded { at } => Some(at.0),
    };
    let hold = run.hold.as_ref().map(|hold| HoldStatus {
        by: hold.by.to_string(),
        reason: hold.reason.clone(),
        since_ms: hold.since.0,
        until_ms: hold.until.map(|until| until.0),
    });
    ReleaseStatus {
        version: run.version.clone(),
        phase: run.phase.in_words().to_owned(),
        ended_ms: ended,
        hold,
        plan: run.plan.clone(),
        author: run.author.to_string(),
        applied_ms: run.applied.0,
        reversible: steps::reversible(service, run),
        superseded_by: run.superseded_by.clone(),
        planned_by: run
            .planned_by
            .as_ref()
            .filter(|by| **by != run.author)
            .map(ToString::to_string),
        approvals: run.approvals.iter().map(admission::approval).collect(),
        notices: admission::notices(run),
        validations: admission::validations(run),
        waivers: run.waivers.iter().map(admission::waiver).collect(),
        together: together::of(service, run),
        waves: run.waves.iter().map(|of| wave(of, run.hold.is_none())).collect(),
        steps: steps::of(run),
        failed_jobs: jobs::failed(service, &run.version),
        waiting: waiting
            .iter()
            .filter(|waiting| waiting.release() == Some(&run.version))
            .map(waiting::in_words)
            .collect(),
    }
}

/// `asks`: the release is not held, so its gates ask people.
fn wave(wave: &WaveRun, asks: bool) -> WaveStatus {
    let mut reason = None;
    let (state, since): (&str, Option<Timestamp>) = match &wave.state {
        WaveState::Waiting => ("waiting", None),
        WaveState::Active { since, .. } => ("active", Some(*since)),
        WaveState::Confirmed { at } => ("confirmed", Some(*at)),
        WaveState::RolledBack { at, reason: why } => {
            reason = Some(why.clone());
            ("rolled back", Some(*at))
        }
        WaveState::Dropped => ("dropped", None),
        WaveState::Superseded { at } => ("superseded", Some(*at)),
    };
    WaveStatus {
        name: wave.name.clone(),
        state: state.to_owned(),
        stage: match wave.state {
            WaveState::Active { stage, .. } => Some(stage),
            WaveState::Waiting
            | WaveState::Confirmed { .. }
            | WaveState::RolledBack { .. }
            | WaveState::Dropped
            | WaveState::Superseded { .. } => None,
        },
        since_ms: since.map(|since| since.0),
        switched_ms: wave.switched.map(|switched| switched.0),
        reason,
        attempt: wave.attempt,
        promoted: wave.promoted,
        tenants: counts(wave),
        canary: canary(wave),
        maintenance: wave.maintenance.as_ref().map(|maintenance| MaintenanceStatus {
            tenants: maintenance.tenants.iter().cloned().collect(),
            since_ms: maintenance.since.0,
            ends_ms: maintenance.ends.0,
            extended: maintenance.extended,
        }),
        health: wave.health.as_ref().map(|health| judgement(health, wave.judged)),
        gates: gates::of(wave, asks),
    }
}

fn counts(wave: &WaveRun) -> TenantCounts {
    let mut counts = TenantCounts {
        total: wave.members.len(),
        ..TenantCounts::default()
    };
    for member in wave.members.values() {
        match member.place {
            Place::Waiting => counts.waiting += 1,
            Place::Moved { .. } => counts.moved += 1,
            Place::Returning { .. } => counts.returning += 1,
            Place::Returned { .. } => counts.returned += 1,
            Place::Left { .. } => counts.left += 1,
            Place::Superseded { .. } => counts.superseded += 1,
        }
    }
    counts
}

fn judgement(judgement: &Judgement, at: Option<Timestamp>) -> HealthStatus {
    HealthStatus {
        verdict: judgement.verdict.in_words().to_owned(),
        reason: judgement.reason.clone(),
        needs: judgement.needs.clone(),
        requests: judgement.requests,
        at_ms: at.map(|at| at.0),
        culprits: judgement.culprits.clone(),
    }
}

fn slots(cell: &Cell) -> Vec<SlotStatus> {
    let slots = cell.slots.iter().map(|(id, slot)| SlotStatus {
        id: id.to_string(),
        component: slot.component.clone(),
        version: slot.version.clone(),
        phase: match slot.phase {
            Phase::Run => "run",
            Phase::Drain { .. } => "drain",
        }
        .to_owned(),
        state: match slot.state {
            SlotState::Unknown => "unknown",
            SlotState::Starting { .. } => "starting",
            SlotState::Ready { .. } => "ready",
            SlotState::Failed { .. } => "failed",
            SlotState::Stopping => "stopping",
        }
        .to_owned(),
        text: slot.state.in_words(),
        in_flight: slot.in_flight,
        ready: slot.state.instances().len(),
    });
    slots.collect()
}

/// A stage as files and people write it.
pub fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Prepare => "prepare",
        Stage::Verify => "verify",
        Stage::Canary => "canary",
        Stage::Switch => "switch",
        Stage::Bake => "bake",
        Stage::Confirm => "confirm",
    }
}
