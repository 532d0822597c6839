//! What a release needs before it may move: approvals, notices, and what was waived.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::{ApprovalName, RoleName, WaveName};
use tidegate_domain::service::{Approval, Run, Waived, Waiver};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalStatus {
    pub name: ApprovalName,
    /// People of any of these roles can give it.
    pub roles: Vec<RoleName>,
    /// How many different people have to.
    pub count: u32,
    pub missing: usize,
    /// The wave that waits for it; absent where the release does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveName>,
    /// Nothing waits for it: an emergency is reviewed afterwards, until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_by_ms: Option<i64>,
    pub given: Vec<GivenStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GivenStatus {
    pub by: String,
    pub at_ms: i64,
    pub reason: String,
}

/// How far the notices of a release are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeCounts {
    pub total: usize,
    /// To be sent now.
    pub due: usize,
    pub sent: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverStatus {
    /// `notice` or `window`.
    pub of: String,
    /// For whom, in words.
    pub tenants: String,
    pub until_ms: i64,
    pub by: String,
    pub reason: String,
}

pub fn approval(approval: &Approval) -> ApprovalStatus {
    let given = approval.given.iter().map(|(by, given)| GivenStatus {
        by: by.to_string(),
        at_ms: given.at.0,
        reason: given.reason.clone(),
    });
    ApprovalStatus {
        name: approval.name.clone(),
        roles: approval.roles.iter().cloned().collect(),
        count: approval.count,
        missing: approval.missing(),
        wave: approval.wave.clone(),
        review_by_ms: approval.review_by.map(|by| by.0),
        given: given.collect(),
    }
}

/// `None` where the plan has none.
pub fn notices(run: &Run) -> Option<NoticeCounts> {
    let total = run.schedule.notices.len();
    let sent = run.notices.values().filter(|notice| notice.proof.is_some()).count();
    let due = run
        .notices
        .values()
        .filter(|notice| notice.proof.is_none() && notice.asked.is_some())
        .count();
    (total > 0).then_some(NoticeCounts { total, due, sent })
}

pub fn waiver(waiver: &Waiver) -> WaiverStatus {
    WaiverStatus {
        of: match waiver.of {
            Waived::Notice => "notice",
            Waived::Window => "window",
        }
        .to_owned(),
        tenants: waiver.tenants.in_words(),
        until_ms: waiver.until.0,
        by: waiver.by.to_string(),
        reason: waiver.reason.clone(),
    }
}
