//! Sends the requests of a schedule, each at its instant whatever became of the others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::Response;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::schedule::{Shot, Side};
use super::with::Ask;

/// A request that leaves later than this after its instant has not been sent on schedule.
pub(super) const LATE: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// From its instant to the end of the answer.
    Answered(Duration),
    /// Answered with a status of 400 or more, cut off, or not answered in time.
    Failed,
    /// Never sent: too many were under way.
    Dropped,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub shot: Shot,
    pub outcome: Outcome,
    /// It left more than [`LATE`] after its instant.
    pub late: bool,
}

#[derive(Debug)]
pub(super) struct Generator {
    pub requests: Vec<Ask>,
    pub old: Arc<Pool>,
    pub new: Arc<Pool>,
    pub timeout: Duration,
    pub in_flight_at_most: usize,
}

impl Generator {
    /// What became of each request, in the order in which that was known.
    pub async fn run(&self, shots: &[Shot]) -> Vec<Sent> {
        let room = Arc::new(Semaphore::new(self.in_flight_at_most));
        let mut under_way = JoinSet::new();
        let mut all = Vec::with_capacity(shots.len());
        let begin = Instant::now();
        for (number, &shot) in shots.iter().enumerate() {
            let instant = begin + shot.at;
            sleep_until(instant).await;
            let late = instant.elapsed() > LATE;
            while let Some(ended) = under_way.try_join_next() {
                all.extend(ended.ok());
            }
            let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                all.push(Sent {
                    shot,
                    outcome: Outcome::Dropped,
                    late,
                });
                continue;
            };
            let pool = match shot.side {
                Side::Old => Arc::clone(&self.old),
                Side::New => Arc::clone(&self.new),
            };
            let ask = self.requests[shot.request].clone();
            let deadline = instant + self.timeout;
            under_way.spawn(async move {
                let answered = timeout_at(deadline, pool.send(number, ask)).await;
                let outcome = match answered {
                    Ok(Some(status)) if status.as_u16() < 400 => Outcome::Answered(instant.elapsed()),
                    Ok(Some(_) | None) | Err(_) => Outcome::Failed,
                };
                drop(permit);
                Sent { shot, outcome, late }
            });
        }
        while let Some(ended) = under_way.join_next().await {
            all.extend(ended.ok());
        }
        all
    }
}

/// The connections to one instance that nothing is sent over now.
type Idle = Mutex<Vec<SendRequest<Full<Bytes>>>>;

/// The instances of one side.
#[derive(Debug)]
pub(super) struct Pool(Vec<(SocketAddr, Idle)>);

impl Pool {
    pub fn new(addresses: &[SocketAddr]) -> Self {
        Self(addresses.iter().map(|&address| (address, Mutex::default())).collect())
    }

    /// The status, when the whole answer was read; `None` where there is none.
    async fn send(&self, number: usize, ask: Ask) -> Option<StatusCode> {
        let (address, idle) = self.0.get(number % self.0.len().max(1))?;
        let mut request = request(*address, ask)?;
        loop {
            let kept = idle.lock().await.pop();
            let is_kept = kept.is_some();
            let mut sender = match kept {
                Some(sender) => sender,
                None => connect(*address).await?,
            };
            match sender.try_send_request(request).await {
                Ok(answer) => {
                    let status = read(answer).await?;
                    if sender.ready().await.is_ok() {
                        idle.lock().await.push(sender);
                    }
                    return Some(status);
                }
                // An idle connection that the instance had closed: the request was not sent.
                Err(mut error) => request = error.take_message().filter(|_| is_kept)?,
            }
        }
    }
}

fn request(address: SocketAddr, ask: Ask) -> Option<Request<Full<Bytes>>> {
    let mut request = ask.request.to(ask.path);
    let host = HeaderValue::from_str(&address.to_string()).ok()?;
    request.headers_mut().insert(header::HOST, host);
    Some(request)
}

async fn connect(address: SocketAddr) -> Option<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.ok()?;
    // Else a small body may wait for an acknowledgement.
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    // It ends when its sender is dropped.
    tokio::spawn(connection);
    Some(sender)
}

async fn read(mut answer: Response<Incoming>) -> Option<StatusCode> {
    while let Some(frame) = answer.body_mut().frame().await {
        frame.ok()?;
    }
    Some(answer.status())
}
