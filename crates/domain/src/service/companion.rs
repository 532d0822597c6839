//! How far the releases of other services are that a run goes together with.

use serde::{Deserialize, Serialize};

use super::{Run, WaveState};
use crate::id::ServiceName;
use crate::release::{Companion, Release};
use crate::time::Timestamp;

/// One of them, as its server last told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompanionRun {
    pub companion: Companion,
    /// It begins before this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub earlier: bool,
    pub phase: CompanionPhase,
    /// It came back, and what follows from that was done here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CompanionPhase {
    /// Its server has not told anything that could be believed, and why.
    Unclear {
        because: String,
    },
    /// Nobody has applied it there.
    NotApplied,
    /// It waits or moves.
    Applied,
    Completed,
    /// None of its tenants is on it any more.
    RolledBack,
    /// A person has ended it, or a later one has taken its place: some of its tenants may be on it.
    Stopped,
}

impl CompanionPhase {
    /// As programs and scenarios name it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unclear { .. } => "unclear",
            Self::NotApplied => "not applied",
            Self::Applied => "applied",
            Self::Completed => "completed",
            Self::RolledBack => "rolled back",
            Self::Stopped => "stopped",
        }
    }

    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Unclear { because } => format!("may be anywhere: {because}"),
            Self::NotApplied => "is not applied there".to_owned(),
            Self::Applied => "is on its way".to_owned(),
            Self::Completed => "is completed".to_owned(),
            Self::RolledBack => "is rolled back".to_owned(),
            Self::Stopped => "was ended by a person or by a later release".to_owned(),
        }
    }
}

impl CompanionRun {
    /// Those of a release of `service`, none of them asked yet.
    #[must_use]
    pub fn of(release: &Release, service: &ServiceName) -> Vec<Self> {
        let own = release.together.iter().position(|one| one.service == *service);
        let others = release
            .together
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != own);
        let others = others.map(|(index, companion)| Self {
            companion: companion.clone(),
            earlier: own.is_some_and(|own| index < own),
            phase: CompanionPhase::Unclear {
                because: "its server was not asked yet".to_owned(),
            },
            answered: false,
        });
        others.collect()
    }
}

impl Run {
    /// Something of it has been started, if only to be tried.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.waves.iter().any(|wave| match wave.state {
            WaveState::Waiting | WaveState::Dropped => false,
            WaveState::Active { .. }
            | WaveState::Confirmed { .. }
            | WaveState::RolledBack { .. }
            | WaveState::Superseded { .. } => true,
        })
    }

    /// Whether it matters how far its companions are: it is on its way, or can be taken back together with them.
    #[must_use]
    pub fn watches_companions(&self, now: Timestamp) -> bool {
        let is_back = self.phase.came_back();
        !self.together.is_empty() && !is_back && self.warm_until().is_none_or(|until| now < until)
    }
}
