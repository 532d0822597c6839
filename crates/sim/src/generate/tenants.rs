//! Tenants that change their cell or are suspended, drawn from a stream of its own: days with them and without them are otherwise
//! the same.

use tidegate_domain::id::{CellName, TenantName};
use tidegate_domain::time::Duration;

use crate::random::Random;
use crate::script::{Action, Command, Script};

const STREAM: u64 = 0x5ca1_ab1e_0000_0007;

/// Of a hundred days.
const WITH_MOVES: u32 = 60;
const WITH_SUSPENSIONS: u32 = 40;

/// Seconds of the day in which it happens, and around a release.
const FROM: u32 = 300;
const UNTIL: u32 = 4_000;
const AROUND: u32 = 60;

/// Lets some tenants move between cells, and some be suspended and resumed.
pub fn of_day(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ STREAM);
    let tenants: Vec<TenantName> = script.tenants.keys().cloned().collect();
    let cells: Vec<CellName> = script.cells.clone();
    let starts: Vec<u32> = script
        .actions
        .iter()
        .filter(|(_, action)| matches!(action, Action::Person(Command::Apply(_))))
        .filter_map(|(at, _)| u32::try_from(at.as_millis() / 1_000).ok())
        .collect();
    let mut put = |second: u32, command| {
        script
            .actions
            .push((Duration::from_secs(second), Action::Person(command)));
    };
    let moment = |random: &mut Random| match (random.percent(60), starts.is_empty()) {
        (true, false) => *random.pick(&starts) + random.below(AROUND),
        (true, true) | (false, _) => random.between(FROM, UNTIL),
    };
    if cells.len() > 1 && random.percent(WITH_MOVES) {
        for _ in 0..random.between(1, 4) {
            let (second, tenant) = (moment(&mut random), random.pick(&tenants).clone());
            let cell = random.pick(&cells).clone();
            put(second, Command::MoveTo(tenant.clone(), cell));
            if random.percent(25) {
                let cell = random.pick(&cells).clone();
                put(second + random.below(20), Command::MoveTo(tenant, cell));
            }
        }
    }
    if random.percent(WITH_SUSPENSIONS) {
        let (second, tenant) = (moment(&mut random), random.pick(&tenants).clone());
        put(second, Command::Suspend(tenant.clone()));
        if random.percent(70) {
            put(second + random.between(1, 900), Command::ResumeTenant(tenant));
        }
    }
}

#[cfg(test)]
mod tests;
