//! One gateway process from start to end.

mod sockets;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

use crate::admin::{self, Admin, Following};
use crate::clock;
use crate::counters::{Counters, Reporter};
use crate::follow::{self, Follower, PersistError, Publisher, PublisherError};
use crate::handover::{self, Handover, HandoverError, Takeover};
use crate::life::{Life, reached};
use crate::listen::{self, Certificate, Entrance, ListenError, TlsError};
use crate::options::{Fault, Options, Source};
use crate::proxy::Proxy;
use crate::routing::{Asker, Routing};
use crate::shadow::{self, Shadow};

use sockets::Sockets;

const TEND_EVERY: Duration = Duration::from_millis(250);
const TABLE_FILE: &str = "table.json";
const HANDOVER_FILE: &str = "handover.sock";
/// For a process that takes over: to be registered, and to get a first table.
const REGISTERED_LIMIT: Duration = Duration::from_secs(3);
const TABLE_LIMIT: Duration = Duration::from_secs(10);
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(1);

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
    #[error("could not take over from the running gateway")]
    Handover(#[source] HandoverError),
    #[error("no table to serve by came from the source in time; the running gateway goes on")]
    NoTable,
    #[error("could not use the certificate of the TLS listener")]
    Tls(#[source] TlsError),
    #[error("could not listen for signals")]
    Signals(#[source] io::Error),
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    listening: SocketAddr,
    tls: Option<SocketAddr>,
    internal: Option<SocketAddr>,
    admin: SocketAddr,
    options: Options,
    life: watch::Sender<Life>,
    open: mpsc::Receiver<()>,
    tasks: Vec<JoinHandle<()>>,
    /// Those that have something to say at the end.
    last_words: Vec<JoinHandle<()>>,
}

/// Runs a gateway until the process is told to end (SIGTERM or SIGINT) or the next process has taken over, and has ended
/// gracefully.
pub async fn run(options: Options) -> Result<(), StartError> {
    raise_descriptor_limit();
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    let gateway = Gateway::start(options).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = gateway.taken_over() => {}
    }
    gateway.end().await;
    Ok(())
}

impl Gateway {
    /// Opens the listeners or takes them over from a process with the same state directory, begins with the persisted table
    /// where there is one, and follows the source.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        std::fs::create_dir_all(&options.state_dir).map_err(|source| StartError::StateDirectory {
            path: options.state_dir.clone(),
            source,
        })?;
        let certificate = options
            .tls
            .as_ref()
            .map(|tls| Certificate::load(&tls.certificate, &tls.key));
        let certificate = certificate.transpose().map_err(StartError::Tls)?.map(Arc::new);
        let handover_path = options.state_dir.join(HANDOVER_FILE);
        let mut takeover = Takeover::ask(&handover_path).await.map_err(StartError::Handover)?;
        let sockets = Sockets::open(&options, takeover.as_mut()).await?;

        let address = |socket: &TcpListener, asked| socket.local_addr().unwrap_or(asked);
        let (life, _) = watch::channel(Life::Serving);
        let (open_sender, open) = mpsc::channel(1);
        let mut gateway = Self {
            listening: address(&sockets.public, options.listen),
            tls: sockets.tls.as_ref().and_then(|socket| socket.local_addr().ok()),
            internal: sockets
                .internal
                .as_ref()
                .zip(options.internal)
                .map(|(socket, asked)| address(socket, asked)),
            admin: address(&sockets.admin, options.admin),
            options,
            life,
            open,
            tasks: Vec::new(),
            last_words: Vec::new(),
        };
        let parts = Parts::new(&gateway.life, gateway.options.fault);
        let registered = gateway.follow(&parts)?;
        if takeover.is_some() {
            ready_to_serve(registered, &parts.routing).await?;
        }
        let handover = Handover {
            sockets: sockets.descriptors()?,
            life: gateway.life.clone(),
            table_file: parts.table_file.clone(),
        };
        gateway.spawn(admin::serve(sockets.admin, parts.admin.clone()));
        if let Some(certificate) = certificate.clone() {
            gateway.spawn(certificate.follow());
        }
        gateway.spawn(tend(parts.routing.clone(), parts.proxy.shadow.clone()));
        let entrances = [
            (Some(sockets.public), Asker::Client, None),
            (sockets.tls, Asker::Client, certificate),
            (sockets.internal, Asker::Component, None),
        ];
        for (socket, asker, certificate) in entrances {
            let Some(socket) = socket else { continue };
            let entrance = Entrance {
                proxy: parts.proxy.clone(),
                asker,
                certificate,
                life: gateway.life.subscribe(),
                open: open_sender.clone(),
            };
            gateway.spawn(listen::accept(socket, entrance));
        }
        if let Some(takeover) = takeover {
            takeover.ready().await.map_err(StartError::Handover)?;
        }
        let next = handover::listen(&handover_path).map_err(StartError::Handover)?;
        gateway.spawn(handover.wait(next));
        Ok(gateway)
    }

    /// Ready when another process has taken over the sockets: this one is to [`end`](Self::end) then.
    pub async fn taken_over(&self) {
        reached(&mut self.life.subscribe(), Life::Lingering).await;
    }

    /// Where clients come in.
    pub fn listening(&self) -> SocketAddr {
        self.listening
    }

    /// Where clients come in with TLS.
    pub fn tls(&self) -> Option<SocketAddr> {
        self.tls
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
        let (linger, grace) = self.options.patience();
        let is_empty = tokio::time::timeout(linger, self.open.recv()).await.is_ok();
        self.life.send_replace(Life::Ending);
        if !is_empty && tokio::time::timeout(grace, self.open.recv()).await.is_err() {
            tracing::warn!("what is still under way is cut");
        }
        self.life.send_replace(Life::Over);
        // What is cut needs a moment to be dropped, and the publisher to be told.
        let last = async {
            let _ = self.open.recv().await;
            for task in std::mem::take(&mut self.last_words) {
                let _ = task.await;
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS_LIMIT, last).await;
    }

    /// Begins with the persisted table, and with following the source. What is returned becomes true when the newest table is
    /// in use.
    fn follow(&mut self, parts: &Parts) -> Result<watch::Receiver<bool>, StartError> {
        let Options {
            id, source, state_dir, ..
        } = self.options.clone();
        let registered = watch::Sender::new(false);
        let is_registered = registered.subscribe();
        let (url, token) = match source {
            Source::Server { url, token } => (url, token),
            Source::File(path) => {
                registered.send_replace(true);
                self.spawn(follow::follow_file(
                    path,
                    parts.routing.clone(),
                    parts.following.clone(),
                ));
                return Ok(is_registered);
            }
        };
        let table_path = state_dir.join(TABLE_FILE);
        if let Some(table) = follow::load(&table_path).map_err(StartError::Persisted)? {
            match parts.routing.prepare(table) {
                Ok(snapshot) => parts.routing.install(snapshot),
                Err(refusal) => tracing::warn!(error = &refusal as &dyn std::error::Error, "persisted table not used"),
            }
        }
        let incarnation = format!("{}-{}", clock::unix_micros(), std::process::id());
        let publisher = || Publisher::new(&url, &token).map_err(StartError::Publisher);
        let follower = Follower {
            gateway: id.clone(),
            incarnation: incarnation.clone(),
            listening: std::iter::once(self.listening)
                .chain(self.tls)
                .chain(self.internal)
                .collect(),
            publisher: publisher()?,
            routing: parts.routing.clone(),
            following: parts.following.clone(),
            life: self.life.subscribe(),
            table_path,
            table_file: parts.table_file.clone(),
            persist_micros: 0,
            registered,
            tell_routes: false,
        };
        let shadow = parts.proxy.shadow.clone();
        self.spawn(shadow::deliver(
            publisher()?,
            shadow.clone(),
            (id.clone(), incarnation.clone()),
            self.life.subscribe(),
        ));
        let reporter = Reporter::new(id, incarnation, clock::unix_ms());
        let report = follow::report(
            publisher()?,
            reporter,
            (parts.proxy.counters.clone(), shadow),
            self.life.subscribe(),
        );
        self.last_words = vec![tokio::spawn(report), tokio::spawn(follower.run())];
        Ok(is_registered)
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(task));
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.tasks.iter().chain(&self.last_words).for_each(JoinHandle::abort);
    }
}

/// What the parts of one process share.
struct Parts {
    routing: Arc<Routing>,
    following: Arc<Following>,
    proxy: Arc<Proxy>,
    admin: Arc<Admin>,
    table_file: Arc<Mutex<()>>,
}

impl Parts {
    fn new(life: &watch::Sender<Life>, fault: Option<Fault>) -> Self {
        let routing = Arc::new(Routing::new());
        let counters = Arc::new(Counters::default());
        let following = Arc::new(Following::default());
        let shadow = Arc::new(Shadow::new());
        let proxy = Proxy {
            routing: routing.clone(),
            counters: counters.clone(),
            shadow: shadow.clone(),
            life: life.subscribe(),
            may_retry: fault != Some(Fault::NoRetry),
        };
        let admin = Admin {
            routing: routing.clone(),
            counters,
            shadow,
            following: following.clone(),
            life: life.subscribe(),
        };
        Self {
            routing,
            following,
            proxy: Arc::new(proxy),
            admin: Arc::new(admin),
            table_file: Arc::default(),
        }
    }
}

/// A connection takes a descriptor on either side. The usual limit is meant for programs that wait with `select`.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Before sockets are taken over: the publisher counts on this process, if it can be reached, and there is a table.
async fn ready_to_serve(mut registered: watch::Receiver<bool>, routing: &Routing) -> Result<(), StartError> {
    let _ = tokio::time::timeout(REGISTERED_LIMIT, registered.wait_for(|registered| *registered)).await;
    let mut changes = routing.changes();
    if routing.current().is_some() {
        return Ok(());
    }
    let first = tokio::time::timeout(TABLE_LIMIT, changes.changed()).await;
    first.map_err(|_| StartError::NoTable)?.map_err(|_| StartError::NoTable)
}

async fn tend(routing: Arc<Routing>, shadow: Arc<Shadow>) {
    let mut interval = tokio::time::interval(TEND_EVERY);
    loop {
        interval.tick().await;
        routing.tend();
        shadow.tend();
    }
}
