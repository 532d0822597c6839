//! Defects, as a planner or a state machine that forgets something would have them.

use tidegate_domain::id::{DatabaseName, Version};
use tidegate_domain::plan::Plan;
use tidegate_domain::policy::{Bake, Gap};
use tidegate_domain::release::{AfterStep, DataStep, DataStepKind};
use tidegate_domain::service::{Place, Service, StepPhase};
use tidegate_domain::time::Duration;

use crate::script::Planted;

impl Planted {
    /// Makes the plan say less than was checked.
    pub fn plant(self, plan: &mut Plan) {
        let schedule = &mut plan.schedule;
        match self {
            Self::NoStarts => plan.waves.iter_mut().for_each(|wave| wave.starts.clear()),
            Self::NoWindows => schedule.classes.iter_mut().for_each(|class| class.windows.clear()),
            Self::NoNotices => schedule.notices.iter_mut().for_each(|notice| notice.required = false),
            Self::NoPeriods => schedule.notices.iter_mut().for_each(|notice| notice.period = None),
            Self::NoApprovals => schedule.approvals.clear(),
            Self::FewerApprovals => schedule.approvals.iter_mut().for_each(|approval| approval.count -= 1),
            Self::NoGaps => plan.waves.iter_mut().for_each(|wave| wave.policy.gap = Gap::ZERO),
            Self::NoPeaks => schedule.peaks.clear(),
            Self::NoBake => {
                for wave in &mut plan.waves {
                    wave.policy.bake = Bake {
                        least: Duration::ZERO,
                        requests: 0,
                        ..wave.policy.bake
                    };
                }
            }
            Self::ExpandsLate => be_instead(plan, DataStepKind::Expand, DataStepKind::Migrate),
            Self::MigratesFirst => be_instead(plan, DataStepKind::Migrate, DataStepKind::Expand),
            Self::ContractsAtOnce => plan.policy.rollback_window = Duration::ZERO,
            Self::MistakesDatabases => {
                for step in of_kind(plan, DataStepKind::Migrate) {
                    step.database = DatabaseName::new("other").expect("a name");
                }
            }
            Self::ForgetsLosses => {
                for step in &mut plan.release.steps {
                    step.rollback = AfterStep::Clean;
                }
            }
            Self::AnybodyApproves
            | Self::ForgetsChoices
            | Self::ForgetsFreezes
            | Self::ForgetsReturns
            | Self::SkipsSteps => {}
        }
    }

    /// Makes the state forget what it knew of a release.
    pub fn forget(self, version: &Version, state: &mut Service) {
        if self == Self::ForgetsFreezes {
            state.freezes.clear();
        }
        let steps = state.runs.iter_mut().filter(|run| run.version == *version);
        for step in steps.flat_map(|run| &mut run.steps) {
            if self == Self::SkipsSteps && step.phase == StepPhase::Waiting {
                step.phase = StepPhase::Done;
            }
        }
        let runs = state.runs.iter_mut().filter(|run| run.version == *version);
        for member in runs
            .flat_map(|run| &mut run.waves)
            .flat_map(|wave| wave.members.values_mut())
        {
            let forgotten = match member.place {
                Place::Left { .. } => self == Self::ForgetsChoices,
                Place::Returned { .. } => self == Self::ForgetsReturns,
                Place::Waiting | Place::Moved { .. } | Place::Returning { .. } | Place::Superseded { .. } => false,
            };
            if forgotten {
                member.place = Place::Waiting;
            }
        }
    }
}

fn of_kind(plan: &mut Plan, kind: DataStepKind) -> impl Iterator<Item = &mut DataStep> {
    plan.release.steps.iter_mut().filter(move |step| step.kind == kind)
}

fn be_instead(plan: &mut Plan, kind: DataStepKind, instead: DataStepKind) {
    for step in of_kind(plan, kind) {
        step.kind = instead;
    }
}
