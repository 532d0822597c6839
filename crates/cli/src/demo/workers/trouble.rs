//! What befalls the workers around a hand-over.

use std::fmt;
use std::time::Duration;

use rustix::process::Signal;
use serde::Serialize;

use super::process::Worker;
use crate::demo::world::World;
use crate::traffic::random::Random;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    None,
    /// The worker that has the work is killed before it is asked to let go.
    OldKilled,
    /// It is stopped where it stands, and wakes when its successor is at work.
    OldStopped,
    /// The successor is killed when the work has just been given to it.
    NewKilled,
}

/// Between a trouble and the hand-over, and between the hand-over and what follows it.
const PAUSE_MS_MAX: usize = 400;

impl Trouble {
    pub const ALL: [Self; 4] = [Self::None, Self::OldKilled, Self::OldStopped, Self::NewKilled];

    /// Dealt as from a shuffled pack of one each, so that a short run has all of them. `pack` is what is left of it.
    pub fn deal(pack: &mut Vec<Self>, random: &mut Random) -> Self {
        if pack.is_empty() {
            *pack = Self::ALL.to_vec();
        }
        pack.swap_remove(random.below(pack.len()))
    }

    /// Before the work changes hands; `from` is the version whose workers have it. Returns who has to be woken.
    pub fn before(self, world: &World, from: &str, cells: &[&str]) -> Vec<Worker> {
        let old = workers(world, from, cells);
        match self {
            Self::None | Self::NewKilled => Vec::new(),
            Self::OldKilled => {
                old.iter().for_each(|worker| worker.signal(Signal::KILL));
                Vec::new()
            }
            Self::OldStopped => {
                old.iter().for_each(|worker| worker.signal(Signal::STOP));
                old
            }
        }
    }

    /// When the work has been given to `to`.
    pub fn after(self, world: &World, to: &str, cells: &[&str]) {
        match self {
            Self::None | Self::OldKilled | Self::OldStopped => {}
            Self::NewKilled => workers(world, to, cells)
                .iter()
                .for_each(|worker| worker.signal(Signal::KILL)),
        }
    }
}

pub fn pause(random: &mut Random) {
    std::thread::sleep(Duration::from_millis(random.below(PAUSE_MS_MAX) as u64));
}

fn workers(world: &World, version: &str, cells: &[&str]) -> Vec<Worker> {
    let mut workers = Worker::all(world);
    workers.retain(|worker| worker.version == version && cells.contains(&worker.cell.as_str()));
    workers
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "both answer",
            Self::OldKilled => "the old worker is killed",
            Self::OldStopped => "the old worker is stopped, and woken later",
            Self::NewKilled => "the new worker is killed",
        })
    }
}
