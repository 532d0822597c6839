//! Why nothing moves: "why is my release not moving?" is always answered, as data.

mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::calendar::LocalDate;
use crate::change::OwnerName;
use crate::effect::EffectId;
use crate::files::TimeZoneName;
use crate::id::{
    Actor, ApprovalName, CellName, ChangeId, CustomerName, Digest, JobName, RoleName, SlotId, StepName, TenantName,
    Version, WaveName, WindowName,
};
use crate::plan::NoticeKey;
use crate::policy::Who;
use crate::release::Companion;
use crate::time::Timestamp;

/// One thing that a release waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case")]
pub enum Waiting {
    /// An earlier release is still in flight.
    EarlierRelease { release: Version, earlier: Version },
    /// An earlier release in flight has still to do with tenants, or with others of their cells.
    EarlierMoves {
        release: Version,
        wave: WaveName,
        tenants: Vec<TenantName>,
        earlier: Version,
    },
    /// A release of another service that it goes together with is not where it has to be.
    Companion {
        release: Version,
        companion: Companion,
        reason: String,
    },
    /// A person or Tidegate stopped it.
    Hold {
        release: Version,
        by: Actor,
        reason: String,
        until: Option<Timestamp>,
    },
    /// People have to agree to the plan first.
    Approval {
        release: Version,
        /// Before this wave; before the release where it names none.
        wave: Option<WaveName>,
        plan: Digest,
        approval: ApprovalName,
        roles: BTreeSet<RoleName>,
        given: Vec<Actor>,
        missing: usize,
    },
    /// Tenants are not moved before the time that the plan gives them.
    Start {
        release: Version,
        wave: WaveName,
        tenants: Vec<TenantName>,
        until: Timestamp,
        because: String,
    },
    /// The windows of tenants are closed.
    Window {
        release: Version,
        wave: WaveName,
        tenants: Vec<TenantName>,
        /// The one that opens next, or the freeze that keeps it closed.
        window: Option<WindowName>,
        /// `None`: never.
        opens: Option<Timestamp>,
        reason: String,
        /// Of these tenants.
        zone: Option<TimeZoneName>,
    },
    /// A person keeps tenants where they are.
    Freeze {
        release: Version,
        wave: WaveName,
        tenants: Vec<TenantName>,
        number: u32,
        by: Actor,
        reason: String,
        until: Option<Timestamp>,
    },
    /// A notice has to be sent, or has not run its length yet.
    Notice {
        release: Version,
        wave: WaveName,
        tenants: Vec<TenantName>,
        key: NoticeKey,
        /// Since when it is to be sent.
        asked: Option<Timestamp>,
        /// When it has run its length; `None`: nobody has proven that it was sent.
        from: Option<Timestamp>,
    },
    /// A customer has to say that an earlier wave works, or that its trouble is over.
    Validation {
        release: Version,
        wave: WaveName,
        tenants: Vec<TenantName>,
        customer: CustomerName,
        /// What it has reported.
        trouble: Option<String>,
    },
    /// Tenants have to migrate, or somebody has to say that they are not affected.
    Migration {
        release: Version,
        wave: WaveName,
        tenants: Vec<TenantName>,
        change: ChangeId,
        /// Who sees to it.
        owner: Option<OwnerName>,
        /// Until when, in the tenant's own time zone, the old way works.
        deadline: Option<LocalDate>,
    },
    /// Tenants are out of service until they are moved.
    Downtime {
        release: Version,
        wave: WaveName,
        tenants: Vec<TenantName>,
        ends: Timestamp,
        /// What is not done by then is undone.
        undone: Timestamp,
        reason: String,
    },
    /// Tenants have their peak on the new version before the bake can end.
    Peak {
        release: Version,
        wave: WaveName,
        tenants: Vec<TenantName>,
        until: Timestamp,
    },
    /// The least time between two waves.
    Gap {
        release: Version,
        wave: WaveName,
        until: Timestamp,
    },
    /// A slot is not ready.
    Slot {
        release: Version,
        wave: WaveName,
        cell: CellName,
        slot: SlotId,
        reason: String,
        until: Timestamp,
    },
    /// Work on data has not ended, or cannot be begun yet.
    Step {
        release: Version,
        cell: CellName,
        step: StepName,
        reason: String,
        /// When it goes on by itself, where that is known.
        until: Option<Timestamp>,
    },
    /// A gate has not ended.
    Gate {
        release: Version,
        wave: WaveName,
        effect: EffectId,
    },
    /// A person has to answer what a gate asks.
    Answer {
        release: Version,
        wave: WaveName,
        gate: String,
        question: String,
        who: Who,
        until: Timestamp,
    },
    /// Gateways have not confirmed a switch.
    Gateways {
        release: Version,
        wave: WaveName,
        generation: u64,
        reason: String,
        until: Timestamp,
    },
    /// Workers have not been handed over.
    Workers {
        release: Version,
        wave: WaveName,
        cell: CellName,
        generation: u64,
        until: Timestamp,
    },
    /// A share of the requests is being judged.
    Canary {
        release: Version,
        wave: WaveName,
        least: Timestamp,
        longest: Timestamp,
        reason: String,
    },
    /// The wave is being watched.
    Bake {
        release: Version,
        wave: WaveName,
        least: Timestamp,
        longest: Timestamp,
        reason: String,
    },
    /// A tenant cannot go back yet: the slots it returns to are not ready.
    Return {
        release: Version,
        tenant: TenantName,
        cell: CellName,
        reason: String,
    },
    /// An old slot has requests in flight.
    Drain {
        cell: CellName,
        slot: SlotId,
        in_flight: u64,
        until: Timestamp,
    },
    /// A run of a job is due, or asked for, and does not begin yet.
    Job { job: JobName, reason: String },
    /// A tenant cannot leave its cell yet, or is kept closed in its new one.
    CellMove {
        tenant: TenantName,
        to: CellName,
        reason: String,
    },
}

impl Waiting {
    /// The release that waits; `None` where what waits is a slot that is being left, a job or a tenant.
    #[must_use]
    pub fn release(&self) -> Option<&Version> {
        match self {
            Self::EarlierRelease { release, .. }
            | Self::EarlierMoves { release, .. }
            | Self::Companion { release, .. }
            | Self::Hold { release, .. }
            | Self::Approval { release, .. }
            | Self::Start { release, .. }
            | Self::Window { release, .. }
            | Self::Freeze { release, .. }
            | Self::Notice { release, .. }
            | Self::Validation { release, .. }
            | Self::Migration { release, .. }
            | Self::Downtime { release, .. }
            | Self::Peak { release, .. }
            | Self::Gap { release, .. }
            | Self::Slot { release, .. }
            | Self::Gate { release, .. }
            | Self::Answer { release, .. }
            | Self::Step { release, .. }
            | Self::Gateways { release, .. }
            | Self::Workers { release, .. }
            | Self::Canary { release, .. }
            | Self::Bake { release, .. }
            | Self::Return { release, .. } => Some(release),
            Self::Drain { .. } | Self::Job { .. } | Self::CellMove { .. } => None,
        }
    }
}
