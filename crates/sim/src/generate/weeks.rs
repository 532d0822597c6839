//! Weeks in which releases are planned from files: people approve, tell, waive, freeze and change their minds, and the server
//! dies in between.

use tidegate_domain::calendar::read_instant;
use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::service::{Selection, Waived};
use tidegate_domain::time::Duration;

use super::files::Drawn;
use super::{Day, tenant, version};
use crate::random::Random;
use crate::script::{Action, Command, Habits, Script, TrafficLine};

/// How many seeds there are for each that has weeks besides its day: weeks take longer to run than days.
const EVERY: u64 = 5;

/// Tells this stream of draws from the one that the day is made of.
const STREAM: u64 = 0x5ca1_ab1e_0000_0001;

const HOUR: u32 = 3_600;
const DAY: u32 = 24 * HOUR;

/// Shortly before the clocks of some zone change, or the year does.
const BEGINS: [&str; 9] = [
    "2026-03-27T20:00:00Z",
    "2026-10-23T07:00:00Z",
    "2026-03-06T12:00:00Z",
    "2026-10-30T22:00:00Z",
    "2026-04-03T03:00:00Z",
    "2026-10-02T09:00:00Z",
    "2026-12-21T10:00:00Z",
    "2026-06-10T06:00:00Z",
    "2027-03-24T23:30:00Z",
];

/// The weeks of a seed. `None`: it has none.
#[must_use]
pub fn weeks(seed: u64) -> Option<Script> {
    if !seed.is_multiple_of(EVERY) {
        return None;
    }
    let mut random = Random::new(seed ^ STREAM);
    let mut features = Random::new(seed ^ super::features::STREAM);
    let begins = read_instant(random.pick::<&str>(&BEGINS)).expect("an instant");
    let versions: Vec<Version> = (1..=random.between(2, 4)).map(version).collect();
    let tenants: Vec<TenantName> = (0..random.between(2, 7)).map(tenant).collect();
    let cells = super::cells(&mut random);
    let gateways = (0..random.between(1, 3))
        .map(|index| format!("g{}", index + 1))
        .collect();
    let worker = *random.pick(&[None, Some("tenant"), Some("tenant"), Some("cell")]);
    let files = Drawn {
        random: &mut random,
        features: &mut features,
        begins,
        cells: &cells,
        tenants: &tenants,
        versions: &versions,
        worker,
    }
    .files();
    let mut script = Script {
        begins,
        gateways,
        files,
        habits: Habits {
            report: super::features::report_habit(&mut features),
            migrate: super::features::migrate_habit(&mut features),
            ..habits(&mut random)
        },
        ..Script::default()
    };
    if random.percent(60) {
        for name in tenants
            .iter()
            .filter(|_| random.percent(80))
            .cloned()
            .collect::<Vec<_>>()
        {
            script.traffic.insert(name, traffic(&mut random));
        }
    }
    let mut day = Day {
        random,
        script: &mut script,
        versions,
        tenants,
        cells,
        until: 20 * DAY,
    };
    day.planned_releases();
    day.people();
    day.approvers();
    day.exceptions();
    day.world();
    day.faults();
    let tenants = day.tenants;
    super::features::of_weeks(&mut features, &mut script, &tenants);
    super::in_flight::of_weeks(seed, &mut script);
    super::canaries::of_weeks(seed, &mut script);
    script.sort();
    Some(script)
}

fn habits(random: &mut Random) -> Habits {
    let mut often = |chance: u32, lengths: &[u32]| {
        let length = *random.pick(lengths);
        random.percent(chance).then(|| Duration::from_secs(length))
    };
    Habits {
        approve: often(80, &[60, HOUR, 9 * HOUR, 2 * DAY]),
        notify: often(85, &[60, HOUR, 10 * HOUR, 3 * DAY]),
        resume: often(40, &[HOUR, DAY]),
        report: None,
        migrate: None,
        lift: None,
    }
}

fn traffic(random: &mut Random) -> TrafficLine {
    let (first, length) = (random.below(22), random.between(1, 3));
    let days = (0..7).filter(|_| random.percent(50)).collect::<Vec<u32>>();
    let hours = days
        .iter()
        .flat_map(|day| (first..first + length).map(move |hour| day * 24 + hour));
    TrafficLine {
        hourly: *random.pick(&[5, 100, 1_000]),
        peak_hours: hours
            .filter_map(|hour| u8::try_from(hour).ok().filter(|hour| *hour < 168))
            .collect(),
    }
}

impl Day<'_> {
    fn planned_releases(&mut self) {
        let mut second = 1;
        for (index, version) in self.versions.clone().into_iter().enumerate() {
            self.put(second, Action::Person(Command::Apply(version.clone())));
            if self.random.percent(25) {
                let again = second + self.random.between(1, 2 * DAY);
                self.put(again, Action::ApplyAgain(version));
            }
            second = if index == 0 { HOUR } else { second };
            second += *self.random.pick(&[60, HOUR, 13 * HOUR, DAY, 4 * DAY, 9 * DAY]);
        }
    }

    /// Who may, who may not, and who is of another mind.
    fn approvers(&mut self) {
        for _ in 0..self.random.below(5) {
            let (second, version) = (self.moment(), self.version());
            let people = ["ada", "bob", "cyd", "dan", "eve", "fay", "pia"];
            let person = (*self.random.pick(&people)).to_owned();
            let command = if self.random.percent(20) {
                Command::Reject(version.clone(), person)
            } else {
                Command::Approve(version.clone(), person)
            };
            let rejects = matches!(command, Command::Reject(..));
            self.put(second, Action::Person(command));
            if rejects && self.random.percent(70) {
                let later = second + self.random.below(DAY);
                self.put(later, Action::Person(Command::Resume(version)));
            }
        }
    }

    /// Notices that are sent early or said to have been sent long ago, waivers, freezes, and tenants that choose.
    fn exceptions(&mut self) {
        for _ in 0..self.random.below(6) {
            let (second, version, tenant) = (self.moment(), self.version(), self.tenant());
            let length = Duration::from_secs(*self.random.pick(&[HOUR, 5 * HOUR, DAY, 5 * DAY]));
            let command = match self.random.below(9) {
                0 => Command::Notify(version, Duration::ZERO),
                1 => Command::Notify(version, length),
                2 => Command::Waive(version, Waived::Notice, length, self.whom()),
                3 => Command::Waive(version, Waived::Window, length, self.whom()),
                4 | 5 => {
                    let after = Duration::from_secs(*self.random.pick(&[0, 0, HOUR, DAY]));
                    let of = self.whom();
                    let length = self.random.percent(70).then_some(length);
                    Command::Freeze { of, after, length }
                }
                6 => Command::Unfreeze,
                7 => Command::OptOut(tenant),
                _ => Command::OptIn(tenant),
            };
            self.put(second, Action::Person(command));
        }
    }

    fn whom(&mut self) -> Selection {
        match self.random.below(3) {
            0 => Selection::Everybody,
            1 => Selection::Cells([self.cell()].into()),
            _ => Selection::Tenants([self.tenant(), self.tenant()].into()),
        }
    }
}
