//! The server's side of the follow protocol and nothing else, in a process of its own: it can be killed at any moment, and comes
//! back as a control plane does, with the same epoch, its last generation, and the gateways it had registered.

mod ledger;

use std::convert::Infallible;
use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use clap::Args as Arguments;
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tidegate_gateway::protocol::{COUNTERS_PATH, FOLLOW_PATH, Follow};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::TortureError;
use super::order::{Order, Status};
use ledger::Ledger;
pub use ledger::Written;

/// Publish tables to gateways; orders come on stdin
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// Holds the table; each new one is written here before it is published
    #[arg(long)]
    ledger: PathBuf,
    #[arg(long)]
    listen: SocketAddr,
}

#[derive(Debug)]
struct Publisher {
    ledger: Mutex<Ledger>,
    generation: watch::Sender<u64>,
    told: Mutex<Option<Status>>,
}

/// Publishes until stdin closes.
pub async fn run(args: &Args) -> Result<(), TortureError> {
    let failed = TortureError::io("cannot listen for gateways");
    let listener = TcpListener::bind(args.listen).await.map_err(failed)?;
    let mut ledger = Ledger::open(&args.ledger)?;
    ledger.listening(
        listener
            .local_addr()
            .map_err(TortureError::io("cannot tell the port"))?,
    );
    let publisher = Arc::new(Publisher {
        generation: watch::Sender::new(ledger.generation()),
        ledger: Mutex::new(ledger),
        told: Mutex::default(),
    });
    publisher.tell()?;
    let mut orders = orders();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                tokio::spawn(publisher.clone().serve(stream));
            },
            order = orders.recv() => match order {
                Some(order) => publisher.obey(order?)?,
                None => return Ok(()),
            },
        }
    }
}

impl Publisher {
    fn obey(&self, order: Order) -> Result<(), TortureError> {
        let generation = {
            let mut ledger = self.ledger();
            match order {
                Order::Publish { number, edit } => ledger.publish(number, edit)?,
                Order::Ended { pid } => ledger.ended(pid)?,
            }
            ledger.generation()
        };
        self.generation.send_replace(generation);
        self.tell()
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        // A gateway that is gone, or this process about to be.
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| {
            let publisher = self.clone();
            async move { publisher.answer(request).await }
        });
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.map(Collected::to_bytes);
        let reply = match (path.as_str(), body) {
            (FOLLOW_PATH, Ok(body)) => match serde_json::from_slice::<Follow>(&body) {
                Ok(call) => self.follow(&call).await.ok(),
                Err(_) => None,
            },
            (COUNTERS_PATH, Ok(_)) => Some(Bytes::from_static(b"{}")),
            (_, _) => None,
        };
        let mut response = Response::new(Full::new(reply.clone().unwrap_or_default()));
        if reply.is_none() {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        Ok(response)
    }

    /// Answers at once when there is news, else when there is or the wait is over.
    async fn follow(&self, call: &Follow) -> Result<Bytes, TortureError> {
        let mut generation = self.generation.subscribe();
        let news = {
            let mut ledger = self.ledger();
            ledger.hear(call)?;
            ledger.news_for(call)
        };
        self.tell()?;
        if let Some(news) = news {
            return Ok(news);
        }
        let known = *generation.borrow();
        let wait = Duration::from_millis(call.wait_ms);
        let _ = tokio::time::timeout(wait, generation.wait_for(|newest| *newest > known)).await;
        let ledger = self.ledger();
        Ok(ledger.news_for(call).unwrap_or_else(|| ledger.no_news()))
    }

    /// Prints the status where it has changed.
    fn tell(&self) -> Result<(), TortureError> {
        // Held while printing, so that what is printed last is the newest.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let status = self.ledger().status();
        if told.as_ref() == Some(&status) {
            return Ok(());
        }
        let line = serde_json::to_string(&status).map_err(TortureError::said("the publisher"))?;
        *told = Some(status);
        writeln!(std::io::stdout(), "{line}").map_err(TortureError::io("cannot tell the status"))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads on a thread of its own, for reading stdin blocks.
fn orders() -> mpsc::UnboundedReceiver<Result<Order, TortureError>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let order = serde_json::from_str(&line).map_err(TortureError::said("the conductor"));
            if sender.send(order).is_err() {
                return;
            }
        }
    });
    receiver
}
