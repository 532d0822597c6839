//! Releases beside each other, drawn from a stream of their own: worlds with them and without them are otherwise the same.

use std::collections::BTreeMap;

use tidegate_domain::event::{Scope, Verdict};
use tidegate_domain::id::Version;
use tidegate_domain::policy::WhileInFlight;
use tidegate_domain::time::Duration;

use crate::random::Random;
use crate::script::{Action, Command, Release, Script};

const STREAM: u64 = 0x5ca1_ab1e_0000_0004;

/// Of a hundred worlds.
const BESIDE: u32 = 50;

fn draw(random: &mut Random) -> WhileInFlight {
    *random.pick(&[
        WhileInFlight::Supersede,
        WhileInFlight::Supersede,
        WhileInFlight::Parallel,
        WhileInFlight::Queue,
    ])
}

/// Of a hundred worlds.
const FIXED: u32 = 35;
/// Of a hundred releases of such worlds.
const LACKING: u32 = 30;

pub fn of_day(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ STREAM);
    if random.percent(BESIDE) {
        for release in script.releases.values_mut() {
            release.while_in_flight = draw(&mut random);
        }
    }
    if random.percent(FIXED) {
        hotfix(&mut random, script);
    }
}

/// A hot-fix of one version, at some time after that has begun; more often than not while a later one is on its way.
fn hotfix(random: &mut Random, script: &mut Script) {
    let versions: Vec<Version> = script.releases.keys().cloned().collect();
    let fixed = random.pick(&versions[..versions.len() - 1]).clone();
    let Some(fix) = fixed
        .as_str()
        .strip_suffix(".0")
        .and_then(|text| format!("{text}.1").parse::<Version>().ok())
    else {
        return;
    };
    for release in script.releases.values_mut() {
        release.lacks_fixes = random.percent(LACKING);
    }
    let release = Release {
        waves: vec![Vec::new()],
        only_api: true,
        while_in_flight: WhileInFlight::Queue,
        hotfix: Some(fixed.clone()),
        steps: BTreeMap::new(),
        ..script.releases[&fixed].clone()
    };
    script.releases.insert(fix.clone(), release);
    let applied = |action: &Action| matches!(action, Action::Person(Command::Apply(version)) if *version > fixed);
    let later = script.actions.iter().filter(|(_, action)| applied(action));
    let at = later.map(|(at, _)| *at).next().unwrap_or(Duration::ZERO);
    let after = *random.pick(&[5, 60, 400, 1_500]);
    let at = at + Duration::from_secs(after + random.below(120));
    script.actions.push((at, Action::Person(Command::Apply(fix.clone()))));
    let trouble = Duration::from_secs(random.below(1_200));
    match random.below(5) {
        0 => script
            .actions
            .push((at + trouble, Action::Health(fix, Verdict::Fail, Vec::new()))),
        1 => script
            .actions
            .push((at + trouble, Action::Person(Command::RollBack(fix, Scope::Everything)))),
        2 => script
            .actions
            .push((at + trouble, Action::Person(Command::Hold(fix, None)))),
        _ => {}
    }
}

/// One playbook for all releases.
pub fn of_weeks(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ STREAM);
    let (beside, how, most) = (random.percent(BESIDE), draw(&mut random), *random.pick(&[2, 3, 3, 4]));
    let playbooks = script
        .files
        .iter_mut()
        .filter(|(path, _)| path.starts_with("playbooks/"));
    for (_, text) in playbooks.filter(|_| beside) {
        text.push_str(&format!("while_in_flight: {}\nmax_versions: {most}\n", how.as_str()));
    }
}
