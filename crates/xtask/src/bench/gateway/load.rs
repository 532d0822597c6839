//! The load: wrk on 64 connections, each request of another tenant, all tenants in a fixed random order.

#[cfg(test)]
mod tests;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::TENANTS;
use crate::program;

pub const CONNECTIONS: usize = 64;

/// The requests are made once: what a script does for each of them would slow down the load and not the contender.
const SCRIPT: &str = r#"
local requests, position = {}, 0
function init(arguments)
  math.randomseed(1)
  for tenant = 1, TENANTS do
    requests[tenant] = wrk.format("GET", "/", {["x-tenant"] = "t" .. tenant})
  end
  for last = TENANTS, 2, -1 do
    local other = math.random(last)
    requests[last], requests[other] = requests[other], requests[last]
  end
end
function request()
  position = position % TENANTS + 1
  return requests[position]
end
function done(summary, latency)
  local wrong = summary.errors
  io.write(string.format("\nfigures %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99),
    wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout))
end
"#;

pub struct Load {
    wrk: PathBuf,
    script: PathBuf,
}

/// What came of one run.
#[derive(Debug, PartialEq)]
pub struct Done {
    pub requests: f64,
    pub seconds: f64,
    pub p99_ms: f64,
}

impl Load {
    pub fn new(wrk: PathBuf, folder: &Path) -> Result<Self, String> {
        let script = folder.join("tenants.lua");
        fs::write(&script, SCRIPT.replace("TENANTS", &TENANTS.to_string()))
            .map_err(|error| format!("cannot write `{}`: {error}", script.display()))?;
        Ok(Self { wrk, script })
    }

    /// Loads `address` for so long. An answer that is not a success fails the run: what costs nothing must not count.
    pub fn run(&self, address: SocketAddr, seconds: u64) -> Result<Done, String> {
        let (wrk, script) = (self.wrk.display().to_string(), self.script.display().to_string());
        let (duration, url) = (format!("-d{seconds}s"), format!("http://{address}"));
        let connections = format!("-c{CONNECTIONS}");
        let argv = [&wrk, "-t1", &connections, &duration, "-s", &script, &url];
        read(&program::capture(Path::new("."), &argv)?)
    }
}

/// Reads the line that the script has written.
pub fn read(output: &str) -> Result<Done, String> {
    let line = output.lines().find_map(|line| line.strip_prefix("figures "));
    let numbers: Option<Vec<f64>> = line.map(|line| line.split(' ').map_while(|number| number.parse().ok()).collect());
    let [requests, micros, p99_micros, wrong] = numbers.unwrap_or_default()[..] else {
        return Err(format!("wrk wrote no figures:\n{output}"));
    };
    if wrong > 0.0 || requests < 1.0 {
        return Err(format!("{wrong} of {requests} requests failed:\n{output}"));
    }
    Ok(Done {
        requests,
        seconds: micros / 1e6,
        p99_ms: p99_micros / 1e3,
    })
}
