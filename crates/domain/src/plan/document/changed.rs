//! What has changed, with every instant in words of RFC 9557.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Instant;
use crate::calendar::Local;
use crate::files::TimeZoneName;
use crate::id::{ComponentName, Digest, TenantName, WaveName};
use crate::plan::{
    ApprovalDifference, Besides, How, Moved, NoticeDifference, PlanReport, Replaced, SinceLast, Stand, WaveDifference,
};

/// What the plan decides otherwise than the last one for the release, and what the release changes of what runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedDocument {
    /// `None`: it is the first plan for the release that is known.
    pub last_plan: Option<LastPlanDocument>,
    pub running: Vec<Replaced>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LastPlanDocument {
    pub digest: Digest,
    pub planned: Instant,
    /// It is this very plan.
    pub same: bool,
    pub components: BTreeSet<ComponentName>,
    pub tenants: Vec<MovedDocument>,
    pub waves: Vec<WaveDifference>,
    pub notices: Vec<NoticeDifference>,
    pub approvals: Vec<ApprovalDifference>,
    pub besides: BTreeSet<Besides>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MovedDocument {
    pub how: How,
    pub before: Option<StandDocument>,
    pub now: Option<StandDocument>,
    pub tenants: BTreeSet<TenantName>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StandDocument {
    pub wave: WaveName,
    /// `None`: as soon as what comes before is done.
    pub start: Option<Instant>,
}

impl ChangedDocument {
    /// `None` where nothing is known to compare with.
    pub(super) fn new(report: &PlanReport, zone: &TimeZoneName) -> Option<Self> {
        let last_plan = report
            .since_last
            .as_ref()
            .map(|since| LastPlanDocument::new(since, zone));
        let running = report.replaces.clone();
        (last_plan.is_some() || !running.is_empty()).then_some(Self { last_plan, running })
    }
}

impl LastPlanDocument {
    fn new(since: &SinceLast, zone: &TimeZoneName) -> Self {
        let differences = since.differences.clone();
        Self {
            digest: since.plan.clone(),
            planned: Local::new(since.planned, zone).rfc9557(),
            same: differences.is_empty(),
            components: differences.components,
            tenants: differences.tenants.into_iter().map(MovedDocument::from).collect(),
            waves: differences.waves,
            notices: differences.notices,
            approvals: differences.approvals,
            besides: differences.besides,
        }
    }
}

impl From<Moved> for MovedDocument {
    fn from(moved: Moved) -> Self {
        let stand = |stand: Stand| StandDocument {
            wave: stand.wave,
            start: stand.start.map(|at| Local::new(at, &moved.zone).rfc9557()),
        };
        Self {
            how: moved.how,
            before: moved.before.map(stand),
            now: moved.now.map(stand),
            tenants: moved.tenants,
        }
    }
}
