//! One request of each class, from sending to the last byte of its answer.

mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::Version;
use hyper::client::conn::http1;
use serde_json::json;

use super::clock::monotonic_micros;
use super::config::{Class, Config};
use super::connection::{Body, Connections};
use super::random::Random;
use super::request::{Address, Wanted, document};
use super::tally::{Answer, Failure, Sent, Tally};

/// Members of each tenant who earn points.
const MEMBERS: usize = 20;
/// What a slow request adds to the time an answer may take.
const SLOW: Duration = Duration::from_secs(1);
/// Requests that follow each other on one connection.
const REUSE: usize = 10;

/// Sends, and tells the tally.
#[derive(Debug)]
pub struct Sender {
    config: Config,
    connections: Connections,
    addresses: Vec<Address>,
    tally: Arc<std::sync::Mutex<Tally>>,
    writes: AtomicU64,
}

/// What was decided when the request was due.
#[derive(Debug)]
pub struct Due {
    pub class: Class,
    pub tenant: usize,
    pub scheduled_micros: u64,
    pub random: Random,
}

impl Sender {
    pub fn new(config: Config, tally: Arc<std::sync::Mutex<Tally>>) -> Sender {
        let names = config.tenants.iter().map(|tenant| tenant.name.as_str());
        let addresses = names.map(|name| Address::of(&config, name)).collect();
        Sender {
            connections: Connections::new(config.gateway),
            addresses,
            config,
            tally,
            writes: AtomicU64::new(0),
        }
    }

    /// The idempotency id of a write.
    pub fn id(seed: u64, number: u64) -> String {
        format!("{seed}-{number}")
    }

    /// Sends what is due, and everything that follows on the same connection.
    pub async fn send(&self, mut due: Due) {
        if due.class == Class::Reuse {
            self.reuse(due).await;
            return;
        }
        let write = (due.class == Class::Post).then(|| self.next_write());
        let sent = self.begin(&due, write);
        let member = due.random.below(MEMBERS);
        let (address, limit) = (&self.addresses[due.tenant], self.limit(due.class));
        let answering = async {
            match due.class {
                Class::Get => self.kept(address, balance(member)).await,
                Class::Post => self.kept(address, self.earn(member, write)).await,
                Class::SlowGet => self.kept(address, Wanted::get("/slow?milliseconds=1000")).await,
                Class::Http2 => self.parallel(address).await,
                Class::Feed => streams::feed(&self.connections, address).await,
                Class::Live => streams::live(&self.connections, address).await,
                Class::Upload => streams::upload(&self.connections, address).await,
                Class::Reuse => unreachable!("has its own way above"),
            }
        };
        self.finish(sent, within(limit, answering).await);
    }

    /// GET and POST in turn on one connection with small gaps. A connection that was asked to close is replaced, as by any client.
    async fn reuse(&self, mut due: Due) {
        let address = &self.addresses[due.tenant];
        let mut kept = None;
        for turn in 0..REUSE {
            let write = (turn % 2 == 1).then(|| self.next_write());
            let sent = self.begin(&due, write);
            let member = due.random.below(MEMBERS);
            let wanted = match write {
                Some(_) => self.earn(member, write),
                None => balance(member),
            };
            let exchange = self.on(kept.take(), address, wanted);
            match within(self.limit(due.class), exchange).await {
                Ok((answer, sender)) => {
                    self.finish(sent, Ok(answer));
                    kept = sender;
                }
                Err(failure) => self.finish(sent, Err(failure)),
            }
            let gap = 1 + due.random.below(10) as u64;
            tokio::time::sleep(Duration::from_millis(gap)).await;
            due.scheduled_micros = monotonic_micros();
        }
    }

    async fn on(
        &self,
        kept: Option<http1::SendRequest<Body>>,
        address: &Address,
        wanted: Wanted,
    ) -> Result<(Answer, Option<http1::SendRequest<Body>>), Failure> {
        let kept = match kept {
            Some(sender) => sender,
            None => self.connections.fresh().await?,
        };
        let request = address.request(wanted, Version::HTTP_11)?;
        let (response, mut sender) = self.connections.send(Some(kept), request).await?;
        let answer = document(response).await?.0;
        let ready = sender.ready().await.is_ok();
        Ok((answer, ready.then_some(sender)))
    }

    async fn kept(&self, address: &Address, wanted: Wanted) -> Result<Answer, Failure> {
        let request = address.request(wanted, Version::HTTP_11)?;
        let (response, sender) = self.connections.send(None, request).await?;
        let answer = document(response).await?.0;
        self.connections.put_back(sender).await;
        Ok(answer)
    }

    async fn parallel(&self, address: &Address) -> Result<Answer, Failure> {
        let request = address.request(Wanted::get("/slow?milliseconds=200"), Version::HTTP_2)?;
        let response = self.connections.send_parallel(request).await?;
        Ok(document(response).await?.0)
    }

    fn earn(&self, member: usize, write: Option<u64>) -> Wanted {
        let id = Sender::id(self.config.seed, write.unwrap_or_default());
        Wanted::post(format!("/points/m{member}"), id, &json!({"points": 1}))
    }

    fn next_write(&self) -> u64 {
        self.writes.fetch_add(1, Ordering::Relaxed)
    }

    fn limit(&self, class: Class) -> Duration {
        let answer = Duration::from_millis(self.config.timeout_ms);
        match class {
            Class::Get | Class::Post | Class::Http2 | Class::Reuse => answer,
            Class::SlowGet | Class::Feed | Class::Live | Class::Upload => answer + SLOW,
        }
    }

    fn begin(&self, due: &Due, write: Option<u64>) -> Sent {
        self.tally().sent(due.class);
        Sent {
            class: due.class,
            tenant: due.tenant,
            scheduled_micros: due.scheduled_micros,
            began_micros: monotonic_micros(),
            write,
        }
    }

    fn finish(&self, sent: Sent, result: Result<Answer, Failure>) {
        self.tally().finished(sent, result, monotonic_micros());
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn balance(member: usize) -> Wanted {
    Wanted::get(format!("/points/m{member}"))
}

async fn within<T>(limit: Duration, answering: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = || {
        Err(Failure::Incomplete(format!(
            "no whole answer within {} ms",
            limit.as_millis()
        )))
    };
    tokio::time::timeout(limit, answering).await.unwrap_or_else(|_| late())
}
