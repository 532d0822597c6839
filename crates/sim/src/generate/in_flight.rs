//! Releases beside each other, drawn from a stream of their own: worlds with them and without them are otherwise the same.

use tidegate_domain::policy::WhileInFlight;

use crate::random::Random;
use crate::script::Script;

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

pub fn of_day(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ STREAM);
    if random.percent(BESIDE) {
        for release in script.releases.values_mut() {
            release.while_in_flight = draw(&mut random);
        }
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
