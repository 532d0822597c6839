//! Kills the server while the demo runs: what a release comes to must not depend on it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::server::{Patient, Server};
use super::world::World;
use crate::error::CliError;
use crate::traffic::random::Random;

/// Between two kills, in milliseconds: long enough to get on with something, too short to get done.
const PAUSE_MS: std::ops::Range<u64> = 50..2_500;
const POLL: Duration = Duration::from_millis(10);
/// What was told to stop may take its grace.
const QUIET_WITHIN: Duration = Duration::from_secs(25);

pub struct Killer {
    kills: u32,
    seed: u64,
    stopped: AtomicBool,
}

impl Killer {
    pub fn new(kills: u32, seed: u64) -> Self {
        Self {
            kills,
            seed,
            stopped: AtomicBool::new(false),
        }
    }

    /// No more kills from now on.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Kills at random instants; returns for how long nobody answered each time.
    pub fn run(&self, world: &World, server: &Mutex<Server>) -> Result<Vec<Duration>, CliError> {
        let mut random = Random::seeded(self.seed);
        let mut gaps = Vec::new();
        for _ in 0..self.kills {
            let pause = PAUSE_MS.start + random.next() % (PAUSE_MS.end - PAUSE_MS.start);
            let until = Instant::now() + Duration::from_millis(pause);
            while Instant::now() < until {
                if self.stopped.load(Ordering::Relaxed) {
                    return Ok(gaps);
                }
                std::thread::sleep(POLL);
            }
            let mut server = server
                .lock()
                .map_err(|_| CliError::new("a thread of the demo has panicked"))?;
            gaps.push(server.kill_and_start(world)?);
        }
        Ok(gaps)
    }
}

/// What the server left behind: a journal that is whole, and for every instance that shall run one process.
pub fn check(world: &World, client: &Patient) -> Result<(), CliError> {
    let journal = client.get("/v1/journal/verify")?;
    if journal["whole"] != true {
        return Err(CliError::new(format!("the journal is not whole: {journal}")));
    }
    let until = Instant::now() + QUIET_WITHIN;
    loop {
        let status = client.get("/v1/status")?;
        let cells = status["cells"].as_array().into_iter().flatten();
        let slots = cells.filter_map(|cell| cell["slots"].as_array()).flatten();
        // `api` runs two instances a slot, the others one: see the project files of the demo.
        let instances = slots.map(|slot| if slot["component"] == "api" { 2 } else { 1 });
        let (wanted, found) = (instances.sum::<usize>(), processes(world));
        if wanted == found {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(CliError::new(format!("{found} processes run for {wanted} instances")));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Instances of the service that were started from the folder of this demo.
fn processes(world: &World) -> usize {
    let folder = world.folder().display().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let arguments = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    arguments
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .filter(|line| line.contains(" loyalty ") && line.contains("--component") && line.contains(&folder))
        .count()
}
