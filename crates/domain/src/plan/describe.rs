//! What a plan froze of its playbook, and what is said of its waves.

use std::collections::{BTreeMap, BTreeSet};

use super::build::PlanInput;
use super::report::{ClassReport, KnownTraffic, PlanReport, Rollback, StartReason, WaveReport};
use super::{Plan, PlannedWave};
use crate::calendar::{HOURS, Profile};
use crate::files::PlaybookFile;
use crate::id::{TenantName, Version};
use crate::policy::{Downtime, HealthPolicy, Policy, Through, WhileInFlight};
use crate::release::{AfterStep, DataStep, DataStepKind, Release, ReleaseKind, Reversible};
use crate::service::Service;
use crate::time::Duration;

pub(super) fn policy(playbook: &PlaybookFile, release: &Release, how: WhileInFlight) -> Policy {
    let health = &playbook.health;
    Policy {
        playbook: playbook.name.clone(),
        prepare_within: playbook.prepare_within,
        switch_within: playbook.switch_within,
        rollback_window: playbook.rollback_window,
        on_failure: playbook.on_failure,
        on_inconclusive: playbook.on_inconclusive,
        on_unmigrated: playbook.on_unmigrated,
        health: HealthPolicy {
            alpha: health.alpha,
            false_alarms_per_day: health.false_alarms_per_day,
            margin: health.margin,
            error_margin_percent: health.errors.margin_percent,
            error_ceiling_percent: health.errors.ceiling_percent,
            latency_quantile: health.latency.quantile,
            latency_ratio: health.latency.ratio,
            latency_slack: Duration::from_millis(health.latency.slack_ms),
            interval: health.interval,
        },
        emergency: (release.kind == ReleaseKind::Emergency).then(|| playbook.emergency.clone()),
        downtime: release.downtime.map(|longest| Downtime {
            longest,
            ..playbook.downtime.unwrap_or_default()
        }),
        reservations: playbook.reservations,
        while_in_flight: how,
        max_versions: playbook.max_versions,
        patch_every: playbook.rolling_patches.as_ref().map(|patches| patches.every),
    }
}

/// How many tenants run which version; `-` counts those that run none.
pub(super) fn runs(state: &Service) -> BTreeMap<String, usize> {
    let mut runs: BTreeMap<String, usize> = BTreeMap::new();
    for seat in state.seats.values() {
        let version = seat.version.as_ref().map_or("-", Version::as_str);
        match runs.get_mut(version) {
            Some(count) => *count += 1,
            None => drop(runs.insert(version.to_owned(), 1)),
        }
    }
    runs
}

pub(super) fn waves(
    waves: &[PlannedWave],
    expected: Vec<BTreeMap<u16, ClassReport>>,
    excused: Vec<BTreeSet<TenantName>>,
    release: &Release,
    input: &PlanInput,
) -> Vec<WaveReport> {
    let mut at = input.now;
    let mut reports: Vec<WaveReport> = Vec::new();
    let mut expected = expected.into_iter();
    let mut excused = excused.into_iter();
    for wave in waves {
        let because = match reports.last() {
            None => "at once: it is the first wave".to_owned(),
            Some(before) if wave.policy.gap.is_zero() => format!("when wave {} is confirmed", before.wave),
            Some(before) => format!("{} after wave {} is confirmed", wave.policy.gap, before.wave),
        };
        let classes = expected.next().unwrap_or_default();
        let first = classes.values().map(|class| class.expected).min();
        let last = classes.values().map(|class| class.expected).max();
        reports.push(WaveReport {
            wave: wave.name.clone(),
            tenants: wave.tenants.len(),
            cells: wave.tenants.values().map(|tenant| tenant.cell.clone()).collect(),
            from: from(wave),
            not_before: first.unwrap_or(at),
            because,
            least_canary: wave.policy.canary.map(|canary| canary.least),
            least_bake: wave.policy.bake.least,
            rollback: rollback(wave, release),
            classes,
            requests_per_hour: input.profile.as_ref().map(|profile| requests_per_hour(wave, profile)),
            excused: excused.next().unwrap_or_default(),
        });
        at = last.unwrap_or(at) + wave.policy.least();
    }
    reports
}

/// Whether another traffic profile could have led to another plan.
#[must_use]
pub fn rests_on_traffic(plan: &Plan, report: &PlanReport) -> bool {
    let classes = report.waves.iter().flat_map(|wave| wave.classes.values());
    let mut reasons = classes.flat_map(|class| &class.because);
    let through_peak = |wave: &PlannedWave| wave.policy.bake.through == Some(Through::Peak);
    plan.waves.iter().any(through_peak) || reasons.any(|reason| matches!(reason, StartReason::Quietest { .. }))
}

/// Where a profile comes from, and whom of a plan it knows.
pub(super) fn traffic(waves: &[PlannedWave], profile: &Profile) -> KnownTraffic {
    let tenants = || waves.iter().flat_map(|wave| wave.tenants.keys());
    KnownTraffic {
        measured: profile.measured,
        known: tenants().filter(|name| profile.tenants.contains_key(*name)).count(),
        tenants: tenants().count(),
    }
}

/// Of a tenant that the profile does not know nothing is expected.
fn requests_per_hour(wave: &PlannedWave, profile: &Profile) -> u64 {
    let known = wave.tenants.keys().filter_map(|tenant| profile.tenants.get(tenant));
    let weekly: f64 = known.flat_map(|traffic| &traffic.hourly).sum();
    (weekly / HOURS as f64).round() as u64
}

fn from(wave: &PlannedWave) -> BTreeMap<String, usize> {
    let mut from: BTreeMap<String, usize> = BTreeMap::new();
    for tenant in wave.tenants.values() {
        let version = tenant.from.as_ref().map_or("-", Version::as_str);
        match from.get_mut(version) {
            Some(count) => *count += 1,
            None => drop(from.insert(version.to_owned(), 1)),
        }
    }
    from
}

fn rollback(wave: &PlannedWave, release: &Release) -> Rollback {
    match release.reversible {
        _ if wave.tenants.values().all(|tenant| tenant.from.is_none()) => Rollback::NothingBefore,
        Reversible::Always => after_steps(wave, release),
        Reversible::Until(stage) => Rollback::Until(stage.as_str().to_owned()),
    }
}

/// What the steps in the cells of a wave leave of the way back. What is lost first is told.
fn after_steps(wave: &PlannedWave, release: &Release) -> Rollback {
    let here = |step: &&DataStep| wave.tenants.values().any(|tenant| step.is_for(&tenant.cell));
    let steps: Vec<&DataStep> = release.steps.iter().filter(here).collect();
    let find = |is_it: fn(&DataStep) -> bool| steps.iter().find(|step| is_it(step)).map(|step| step.name.clone());
    let in_downtime = |step: &DataStep| step.kind == DataStepKind::DuringDowntime;
    let for_good = find(|step| step.kind == DataStepKind::DuringDowntime && step.undo.is_empty());
    let loses = find(|step| step.rollback == AfterStep::LosesNewWrites && step.kind != DataStepKind::Contract);
    let contract = find(|step| step.kind == DataStepKind::Contract);
    let undone = find(in_downtime);
    None.or(for_good.map(Rollback::ImpossibleAfterDowntime))
        .or(loses.map(Rollback::LosesNewWrites))
        .or(contract.map(Rollback::ImpossibleAfter))
        .or(undone.map(Rollback::CleanByUndoing))
        .unwrap_or(Rollback::Clean)
}
