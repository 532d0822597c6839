//! What a plan says of time, held against the calendars and the playbook once more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::id::{TenantName, WaveName};
use crate::plan::build::PlanInput;
use crate::plan::{Plan, PlannedNotice, PlannedWave};
use crate::policy::{NoticeKind, NoticeRule};
use crate::time::Timestamp;

pub(super) fn broken(plan: &Plan, input: &PlanInput) -> Vec<String> {
    let mut broken = Vec::new();
    let mut by_wave: BTreeMap<&WaveName, Vec<&PlannedNotice>> = BTreeMap::new();
    for notice in &plan.schedule.notices {
        by_wave.entry(&notice.wave).or_default().push(notice);
    }
    for wave in &plan.waves {
        starts(plan, wave, input, &mut broken);
        let notices = by_wave.get(&wave.name).map_or(&[][..], Vec::as_slice);
        owed(plan, (wave, notices), input, &mut broken);
    }
    notices(plan, input, &mut broken);
    for approval in &plan.schedule.approvals {
        if approval.count == 0 || approval.roles.is_empty() {
            broken.push(format!("nobody can give approval `{}`", approval.name));
        }
    }
    broken
}

/// A start lies in a time that is open, for every class that has one; and every tenant of a wave has a class that exists.
fn starts(plan: &Plan, wave: &PlannedWave, input: &PlanInput, broken: &mut Vec<String>) {
    let schedule = &plan.schedule;
    for (class, start) in &wave.starts {
        let Some(known) = schedule.classes.get(usize::from(*class)) else {
            broken.push(format!(
                "wave `{}` has a start for class {class}, which does not exist",
                wave.name
            ));
            continue;
        };
        let Some(at) = start.at else { continue };
        // A start that is over means: the window is open already.
        let at = at.max(input.now);
        if !schedule.calendars.is_open(known, at).open {
            broken.push(format!(
                "wave `{}` would start at {at}, when class {class} is not open",
                wave.name
            ));
        }
        let closes = start.window.as_ref().and_then(|window| window.closes);
        if closes.is_some_and(|closes| closes <= at) {
            broken.push(format!("the window of wave `{}` closes before it starts", wave.name));
        }
    }
    if !schedule.classes.is_empty() {
        let lost = wave.tenants.keys().find(|name| schedule.class_of(name).is_none());
        broken.extend(lost.map(|name| format!("tenant `{name}` has a class that does not exist")));
    }
}

/// Nobody moves who was not told of it in time.
fn owed(plan: &Plan, (wave, notices): (&PlannedWave, &[&PlannedNotice]), input: &PlanInput, broken: &mut Vec<String>) {
    let Some(playbook) = input.project.playbooks.get(&plan.policy.playbook) else {
        return;
    };
    let first_install = wave.tenants.values().all(|tenant| tenant.from.is_none());
    for rule in playbook.notices.iter().filter(|rule| is_owed(rule, plan, wave)) {
        if first_install {
            continue;
        }
        let told = notices
            .iter()
            .filter(|notice| notice.kind == rule.kind && notice.required && notice.period == rule.at_least);
        let mut told: Vec<&TenantName> = told.flat_map(|notice| notice.tenants.iter()).collect();
        told.sort_unstable();
        let mut told = told.into_iter().peekable();
        // Both are in order: one walk along the two finds who is in the first alone.
        let is_untold = |name: &&TenantName| {
            while told.next_if(|told| told < name).is_some() {}
            told.peek() != Some(name)
        };
        if let Some(name) = wave.tenants.keys().find(is_untold) {
            broken.push(format!(
                "tenant `{name}` is owed a {}, and none is planned",
                rule.kind.as_str()
            ));
        }
        let Some(period) = &rule.at_least else { continue };
        for (class, start) in &wave.starts {
            let Some((known, at)) = plan.schedule.classes.get(usize::from(*class)).zip(start.at) else {
                continue;
            };
            // A start that is over means: the window is open already.
            let at = at.max(input.now);
            let Ok(deadline) = plan.schedule.calendars.notice_deadline(known, at, period) else {
                continue;
            };
            if deadline < input.now && !told_by(plan, wave, rule, *class, deadline, input) {
                broken.push(format!(
                    "wave `{}` would start at {at}, and {period} of notice had to be given by {deadline}",
                    wave.name
                ));
            }
        }
    }
}

/// Every notice to a class was proven by then.
fn told_by(
    plan: &Plan,
    wave: &PlannedWave,
    rule: &NoticeRule,
    class: u16,
    deadline: Timestamp,
    input: &PlanInput,
) -> bool {
    let proofs = input.proofs();
    let of_class = |name: &TenantName| plan.schedule.class_index(name) == class;
    let notices =
        plan.schedule.notices.iter().filter(|notice| {
            notice.kind == rule.kind && notice.wave == wave.name && notice.tenants.iter().any(of_class)
        });
    notices
        .into_iter()
        .all(|notice| proofs.get(&notice.key).is_some_and(|proof| *proof <= deadline))
}

fn is_owed(rule: &NoticeRule, plan: &Plan, wave: &PlannedWave) -> bool {
    let release = &plan.release;
    let required = rule.required.unwrap_or(rule.kind == NoticeKind::Notice);
    let listed = |is_empty: bool, is_in: bool| is_empty || is_in;
    required
        && listed(rule.releases.is_empty(), rule.releases.contains(&release.kind))
        && listed(rule.impact.is_empty(), rule.impact.contains(&plan.impact()))
        && listed(rule.waves.is_empty(), rule.waves.contains(&wave.name))
        && rule.downtime.is_none_or(|wanted| wanted == release.downtime.is_some())
}

fn notices(plan: &Plan, input: &PlanInput, broken: &mut Vec<String>) {
    let proofs = input.proofs();
    for pair in plan.schedule.notices.windows(2) {
        if pair[0].key >= pair[1].key {
            broken.push(format!("notice {} is planned twice, or out of order", pair[1].key));
        }
    }
    // Notices of several kinds are about the same tenants, and share their names.
    let mut known: BTreeSet<(*const BTreeSet<TenantName>, &WaveName)> = BTreeSet::new();
    for notice in &plan.schedule.notices {
        let late = notice.deadline.is_some_and(|deadline| deadline < input.now);
        if notice.required && late && !proofs.contains_key(&notice.key) {
            broken.push(format!("notice {} is late already", notice.key));
        }
        if !known.insert((Arc::as_ptr(&notice.tenants), &notice.wave)) {
            continue;
        }
        let wave = plan.waves.iter().find(|wave| wave.name == notice.wave);
        let stranger = notice
            .tenants
            .iter()
            .find(|name| wave.is_none_or(|wave| !wave.tenants.contains_key(*name)));
        if let Some(name) = stranger {
            broken.push(format!(
                "notice {} is about `{name}`, who does not move with its wave",
                notice.key
            ));
        }
    }
}
