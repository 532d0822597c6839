//! From nothing to serving, and what the product takes while nobody asks it for anything.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::super::figure::{Best, Figure, Limit, median};
use super::super::process::{Process, children, free_address, get, memory};
use super::command;
use crate::program;

const IDLE: Duration = Duration::from_secs(10);

/// `tidegate serve` with its gateway, in a project that was just initialised.
struct Served {
    server: Process,
    took: Duration,
    /// While it is held locked, what was started runs on.
    lease: File,
}

/// Starts the product `rounds` times and measures the last one idle.
pub fn measure(binary: &Path, folder: &Path, rounds: usize) -> Result<Vec<Figure>, String> {
    let mut took = Vec::new();
    let mut idle_memory = f64::NAN;
    for round in 1..=rounds {
        eprintln!("start {round} of {rounds}");
        let served = Served::start(binary, folder, round)?;
        took.push(served.took.as_secs_f64() * 1e3);
        if round == rounds {
            thread::sleep(IDLE);
            idle_memory = served.memory()?;
        }
        served.end()?;
    }
    let figure = |name, unit, ours, limit| Figure {
        name,
        unit,
        ours,
        peers: Vec::new(),
        limit,
    };
    Ok(vec![
        figure("idle_memory", "MB", idle_memory, Some(Limit::Ours(50.0))),
        figure(
            "start_to_serving",
            "ms",
            Best::Least.of(&took),
            Some(Limit::Ours(300.0)),
        ),
        figure("start_to_serving_median", "ms", median(&took), None),
    ])
}

impl Served {
    fn start(binary: &Path, folder: &Path, round: usize) -> Result<Self, String> {
        let project = folder.join(format!("project-{round}"));
        let project_text = project.display().to_string();
        program::capture(folder, &[&binary.display().to_string(), "init", &project_text])?;
        let path = folder.join(format!("lease-{round}"));
        let lease = File::create(&path).and_then(|file| file.lock().map(|()| file));
        let lease = lease.map_err(|error| format!("cannot lock `{}`: {error}", path.display()))?;
        let (api, clients) = (free_address()?, free_address()?);
        let mut command = command(binary, &["serve", "--project", &project_text]);
        command
            .args(["--listen", &api.to_string(), "--gateway-listen", &clients.to_string()])
            .arg("--lease")
            .arg(&path);
        let log = folder.join(format!("serve-{round}.log"));
        let began = Instant::now();
        let mut server = Process::start(&mut command, &log)?;
        server.ready("`tidegate serve`", &log, || is_ready(api, clients))?;
        Ok(Self {
            server,
            took: began.elapsed(),
            lease,
        })
    }

    /// Of the server and of all that it has started.
    fn memory(&self) -> Result<f64, String> {
        let all = children(self.server.id())?;
        if all.is_empty() {
            return Err("the server runs no gateway".to_owned());
        }
        all.into_iter()
            .chain([self.server.id()])
            .map(memory)
            .sum::<Result<f64, String>>()
    }

    /// Lets go of the lease, and waits until the gateway and the server have ended.
    fn end(self) -> Result<(), String> {
        let mut left = children(self.server.id())?;
        left.push(self.server.id());
        drop(self.lease);
        let began = Instant::now();
        while left.iter().any(|pid| is_running(*pid)) {
            if began.elapsed() > IDLE {
                return Err(format!("processes {left:?} run on without a lease"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// The server says so, and the gateway answers by a table: that of a project without a release knows no tenant yet.
fn is_ready(api: SocketAddr, clients: SocketAddr) -> bool {
    let is_served = |answer: String| answer.starts_with("HTTP/1.1 ") && !answer.contains("no_instance");
    get(api, "/readyz", "").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
        && get(clients, "/", "").is_some_and(is_served)
}

/// One that has ended and was not waited for yet does not run.
fn is_running(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
