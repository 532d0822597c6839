//! A program that runs while it is measured, and what the kernel says of it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The kernel tells processor time in hundredths of a second (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);
const READY_LIMIT: Duration = Duration::from_secs(60);
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// A child that does not outlive its use.
pub struct Process(Child);

impl Process {
    /// Starts it; what it says goes to the file `log`.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self, String> {
        let program = command.get_program().display().to_string();
        let file = File::create(log).and_then(|out| Ok((out.try_clone()?, out)));
        let (out, error) = file.map_err(|error| format!("cannot write `{}`: {error}", log.display()))?;
        let started = command.stdin(Stdio::null()).stdout(out).stderr(error).spawn();
        started
            .map(Self)
            .map_err(|error| format!("cannot start `{program}`: {error}"))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until `is_ready` says so.
    pub fn ready(&mut self, name: &str, log: &Path, mut is_ready: impl FnMut() -> bool) -> Result<(), String> {
        let began = Instant::now();
        while !is_ready() {
            let ended = self.0.try_wait().ok().flatten();
            if ended.is_some() || began.elapsed() > READY_LIMIT {
                let how = ended.map_or("does not answer".to_owned(), |status| format!("ended: {status}"));
                let said = fs::read_to_string(log).unwrap_or_default();
                return Err(format!("{name} {how}\n{said}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell anything else.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port of the loopback interface that nobody uses now.
pub fn free_address() -> Result<SocketAddr, String> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("cannot find a free port: {error}"))
}

/// What `address` answers to a GET of `path`: head and body as they come. `None` where nobody answers.
pub fn get(address: SocketAddr, path: &str, header: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT).ok()?;
    stream.set_read_timeout(Some(ANSWER_LIMIT)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\n{header}connection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
}

/// Processor time that all threads of a process have used, in user and in system mode.
pub fn processor_time(pid: u32) -> Result<Duration, String> {
    let stat = read(pid, "stat")?;
    // The second field is the program's name in parentheses, and may hold anything.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace());
    let ticks = fields.and_then(|fields| {
        let ticks: Vec<u32> = fields.skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
        (ticks.len() == 2).then(|| ticks.iter().sum::<u32>())
    });
    ticks
        .map(|ticks| TICK * ticks)
        .ok_or_else(|| format!("cannot read the processor time of process {pid}"))
}

/// Resident memory in MB (10^6 bytes).
pub fn memory(pid: u32) -> Result<f64, String> {
    let status = read(pid, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kibibytes
        .map(|kibibytes| kibibytes * 1_024.0 / 1e6)
        .ok_or_else(|| format!("cannot read the memory of process {pid}"))
}

/// The processes that `pid` has started and that run.
pub fn children(pid: u32) -> Result<Vec<u32>, String> {
    let tasks = format!("/proc/{pid}/task");
    let tasks = fs::read_dir(&tasks).map_err(|error| format!("cannot read `{tasks}`: {error}"))?;
    // A process is listed with the thread that started it.
    let listed = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    Ok(listed
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect())
}

fn read(pid: u32, file: &str) -> Result<String, String> {
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).map_err(|error| format!("cannot read `{path}`: {error}"))
}
