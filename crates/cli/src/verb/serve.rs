//! `tidegate serve`: the control plane of one project.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_server::{Options, serve};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::context::Context;
use crate::error::CliError;
use crate::{lease, logging, project, runtime};

/// Run the control plane of this project, and the gateway beside it
///
/// It ends with Ctrl-C or SIGTERM; the gateway and the service run on, and a server started again goes on with them.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// Where the API is served, loopback only; port 0 is the port of last time, or a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Where clients connect to the gateway, instead of what tidegate.yaml says
    #[arg(long, value_name = "ADDRESS")]
    pub gateway_listen: Option<SocketAddr>,
    /// Run no gateway: one runs elsewhere by `tidegate gateway`
    #[arg(long, conflicts_with = "gateway_listen")]
    pub no_gateway: bool,
    /// Let webhooks be sent to this machine
    #[arg(long)]
    pub allow_loopback_webhooks: bool,
    /// End, and end all that runs under this server, when nobody holds the lock of this file
    #[arg(long, value_name = "FILE", hide = true)]
    pub lease: Option<PathBuf>,
    #[command(flatten)]
    pub logging: logging::Options,
}

/// The descriptors before it are standard input, output and error.
const FIRST_OF_OTHERS: i32 = 3;

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    // What whoever starts the server has open is nothing to gateways and instances, which outlive both.
    close_fds::set_fds_cloexec(FIRST_OF_OTHERS, &[]);
    // The server reads the files itself; here their mistakes are told as every verb tells them.
    project::read(context)?;
    let executable =
        std::env::current_exe().map_err(|error| CliError::new("cannot find this program's own file").because(error))?;
    // Those that run under it are started elsewhere.
    let lease = args.lease.as_deref().map(std::path::absolute).transpose();
    let lease = lease.map_err(|error| CliError::new("cannot find the lease").because(error))?;
    let options = Options {
        project_dir: context.project.clone(),
        state_dir: context.state_dir(),
        listen: args.listen,
        gateway_listen: args.gateway_listen,
        run_gateway: !args.no_gateway,
        executable,
        lease: lease.clone(),
        allow_loopback_webhooks: args.allow_loopback_webhooks,
    };
    logging::start(&args.logging, context);
    runtime::serving()?.block_on(async {
        let asked_to_end = asked_to_end()?;
        let ended = serve(options, either(asked_to_end, lease::lost(lease))).await;
        ended.map_err(|error| CliError::new("cannot serve this project").because(error))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Listens from now on, so that no signal is missed while the server starts.
fn asked_to_end() -> Result<impl Future<Output = ()>, CliError> {
    let listen = |kind| signal(kind).map_err(|error| CliError::new("cannot listen for signals").because(error));
    let (mut terminate, mut interrupt): (Signal, Signal) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    tokio::select! {
        () = one => {}
        () = other => {}
    }
}
