//! The listener, and its end: no connection is closed while a request may be on its way on it.

use std::convert::Infallible;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::options::Options;

/// What still runs this long after the linger is cut.
const FINISH: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("cannot watch for signals")]
    Signals(#[source] std::io::Error),
    #[error("cannot tell the port that was taken")]
    Announce(#[source] std::io::Error),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Serving,
    /// No new connections; each further answer asks to close its connection.
    Lingering,
    /// Idle connections are closed, the others after their answer.
    Closing,
}

/// How far the end of this process is, and who still works: each connection and tunnel holds a receiver.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    phase: watch::Sender<Phase>,
}

impl Lifecycle {
    pub fn new() -> Lifecycle {
        Lifecycle {
            phase: watch::Sender::new(Phase::Serving),
        }
    }

    /// Keeps the process from ending until it is dropped.
    pub fn busy(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    fn is_serving(&self) -> bool {
        *self.phase.borrow() == Phase::Serving
    }
}

/// Serves on loopback until SIGTERM or SIGINT, then lingers and finishes. The port taken is told as one line on stdout,
/// `listening on 127.0.0.1:PORT`.
pub async fn serve(router: Router, options: &Options, lifecycle: Lifecycle) -> Result<(), ServeError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let taken = listener.local_addr().map_err(failed)?;
    writeln!(std::io::stdout(), "listening on {taken}").map_err(ServeError::Announce)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let router = asking_to_close(router, lifecycle.clone());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(connection(stream, router.clone(), options.idle, lifecycle.busy()));
                }
                // Out of descriptors, or a client that went away: neither ends the service.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    drop(listener);
    lifecycle.phase.send_replace(Phase::Lingering);
    let _ = tokio::time::timeout(options.linger, lifecycle.phase.closed()).await;
    lifecycle.phase.send_replace(Phase::Closing);
    let _ = tokio::time::timeout(FINISH, lifecycle.phase.closed()).await;
    Ok(())
}

async fn connection(stream: TcpStream, router: Router, idle: Duration, mut phase: watch::Receiver<Phase>) {
    let _ = stream.set_nodelay(true);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // For a connection that was used before, the wait for the next head is its idle time.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(idle);
    let service = TowerToHyperService::new(router);
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let closing = async {
        let _ = phase.wait_for(|phase| *phase == Phase::Closing).await;
    };
    // An error here is a client that broke off; it is the client that tells.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = closing => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

fn asking_to_close(router: Router, lifecycle: Lifecycle) -> Router {
    router.layer(axum::middleware::from_fn(
        move |request: Request, next: axum::middleware::Next| {
            let lifecycle = lifecycle.clone();
            async move {
                let mut response: Response = next.run(request).await;
                let tunnel = response.status() == StatusCode::SWITCHING_PROTOCOLS;
                if !lifecycle.is_serving() && !tunnel {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, Infallible>(response)
            }
        },
    ))
}
