//! One gateway process from start to end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::admin::{self, Admin, Following};
use crate::clock;
use crate::counters::Counters;
use crate::follow::{self, Follower, PersistError, Publisher, PublisherError};
use crate::life::Life;
use crate::listen::{self, Entrance, ListenError};
use crate::proxy::Proxy;
use crate::routing::{Asker, Routing};

const TEND_EVERY: Duration = Duration::from_millis(250);
const TABLE_FILE: &str = "table.json";

/// What a gateway is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the gateway, the same over restarts.
    pub id: String,
    /// Where clients come in. Port 0 takes a free one, see [`Gateway::listening`].
    pub listen: SocketAddr,
    /// Where components of the service call each other; their word on tenant and version is taken. Loopback only.
    pub internal: Option<SocketAddr>,
    /// Health, metrics and the table in use. Loopback only.
    pub admin: SocketAddr,
    /// Directory of the persisted table. Made where it is missing.
    pub state_dir: PathBuf,
    pub source: Source,
    /// At the end: for how long clients may still send on their connections, being told to close them.
    pub linger: Duration,
    /// At the end, after the linger: for how long requests, streams and tunnels under way may still take.
    pub grace: Duration,
}

/// Where tables come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A publisher that speaks the follow protocol, for example `http://127.0.0.1:7070`.
    Server { url: String, token: String },
    /// A file with a table, read again when it changes.
    File(PathBuf),
}

#[derive(Debug, Error)]
pub enum StartError {
    #[error("could not open the {what} listener")]
    Listen {
        what: &'static str,
        #[source]
        source: ListenError,
    },
    #[error("could not use the state directory {path}")]
    StateDirectory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not use the persisted table; remove the file to start without it")]
    Persisted(#[source] PersistError),
    #[error("could not use the publisher's address or token")]
    Publisher(#[source] PublisherError),
    #[error("could not listen for signals")]
    Signals(#[source] io::Error),
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    listening: SocketAddr,
    internal: Option<SocketAddr>,
    admin: SocketAddr,
    options: Options,
    life: watch::Sender<Life>,
    open: mpsc::Receiver<()>,
    tasks: Vec<JoinHandle<()>>,
}

/// Runs a gateway until the process is told to end (SIGTERM or SIGINT) and has ended gracefully.
pub async fn run(options: Options) -> Result<(), StartError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    let gateway = Gateway::start(options).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    gateway.end().await;
    Ok(())
}

impl Gateway {
    /// Opens the listeners, takes the persisted table where there is one, and follows the source.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let opened = |what| move |source| StartError::Listen { what, source };
        let public = listen::bind(options.listen).await.map_err(opened("public"))?;
        let internal = match options.internal {
            Some(address) => Some(
                listen::bind_loopback(address, "internal")
                    .await
                    .map_err(opened("internal"))?,
            ),
            None => None,
        };
        let admin = listen::bind_loopback(options.admin, "admin")
            .await
            .map_err(opened("admin"))?;
        let address = |listener: &tokio::net::TcpListener, asked| listener.local_addr().unwrap_or(asked);

        let (life, _) = watch::channel(Life::Serving);
        let (open_sender, open) = mpsc::channel(1);
        let mut gateway = Self {
            listening: address(&public, options.listen),
            internal: internal
                .as_ref()
                .zip(options.internal)
                .map(|(listener, asked)| address(listener, asked)),
            admin: address(&admin, options.admin),
            options,
            life,
            open,
            tasks: Vec::new(),
        };
        let parts = Parts::new(&gateway.life);
        gateway.follow(&parts)?;
        gateway.spawn(admin::serve(admin, parts.admin.clone()));
        gateway.spawn(tend(parts.routing.clone()));
        for (listener, asker) in [(Some(public), Asker::Client), (internal, Asker::Component)] {
            let Some(listener) = listener else { continue };
            let entrance = Entrance {
                proxy: parts.proxy.clone(),
                asker,
                life: gateway.life.subscribe(),
                open: open_sender.clone(),
            };
            gateway.spawn(listen::accept(listener, entrance));
        }
        Ok(gateway)
    }

    /// Where clients come in.
    pub fn listening(&self) -> SocketAddr {
        self.listening
    }

    /// Where components call each other.
    pub fn internal(&self) -> Option<SocketAddr> {
        self.internal
    }

    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Ends gracefully: no new connections; `Connection: close` on the old ones for the linger, still following, confirming
    /// and counting; then idle ones are closed, and after the grace what is left.
    pub async fn end(mut self) {
        self.life.send_replace(Life::Lingering);
        let is_empty = tokio::time::timeout(self.options.linger, self.open.recv())
            .await
            .is_ok();
        self.life.send_replace(Life::Ending);
        if !is_empty
            && tokio::time::timeout(self.options.grace, self.open.recv())
                .await
                .is_err()
        {
            tracing::warn!("what is still under way is cut");
        }
        self.life.send_replace(Life::Over);
        // What is cut needs a moment to be dropped.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.open.recv()).await;
    }

    /// Begins with the persisted table, and with following the source.
    fn follow(&mut self, parts: &Parts) -> Result<(), StartError> {
        let Options {
            id, source, state_dir, ..
        } = self.options.clone();
        let (url, token) = match source {
            Source::Server { url, token } => (url, token),
            Source::File(path) => {
                self.spawn(follow::follow_file(
                    path,
                    parts.routing.clone(),
                    parts.following.clone(),
                ));
                return Ok(());
            }
        };
        std::fs::create_dir_all(&state_dir).map_err(|source| StartError::StateDirectory {
            path: state_dir.clone(),
            source,
        })?;
        let table_path = state_dir.join(TABLE_FILE);
        follow::remove_leftovers(&table_path);
        if let Some(table) = follow::load(&table_path).map_err(StartError::Persisted)? {
            match parts.routing.prepare(table) {
                Ok(snapshot) => parts.routing.install(snapshot),
                Err(refusal) => tracing::warn!(error = &refusal as &dyn std::error::Error, "persisted table not used"),
            }
        }
        let incarnation = format!("{}-{}", clock::unix_ms(), std::process::id());
        let publisher = || Publisher::new(&url, &token).map_err(StartError::Publisher);
        let follower = Follower {
            gateway: id.clone(),
            incarnation: incarnation.clone(),
            listening: std::iter::once(self.listening).chain(self.internal).collect(),
            publisher: publisher()?,
            routing: parts.routing.clone(),
            following: parts.following.clone(),
            life: self.life.subscribe(),
            table_path,
            persist_micros: 0,
        };
        self.spawn(follower.run());
        self.spawn(follow::report(
            publisher()?,
            id,
            incarnation,
            parts.proxy.counters.clone(),
        ));
        Ok(())
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(task));
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// What the parts of one process share.
struct Parts {
    routing: Arc<Routing>,
    following: Arc<Following>,
    proxy: Arc<Proxy>,
    admin: Arc<Admin>,
}

impl Parts {
    fn new(life: &watch::Sender<Life>) -> Self {
        let routing = Arc::new(Routing::new());
        let counters = Arc::new(Counters::default());
        let following = Arc::new(Following::default());
        let proxy = Proxy {
            routing: routing.clone(),
            counters: counters.clone(),
            life: life.subscribe(),
        };
        let admin = Admin {
            routing: routing.clone(),
            counters,
            following: following.clone(),
            life: life.subscribe(),
        };
        Self {
            routing,
            following,
            proxy: Arc::new(proxy),
            admin: Arc::new(admin),
        }
    }
}

async fn tend(routing: Arc<Routing>) {
    let mut interval = tokio::time::interval(TEND_EVERY);
    loop {
        interval.tick().await;
        routing.tend();
    }
}
