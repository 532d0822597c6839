//! Keeps one gateway process running beside the server, and lets it outlive the server.
//!
//! The process is started with a locked file as its standard input and holds the lock by being alive, so whether it runs is
//! asked of the lock: a server started anew adopts what holds it. Nothing that a crash can leave behind is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tidegate_gateway::Tls;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::control::in_words;
use crate::gateways::Gateways;
use crate::running::Running;

/// From one look at the lock of an adopted process to the next.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Pauses after a process that did not last, doubled each time.
const BACK_OFF_MIN: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(5);

/// A process that lasted so long is past its starting trouble.
const STABLE: Duration = Duration::from_secs(10);

/// The log is put aside at a start when it is longer than this.
const LOG_BYTES_MAX: u64 = 10_000_000;

/// How the gateway is run.
#[derive(Debug, Clone)]
pub struct GatewayProcess {
    /// The name it registers under.
    pub id: String,
    pub executable: PathBuf,
    /// The server's; the gateway has a directory of its own in it.
    pub state_dir: PathBuf,
    pub directory: PathBuf,
    /// Where it follows: the API of this server.
    pub server: String,
    pub token_file: PathBuf,
    pub listen: SocketAddr,
    pub tls: Option<Tls>,
    pub internal: Option<SocketAddr>,
    pub admin: SocketAddr,
    /// When the holder of this file's lock ends, so does the gateway.
    pub lease: Option<PathBuf>,
}

impl GatewayProcess {
    /// The address that it could not listen on, for another program does; `None` also where it runs already.
    pub fn taken(&self) -> io::Result<Option<SocketAddr>> {
        let Some(_none_runs) = lock(&self.directory)? else {
            return Ok(None);
        };
        let tls = self.tls.as_ref().map(|tls| tls.listen);
        let addresses = [Some(self.listen), tls, self.internal, Some(self.admin)];
        let taken = |address: &SocketAddr| {
            let bound = std::net::TcpListener::bind(address);
            bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
        };
        Ok(addresses.into_iter().flatten().find(taken))
    }
}

/// Keeps it running, for ever.
#[derive(Debug)]
pub struct Supervisor {
    process: GatewayProcess,
    gateways: Gateways,
}

impl Supervisor {
    #[must_use]
    pub fn new(process: GatewayProcess, gateways: Gateways) -> Self {
        Self { process, gateways }
    }

    pub async fn run(self) {
        let mut back_off = BACK_OFF_MIN;
        let mut adopted = false;
        loop {
            match lock(&self.process.directory) {
                Ok(None) => {
                    if !adopted {
                        adopted = true;
                        self.adopt();
                    }
                    sleep(LOOK_EVERY).await;
                    continue;
                }
                Ok(Some(lock)) => {
                    adopted = true;
                    self.has_ended().await;
                    let begun = Instant::now();
                    self.live(lock).await;
                    if begun.elapsed() >= STABLE {
                        back_off = BACK_OFF_MIN;
                    }
                }
                Err(error) => {
                    tracing::error!(trouble = in_words(&error), directory = %self.process.directory.display(),
                        "cannot use the directory of the gateway");
                }
            }
            sleep(back_off).await;
            back_off = (back_off * 2).min(BACK_OFF_MAX);
        }
    }

    /// One life from start to end.
    async fn live(&self, lock: File) {
        let mut child = match self.start(lock) {
            Ok(child) => child,
            Err(error) => {
                tracing::error!(trouble = in_words(&error), "cannot start the gateway");
                return;
            }
        };
        let ended = child.wait().await;
        let how = ended.map_or_else(|error| in_words(&error), |status| status.to_string());
        let last_words = last_line(&self.log()).unwrap_or_default();
        tracing::warn!(how, last_words, "the gateway ended and is started again");
    }

    fn start(&self, lock: File) -> io::Result<Child> {
        let process = &self.process;
        let log = open_log(&self.log())?;
        let arguments = self.arguments();
        let mut command = Command::new(&process.executable);
        command
            .args(&arguments)
            .current_dir(&process.directory)
            // Nothing of the server's secrets: the gateway gets a file with a token of its own.
            .env_remove("TIDEGATE_TOKEN")
            .stdin(Stdio::from(lock))
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            // What a terminal sends to the server's group is not meant for the gateway.
            .process_group(0);
        let child = command.spawn()?;
        if let Some(running) = child.id().and_then(|pid| Running::of(pid, &process.server, &arguments)) {
            running.write(&process.directory)?;
        }
        tracing::info!(pid = child.id(), listen = %process.listen, "the gateway was started");
        Ok(child)
    }

    fn arguments(&self) -> Vec<String> {
        let process = &self.process;
        let path = |path: &Path| path.display().to_string();
        let mut arguments = vec!["gateway".to_owned()];
        let mut option = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
        option("id", process.id.clone());
        option("state", path(&process.state_dir));
        option("server", process.server.clone());
        option("token-file", path(&process.token_file));
        option("listen", process.listen.to_string());
        if let Some(tls) = &process.tls {
            option("tls-listen", tls.listen.to_string());
            option("tls-certificate", path(&tls.certificate));
            option("tls-key", path(&tls.key));
        }
        option("admin", process.admin.to_string());
        if let Some(internal) = process.internal {
            option("internal", internal.to_string());
        }
        if let Some(lease) = &process.lease {
            option("lease", path(lease));
        }
        arguments
    }

    /// A process that follows another address would never be heard of: it makes room for one that follows this server.
    fn adopt(&self) {
        match Running::read(&self.process.directory) {
            Some(running) if running.server != self.process.server => {
                tracing::warn!(
                    followed = running.server,
                    "the gateway follows another address and is started again"
                );
                if let Err(error) = running.terminate() {
                    tracing::error!(trouble = in_words(&error), "cannot stop the gateway");
                }
            }
            Some(running) => {
                tracing::info!(pid = running.pid, "the gateway that runs was adopted");
                let changed = changed(&running.arguments, &self.arguments());
                if !changed.is_empty() {
                    tracing::warn!(
                        settings = changed.join(", "),
                        help = "`tidegate stop`, then `tidegate serve`: that starts the instances again too",
                        "settings of the gateway have changed; the one that runs was started with others, and goes on with them"
                    );
                }
            }
            None => tracing::info!("a gateway that runs was adopted"),
        }
    }

    async fn has_ended(&self) {
        if let Err(error) = self.gateways.ended(&self.process.id).await {
            tracing::error!(trouble = in_words(&error), "cannot forget the gateway that ended");
        }
    }

    fn log(&self) -> PathBuf {
        self.process.directory.join("log")
    }
}

/// The options whose values differ, by their names.
fn changed(before: &[String], now: &[String]) -> Vec<String> {
    let options = |arguments: &[String]| -> BTreeMap<String, String> {
        let pairs = arguments.get(1..).unwrap_or_default().chunks_exact(2);
        let pairs = pairs.map(|pair| (pair[0].trim_start_matches('-').to_owned(), pair[1].clone()));
        pairs.collect()
    };
    let (before, now) = (options(before), options(now));
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != now.get(*name))
        .cloned()
        .collect()
}

/// The lock, or `None` while a gateway holds it.
fn lock(directory: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(directory)?;
    let path = directory.join("lock");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open_log(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
        fs::rename(path, path.with_extension("old"))?;
    }
    OpenOptions::new().append(true).create(true).open(path)
}

fn last_line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().rfind(|line| !line.trim().is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
