//! Work on data, drawn from a stream of its own: releases with it and without it are otherwise the same.

use std::collections::BTreeMap;

use tidegate_domain::event::Verdict;
use tidegate_domain::release::{AfterStep, DataStepKind};
use tidegate_domain::time::Duration;

use crate::random::Random;
use crate::script::{Action, GateMood, Script};

const STREAM: u64 = 0x5ca1_ab1e_0000_0002;

const IN_DOWNTIME: u64 = 0x5ca1_ab1e_0000_0014;

/// Of a hundred worlds.
const WORLDS_IN_DOWNTIME: u32 = 25;
/// Of a hundred releases.
const WITH_STEPS: u32 = 40;
/// Of a hundred steps.
const WITH_TROUBLE: u32 = 35;

type Steps = BTreeMap<DataStepKind, AfterStep>;

/// Gives some releases work on data, and some of that work trouble.
pub fn of_day(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ STREAM);
    let mut actions = Vec::new();
    for (version, release) in &mut script.releases {
        release.steps = draw(&mut random);
        for kind in release.steps.keys() {
            if random.percent(WITH_TROUBLE) {
                let mood = *random.pick(&[
                    GateMood::Ends(Verdict::Fail),
                    GateMood::Ends(Verdict::Error),
                    GateMood::Retried,
                    GateMood::Retried,
                    GateMood::Dead,
                ]);
                let begins = Duration::from_secs(random.below(1_200));
                actions.push((begins, Action::Step(version.clone(), *kind, mood)));
                if random.percent(60) {
                    let ends = begins + Duration::from_secs(random.between(60, 3_000));
                    let well = GateMood::Ends(Verdict::Pass);
                    actions.push((ends, Action::Step(version.clone(), *kind, well)));
                }
            }
        }
    }
    script.actions.extend(actions);
}

fn draw(random: &mut Random) -> Steps {
    use AfterStep::{Clean, LosesNewWrites};
    use DataStepKind::{Contract, Expand, Migrate};
    if !random.percent(WITH_STEPS) {
        return Steps::new();
    }
    let all: [&[(DataStepKind, AfterStep)]; 6] = [
        &[(Expand, Clean)],
        &[(Expand, Clean), (Migrate, Clean)],
        &[(Expand, Clean), (Migrate, Clean), (Contract, Clean)],
        &[(Expand, Clean), (Contract, Clean)],
        &[(Expand, LosesNewWrites), (Migrate, Clean)],
        &[(Migrate, LosesNewWrites)],
    ];
    random
        .pick::<&[(DataStepKind, AfterStep)]>(&all)
        .iter()
        .copied()
        .collect()
}

/// Some releases of some worlds do work in downtime, drawn from a stream of their own: the rest stays as it is.
pub fn in_downtime(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ IN_DOWNTIME);
    if !random.percent(WORLDS_IN_DOWNTIME) {
        return;
    }
    for (version, release) in script.releases.iter_mut().skip(1) {
        if release.hotfix.is_some() || !random.percent(50) {
            continue;
        }
        let rollback = *random.pick(&[AfterStep::Clean, AfterStep::Clean, AfterStep::LosesNewWrites]);
        release.steps.insert(DataStepKind::DuringDowntime, rollback);
        release.for_good = random.percent(30);
        // By whole cells.
        release.waves = vec![Vec::new()];
        if random.percent(60) {
            let first = random.pick(&script.cells).clone();
            let here = script.tenants.iter().filter(|(_, cell)| **cell == first);
            release
                .waves
                .insert(0, here.map(|(tenant, _)| tenant.clone()).collect());
        }
        if random.percent(WITH_TROUBLE) {
            let begins = Duration::from_secs(random.below(1_200));
            let mood = *random.pick(&[GateMood::Ends(Verdict::Fail), GateMood::Retried, GateMood::Dead]);
            let kind = DataStepKind::DuringDowntime;
            script.actions.push((begins, Action::Step(version.clone(), kind, mood)));
            let ends = begins + Duration::from_secs(random.between(60, 3_000));
            let well = GateMood::Ends(Verdict::Pass);
            script.actions.push((ends, Action::Step(version.clone(), kind, well)));
        }
    }
}

/// The lines of a release's file.
pub fn of_file(random: &mut Random) -> String {
    let steps = draw(random);
    if steps.is_empty() {
        return String::new();
    }
    let mut text = "steps:\n".to_owned();
    for (kind, rollback) in steps {
        let kind = kind.as_str();
        let mut line = format!("name: {kind}, kind: {kind}, component: api, command: ['{{artifact}}', {kind}]");
        if kind == "expand" {
            line.push_str(", undo: ['{artifact}', undo]");
        }
        if rollback == AfterStep::LosesNewWrites {
            line.push_str(", rollback: loses-new-writes");
        }
        text.push_str(&format!("  - {{{line}}}\n"));
    }
    text
}
