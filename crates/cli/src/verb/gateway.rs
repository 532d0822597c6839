//! `tidegate gateway`: the data plane alone.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as Arguments, ValueEnum};
use tidegate_domain::time::Duration;
use tidegate_gateway::{Fault, Options, Source, Tls};

use crate::context::Context;
use crate::error::CliError;
use crate::{lease, logging, runtime};

/// Run a gateway: it follows the server's table, or a table file, and forwards requests
///
/// `serve` starts one by itself; this verb is for more of them, and for one without a server.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The name that the server knows it by, the same over restarts
    #[arg(long, value_name = "NAME", default_value = "gateway")]
    pub id: String,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where clients connect with TLS
    #[arg(long, value_name = "ADDRESS", requires_all = ["tls_certificate", "tls_key"])]
    pub tls_listen: Option<SocketAddr>,
    /// The certificate for TLS and those that vouch for it, in PEM; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_listen")]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_listen")]
    pub tls_key: Option<PathBuf>,
    /// Where components connect to call each other; loopback only
    #[arg(long, value_name = "ADDRESS")]
    pub internal: Option<SocketAddr>,
    /// Where metrics and health are read; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    pub admin: SocketAddr,
    /// Serve from this table file, without a server
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    pub table: Option<PathBuf>,
    /// How many threads serve; by default one for each core
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// At the end: how long clients may still send on their connections
    #[arg(long, value_name = "DURATION", default_value = "2s")]
    pub linger: Duration,
    /// At the end, after that: how long requests and streams under way may still take
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub grace: Duration,
    /// End when nobody holds the lock of this file
    #[arg(long, value_name = "FILE", hide = true)]
    pub lease: Option<PathBuf>,
    /// Run with a defect, for tests of the tests; refused unless TIDEGATE_FAULTS is `allowed`
    #[arg(long, value_name = "FAULT", hide = true)]
    pub fault: Option<PlantedFault>,
    #[command(flatten)]
    pub logging: logging::Options,
}

/// All three or none, as the command line has it.
fn tls(args: &Args) -> Option<Tls> {
    Some(Tls {
        listen: args.tls_listen?,
        certificate: args.tls_certificate.clone()?,
        key: args.tls_key.clone()?,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlantedFault {
    /// End at once when another process has taken over
    NoLinger,
    /// Send every request once only
    NoRetry,
}

impl PlantedFault {
    /// As it is written on the command line.
    pub fn word(self) -> &'static str {
        match self {
            PlantedFault::NoLinger => "no-linger",
            PlantedFault::NoRetry => "no-retry",
        }
    }
}

impl From<PlantedFault> for Fault {
    fn from(fault: PlantedFault) -> Self {
        match fault {
            PlantedFault::NoLinger => Self::NoLinger,
            PlantedFault::NoRetry => Self::NoRetry,
        }
    }
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    if args.fault.is_some() && std::env::var("TIDEGATE_FAULTS").as_deref() != Ok("allowed") {
        return Err(CliError::refused(
            "a gateway that serves people does not run with a planted fault",
        ));
    }
    let source = match &args.table {
        Some(path) => Source::File(path.clone()),
        None => Source::Server {
            url: context.known_endpoint()?,
            token: context.token("gateway.token")?,
        },
    };
    let options = Options {
        id: args.id.clone(),
        listen: args.listen,
        tls: tls(args),
        internal: args.internal,
        admin: args.admin,
        state_dir: context
            .state
            .clone()
            .unwrap_or_else(|| context.state_dir().join("gateway")),
        source,
        linger: args.linger.to_std(),
        grace: args.grace.to_std(),
        fault: args.fault.map(Fault::from),
    };
    logging::start(&args.logging, context);
    let runtime = args.threads.map_or_else(runtime::serving, runtime::serving_on)?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = tidegate_gateway::run(options) => ended,
            () = lease::lost(args.lease.clone()) => Ok(()),
        }
    });
    ended.map_err(|error| CliError::new("cannot run the gateway").because(error))?;
    Ok(ExitCode::SUCCESS)
}
