//! The traffic generator as a process: told of every switch, it prints what became of every request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tidegate_loyalty::tenant::Tenant as Name;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};
use tokio::task::JoinHandle;

use super::TortureError;
use super::process::{Processes, lines, spawn, within};
use super::world::{TENANT_HEADER, Tenant};
use crate::traffic::clock::monotonic_micros;
use crate::traffic::config::{Config, Rates, TenantConfig, TenantPlace};
use crate::traffic::control::{Control, Switch};

const WHO: &str = "the traffic generator";
/// What is under way when it is told to end has its limit of time, and so has the look at the service's files.
const CLOSE_LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Generator {
    cells: Vec<&'static str>,
    child: Child,
    controls: ChildStdin,
    last_line: JoinHandle<String>,
}

impl Generator {
    /// Sends as the tenants of these cells.
    pub async fn start(
        processes: &Processes,
        gateway: SocketAddr,
        tenants: &[Tenant],
        cells: &[&'static str],
        rates: Rates,
    ) -> Result<Self, TortureError> {
        let sending = tenants.iter().filter(|tenant| cells.contains(&tenant.cell));
        let sending = sending.map(|tenant| TenantConfig {
            name: tenant.name.clone(),
            cell: tenant.cell.to_owned(),
        });
        let config = Config {
            gateway,
            tenants: sending.collect(),
            tenant_in: TenantPlace::Header(TENANT_HEADER.to_owned()),
            rates,
            seconds: None,
            seed: 0,
            timeout_ms: Config::default_timeout_ms(),
            in_flight_max: Config::default_in_flight_max(),
            data: cells
                .iter()
                .map(|cell| ((*cell).to_owned(), processes.folder().join(cell)))
                .collect(),
            worker: false,
        };
        let mut command = processes.command("traffic")?;
        command.arg("traffic").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = spawn(&mut command)?;
        let mut lines = lines(&mut child);
        let last_line = tokio::spawn(async move {
            let mut last = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                last = line;
            }
            last
        });
        let controls = child.stdin.take().expect("its stdin was asked for as a pipe");
        let mut generator = Self {
            cells: cells.to_vec(),
            child,
            controls,
            last_line,
        };
        generator.write(&config).await?;
        Ok(generator)
    }

    /// From now on these tenants may be answered by these versions.
    pub async fn switching(&mut self, moves: &[(Tenant, &'static str)]) -> Result<(), TortureError> {
        self.mark(moves, monotonic_micros(), Control::Switching).await
    }

    /// From that instant they had to be.
    pub async fn confirmed(&mut self, moves: &[(Tenant, &'static str)], at_micros: u64) -> Result<(), TortureError> {
        self.mark(moves, at_micros, Control::Confirmed).await
    }

    /// Sends nothing more, and returns the closing document.
    pub async fn close(self) -> Result<Value, TortureError> {
        let Self {
            mut child,
            controls,
            last_line,
            ..
        } = self;
        drop(controls);
        let ended = async { (last_line.await, child.wait().await) };
        let (last, status) = within(CLOSE_LIMIT, "the closing of the traffic", ended).await?;
        let status = status.map_err(TortureError::io("cannot wait for the traffic"))?;
        if !status.success() {
            return Err(TortureError::Failed { who: WHO, status });
        }
        serde_json::from_str(&last.unwrap_or_default()).map_err(TortureError::said(WHO))
    }

    async fn mark(
        &mut self,
        moves: &[(Tenant, &'static str)],
        at_micros: u64,
        kind: impl Fn(Switch) -> Control,
    ) -> Result<(), TortureError> {
        let mut versions: BTreeMap<&'static str, Vec<Name>> = BTreeMap::new();
        for (tenant, version) in moves.iter().filter(|(tenant, _)| self.cells.contains(&tenant.cell)) {
            versions.entry(version).or_default().push(tenant.name.clone());
        }
        for (version, tenants) in versions {
            let switch = Switch {
                tenants,
                version: version.to_owned(),
                at_micros,
            };
            self.write(&kind(switch)).await?;
        }
        Ok(())
    }

    async fn write(&mut self, document: &impl serde::Serialize) -> Result<(), TortureError> {
        let mut line = serde_json::to_vec(document).map_err(TortureError::said("the conductor"))?;
        line.push(b'\n');
        let written = self.controls.write_all(&line).await;
        written.map_err(TortureError::io("cannot steer the traffic"))
    }
}
