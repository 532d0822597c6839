//! What has happened: the only input of [`crate::step::step`] besides the state and the time.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::calendar::LocalDate;
use crate::change::OwnerName;
use crate::effect::EffectId;
use crate::id::{Actor, CellName, ChangeId, CustomerName, Digest, JobName, RoleName, TenantName, Version, WaveName};
use crate::observed::{CellReports, GatewayReport};
use crate::plan::{NoticeKey, Plan};
use crate::release::Companion;
use crate::service::{CompanionPhase, MigrationState, ReportOutcome, Selection, Waived};
use crate::time::Timestamp;

/// One event, with who caused it and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub kind: EventKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A plan shall be carried out. `author` made it, where somebody else applies it.
    Apply {
        plan: Box<Plan>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<Actor>,
    },
    /// A person agrees to the plan that was applied. `roles` is what the person is trusted with.
    Approve {
        version: Version,
        plan: Digest,
        roles: BTreeSet<RoleName>,
    },
    /// A person does not agree: the release is held.
    Reject {
        version: Version,
        plan: Digest,
        roles: BTreeSet<RoleName>,
    },
    /// A person lets a release move these tenants, until then, without what they would have to wait for.
    Waive {
        version: Version,
        of: Waived,
        tenants: Selection,
        until: Timestamp,
    },
    /// Nobody of these is moved forward, by whatever release; from now on where `from` says nothing.
    Freeze {
        of: Selection,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    },
    /// A freeze is lifted before its time.
    Unfreeze { number: u32 },
    /// A tenant wants to be among the first, from the next plan on.
    OptIn { tenant: TenantName },
    /// A tenant wants to be left where it is: it leaves the waves that it waits in.
    OptOut { tenant: TenantName },
    /// Notices were sent at `at`; the event's reason says where that can be seen.
    NoticesProven {
        version: Version,
        keys: BTreeSet<NoticeKey>,
        at: Option<Timestamp>,
    },
    /// A customer has tried the release on its tenants of an earlier wave; the event's reason is what it says.
    Report {
        version: Version,
        customer: CustomerName,
        outcome: ReportOutcome,
    },
    /// Somebody says how far tenants are with what a breaking change asks of them.
    MigrationsSet(MigrationsSet),
    /// A tenant is to be moved at this time, or when the plan has it again.
    Reserve {
        version: Version,
        tenant: TenantName,
        at: Option<Timestamp>,
    },
    /// A person stops a release from moving forward, until they resume it or `until` has come.
    Hold { version: Version, until: Option<Timestamp> },
    /// A person lets it move again. A wave that was rolled back starts anew.
    Resume { version: Version },
    /// A person skips the rest of the bake.
    Promote { version: Version },
    /// A person ends the release: the wave in flight goes back, what is confirmed stays.
    Abort { version: Version },
    /// A person decides about one gate of one wave.
    GateAsked(GateAsked),
    /// A person brings tenants back.
    RollBack { version: Version, scope: Scope },
    /// A tenant was created.
    TenantAdded { tenant: TenantName, cell: CellName },
    /// A tenant is gone.
    TenantRemoved { tenant: TenantName },
    /// A person wants something of one tenant.
    TenantAsked { tenant: TenantName, ask: TenantAsk },
    /// A person wants a job to be run once.
    JobAsked { job: JobName },
    /// These are all tenants there are.
    TenantsSynced(Roster),
    /// What drivers and gateways see has changed.
    Observed {
        cells: CellReports,
        gateways: GatewayReport,
    },
    /// The judgement of a wave has changed.
    Judged {
        version: Version,
        wave: WaveName,
        attempt: u32,
        judgement: Judgement,
    },
    /// The server of another service tells how far a release is that one of this service goes together with.
    CompanionSeen {
        version: Version,
        companion: Companion,
        phase: CompanionPhase,
    },
    /// An effect has ended.
    Performed { effect: EffectId, judgement: Judgement },
}

/// What can be done with a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TenantAsk {
    /// It shall live in this cell; the one it lives in takes a move back that has not been switched yet.
    Move {
        cell: CellName,
        /// It stays closed in the new cell until a person opens it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keep_closed: bool,
        /// The service file has this cell, whether or not anything has run there.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        declared: bool,
    },
    /// It was kept closed in its new cell, and is served from now on.
    Open,
    /// None of its requests is served.
    Suspend,
    /// It was suspended, and is served again.
    Resume,
}

/// A decision about one gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateAsked {
    pub version: Version,
    pub wave: WaveName,
    /// What it is called in its wave.
    pub gate: String,
    pub ask: GateAsk,
}

/// What can be decided about a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum GateAsk {
    /// It stops nothing, whatever it says, now and in every later attempt of the wave.
    Override,
    /// The answer to what the gate asks people. `roles` is what the person is trusted with.
    Answer { yes: bool, roles: BTreeSet<RoleName> },
}

/// How far tenants are with what a change asks of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationsSet {
    pub change: ChangeId,
    pub tenants: BTreeSet<TenantName>,
    pub state: MigrationState,
    /// `None`: as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerName>,
    /// `None`: as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<LocalDate>,
}

/// All tenants there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    pub tenants: BTreeMap<TenantName, Listed>,
    /// Where more would be removed, nothing is done.
    pub remove_at_most: usize,
    /// The cells that the service file has.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub declared: BTreeSet<CellName>,
}

/// What a list of all tenants says of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    pub cell: CellName,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
}

/// Who is rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    Tenant(TenantName),
    Wave(WaveName),
    Everything,
}

/// Only `Pass` passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Fail,
    Inconclusive,
    NoData,
    Error,
}

/// A verdict with what a person needs to believe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    pub verdict: Verdict,
    /// One sentence, with the numbers.
    pub reason: String,
    /// What it would take to decide, where that is not decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// Requests to the new version that were judged.
    #[serde(default)]
    pub requests: u64,
    /// The tenants that are hurt, where that is known, each with its own sentence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub culprits: BTreeMap<TenantName, String>,
}

impl Judgement {
    /// Of something that counts no requests and knows of no tenant.
    #[must_use]
    pub fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
            needs: None,
            requests: 0,
            culprits: BTreeMap::new(),
        }
    }
}
