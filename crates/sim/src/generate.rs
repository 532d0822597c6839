//! A seed as scenarios: a product, its releases, and an eventful day; and for every fifth seed, drawn from a stream of its
//! own, files as people write them and eventful weeks.

mod canaries;
mod features;
mod files;
mod gates;
mod in_flight;
mod jobs;
mod playbook;
mod steps;
mod tenants;
mod together;
mod weeks;

use std::collections::BTreeMap;

use tidegate_domain::event::{Scope, Verdict};
use tidegate_domain::id::{CellName, TenantName, Version};
use tidegate_domain::policy::{Bake, OnFailure, OnInconclusive, Parallel, WhileInFlight};
use tidegate_domain::release::{Ownership, Reversible, Stage};
use tidegate_domain::time::Duration;

use crate::boundary;
use crate::product::wave_name;
use crate::random::Random;
use crate::script::{Action, Command, GateMood, GatewayMood, Release, Script, SlotMood};

pub use self::weeks::weeks;

/// The same seed is the same scenario.
#[must_use]
pub fn generate(seed: u64) -> Script {
    let mut random = Random::new(seed);
    let cells = cells(&mut random);
    let tenants: BTreeMap<TenantName, CellName> = (0..random.between(2, 7))
        .map(|index| (tenant(index), random.pick(&cells).clone()))
        .collect();
    let gateways = (0..random.between(1, 3))
        .map(|index| format!("g{}", index + 1))
        .collect();
    let worker = *random.pick(&[
        None,
        Some(Ownership::Tenant),
        Some(Ownership::Tenant),
        Some(Ownership::Cell),
    ]);
    let names: Vec<TenantName> = tenants.keys().cloned().collect();
    let count = random.between(2, 4);
    let releases: BTreeMap<Version, Release> = (1..=count)
        .map(|major| (version(major), release(&mut random, major, &names)))
        .collect();
    let mut script = Script {
        cells,
        tenants,
        gateways,
        worker,
        job: None,
        releases,
        ..Script::default()
    };
    let mut day = Day {
        random,
        versions: script.releases.keys().cloned().collect(),
        tenants: script.tenants.keys().cloned().collect(),
        cells: script.cells.clone(),
        until: UNTIL,
        script: &mut script,
    };
    day.releases();
    day.people();
    day.world();
    day.faults();
    steps::of_day(seed, &mut script);
    steps::in_downtime(seed, &mut script);
    in_flight::of_day(seed, &mut script);
    tenants::of_day(seed, &mut script);
    together::of_day(seed, &mut script);
    jobs::of_day(seed, &mut script);
    gates::of_day(seed, &mut script);
    canaries::of_day(seed, &mut script);
    script.sort();
    script
}

fn cells(random: &mut Random) -> Vec<CellName> {
    ["eu", "us"][..random.between(1, 2) as usize]
        .iter()
        .map(|name| name.parse().expect("a name"))
        .collect()
}

fn tenant(index: u32) -> TenantName {
    format!("t{}", index + 1).parse().expect("a name")
}

fn version(major: u32) -> Version {
    format!("{major}.0.0").parse().expect("a version")
}

fn release(random: &mut Random, major: u32, tenants: &[TenantName]) -> Release {
    let mut waves = vec![Vec::new()];
    for _ in 1..random.between(1, 3) {
        waves.insert(0, tenants.iter().filter(|_| random.percent(35)).cloned().collect());
    }
    // A tenant stands in one wave.
    let mut seen = std::collections::BTreeSet::new();
    for wave in &mut waves {
        wave.retain(|tenant| seen.insert(tenant.clone()));
    }
    let least = *random.pick(&[0, 10, 60, 300]);
    let longest = if random.percent(15) {
        0
    } else {
        least + *random.pick(&[30, 120, 600])
    };
    Release {
        waves,
        bake: Bake {
            least: Duration::from_secs(if longest == 0 { 0 } else { least }),
            longest: Duration::from_secs(longest),
            requests: *random.pick(&[0, 20, 200]),
            ..Bake::default()
        },
        gap: Duration::from_secs(*random.pick(&[0, 0, 60, 600])),
        gates: u8::try_from(*random.pick(&[0, 0, 1, 2])).unwrap_or(0),
        gate_rules: BTreeMap::new(),
        parallel: Parallel {
            tenants: *random.pick(&[None, None, Some(1), Some(2)]),
            cells: *random.pick(&[None, None, Some(1)]),
        },
        on_failure: *random.pick(&[
            OnFailure::Wave,
            OnFailure::Wave,
            OnFailure::Tenant,
            OnFailure::Release,
            OnFailure::Hold,
        ]),
        on_inconclusive: *random.pick(&[OnInconclusive::Hold, OnInconclusive::Hold, OnInconclusive::Pass]),
        reversible: *random.pick(&[
            Reversible::Always,
            Reversible::Always,
            Reversible::Always,
            Reversible::Until(Stage::Bake),
            Reversible::Until(Stage::Confirm),
        ]),
        rollback_window: Duration::from_secs(*random.pick(&[60, 1_800, 86_400])),
        only_api: major > 1 && random.percent(30),
        while_in_flight: WhileInFlight::Queue,
        hotfix: None,
        lacks_fixes: false,
        together: Vec::new(),
        steps: BTreeMap::new(),
        for_good: false,
        canary: None,
    }
}

struct Day<'a> {
    random: Random,
    script: &'a mut Script,
    versions: Vec<Version>,
    tenants: Vec<TenantName>,
    cells: Vec<CellName>,
    /// The last second in which something happens by itself.
    until: u32,
}

/// Seconds in which things happen to the releases after the first.
const FROM: u32 = 400;
const UNTIL: u32 = 4_000;

impl Day<'_> {
    fn put(&mut self, second: u32, action: Action) {
        let millis = second * 1_000 + self.random.below(1_000);
        self.script.actions.push((Duration::from_millis(millis), action));
    }

    /// A moment of the day; more often than not one of those at which much happens: a switch is seconds.
    fn moment(&mut self) -> u32 {
        if self.random.percent(60) {
            let starts: Vec<u32> = self
                .script
                .actions
                .iter()
                .filter(|(_, action)| matches!(action, Action::Person(Command::Apply(_))))
                .filter_map(|(at, _)| u32::try_from(at.as_millis() / 1_000).ok())
                .collect();
            return *self.random.pick(&starts) + self.random.below(40);
        }
        self.random.between(FROM, self.until)
    }

    fn version(&mut self) -> Version {
        // The first release is the quiet one: without it there is nothing to go back to.
        if self.random.percent(8) {
            self.versions[0].clone()
        } else {
            self.random.pick(&self.versions[1..]).clone()
        }
    }

    fn tenant(&mut self) -> TenantName {
        self.random.pick(&self.tenants).clone()
    }

    fn cell(&mut self) -> CellName {
        self.random.pick(&self.cells).clone()
    }

    fn releases(&mut self) {
        let mut second = 1;
        for (index, version) in self.versions.clone().iter().enumerate() {
            self.put(second, Action::Person(Command::Apply(version.clone())));
            if self.random.percent(25) {
                let again = second + self.random.between(1, 600);
                self.put(again, Action::ApplyAgain(version.clone()));
            }
            second = if index == 0 { FROM } else { second };
            second += *self.random.pick(&[5, 60, 300, 1_500]);
        }
    }

    fn people(&mut self) {
        for _ in 0..self.random.below(6) {
            let (second, version) = (self.moment(), self.version());
            let action = match self.random.below(10) {
                0 => Command::Hold(version, None),
                1 => Command::Hold(version, Some(Duration::from_secs(self.random.between(1, 900)))),
                2 | 3 => Command::Resume(version),
                4 => Command::Promote(version),
                5 => Command::Abort(version),
                6 => Command::RollBack(version, Scope::Tenant(self.tenant())),
                7 => Command::RollBack(version, Scope::Wave(wave_name(self.random.below(3) as usize))),
                8 => Command::RollBack(version, Scope::Everything),
                _ => Command::Apply(version),
            };
            self.put(second, Action::Person(action));
            if self.random.percent(50) {
                let (later, version) = (second + self.random.below(600), self.version());
                self.put(later, Action::Person(Command::Resume(version)));
            }
        }
        for index in 0..self.random.below(3) {
            let (second, cell) = (self.moment(), self.cell());
            self.put(second, Action::Person(Command::Add(tenant(20 + index), cell)));
        }
        for _ in 0..self.random.below(3) {
            let (second, tenant, cell) = (self.moment(), self.tenant(), self.cell());
            self.put(second, Action::Person(Command::Remove(tenant.clone())));
            if self.random.percent(40) {
                let later = second + self.random.below(300);
                self.put(later, Action::Person(Command::Add(tenant, cell)));
            }
        }
        if self.random.percent(40) {
            let (second, version) = (self.moment(), self.version());
            self.put(second, Action::TryRollBack(version));
        }
    }

    fn world(&mut self) {
        for _ in 0..self.random.below(5) {
            let (second, version, cell) = (self.moment(), self.version(), self.cell());
            let later = second + self.random.between(1, 400);
            match self.random.below(8) {
                0 | 1 => self.health(second, version),
                2 => {
                    let mood = *self.random.pick(&[
                        GateMood::Ends(Verdict::Fail),
                        GateMood::Ends(Verdict::NoData),
                        GateMood::Ends(Verdict::Error),
                        GateMood::Retried,
                        GateMood::Dead,
                    ]);
                    self.put(1, Action::Gate(version, mood));
                }
                3 => {
                    let length = Duration::from_secs(*self.random.pick(&[0, 10, 60, 180]));
                    self.put(1, Action::Slots(version, cell, SlotMood::Takes(length)));
                }
                4 => {
                    self.put(second, Action::Slots(version.clone(), cell.clone(), SlotMood::Fails));
                    if self.random.percent(60) {
                        self.put(later, Action::Slots(version, cell, SlotMood::Heals));
                    }
                }
                5 => self.put(second, Action::Slots(version, cell, SlotMood::Crashes)),
                6 => {
                    self.put(second, Action::Freeze(version.clone(), cell.clone()));
                    self.put(later, Action::Thaw(version, cell));
                }
                _ => {
                    let (tenant, length) = (self.tenant(), self.random.between(1, 200));
                    self.put(second, Action::Long(tenant, Duration::from_secs(length)));
                }
            }
        }
    }

    fn health(&mut self, second: u32, version: Version) {
        let verdict = *self.random.pick(&[
            Verdict::Fail,
            Verdict::Fail,
            Verdict::NoData,
            Verdict::Inconclusive,
            Verdict::Error,
        ]);
        let culprits = if verdict == Verdict::Fail && self.random.percent(50) {
            vec![self.tenant()]
        } else {
            Vec::new()
        };
        self.put(second, Action::Health(version.clone(), verdict, culprits));
        if self.random.percent(40) {
            let later = second + self.random.between(30, 900);
            self.put(later, Action::Health(version, Verdict::Pass, Vec::new()));
        }
    }

    fn faults(&mut self) {
        let boundaries: Vec<_> = boundary::all().collect();
        for _ in 0..self.random.below(6) {
            let (second, fault) = (self.moment(), *self.random.pick(&boundaries));
            self.put(second, Action::Fault(fault));
        }
        for _ in 0..self.random.below(3) {
            let gateways = self.script.gateways.clone();
            let (second, name) = (self.moment(), self.random.pick(&gateways).clone());
            let later = second + self.random.between(1, 300);
            let (mood, then) = match self.random.below(4) {
                0 | 1 => (GatewayMood::Lapses, Some(GatewayMood::Returns)),
                2 if gateways.len() > 1 => (GatewayMood::Leaves, Some(GatewayMood::Joins)),
                2 => (
                    GatewayMood::Takes(Duration::from_secs(self.random.between(1, 90))),
                    None,
                ),
                _ => (GatewayMood::Restarts, None),
            };
            self.put(second, Action::Gateway(name.clone(), mood));
            if let Some(then) = then {
                self.put(later, Action::Gateway(name, then));
            }
        }
        if self.random.percent(10) {
            let second = self.moment();
            let jump = *self.random.pick(&[86_400_000, -86_400_000]);
            self.put(second, Action::Clock(jump));
        }
    }
}
