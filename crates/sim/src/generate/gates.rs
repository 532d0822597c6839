//! Gates that are tried, that ask people, and whose verdicts a playbook or a person lets pass, drawn from a stream of its own: days
//! with them and without them are otherwise the same.

use tidegate_domain::event::Verdict;
use tidegate_domain::id::Version;
use tidegate_domain::policy::Disposition;
use tidegate_domain::time::Duration;

use crate::product::{gate_name, wave_name};
use crate::random::Random;
use crate::script::{Action, Command, GateMood, GateRule, Script};

const STREAM: u64 = 0x5ca1_ab1e_0000_0009;

/// Of a hundred days.
const WITH_RULES: u32 = 45;
/// Of a hundred gates of such a day.
const DRY_RUNS: u32 = 20;
const ASKING: u32 = 30;

/// Seconds around the start of a release.
const AROUND: u32 = 90;

pub fn of_day(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ STREAM);
    if !random.percent(WITH_RULES) {
        return;
    }
    for release in script.releases.values_mut() {
        if random.percent(50) {
            release.gates = release.gates.max(u8::try_from(random.between(1, 3)).unwrap_or(1));
        }
        for place in 0..release.gates {
            let rule = rule(&mut random);
            if rule != GateRule::default() {
                release.gate_rules.insert(place, rule);
            }
        }
    }
    let applies: Vec<(Duration, Version)> = script
        .actions
        .iter()
        .filter_map(|(at, action)| {
            let Action::Person(Command::Apply(version)) = action else {
                return None;
            };
            Some((*at, version.clone()))
        })
        .collect();
    for (at, version) in applies {
        let second = u32::try_from(at.as_millis() / 1_000).unwrap_or(0);
        words(&mut random, script, second, &version);
    }
}

fn rule(random: &mut Random) -> GateRule {
    let of = |random: &mut Random| {
        *random.pick(&[
            Disposition::Hold,
            Disposition::Hold,
            Disposition::Fail,
            Disposition::Pass,
        ])
    };
    let (on_no_data, on_inconclusive) = (of(random), of(random));
    let asks = random.percent(ASKING);
    let length = *random.pick(&[5, 60, 600]);
    GateRule {
        on_no_data: if asks { Disposition::Hold } else { on_no_data },
        on_inconclusive,
        dry_run: random.percent(DRY_RUNS) && !asks,
        asks_for: asks.then(|| Duration::from_secs(length)),
    }
}

/// What gates find, and what people say of them: those who are asked, and others.
fn words(random: &mut Random, script: &mut Script, second: u32, version: &Version) {
    if random.percent(40) {
        let verdict = *random.pick(&[
            Verdict::Fail,
            Verdict::NoData,
            Verdict::Inconclusive,
            Verdict::Inconclusive,
            Verdict::Error,
        ]);
        let mood = Action::Gate(version.clone(), GateMood::Ends(verdict));
        script.actions.push((Duration::from_secs(1), mood));
    }
    let people = ["bob", "cyd", "fay", "dan", "ada"];
    for _ in 0..random.below(4) {
        let (wave, gate) = (wave_name(random.below(3) as usize), gate_name(random.below(3) as u8));
        let at = second + random.below(AROUND);
        let version = version.clone();
        let command = if random.percent(60) {
            let person = (*random.pick(&people)).to_owned();
            let yes = random.percent(70);
            Command::Answer {
                version,
                wave,
                gate,
                yes,
                person,
            }
        } else {
            Command::Override { version, wave, gate }
        };
        script.actions.push((Duration::from_secs(at), Action::Person(command)));
        if random.percent(40) {
            let resume =
                Command::Resume(script.versions()[random.below(script.releases.len() as u32) as usize].clone());
            let later = at + random.between(1, 300);
            script
                .actions
                .push((Duration::from_secs(later), Action::Person(resume)));
        }
    }
}
