//! Many seeds, or one scenario, and what came of them.

use std::fmt;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde::Serialize;

use crate::boundary::{self, Hits};
use crate::check::{Seen, Wait};
use crate::generate::{generate, weeks};
use crate::script::Script;
use crate::world::{self, Planned};

pub const SCHEMA_VERSION: u32 = 1;

/// What came of a range of seeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub schema_version: u32,
    pub seeds: u64,
    pub first_seed: u64,
    /// Places at which the server can die.
    pub boundaries: usize,
    /// Of these, how many it did die at.
    pub boundaries_hit: usize,
    /// Those it did not, by name.
    pub boundaries_missed: Vec<String>,
    /// Worlds, of which some seeds have two.
    pub worlds: u64,
    /// Plans made from files that passed their check, and were applied.
    pub plans_checked: u64,
    /// Those that were blocked, and were not.
    pub plans_blocked: u64,
    /// What people and time can make a release wait for, and no release did.
    pub waits_missed: Vec<String>,
    /// By seed; none is what everybody wants.
    pub violations: Vec<Found>,
}

/// A seed whose world broke a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    pub seed: u64,
    pub invariant: String,
    pub detail: String,
    /// To be kept in a file and replayed.
    pub scenario: String,
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// So many seeds are run.
    Run(u64),
    /// A rule broke.
    Found(&'a Found),
}

/// Runs `seeds` worlds, from `first` on, on as many threads as the machine has processors. `told` hears how far it is.
#[must_use]
pub fn run(seeds: u64, first: u64, told: &(dyn Fn(Progress<'_>) + Sync)) -> Report {
    let next = AtomicU64::new(first);
    let done = AtomicU64::new(0);
    let end = first.saturating_add(seeds);
    let gathered = Mutex::new(Gathered::default());
    let work = || {
        let mut own = Gathered::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            let known = own.violations.len();
            own.world(seed, &generate(seed));
            if let Some(script) = weeks(seed) {
                own.world(seed, &script);
            }
            own.violations[known..]
                .iter()
                .for_each(|found| told(Progress::Found(found)));
            told(Progress::Run(done.fetch_add(1, Ordering::Relaxed) + 1));
        }
        let mut gathered = gathered.lock().expect("no world panics while it holds the results");
        gathered.add(own);
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut gathered = gathered
        .into_inner()
        .expect("no world panics while it holds the results");
    gathered.violations.sort_by_key(|found| found.seed);
    let hits = gathered.hits;
    Report {
        schema_version: SCHEMA_VERSION,
        seeds,
        first_seed: first,
        boundaries: boundary::all().count(),
        boundaries_hit: hits.distinct(),
        boundaries_missed: hits
            .missing()
            .map(|(kind, moment)| format!("{kind} {moment}"))
            .collect(),
        worlds: gathered.worlds,
        plans_checked: gathered.planned.sound,
        plans_blocked: gathered.planned.blocked,
        waits_missed: Wait::ALL
            .into_iter()
            .filter(|wait| !gathered.waits.contains(wait))
            .map(|wait| wait.as_str().to_owned())
            .collect(),
        violations: gathered.violations,
    }
}

/// What came of several worlds.
#[derive(Default)]
struct Gathered {
    worlds: u64,
    hits: Hits,
    planned: Planned,
    waits: Seen,
    violations: Vec<Found>,
}

impl Gathered {
    fn world(&mut self, seed: u64, script: &Script) {
        let ended = world::run(script);
        let violations = ended.violation.map(|violation| Found {
            seed,
            invariant: violation.invariant.to_owned(),
            detail: format!("at {}: {}", violation.at, violation.detail),
            scenario: script.to_string(),
        });
        self.add(Self {
            worlds: 1,
            hits: ended.hits,
            planned: ended.planned,
            waits: ended.waits,
            violations: violations.into_iter().collect(),
        });
    }

    fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.hits.add(&other.hits);
        self.planned.sound += other.planned.sound;
        self.planned.blocked += other.planned.blocked;
        self.waits.extend(other.waits);
        self.violations.extend(other.violations);
    }
}

/// What a scenario leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// A line for each thing that happens, and at the end where everybody is.
    pub trace: String,
    /// No rule broke.
    pub held: bool,
}

#[must_use]
pub fn replay(script: &Script) -> Replayed {
    let ended = world::run(script);
    let mut trace = ended.trace.join("\n");
    trace.push('\n');
    Replayed {
        trace,
        held: ended.violation.is_none(),
    }
}

/// For people: the figures, and of each violation what to replay.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} seeds from {}: {} violations, {} of {} crash boundaries hit",
            self.seeds,
            self.first_seed,
            self.violations.len(),
            self.boundaries_hit,
            self.boundaries
        )?;
        writeln!(
            f,
            "{} worlds, {} plans checked and applied, {} blocked",
            self.worlds, self.plans_checked, self.plans_blocked
        )?;
        for missed in &self.boundaries_missed {
            writeln!(f, "not hit: {missed}")?;
        }
        for missed in &self.waits_missed {
            writeln!(f, "not waited for: {missed}")?;
        }
        for found in &self.violations {
            writeln!(f, "\nseed {}: {}: {}", found.seed, found.invariant, found.detail)?;
            writeln!(f, "{}", found.scenario)?;
        }
        Ok(())
    }
}
