//! Defects, as a planner or a state machine that forgets something would have them.

use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::{DatabaseName, Version};
use tidegate_domain::plan::Plan;
use tidegate_domain::policy::{Disposition, Gap, GateUse, Policy, WhenSilent, WhileInFlight};
use tidegate_domain::release::{AfterStep, DataStep, DataStepKind};
use tidegate_domain::service::{CompanionPhase, MoveStage, Place, ReportOutcome, Run, Service, StepPhase, WaveRun};
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
            Self::NoBake | Self::NoCanary | Self::ShorterCanary | Self::LargerShare => self.plant_in_watches(plan),
            Self::ExpandsLate => be_instead(plan, DataStepKind::Expand, DataStepKind::Migrate),
            Self::WorksWhileServed => be_instead(plan, DataStepKind::DuringDowntime, DataStepKind::Expand),
            Self::MigratesFirst => be_instead(plan, DataStepKind::Migrate, DataStepKind::Expand),
            Self::ContractsAtOnce => plan.policy.rollback_window = Duration::ZERO,
            Self::MistakesDatabases => {
                for step in of_kind(plan, DataStepKind::Migrate) {
                    step.database = DatabaseName::new("other").expect("a name");
                }
            }
            Self::ForgetsLosses => {
                let steps = plan.release.steps.iter_mut();
                steps.for_each(|step| step.rollback = AfterStep::Clean);
            }
            Self::NoPatches => plan.release.patches = None,
            Self::BackToPatched => {
                let tenants = plan.waves.iter_mut().flat_map(|wave| wave.tenants.values_mut());
                for tenant in tenants.filter(|tenant| tenant.replaces.is_some()) {
                    tenant.from = tenant.replaces.take();
                }
            }
            Self::LenientGates | Self::DryRunGates => gates_of(plan).for_each(|gate| self.plant_in_gate(gate)),
            Self::NoReports => schedule.validations.clear(),
            Self::NoMigrations => schedule.migrations.clear(),
            Self::SilenceMoves => {
                let asked = schedule.validations.iter_mut();
                asked.for_each(|asked| asked.when_silent = WhenSilent::Move);
            }
            Self::MoreRoom => {
                if let Some(rule) = &mut plan.policy.reservations {
                    rule.capacity = u32::MAX;
                }
            }
            Self::NoDowntime | Self::LongerDowntime | Self::LateUndo => self.plant_in_downtime(&mut plan.policy),
            Self::NeverQueues => plan.policy.while_in_flight = WhileInFlight::Parallel,
            Self::MoreVersions => plan.policy.max_versions = 9,
            Self::AnybodyApproves
            | Self::SkipsGates
            | Self::ForgetsOverrides
            | Self::ForgetsChoices
            | Self::ForgetsFreezes
            | Self::ForgetsReturns
            | Self::SkipsSteps
            | Self::ForgetsHalfDone
            | Self::ForgetsTrouble
            | Self::ForgetsMigrations
            | Self::ForgetsReservations
            | Self::TellsNoExtension
            | Self::ForgetsWhoMovedOn
            | Self::MovesUnconfirmed
            | Self::ForgetsSuspensions
            | Self::KeepsSplits
            | Self::ForgetsCompanions
            | Self::StaysAlone
            | Self::ForgetsRuns
            | Self::SkipsRuns => {}
        }
    }

    fn plant_in_watches(self, plan: &mut Plan) {
        for wave in &mut plan.waves {
            if self == Self::NoBake {
                wave.policy.bake.least = Duration::ZERO;
                wave.policy.bake.requests = 0;
            }
            if self == Self::NoCanary {
                wave.policy.canary = None;
            }
            let Some(canary) = &mut wave.policy.canary else {
                continue;
            };
            if self == Self::ShorterCanary {
                canary.least = Duration::ZERO;
            }
            if self == Self::LargerShare {
                canary.share = 50;
            }
        }
    }

    fn plant_in_gate(self, gate: &mut GateUse) {
        if self == Self::DryRunGates {
            gate.dry_run = true;
        } else {
            gate.on_no_data = Disposition::Pass;
            gate.on_inconclusive = Disposition::Pass;
        }
    }

    fn plant_in_downtime(self, policy: &mut Policy) {
        let Some(downtime) = &mut policy.downtime else { return };
        if self == Self::LongerDowntime {
            downtime.longest = downtime.longest + Duration::from_hours(1);
        }
        if self == Self::LateUndo {
            downtime.overrun = downtime.overrun + Duration::from_hours(1);
        }
        if self == Self::NoDowntime {
            policy.downtime = None;
        }
    }

    fn forget_jobs(self, state: &mut Service) {
        for job in state.jobs.values_mut().filter(|job| job.run.is_some()) {
            if self == Self::ForgetsRuns {
                job.run = None;
            }
            if self == Self::SkipsRuns {
                job.next = job.next.and_then(|next| job.schedule.as_ref()?.after(next));
            }
        }
    }

    fn forget_companions(self, run: &mut Run) {
        if self == Self::ForgetsCompanions {
            run.together.clear();
        }
        if self == Self::StaysAlone && run.holds_tenants() {
            for companion in &mut run.together {
                companion.phase = CompanionPhase::RolledBack;
                companion.answered = true;
            }
        }
    }

    fn forget_gates(self, wave: &mut WaveRun) {
        if self == Self::ForgetsOverrides {
            wave.overridden.clear();
        }
        if self == Self::SkipsGates {
            let open = wave.gates.iter_mut().filter(|gate| gate.is_none());
            open.for_each(|gate| *gate = Some(Judgement::new(Verdict::Pass, "it is not waited for")));
        }
    }

    /// Makes the state forget what it knew of a release.
    pub fn forget(self, version: &Version, state: &mut Service) {
        if self == Self::ForgetsFreezes {
            state.freezes.clear();
        }
        if self == Self::ForgetsWhoMovedOn {
            let waves = state.runs.iter_mut().flat_map(|run| &mut run.waves);
            for member in waves.flat_map(|wave| wave.members.values_mut()) {
                if let Place::Superseded { generation } = member.place {
                    member.place = Place::Moved { generation };
                }
            }
        }
        self.forget_jobs(state);
        let moving = state.seats.values_mut().filter_map(|seat| seat.moving.as_mut());
        for moving in moving.filter(|_| self == Self::MovesUnconfirmed) {
            if let MoveStage::Closed { generation, .. } = &mut moving.stage {
                *generation = 0;
            }
        }
        let mut runs: Vec<&mut Run> = state.runs.iter_mut().filter(|run| run.version == *version).collect();
        if self == Self::TellsNoExtension {
            let waves = runs.iter_mut().flat_map(|run| &mut run.waves);
            let closed = waves.filter_map(|wave| wave.maintenance.as_mut());
            closed.for_each(|maintenance| maintenance.extended = true);
        }
        runs.iter_mut().for_each(|run| self.forget_companions(run));
        runs.iter_mut()
            .flat_map(|run| &mut run.waves)
            .for_each(|wave| self.forget_gates(wave));
        if self == Self::ForgetsMigrations {
            runs.iter_mut().for_each(|run| run.unmigrated.clear());
        }
        if self == Self::ForgetsReservations {
            runs.iter_mut().for_each(|run| run.reservations.clear());
        }
        for step in runs.iter_mut().flat_map(|run| &mut run.steps) {
            let half_done = matches!(step.phase, StepPhase::Failed | StepPhase::Undoing);
            if self == Self::ForgetsHalfDone && half_done {
                step.phase = StepPhase::Undone;
            }
            if self == Self::SkipsSteps && step.phase == StepPhase::Waiting {
                step.phase = StepPhase::Done;
            }
        }
        if self == Self::ForgetsTrouble {
            let reports = runs.iter_mut().flat_map(|run| run.reports.values_mut());
            reports.for_each(|report| report.outcome = ReportOutcome::Works);
        }
        for member in runs
            .into_iter()
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

fn gates_of(plan: &mut Plan) -> impl Iterator<Item = &mut GateUse> {
    plan.waves.iter_mut().flat_map(|wave| &mut wave.policy.gates)
}

fn be_instead(plan: &mut Plan, kind: DataStepKind, instead: DataStepKind) {
    for step in of_kind(plan, kind) {
        step.kind = instead;
    }
}
