//! The traffic of the demo: a process of its own that is told what was switched when, and nothing else.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::world::{CELLS, World, tenants};
use crate::error::CliError;
use crate::output;
use crate::traffic::clock::monotonic_micros;
use crate::traffic::config::Rates;

/// How long the generator may take to bring its last answers home and to read what the service has on disk.
const FINISH_WITHIN: Duration = Duration::from_secs(40);

pub struct Generator {
    process: Child,
    control: Option<ChildStdin>,
    lines: Receiver<Value>,
}

impl Generator {
    pub fn start(world: &World, gateway: SocketAddr, rates: &Rates) -> Result<Self, CliError> {
        let failed = |error| CliError::new("cannot start the traffic of the demo").because(error);
        let program = std::env::current_exe().map_err(failed)?;
        let mut process = Command::new(program)
            .arg("traffic")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(failed)?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = process.stdout.take() {
            std::thread::spawn(move || {
                let lines = BufReader::new(stdout).lines().map_while(Result::ok);
                for document in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                    if sender.send(document).is_err() {
                        return;
                    }
                }
            });
        }
        let mut generator = Self {
            control: process.stdin.take(),
            process,
            lines,
        };
        let data: BTreeMap<_, _> = CELLS.into_iter().map(|cell| (cell, world.data(cell))).collect();
        let tenants: Vec<Value> = tenants()
            .map(|tenant| json!({ "name": tenant.name, "cell": tenant.cell }))
            .collect();
        generator.write(&json!({
            "gateway": gateway, "tenants": tenants, "tenant_in": { "header": "x-tenant" }, "data": data,
            "rates": rates,
        }))?;
        Ok(generator)
    }

    fn write(&mut self, line: &Value) -> Result<(), CliError> {
        let failed = |error| CliError::new("the traffic of the demo has ended early").because(error);
        match &mut self.control {
            Some(control) => writeln!(control, "{line}").map_err(failed),
            None => Ok(()),
        }
    }

    /// These tenants may be answered by `version` from `at_ms` (wall clock) on.
    pub fn switching(&mut self, tenants: &[String], version: &str, at_ms: i64) -> Result<(), CliError> {
        self.mark("switching", tenants, version, at_ms)
    }

    /// These tenants must be answered by `version` from `at_ms` (wall clock) on.
    pub fn confirmed(&mut self, tenants: &[String], version: &str, at_ms: i64) -> Result<(), CliError> {
        self.mark("confirmed", tenants, version, at_ms)
    }

    fn mark(&mut self, kind: &str, tenants: &[String], version: &str, at_ms: i64) -> Result<(), CliError> {
        let since = super::journal::now_ms().saturating_sub(at_ms);
        let at_micros = monotonic_micros().saturating_add_signed(-since.saturating_mul(1_000));
        self.write(&json!({ kind: { "tenants": tenants, "version": version, "at_micros": at_micros } }))
    }

    /// Lets it run.
    pub fn watch(&mut self, time: Duration) -> Result<(), CliError> {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if let Err(mpsc::RecvTimeoutError::Disconnected) = self.lines.recv_timeout(left) {
                return Err(CliError::new("the traffic of the demo has ended early"));
            }
        }
        Ok(())
    }

    /// Stops sending and returns the closing document.
    pub fn finish(mut self) -> Result<Value, CliError> {
        self.control = None;
        let until = Instant::now() + FINISH_WITHIN;
        let mut last = Value::Null;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(document) => last = document,
                Err(mpsc::RecvTimeoutError::Disconnected) if last.get("sent").is_some() => return Ok(last),
                Err(error) => {
                    output::message(&format!("the last word of the traffic was {last}"));
                    return Err(CliError::new("the traffic of the demo did not close its books").because(error));
                }
            }
        }
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
