//! The server of the demo, as a process of its own.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::world::World;
use crate::client::Client;
use crate::error::{CliError, Exit};

const START_WITHIN: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);

pub struct Server {
    process: Child,
}

impl Server {
    /// Starts it and waits until it answers.
    pub fn start(world: &World) -> Result<Self, CliError> {
        let mut server = Self {
            process: Self::spawn(world)?,
        };
        server.wait_until_it_answers(world)?;
        Ok(server)
    }

    /// Kills it, which it cannot prepare for, and starts it again; returns how long nobody answered.
    pub fn kill_and_start(&mut self, world: &World) -> Result<Duration, CliError> {
        let failed = |error| CliError::new("cannot kill the server of the demo").because(error);
        self.process.kill().and_then(|()| self.process.wait()).map_err(failed)?;
        let killed = Instant::now();
        self.process = Self::spawn(world)?;
        self.wait_until_it_answers(world)?;
        Ok(killed.elapsed())
    }

    fn spawn(world: &World) -> Result<Child, CliError> {
        let failed = |error| CliError::new("cannot start the server of the demo").because(error);
        let log = world.folder().join("server.log");
        let log = OpenOptions::new().create(true).append(true).open(log).map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        Command::new(program)
            .arg("serve")
            .arg("--project")
            .arg(world.folder())
            .args(["--listen", "127.0.0.1:0"])
            .arg("--lease")
            .arg(world.lease())
            .env_remove("TIDEGATE_SERVER")
            .env_remove("TIDEGATE_TOKEN")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(failed)
    }

    fn wait_until_it_answers(&mut self, world: &World) -> Result<(), CliError> {
        let began = Instant::now();
        loop {
            if let Ok(client) = world.context().client()
                && client.get::<Value>("/v1/status").is_ok()
            {
                return Ok(());
            }
            let ended = self.process.try_wait().ok().flatten();
            if ended.is_some() || began.elapsed() > START_WITHIN {
                let log = std::fs::read_to_string(world.folder().join("server.log")).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(5).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                return Err(CliError::new("the server of the demo does not come up").diagnostics(last.join("\n")));
            }
            std::thread::sleep(POLL);
        }
    }

    /// Where the gateway takes requests.
    pub fn gateway(client: &Patient) -> Result<SocketAddr, CliError> {
        let began = Instant::now();
        while began.elapsed() < START_WITHIN {
            let status = client.get("/v1/status")?;
            let listening = status.pointer("/gateways/0/listening/0").and_then(Value::as_str);
            if let Some(address) = listening.and_then(|text| text.parse().ok()) {
                return Ok(address);
            }
            std::thread::sleep(POLL);
        }
        Err(CliError::new("the gateway of the demo does not come up"))
    }
}

/// A client that waits for a server that is being started again.
pub struct Patient {
    client: Client,
}

impl Patient {
    pub fn new(world: &World) -> Result<Self, CliError> {
        Ok(Self {
            client: world.context().client()?,
        })
    }

    pub fn get(&self, path: &str) -> Result<Value, CliError> {
        patiently(|| self.client.get(path))
    }

    pub fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, CliError> {
        patiently(|| self.client.post(path, body))
    }
}

/// Repeats what failed for any other reason than a refusal. Only for what has no effect when it is repeated.
pub fn patiently<T>(attempt: impl Fn() -> Result<T, CliError>) -> Result<T, CliError> {
    let began = Instant::now();
    loop {
        match attempt() {
            Err(error) if error.exit != Exit::Refused && began.elapsed() < START_WITHIN => std::thread::sleep(POLL),
            outcome => return outcome,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The lease ends everything that it has started.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
