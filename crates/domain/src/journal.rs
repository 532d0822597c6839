//! What is written down of every change: who, why, what, and which tenants.

use serde::{Deserialize, Serialize};

use crate::id::{Actor, TenantName, Version, WaveName};

/// One row of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub actor: Actor,
    pub kind: EntryKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveName>,
    /// Never empty: a change without a reason is not made.
    pub reason: String,
    /// The tenants that this row is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantName>,
    /// The version that these tenants are on from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now_on: Option<Version>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    Applied,
    Approved,
    Rejected,
    ApprovalExpired,
    Waived,
    Frozen,
    Unfrozen,
    OptedIn,
    OptedOut,
    NoticeDue,
    NoticeProven,
    Started,
    Held,
    Resumed,
    Promoted,
    Aborted,
    StageEntered,
    Judged,
    GateEnded,
    Moved,
    Returned,
    LeftBehind,
    WaveConfirmed,
    WaveRolledBack,
    Completed,
    RolledBack,
    TakenOver,
    Superseded,
    CustomerReported,
    MigrationSet,
    TakenUp,
    CompanionSeen,
    Reserved,
    DowntimeStarted,
    DowntimeExtended,
    DowntimeEnded,
    StepStarted,
    StepDone,
    StepFailed,
    StepUndone,
    StepKept,
    JobAsked,
    JobStarted,
    JobDone,
    JobFailed,
    JobDropped,
    TenantAdded,
    TenantRemoved,
    TenantStarted,
    TenantMoveBegun,
    TenantClosed,
    TenantMoved,
    TenantOpened,
    TenantMoveEnded,
    TenantSuspended,
    TenantResumed,
    SlotLeft,
    SlotStopped,
    Announced,
    Refused,
}

impl EntryKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::ApprovalExpired => "approval_expired",
            Self::Waived => "waived",
            Self::Frozen => "frozen",
            Self::Unfrozen => "unfrozen",
            Self::OptedIn => "opted_in",
            Self::OptedOut => "opted_out",
            Self::NoticeDue => "notice_due",
            Self::NoticeProven => "notice_proven",
            Self::Started => "started",
            Self::Held => "held",
            Self::Resumed => "resumed",
            Self::Promoted => "promoted",
            Self::Aborted => "aborted",
            Self::StageEntered => "stage_entered",
            Self::Judged => "judged",
            Self::GateEnded => "gate_ended",
            Self::Moved => "moved",
            Self::Returned => "returned",
            Self::LeftBehind => "left_behind",
            Self::WaveConfirmed => "wave_confirmed",
            Self::WaveRolledBack => "wave_rolled_back",
            Self::Completed => "completed",
            Self::RolledBack => "rolled_back",
            Self::TakenOver => "taken_over",
            Self::Superseded => "superseded",
            Self::MigrationSet => "migration_set",
            Self::TakenUp => "taken_up",
            Self::CustomerReported => "customer_reported",
            Self::CompanionSeen => "companion_seen",
            Self::Reserved => "reserved",
            Self::DowntimeStarted => "downtime_started",
            Self::DowntimeExtended => "downtime_extended",
            Self::DowntimeEnded => "downtime_ended",
            Self::StepStarted => "step_started",
            Self::StepDone => "step_done",
            Self::StepFailed => "step_failed",
            Self::StepUndone => "step_undone",
            Self::StepKept => "step_kept",
            Self::JobAsked => "job_asked",
            Self::JobStarted => "job_started",
            Self::JobDone => "job_done",
            Self::JobFailed => "job_failed",
            Self::JobDropped => "job_dropped",
            Self::TenantAdded => "tenant_added",
            Self::TenantRemoved => "tenant_removed",
            Self::TenantStarted => "tenant_started",
            Self::TenantMoveBegun => "tenant_move_begun",
            Self::TenantClosed => "tenant_closed",
            Self::TenantMoved => "tenant_moved",
            Self::TenantOpened => "tenant_opened",
            Self::TenantMoveEnded => "tenant_move_ended",
            Self::TenantSuspended => "tenant_suspended",
            Self::TenantResumed => "tenant_resumed",
            Self::SlotLeft => "slot_left",
            Self::SlotStopped => "slot_stopped",
            Self::Announced => "announced",
            Self::Refused => "refused",
        }
    }
}
