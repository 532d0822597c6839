use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::Environment;
use crate::id::{ApprovalName, RoleName, WaveName};
use crate::release::ReleaseKind;
use crate::time::Duration;

/// Who has to agree before a release or a wave moves. The author of the plan never counts, and nobody counts twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// What the approval is called.
    pub name: ApprovalName,
    /// The roles whose people can give it; any of them.
    #[serde(default = "approvers")]
    #[schemars(length(min = 1))]
    pub roles: BTreeSet<RoleName>,
    /// How many different people have to.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub count: u32,
    /// The kinds of release that need it. Left out, every kind.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub releases: BTreeSet<ReleaseKind>,
    /// What waits for it.
    #[serde(default)]
    pub before: ApprovalPoint,
    /// How long a given approval counts. Left out, as long as the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
}

fn approvers() -> BTreeSet<RoleName> {
    BTreeSet::from([RoleName::new("approver").expect("a literal of the right shape")])
}

fn one() -> u32 {
    1
}

/// What an approval holds up, as a playbook says it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalPoint {
    /// The first wave, and so the whole release.
    #[default]
    Release,
    /// This wave.
    Wave(WaveName),
    /// The first wave that moves tenants in this environment.
    Environment(Environment),
}

/// What an approval holds up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Before {
    /// The first wave, and so the whole release.
    #[default]
    Release,
    /// This wave.
    Wave(WaveName),
}
