//! The gateway's processes: one that serves, and during a hand-over one that lingers.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::process::{Child, Command};

use super::TortureError;
use super::process::{Processes, free_address, spawn, within};
use crate::verb::gateway::PlantedFault;

const WHO: &str = "a gateway";
/// Longer than the generator uses an idle connection again. Whoever closes one sooner cannot know whether a request is on its way.
const LINGER: &str = "5s";
const GRACE: &str = "20s";
/// Longer than the linger and everything that is under way may take.
const LEAVE_LIMIT: Duration = Duration::from_secs(40);
const SERVE_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Gateways {
    processes: Processes,
    publisher: SocketAddr,
    pub listen: SocketAddr,
    admin: SocketAddr,
    fault: Option<PlantedFault>,
    /// The last one serves, or is about to.
    running: Vec<Child>,
}

/// What a process holds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Holdings {
    pub descriptors: u64,
    pub resident_mb: f64,
}

impl Gateways {
    pub async fn start(
        processes: &Processes,
        publisher: SocketAddr,
        fault: Option<PlantedFault>,
    ) -> Result<Self, TortureError> {
        let mut gateways = Self {
            processes: processes.clone(),
            publisher,
            listen: free_address()?,
            admin: free_address()?,
            fault,
            running: Vec::new(),
        };
        gateways.start_next()?;
        let serving = async {
            while tokio::net::TcpStream::connect(gateways.listen).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        within(SERVE_LIMIT, "the start of the gateway", serving).await?;
        Ok(gateways)
    }

    /// Starts a process that takes over from the one that runs.
    pub fn start_next(&mut self) -> Result<(), TortureError> {
        let mut command = self.command()?;
        self.running.push(spawn(&mut command)?);
        Ok(())
    }

    /// Takes note of those that have ended, which only one that was taken over from may; returns their process ids.
    pub fn reap(&mut self) -> Result<Vec<u32>, TortureError> {
        let mut ended = Vec::new();
        let last = self.running.len().saturating_sub(1);
        let mut kept = Vec::new();
        for (place, mut child) in std::mem::take(&mut self.running).into_iter().enumerate() {
            let pid = child.id();
            let status = child
                .try_wait()
                .map_err(TortureError::io("cannot look after a gateway"))?;
            match status {
                None => kept.push(child),
                Some(status) if status.success() && place < last => ended.extend(pid),
                Some(status) => return Err(TortureError::Failed { who: WHO, status }),
            }
        }
        self.running = kept;
        Ok(ended)
    }

    /// Waits until only one process is left; returns the ids of those that have ended meanwhile.
    pub async fn settle(&mut self) -> Result<Vec<u32>, TortureError> {
        let mut ended = Vec::new();
        let settled = async {
            loop {
                ended.extend(self.reap()?);
                if self.running.len() == 1 {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within(LEAVE_LIMIT, "the end of a gateway that was taken over from", settled).await??;
        Ok(ended)
    }

    pub fn are_handing_over(&self) -> bool {
        self.running.len() > 1
    }

    /// What the serving process holds now.
    pub fn holdings(&self) -> Result<Holdings, TortureError> {
        let Some(pid) = self.running.last().and_then(Child::id) else {
            return Err(TortureError::Ended { who: WHO });
        };
        let failed = || TortureError::io("cannot see what the gateway holds");
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_err(failed())?.count() as u64;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(failed())?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok());
        Ok(Holdings {
            descriptors,
            resident_mb: kilobytes.unwrap_or_default() / 1024.0,
        })
    }

    fn command(&self) -> Result<Command, TortureError> {
        let mut command = self.processes.command("gateway")?;
        command.arg("gateway");
        command.args(["--server", &format!("http://{}", self.publisher)]);
        command.args(["--listen", &self.listen.to_string(), "--admin", &self.admin.to_string()]);
        command.args(["--linger", LINGER, "--grace", GRACE]);
        command.arg("--state").arg(self.processes.folder().join("gateway"));
        command.env("TIDEGATE_TOKEN", "of-the-torture-test");
        if let Some(fault) = self.fault {
            command
                .args(["--fault", fault.word()])
                .env("TIDEGATE_FAULTS", "allowed");
        }
        Ok(command)
    }
}
