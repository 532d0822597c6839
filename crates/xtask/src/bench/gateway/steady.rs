//! A load that leaves the machine room: so many requests a second by h2load, each with its time.
//!
//! At full load latency is nothing but throughput, and any work beside it is felt. Here it is what a client waits.

#[cfg(test)]
mod tests;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::program;

const CONNECTIONS: usize = 32;
/// Of each connection. Together they are about an eighth of what the gateway answers on one thread.
const PER_SECOND: usize = 125;

pub struct Steady {
    h2load: PathBuf,
    log: PathBuf,
}

/// The times of one run, in milliseconds.
#[derive(Debug, PartialEq)]
pub struct Times {
    pub mean_ms: f64,
    pub p99_ms: f64,
}

impl Steady {
    pub fn new(h2load: PathBuf, folder: &Path) -> Self {
        Self {
            h2load,
            log: folder.join("steady.log"),
        }
    }

    /// Loads `address` for so long. An answer that is not a success fails the run.
    pub fn run(&self, address: SocketAddr, seconds: u64) -> Result<Times, String> {
        // It is written at the end of what is there.
        let _ = fs::remove_file(&self.log);
        let h2load = self.h2load.display().to_string();
        let (connections, rate) = (format!("-c{CONNECTIONS}"), format!("--rps={PER_SECOND}"));
        let (duration, log) = (format!("-D{seconds}"), format!("--log-file={}", self.log.display()));
        let url = format!("http://{address}/");
        let argv = [
            &h2load,
            "--h1",
            "-t1",
            &connections,
            &rate,
            &duration,
            &log,
            "-H",
            "x-tenant: t1",
            &url,
        ];
        program::capture(Path::new("."), &argv)?;
        let lines = fs::read_to_string(&self.log).map_err(|error| format!("h2load wrote no times: {error}"))?;
        read(&lines, CONNECTIONS * PER_SECOND * seconds as usize)
    }
}

/// Each line is an instant, a status, and microseconds until the end of the answer. Fewer than nine tenths of what was wanted are no steady load.
pub fn read(lines: &str, wanted: usize) -> Result<Times, String> {
    let mut micros = Vec::new();
    for line in lines.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [_, "200", time] = fields[..] else {
            return Err(format!("no success: `{line}`"));
        };
        let time = time
            .parse::<f64>()
            .map_err(|_| format!("`{time}` is no number of microseconds"))?;
        micros.push(time);
    }
    if micros.len() * 10 < wanted * 9 {
        return Err(format!("{} of {wanted} requests were sent", micros.len()));
    }
    micros.sort_by(f64::total_cmp);
    let p99 = micros.get(micros.len() * 99 / 100).copied().unwrap_or_default();
    Ok(Times {
        mean_ms: micros.iter().sum::<f64>() / micros.len() as f64 / 1e3,
        p99_ms: p99 / 1e3,
    })
}
