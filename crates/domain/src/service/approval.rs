//! What people have to agree to before a release, or one of its waves, starts; and who has.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Run;
use crate::id::{Actor, ApprovalName, RoleName, WaveName};
use crate::time::{Duration, Timestamp};

/// One approval that the plan asks for, with what was said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub name: ApprovalName,
    /// Whoever has one of these roles may give it.
    pub roles: BTreeSet<RoleName>,
    /// How many people have to.
    pub count: u32,
    /// The wave that waits for it; `None`: the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveName>,
    /// How long what was given counts where nothing has started on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
    /// The emergency path: nothing waits for it, and it shall be given by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_by: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given: BTreeMap<Actor, Given>,
}

/// One person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    pub at: Timestamp,
    pub reason: String,
}

impl Approval {
    /// How many people are missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        (self.count as usize).saturating_sub(self.given.len())
    }

    /// When the oldest word that was given stops to count.
    #[must_use]
    pub fn expiry(&self) -> Option<Timestamp> {
        let expires = self.expires?;
        self.given.values().map(|given| given.at + expires).min()
    }

    /// Who is missing, and who has given it.
    #[must_use]
    pub fn in_words(&self) -> String {
        let roles: Vec<&str> = self.roles.iter().map(RoleName::as_str).collect();
        let given: Vec<&str> = self.given.keys().map(Actor::as_str).collect();
        let given = if given.is_empty() {
            String::new()
        } else {
            format!(", given by {}", given.join(", "))
        };
        format!(
            "`{}`: {} of {} missing, of role {}{given}",
            self.name,
            self.missing(),
            self.count,
            roles.join(" or ")
        )
    }
}

impl Run {
    /// Who made or applied the plan: somebody else approves it.
    #[must_use]
    pub fn is_by(&self, person: &Actor) -> bool {
        self.author == *person || self.planned_by.as_ref() == Some(person)
    }

    /// Approvals of the emergency path that were not given yet, whatever has become of the release.
    pub fn reviews_due(&self) -> impl Iterator<Item = &Approval> {
        let due = |approval: &&Approval| approval.review_by.is_some() && approval.missing() > 0;
        self.approvals.iter().filter(due)
    }
}
