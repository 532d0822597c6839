//! What a release needs before it may move: approvals, notices, and what was waived.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::{ApprovalName, CustomerName, RoleName, WaveName};
use tidegate_domain::service::{Approval, Run, Waiver};

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
    /// `notice`, `window` or `validation`.
    pub of: String,
    /// For whom, in words.
    pub tenants: String,
    pub until_ms: i64,
    pub by: String,
    pub reason: String,
}

/// A customer who is asked to try the release before its tenants of a later wave move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValidationStatus {
    pub customer: CustomerName,
    /// The wave that it tries the release on.
    pub of: WaveName,
    /// The wave in which its tenants wait.
    pub wave: WaveName,
    pub tenants: usize,
    /// `works` or `trouble`; absent until it has reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

pub fn validations(run: &Run) -> Vec<ValidationStatus> {
    let planned = run.schedule.validations.iter().map(|planned| {
        let report = run.reports.get(&planned.customer);
        ValidationStatus {
            customer: planned.customer.clone(),
            of: planned.of.clone(),
            wave: planned.wave.clone(),
            tenants: planned.tenants.len(),
            outcome: report.map(|report| report.outcome.as_str().to_owned()),
            by: report.map(|report| report.by.to_string()),
            at_ms: report.map(|report| report.at.0),
            reason: report.map(|report| report.text.clone()),
        }
    });
    planned.collect()
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
        of: waiver.of.as_str().to_owned(),
        tenants: waiver.tenants.in_words(),
        until_ms: waiver.until.0,
        by: waiver.by.to_string(),
        reason: waiver.reason.clone(),
    }
}
