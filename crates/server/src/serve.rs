//! The server from start to end.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tidegate_domain::effect::Lane;
use tidegate_domain::files::Project;
use tidegate_domain::id::{CellName, ServiceName};
use tidegate_effects::drivers::Driver;
use tidegate_effects::drivers::process::{self, ProcessDriver, ProcessDriverError};
use tidegate_effects::gates::tap::Taps;
use tidegate_engine::TurnError;
use tidegate_gateway::Tls;
use tidegate_gateway::table::PreviewKey;
use tidegate_store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::alerts::Eyes;
use crate::api::{self, AppState};
use crate::auth::tokens::{self, TokenError};
use crate::clock;
use crate::companions::Companions;
use crate::control::{Control, in_words};
use crate::counters::Counters;
use crate::gateways::{self, Endpoint, Gateways, Published};
use crate::health::Health;
use crate::incarnation::Incarnation;
use crate::intake::auto::Auto;
use crate::layout::Layout;
use crate::perform::gate::{GateGround, Turns, act_on_gate};
use crate::perform::{Act, Performer, act_once};
use crate::project::{self, ProjectError};
use crate::reconcile::Reconciler;
use crate::retention::Keeper;
use crate::running::Running;
use crate::secret::{Secret, SecretError};
use crate::supervise::{GatewayProcess, Supervisor};
use crate::table::Frame;
use crate::traffic::{Meter, Traffic};
use crate::webhooks::{self, Courier, Reach};

/// The name under which the gateway that the server runs is registered.
const GATEWAY_ID: &str = "gateway";

/// Gates of different waves and cells run side by side, so that a long one does not hold up the others.
const GATE_PERFORMERS: usize = 4;

/// Work on data in several cells goes on side by side; within a database the state machine sees to it that it does not.
const STEP_PERFORMERS: usize = 8;

/// Runs of jobs that go on at the same time; the others wait for their turn.
const JOB_PERFORMERS: usize = 16;

/// What is still being answered at the end may take so long.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder with `tidegate.yaml`.
    pub project_dir: PathBuf,
    pub state_dir: PathBuf,
    /// Where the API is served; loopback only. With port 0 it is the port of last time, or a free one.
    pub listen: SocketAddr,
    /// Instead of what the service file says.
    pub gateway_listen: Option<SocketAddr>,
    /// Whether to run a gateway beside the server. Without, one runs elsewhere by itself.
    pub run_gateway: bool,
    /// The executable that has the verbs `gateway` and `shim`.
    pub executable: PathBuf,
    /// A file that somebody holds locked: when its holder ends, in whatever way, gateway and instances do.
    pub lease: Option<PathBuf>,
    /// Whether webhooks may be sent to this machine.
    pub allow_loopback_webhooks: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error("cannot use the state directory `{}`", path.display())]
    StateDirectory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("{0} is not an address of this machine alone: the API is served on loopback, such as 127.0.0.1:7070")]
    NotLoopback(SocketAddr),
    #[error("cannot listen on {address}: another program does; stop it, or name another address with `--listen`")]
    PortTaken {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error(
        "the gateway cannot listen on {0}: another program does; stop it, or name another address under `gateway` in \
         tidegate.yaml"
    )]
    GatewayPortTaken(SocketAddr),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("cannot see to the first token")]
    Token(#[from] TokenError),
    #[error(transparent)]
    State(#[from] TurnError),
    #[error(transparent)]
    Driver(#[from] ProcessDriverError),
    #[error("cannot go on serving")]
    Serve(#[source] io::Error),
}

/// Serves until `shutdown` is ready. The gateway and the instances run on; a server started again goes on with them.
pub async fn serve(options: Options, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
    let house = House::open(options).await?;
    let listener = bind(&house.options, &house.layout).await?;
    let address = listener.local_addr().map_err(ServeError::Serve)?;
    house.refuse_taken_address(address)?;
    let mut loops = JoinSet::new();
    let router = house.start(address, &mut loops);
    house
        .layout
        .write_endpoint(address)
        .and_then(|()| house.write_running(address))
        .map_err(|source| house.state_directory(source))?;
    tracing::info!(%address, service = %house.control.service(), "serving");
    let (ending, mut end) = watch::channel(());
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        drop(ending);
    });
    let mut serving = Box::pin(server.into_future());
    let ended = tokio::select! {
        ended = &mut serving => ended,
        _ = end.changed() => {
            // Whoever still waits for news asks the next server.
            timeout(LAST_ANSWERS, serving).await.unwrap_or(Ok(()))
        }
    };
    loops.shutdown().await;
    if let Err(error) = house.traffic.write().await {
        tracing::error!(trouble = in_words(&error), "cannot keep the traffic of tenants");
    }
    ended.map_err(ServeError::Serve)
}

/// Everything that the loops share.
struct House {
    options: Options,
    layout: Layout,
    project: Project,
    control: Control,
    gateways: Gateways,
    counters: Arc<Counters>,
    traffic: Traffic,
    driver: Arc<ProcessDriver>,
    frame: Frame,
    gateway_token: Secret,
    /// Where gates and gateways meet.
    taps: Taps,
    tls: Option<Tls>,
    incarnation: Incarnation,
}

impl House {
    async fn open(options: Options) -> Result<Self, ServeError> {
        let project = project::read(&options.project_dir)?;
        let state_directory = |source| ServeError::StateDirectory {
            path: options.state_dir.clone(),
            source,
        };
        let layout = Layout::prepare(&options.state_dir).map_err(state_directory)?;
        let store = Store::open(&layout.database()).await?;
        let service: ServiceName = project.service.service.clone();
        let frame = Frame {
            epoch: store.epoch().to_owned(),
            service: service.clone(),
            tenant_from: project::tenant_sources(&project, &options.project_dir)?,
            client_from: project::client_source(&project),
            answers: project::answers(&project),
            preview_key: PreviewKey::from_hexadecimal(Secret::read_or_make(&layout.preview_key(), "")?.reveal()),
        };
        let driver_options = process::Options {
            starting_max_of: starting_max(&project),
            lease: options.lease.clone(),
            ..process::Options::default()
        };
        let file = layout.admin_token();
        if tokens::first(&store, &service, &file, clock::now()).await? {
            tracing::info!(file = %file.display(), "wrote a token for everything");
        }
        let control = Control::start(store.clone(), service.clone()).await?;
        if control.mark().is_some() && tokens::after_restore(&store, &service, &file, clock::now()).await? {
            tracing::warn!(file = %file.display(), "wrote a token that the restored state knows");
        }
        let incarnation = Incarnation::begin();
        let driver = ProcessDriver::new(layout.root(), options.executable.clone(), driver_options)?;
        Ok(Self {
            gateway_token: Secret::read_or_make(&layout.gateway_token(), "tgg_")?,
            traffic: Traffic::load(store.clone(), service.clone()).await?,
            gateways: Gateways::load(store, service).await?,
            control,
            counters: Arc::new(Counters::new(incarnation.name())),
            tls: project::tls(&project, &options.project_dir)?,
            driver: Arc::new(driver),
            incarnation,
            taps: Taps::default(),
            options,
            layout,
            project,
            frame,
        })
    }

    /// Starts every loop, and answers what is to be served.
    fn start(&self, address: SocketAddr, loops: &mut JoinSet<()>) -> Router {
        let control = self.control.clone();
        if control.mark().is_some_and(|mark| mark.is_unconfirmed()) {
            self.gateways.ask_for_routes(true);
            tracing::warn!(
                help = "`tidegate status` compares, `tidegate restore --confirm --reason ...` lets it count",
                "the state was restored from a backup: nothing is done before a person has confirmed it"
            );
        }
        loops.spawn(async move { control.run().await });
        let (tables, published) = watch::channel::<Option<Published>>(None);
        let reconciler = Reconciler {
            control: self.control.clone(),
            driver: Arc::clone(&self.driver) as Arc<dyn Driver>,
            gateways: self.gateways.clone(),
            tables,
            frame: self.frame.clone(),
            incarnation: self.incarnation.clone(),
        };
        loops.spawn(reconciler.run());
        let health = Health::new(
            self.control.clone(),
            Arc::clone(&self.counters),
            self.gateways.clone(),
            self.incarnation.clone(),
        );
        loops.spawn(health.run());
        loops.spawn(self.meter().run());
        let companions = Companions::new(
            self.control.clone(),
            self.project.service.services.clone(),
            self.incarnation.clone(),
        );
        loops.spawn(companions.run());
        self.start_performers(loops);
        if self.options.run_gateway {
            loops.spawn(Supervisor::new(self.gateway_process(address), self.gateways.clone()).run());
        }
        let for_gateways = gateways::router(Arc::new(Endpoint {
            gateways: self.gateways.clone(),
            counters: Arc::clone(&self.counters),
            tables: published,
            taps: self.taps.clone(),
            token: self.gateway_token.clone(),
        }));
        let instances = self.layout.root().to_owned();
        let state = AppState::new(
            self.control.clone(),
            self.gateways.clone(),
            instances,
            Arc::clone(&self.driver) as Arc<dyn Driver>,
            self.reach(),
            self.options.project_dir.clone(),
        )
        .with_traffic(self.traffic.clone())
        .with_declared(
            self.project
                .service
                .cells
                .iter()
                .map(|cell| cell.name.clone())
                .collect(),
        );
        let eyes = Eyes::new(Arc::clone(&self.counters), self.gateways.clone());
        loops.spawn(state.alerts().clone().run(eyes));
        loops.spawn(Auto::new(state.clone()).run());
        loops.spawn(Keeper::new(state.clone()).run());
        api::router(state).merge(for_gateways)
    }

    fn meter(&self) -> Meter {
        Meter {
            control: self.control.clone(),
            counters: Arc::clone(&self.counters),
            gateways: self.gateways.clone(),
            traffic: self.traffic.clone(),
            project: self.options.project_dir.clone(),
        }
    }

    fn reach(&self) -> Reach {
        if self.options.allow_loopback_webhooks {
            Reach::WithLoopback
        } else {
            Reach::Public
        }
    }

    fn start_performers(&self, loops: &mut JoinSet<()>) {
        let cells = self.project.service.cells.iter();
        let (control, ground) = (
            self.control.clone(),
            GateGround {
                project: self.options.project_dir.clone(),
                kept: self.layout.gates(),
                taps: self.taps.clone(),
                driver: Arc::clone(&self.driver) as Arc<dyn Driver>,
                turns: Turns::default(),
                labels: cells.map(|cell| (cell.name.clone(), cell.labels.clone())).collect(),
            },
        );
        let gates: Act = Arc::new(move |effect| {
            let (control, ground) = (control.clone(), ground.clone());
            Box::pin(async move { act_on_gate(&control, &ground, &effect).await })
        });
        for number in 0..GATE_PERFORMERS {
            loops.spawn(self.performer(Lane::Gate, number, &gates).run());
        }
        let driver = Arc::clone(&self.driver);
        let once: Act = Arc::new(move |effect| {
            let driver = Arc::clone(&driver);
            Box::pin(async move { act_once(&*driver, &effect).await })
        });
        for (lane, performers) in [(Lane::Step, STEP_PERFORMERS), (Lane::Job, JOB_PERFORMERS)] {
            for number in 0..performers {
                loops.spawn(self.performer(lane, number, &once).run());
            }
        }
        let (control, courier) = (self.control.clone(), Courier::new(self.reach()));
        let announce: Act = Arc::new(move |effect| {
            let (control, courier) = (control.clone(), courier.clone());
            Box::pin(async move { webhooks::deliver(&control, &courier, &effect).await })
        });
        loops.spawn(self.performer(Lane::Announce, 0, &announce).run());
    }

    fn performer(&self, lane: Lane, number: usize, act: &Act) -> Performer {
        Performer {
            control: self.control.clone(),
            lane,
            owner: format!("{}/{}/{number}", self.incarnation.name(), lane.as_str()),
            act: Arc::clone(act),
        }
    }

    fn gateway_process(&self, server: SocketAddr) -> GatewayProcess {
        let wanted = &self.project.service.gateway;
        GatewayProcess {
            id: GATEWAY_ID.to_owned(),
            executable: self.options.executable.clone(),
            state_dir: self.layout.root().to_owned(),
            directory: self.layout.gateway(),
            server: format!("http://{server}"),
            token_file: self.layout.gateway_token(),
            listen: self.options.gateway_listen.unwrap_or(wanted.listen.0),
            tls: self.tls.clone(),
            internal: wanted.internal.map(|address| address.0),
            admin: wanted
                .admin
                .map_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), |address| address.0),
            lease: self.options.lease.clone(),
        }
    }

    /// Said at once: later it would stand in the log alone, again and again.
    fn refuse_taken_address(&self, server: SocketAddr) -> Result<(), ServeError> {
        if !self.options.run_gateway {
            return Ok(());
        }
        let taken = self.gateway_process(server).taken();
        match taken.map_err(|source| self.state_directory(source))? {
            Some(address) => Err(ServeError::GatewayPortTaken(address)),
            None => Ok(()),
        }
    }

    /// For whoever wants it to end.
    fn write_running(&self, address: SocketAddr) -> io::Result<()> {
        let running = Running::of(std::process::id(), &format!("http://{address}"), &[]);
        running.map_or(Ok(()), |running| running.write(self.layout.root()))
    }

    fn state_directory(&self, source: io::Error) -> ServeError {
        ServeError::StateDirectory {
            path: self.layout.root().to_owned(),
            source,
        }
    }
}

fn starting_max(project: &Project) -> BTreeMap<CellName, usize> {
    let cells = project.service.cells.iter();
    cells
        .map(|cell| {
            (
                cell.name.clone(),
                usize::try_from(cell.max_starting).unwrap_or(usize::MAX),
            )
        })
        .collect()
}

/// Opens the API's listener. Port 0 means that of last time, where a gateway that outlived the last server looks for it.
async fn bind(options: &Options, layout: &Layout) -> Result<TcpListener, ServeError> {
    let asked = options.listen;
    if !asked.ip().is_loopback() {
        return Err(ServeError::NotLoopback(asked));
    }
    let last = layout.last_endpoint().filter(|last| last.ip() == asked.ip());
    if let (0, Some(last)) = (asked.port(), last)
        && let Ok(listener) = TcpListener::bind(last).await
    {
        return Ok(listener);
    }
    TcpListener::bind(asked).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            ServeError::PortTaken { address: asked, source }
        } else {
            ServeError::Listen { address: asked, source }
        }
    })
}
