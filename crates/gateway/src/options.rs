//! What a gateway process is told at its start. Everything else is in the table.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What a gateway is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the gateway, the same over restarts.
    pub id: String,
    /// Where clients come in. Port 0 takes a free one, see [`Gateway::listening`](crate::Gateway::listening).
    pub listen: SocketAddr,
    /// Where clients come in with TLS.
    pub tls: Option<Tls>,
    /// Where components of the service call each other; their word on tenant and version is taken. Loopback only.
    pub internal: Option<SocketAddr>,
    /// Health, metrics and the table in use. Loopback only.
    pub admin: SocketAddr,
    /// Directory of the persisted table, and the place where the next process takes over. Made where it is missing.
    pub state_dir: PathBuf,
    pub source: Source,
    /// At the end: for how long clients may still send on their connections, being told to close them.
    pub linger: Duration,
    /// At the end, after the linger: for how long requests, streams and tunnels under way may still take.
    pub grace: Duration,
    /// For tests only.
    pub fault: Option<Fault>,
}

/// A defect to run with on purpose: a test that passes in spite of it proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Ends at once when told to, whatever is under way.
    NoLinger,
    /// Sends every request once only.
    NoRetry,
}

/// TLS towards clients.
#[derive(Debug, Clone)]
pub struct Tls {
    pub listen: SocketAddr,
    /// PEM file with the chain of certificates, the server's own first. Read again when it changes.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// Where tables come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A publisher that speaks the follow protocol, for example `http://127.0.0.1:7070`.
    Server { url: String, token: String },
    /// A file with a table, read again when it changes.
    File(PathBuf),
}

impl Options {
    /// Linger and grace, as the process keeps them.
    pub(crate) fn patience(&self) -> (Duration, Duration) {
        match self.fault {
            Some(Fault::NoLinger) => (Duration::ZERO, Duration::ZERO),
            Some(Fault::NoRetry) | None => (self.linger, self.grace),
        }
    }
}
