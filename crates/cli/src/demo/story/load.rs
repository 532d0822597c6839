//! Members of every tenant, written and read without a pause: one request after the other for each tenant, each sent once, on a
//! connection of its own.

mod exchange;
pub mod tally;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use self::exchange::{Answer, ask};
use self::tally::{Expected, Tally};
use crate::error::CliError;

/// Between two requests of a tenant.
const PAUSE: Duration = Duration::from_millis(15);
const PROGRESS_WITHIN: Duration = Duration::from_secs(60);

pub struct Load {
    gateway: SocketAddr,
    runtime: Runtime,
    tasks: Mutex<JoinSet<()>>,
    tally: Arc<Mutex<Tally>>,
    over: Arc<AtomicBool>,
}

impl Load {
    pub fn new(gateway: SocketAddr) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        Ok(Self {
            gateway,
            runtime: runtime.map_err(|error| CliError::new("cannot start the load").because(error))?,
            tasks: Mutex::default(),
            tally: Arc::default(),
            over: Arc::default(),
        })
    }

    /// From now on requests of this tenant are sent, and must be served.
    pub fn begin(&self, tenant: &str, cell: &str) {
        self.begin_expecting(tenant, cell, &[Expected::Served]);
    }

    pub fn begin_expecting(&self, tenant: &str, cell: &str, expected: &[Expected]) {
        self.tally().begin(tenant, cell, expected);
        let sender = Sender {
            tenant: tenant.to_owned(),
            gateway: self.gateway,
            tally: Arc::clone(&self.tally),
            over: Arc::clone(&self.over),
        };
        held(&self.tasks).spawn_on(sender.run(), self.runtime.handle());
    }

    /// How requests of this tenant may be answered that are sent, or under way, from now on.
    pub fn expect(&self, tenant: &str, expected: &[Expected]) {
        self.tally().expect(tenant, expected);
    }

    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        held(&self.tally)
    }

    /// By tenant, the versions that served it, in the order in which they did.
    pub fn versions(&self) -> Vec<(String, Vec<String>)> {
        let tally = self.tally();
        let tenants = tally.tenants.iter();
        tenants
            .map(|(name, tenant)| (name.clone(), tenant.versions.clone()))
            .collect()
    }

    /// Returns when so many more requests were answered.
    pub fn watch_requests(&self, count: u64) -> Result<(), CliError> {
        let (wanted, until) = (self.tally().sent() + count, Instant::now() + PROGRESS_WITHIN);
        while self.tally().sent() < wanted {
            if Instant::now() > until {
                return Err(CliError::timed_out("the load does not get on"));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Returns when this tenant was answered so at least once more.
    pub fn watch_answer(&self, tenant: &str, expected: Expected) -> Result<(), CliError> {
        let count = || self.tally().answers(tenant, expected);
        let (before, until) = (count(), Instant::now() + PROGRESS_WITHIN);
        while count() == before {
            if Instant::now() > until {
                return Err(CliError::timed_out(format!("{tenant} is not answered: {expected}")));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Sends nothing more; returns when the last answer is home.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        let tasks = std::mem::take(&mut *held(&self.tasks));
        self.runtime.block_on(tasks.join_all());
    }
}

struct Sender {
    tenant: String,
    gateway: SocketAddr,
    tally: Arc<Mutex<Tally>>,
    over: Arc<AtomicBool>,
}

impl Sender {
    /// A new member, the same read, and every third time an earlier one named anew: one of long ago, written under another schema, and
    /// one of just now, in turn.
    async fn run(self) {
        let mut number: u64 = 0;
        while !self.over.load(Ordering::SeqCst) {
            number += 1;
            self.write(format!("m{number}"), format!("{} {number}", self.tenant))
                .await;
            self.read(format!("m{number}")).await;
            if number.is_multiple_of(3) {
                let earlier = if number.is_multiple_of(2) {
                    number / 2
                } else {
                    number - 1
                };
                self.write(
                    format!("m{earlier}"),
                    format!("{} {earlier} since {number}", self.tenant),
                )
                .await;
                self.read(format!("m{earlier}")).await;
            }
        }
    }

    async fn write(&self, id: String, name: String) {
        let answer = self.send(&id, Some(&name)).await;
        if answer == Some(Answer::Served) {
            held(&self.tally).acknowledged(&self.tenant, id, name);
        }
    }

    async fn read(&self, id: String) {
        self.send(&id, None).await;
    }

    async fn send(&self, id: &str, name: Option<&str>) -> Option<Answer> {
        let before = held(&self.tally).expected(&self.tenant);
        let exchange = ask(self.gateway, &self.tenant, id, name).await;
        let answer = exchange.as_ref().ok().map(|exchange| exchange.answer);
        held(&self.tally).take(&self.tenant, (id, name), &before, exchange);
        tokio::time::sleep(PAUSE).await;
        answer
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
