//! One process of the service, and a client that sends each request once on a connection of its own.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tidegate_loyalty::Artifact;

/// Arguments of the instance, as a JSON list.
const ARGUMENTS: &str = "LOYALTY_TEST_ARGUMENTS";

#[test]
#[ignore = "not a test but the instance that the tests start"]
fn service() {
    let arguments = std::env::var(ARGUMENTS).expect("only started by `Instance::start`");
    let arguments: Vec<String> = serde_json::from_str(&arguments).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let arguments = arguments.into_iter().map(OsString::from);
    runtime.block_on(tidegate_loyalty::main(arguments)).unwrap();
}

/// Killed when dropped.
pub struct Instance {
    process: Child,
    pub address: SocketAddr,
}

impl Instance {
    /// Returns when the instance listens.
    pub fn start(data: &Path, component: &str) -> Instance {
        let artifact = data.join(".artifact");
        let text = Artifact::good().render(Path::new("/not/used")).unwrap();
        std::fs::write(&artifact, text).unwrap();
        let (artifact, data) = (artifact.to_str().unwrap(), data.to_str().unwrap());
        let arguments = [
            artifact,
            "--component",
            component,
            "--port",
            "0",
            "--data",
            data,
            "--linger-ms",
            "500",
        ];
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "instance::service", "--ignored", "--nocapture"])
            .env(ARGUMENTS, serde_json::to_string(&arguments).unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.ok()?;
            line.split_once("listening on ")?.1.parse().ok()
        });
        // Whatever it prints further is read, for a full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.expect("the instance tells its address");
        Instance { process, address }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// SIGKILL, and gone when this returns.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        until("the instance ends", || {
            status = self.process.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Status and body, or what broke.
pub fn get(address: SocketAddr, path: &str) -> std::io::Result<(u16, Value)> {
    exchange(address, &format!("GET {path} HTTP/1.1"), "", "")
}

pub fn post(address: SocketAddr, path: &str, headers: &str, body: &str) -> std::io::Result<(u16, Value)> {
    exchange(address, &format!("POST {path} HTTP/1.1"), headers, body)
}

fn exchange(address: SocketAddr, first: &str, headers: &str, body: &str) -> std::io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let length = body.len();
    let kind = format!("content-type: application/json\r\ncontent-length: {length}\r\n");
    let head = format!("{first}\r\nhost: x\r\nconnection: close\r\n{kind}{headers}\r\n");
    stream.write_all(format!("{head}{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let broken = || std::io::Error::other(format!("not a whole answer: `{answer}`"));
    let status = answer
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .ok_or_else(broken)?;
    let body = answer.split_once("\r\n\r\n").ok_or_else(broken)?.1;
    Ok((status, serde_json::from_str(body).map_err(|_| broken())?))
}

/// Polls up to 20 s.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
