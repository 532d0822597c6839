//! Canaries, drawn from a stream of its own: releases with them and without them are otherwise the same.

use tidegate_domain::release::DataStepKind;
use tidegate_domain::time::Duration;

use crate::random::Random;
use crate::script::Script;

const STREAM: u64 = 0x5ca1_ab1e_0000_0018;

/// Of a hundred releases, and of a hundred waves of projects that plan no downtime.
const WITH_CANARY: u32 = 35;

/// Gives some releases of a day a canary, where both versions can serve at once.
pub fn of_day(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ STREAM);
    for release in script.releases.values_mut() {
        let least = *random.pick(&[0, 10, 60, 200]);
        let longest = least + *random.pick(&[5, 30, 120]);
        let drawn = random.percent(WITH_CANARY);
        if drawn && !release.steps.contains_key(&DataStepKind::DuringDowntime) {
            release.canary = Some((Duration::from_secs(least), Duration::from_secs(longest)));
        }
    }
}

/// Gives some waves of a project's playbooks one.
pub fn of_weeks(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ STREAM);
    let is_closed = |text: &String| text.contains("downtime");
    if script.files.values().any(is_closed) {
        return;
    }
    let playbooks = script
        .files
        .iter_mut()
        .filter(|(path, _)| path.starts_with("playbooks/"));
    for (_, text) in playbooks {
        let lines: Vec<String> = text.lines().map(|line| with_canary(&mut random, line)).collect();
        *text = lines.join("\n") + "\n";
    }
}

fn with_canary(random: &mut Random, line: &str) -> String {
    let canary = *random.pick(&[
        "{}",
        "{share: 50, least: 1m, longest: 2h, requests: 0, on_inconclusive: pass}",
        "{share: 1, least: 2h, longest: 1d, warm_up: 10m}",
    ]);
    if line.contains("select: ") && random.percent(WITH_CANARY) {
        line.replacen(", bake: ", &format!(", canary: {canary}, bake: "), 1)
    } else {
        line.to_owned()
    }
}
