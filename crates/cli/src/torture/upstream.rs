//! The slots of the example service: each some processes.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tidegate_gateway::table::{Instance, Slot, SlotId};
use tokio::process::Child;

use super::TortureError;
use super::process::{Processes, first_line, free_address, lines, spawn, terminate};
use super::world;

pub const INSTANCES: usize = 2;
/// In one cell idle connections are closed early, as many servers do.
const HASTY_CELL: &str = "us";
const HASTY_IDLE_MS: u32 = 250;
/// An instance that was told to end and has nothing to do ends sooner.
const END_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct RunningSlot {
    pub id: SlotId,
    pub cell: &'static str,
    pub version: &'static str,
    instances: Vec<RunningInstance>,
}

#[derive(Debug)]
struct RunningInstance {
    instance: Instance,
    child: Child,
}

/// A slot whose instances do not run yet, though everything else is decided.
#[derive(Debug)]
pub struct PlannedSlot {
    pub id: SlotId,
    cell: &'static str,
    version: &'static str,
    addresses: Vec<SocketAddr>,
}

impl PlannedSlot {
    /// `turn` tells the slots of one version in one cell apart.
    pub fn new(cell: &'static str, version: &'static str, turn: usize) -> Result<Self, TortureError> {
        let addresses = (0..INSTANCES).map(|_| free_address()).collect::<Result<_, _>>()?;
        Ok(Self {
            id: format!("{cell}.api.{version}.{turn}").into(),
            cell,
            version,
            addresses,
        })
    }

    pub fn slot(&self) -> Slot {
        let instances = self.addresses.iter().enumerate();
        let instances = instances.map(|(number, address)| Instance {
            id: number.to_string().into(),
            address: *address,
        });
        world::slot(self.cell, self.version, instances.collect())
    }

    /// Starts the instances, and waits until each of them listens.
    pub async fn start(self, processes: &Processes) -> Result<RunningSlot, TortureError> {
        let mut instances = Vec::new();
        for (number, address) in self.addresses.iter().enumerate() {
            let id = number.to_string();
            instances.push(RunningInstance::start(processes, self.cell, self.version, &id, address.port()).await?);
        }
        Ok(RunningSlot {
            id: self.id,
            cell: self.cell,
            version: self.version,
            instances,
        })
    }
}

impl RunningInstance {
    async fn start(
        processes: &Processes,
        cell: &str,
        version: &str,
        id: &str,
        port: u16,
    ) -> Result<Self, TortureError> {
        let folder = processes.folder();
        let artifact = folder.join(format!("loyalty-{version}"));
        let edition = if version == world::VERSIONS[0] { "old" } else { "good" };
        let text = format!(
            "#!tidegate loyalty\n{}\n",
            json!({"version": version, "edition": edition})
        );
        std::fs::write(&artifact, text).map_err(TortureError::io("cannot write an artifact"))?;
        let mut command = processes.command("loyalty")?;
        command.arg("loyalty").arg(artifact).args(["--component", "api"]);
        command.args(["--port", &port.to_string()]);
        command.arg("--data").arg(folder.join(cell));
        if cell == HASTY_CELL {
            command.args(["--idle-ms", &HASTY_IDLE_MS.to_string()]);
        }
        let mut child = spawn(command.stdout(Stdio::piped()))?;
        first_line("an instance of the service", &mut lines(&mut child)).await?;
        let instance = Instance {
            id: id.into(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        };
        Ok(Self { instance, child })
    }
}

impl RunningSlot {
    pub fn instances(&self) -> Vec<Instance> {
        self.instances.iter().map(|one| one.instance.clone()).collect()
    }

    /// Kills the first instance, which leaves the list.
    pub async fn kill_one(&mut self) -> Result<(), TortureError> {
        let mut dead = self.instances.remove(0);
        dead.child
            .kill()
            .await
            .map_err(TortureError::io("cannot kill an instance"))
    }

    /// Starts another instance in the place of one that was killed; `id` is new.
    pub async fn replace(&mut self, processes: &Processes, id: &str) -> Result<(), TortureError> {
        let port = free_address()?.port();
        let started = RunningInstance::start(processes, self.cell, self.version, id, port).await?;
        self.instances.push(started);
        Ok(())
    }

    /// Stops an empty slot. What an instance ends with is told where it is not success.
    pub async fn stop(self) -> Result<(), TortureError> {
        for one in self.instances {
            let status = terminate(one.child, END_LIMIT).await?;
            if !status.success() {
                return Err(TortureError::Failed {
                    who: "an instance of the service",
                    status,
                });
            }
        }
        Ok(())
    }
}
