//! Releases of other services that one of ours goes together with, drawn from a stream of their own.

use tidegate_domain::id::Version;
use tidegate_domain::release::Companion;
use tidegate_domain::service::CompanionPhase;
use tidegate_domain::time::Duration;

use crate::product;
use crate::random::Random;
use crate::script::{Action, Command, Script};

const STREAM: u64 = 0x5ca1_ab1e_0000_0006;

/// Of a hundred worlds.
const TOGETHER: u32 = 25;

const OTHERS: [&[&str]; 3] = [&["billing"], &["web"], &["billing", "web"]];

pub fn of_day(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ STREAM);
    if !random.percent(TOGETHER) {
        return;
    }
    let versions: Vec<Version> = script.releases.keys().cloned().collect();
    let own = random.pick(&versions).clone();
    let others = *random.pick(&OTHERS);
    let companion = |service: &str| Companion {
        service: service.parse().expect("a name"),
        version: own.clone(),
    };
    let mut together: Vec<Companion> = others.iter().map(|service| companion(service)).collect();
    let place = *random.pick(&[0, 1, others.len()]);
    together.insert(place, companion(product::service().as_str()));
    let applied = |(_, action): &&(Duration, Action)| *action == Action::Person(Command::Apply(own.clone()));
    let at = script
        .actions
        .iter()
        .find(applied)
        .map_or(Duration::ZERO, |(at, _)| *at);
    for other in together.iter().filter(|one| one.service != product::service()) {
        life(&mut random, script, &own, other, at);
    }
    if let Some(release) = script.releases.get_mut(&own) {
        release.together = together;
    }
}

/// It is applied, and is completed or comes back, more or less soon.
fn life(random: &mut Random, script: &mut Script, own: &Version, other: &Companion, applied: Duration) {
    let mut at = applied;
    let mut put = |after: u32, phase: CompanionPhase| {
        at = at + Duration::from_secs(after);
        let action = Action::Companion(own.clone(), other.service.clone(), phase);
        script.actions.push((at, action));
    };
    let because = "as simulated".to_owned();
    put(random.below(30), CompanionPhase::Unclear { because });
    put(random.below(120), CompanionPhase::Applied);
    match random.below(6) {
        0 => put(random.below(1_200), CompanionPhase::RolledBack),
        1 => {
            put(random.below(600), CompanionPhase::Completed);
            put(random.below(2_400), CompanionPhase::RolledBack);
            if random.percent(50) {
                put(random.below(600), CompanionPhase::Applied);
                put(random.below(600), CompanionPhase::Completed);
            }
        }
        2 => put(random.below(1_200), CompanionPhase::Stopped),
        _ => put(random.below(900), CompanionPhase::Completed),
    }
}
