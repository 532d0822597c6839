//! Many seeds, or one scenario, and what came of them.

use std::fmt;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde::Serialize;

use crate::boundary::{self, Hits};
use crate::generate::generate;
use crate::script::Script;
use crate::world;

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

/// Runs `seeds` worlds, from `first` on, on as many threads as the machine has processors.
#[must_use]
pub fn run(seeds: u64, first: u64) -> Report {
    let next = AtomicU64::new(first);
    let end = first.saturating_add(seeds);
    let gathered = Mutex::new((Hits::default(), Vec::new()));
    let work = || {
        let (mut hits, mut violations) = (Hits::default(), Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            let script = generate(seed);
            let ended = world::run(&script);
            hits.add(&ended.hits);
            violations.extend(ended.violation.map(|violation| Found {
                seed,
                invariant: violation.invariant.to_owned(),
                detail: format!("at {}: {}", violation.at, violation.detail),
                scenario: script.to_string(),
            }));
        }
        let mut gathered = gathered.lock().expect("no world panics while it holds the results");
        gathered.0.add(&hits);
        gathered.1.extend(violations);
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (hits, mut violations) = gathered
        .into_inner()
        .expect("no world panics while it holds the results");
    violations.sort_by_key(|found: &Found| found.seed);
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
        violations,
    }
}

/// What a scenario leads to: a line for each thing that happens, and at the end where everybody is.
#[must_use]
pub fn replay(script: &Script) -> String {
    let mut text = world::run(script).trace.join("\n");
    text.push('\n');
    text
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
        for missed in &self.boundaries_missed {
            writeln!(f, "not hit: {missed}")?;
        }
        for found in &self.violations {
            writeln!(f, "\nseed {}: {}: {}", found.seed, found.invariant, found.detail)?;
            writeln!(f, "{}", found.scenario)?;
        }
        Ok(())
    }
}
