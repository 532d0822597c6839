//! What shall be done once outside. An effect's id is derived from what it is for, so that the same decision cannot be
//! enqueued twice, and the same id with another body is an error.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{CellName, DatabaseName, JobName, JobOf, ServiceName, StepName, TenantName, Version, WaveName};
use crate::plan::{NoticeKey, PlannedNotice};
use crate::policy::GateUse;
use crate::release::SlotSpec;
use crate::time::{Duration, Timestamp};

/// `release/cell/kind/subject/attempt`; `-` where a part does not apply. Plan ids are no part of it: a new plan for the
/// same decision must not do the same thing again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectId(String);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    pub id: EffectId,
    pub body: EffectBody,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectBody {
    /// Run a gate against the new slots of a wave.
    Gate {
        version: Version,
        wave: WaveName,
        gate: GateUse,
    },
    /// Tell those who listen what has become of a release.
    Announce(Announcement),
    /// Send one message to one contact of a customer.
    Notice {
        version: Version,
        notice: Box<PlannedNotice>,
    },
    /// Work on data, or take that work back.
    Step(Box<StepTask>),
    /// One run of a job.
    Job(Box<JobTask>),
}

/// A command that works on data. It holds all that is needed to run it, whatever becomes of its release meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTask {
    pub version: Version,
    pub step: StepName,
    pub database: DatabaseName,
    /// Whose artifact and configuration the command gets, and in which cell.
    pub spec: SlotSpec,
    pub command: Vec<String>,
    pub timeout: Duration,
}

/// One run of a job. It holds all that is needed to run it, whatever becomes of its release and its tenant meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobTask {
    pub version: Version,
    /// `None`: it is for the whole cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    pub spec: SlotSpec,
    pub timeout: Duration,
    /// The scheduled instant that it is for; `None`: a person wanted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// The word of a step that an effect is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    pub id: EffectId,
    /// Why, in words.
    pub outcome: String,
}

/// Effects of one lane wait for each other; lanes do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    Gate,
    Announce,
    Notice,
    Step,
    Job,
}

/// A step in the life of a release, for outgoing webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    pub service: ServiceName,
    pub release: Version,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveName>,
    pub milestone: Milestone,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    ReleaseStarted,
    WaveStarted,
    WaveSwitched,
    WaveConfirmed,
    WaveRolledBack,
    ReleaseHeld,
    ReleaseResumed,
    ReleaseCompleted,
    ReleaseRolledBack,
    ReleaseAborted,
    ReleaseSuperseded,
    /// Tenants are out of service from now.
    DowntimeStarted,
    /// It lasts longer than was promised.
    DowntimeExtended,
    DowntimeEnded,
    /// Work on data has failed.
    StepFailed,
    /// It should have come back, and cannot by itself.
    RollbackRefused,
}

impl Lane {
    /// Those that Tidegate performs. A notice is sent by a person or another program, who then says so.
    pub const PERFORMED: [Self; 4] = [Self::Gate, Self::Announce, Self::Step, Self::Job];

    /// Those whose effects' ids end with a number that is never used twice (`Service::attempts`): once its release is over, none of
    /// them is wanted again. The id of a notice says what the message is, and is the same whenever it is wanted.
    pub const NUMBERED: [Self; 4] = [Self::Gate, Self::Announce, Self::Step, Self::Job];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Announce => "announce",
            Self::Notice => "notice",
            Self::Step => "step",
            Self::Job => "job",
        }
    }
}

impl Milestone {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReleaseStarted => "release_started",
            Self::WaveStarted => "wave_started",
            Self::WaveSwitched => "wave_switched",
            Self::WaveConfirmed => "wave_confirmed",
            Self::WaveRolledBack => "wave_rolled_back",
            Self::ReleaseHeld => "release_held",
            Self::ReleaseResumed => "release_resumed",
            Self::ReleaseCompleted => "release_completed",
            Self::ReleaseRolledBack => "release_rolled_back",
            Self::ReleaseAborted => "release_aborted",
            Self::ReleaseSuperseded => "release_superseded",
            Self::DowntimeStarted => "downtime_started",
            Self::DowntimeExtended => "downtime_extended",
            Self::DowntimeEnded => "downtime_ended",
            Self::StepFailed => "step_failed",
            Self::RollbackRefused => "rollback_refused",
        }
    }
}

impl Effect {
    #[must_use]
    pub fn lane(&self) -> Lane {
        match self.body {
            EffectBody::Gate { .. } => Lane::Gate,
            EffectBody::Announce(_) => Lane::Announce,
            EffectBody::Notice { .. } => Lane::Notice,
            EffectBody::Step(_) => Lane::Step,
            EffectBody::Job(_) => Lane::Job,
        }
    }
}

impl EffectId {
    #[must_use]
    pub fn gate(version: &Version, wave: &WaveName, index: usize, attempt: u32) -> Self {
        Self(format!("{version}/-/gate/{wave}.{index}/{attempt}"))
    }

    /// `subject` is the wave, or `-` for the release; `attempt` tells a second such step from the first.
    #[must_use]
    pub fn announce(version: &Version, wave: Option<&WaveName>, milestone: Milestone, attempt: u32) -> Self {
        let wave = wave.map_or("-", WaveName::as_str);
        Self(format!("{version}/-/announce/{wave}.{}/{attempt}", milestone.as_str()))
    }

    /// The key says what the message is, whichever plan owes it: it is sent once, unless it was withdrawn before it was sent.
    #[must_use]
    pub fn notice(key: &NoticeKey, attempt: u32) -> Self {
        Self(format!("notice/{key}/{attempt}"))
    }

    /// Taking its work back is an attempt with a number of its own.
    #[must_use]
    pub fn step(version: &Version, cell: &CellName, step: &StepName, attempt: u32) -> Self {
        Self(format!("{version}/{cell}/step/{step}/{attempt}"))
    }

    /// Each run has a number of its own.
    #[must_use]
    pub fn job(version: &Version, cell: &CellName, job: &JobName, run: u32) -> Self {
        let component = &job.component;
        match &job.of {
            JobOf::Tenant(tenant) => Self(format!("{version}/{cell}/job/{component}/{tenant}/{run}")),
            JobOf::Cell(_) => Self(format!("{version}/{cell}/job/{component}/-/{run}")),
        }
    }

    /// What is done: `gate`, `step`, `job` and so on, where the id has such a part.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.0.split('/').nth(2)
    }

    /// What it is done to, where the id has such a part: of a gate the wave, and which of its gates it is.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.split('/').nth(3)
    }

    /// Wraps an id read back from the outbox.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
