//! Getting tables: from a publisher by the follow protocol, or from a file.

mod call;
mod file;
mod persist;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};

use crate::admin::Following;
use crate::clock;
use crate::counters::{Counters, Reporter};
use crate::life::{Life, reached};
use crate::protocol::{BUCKET_MS, COUNTERS_PATH, Confirmed, FOLLOW_PATH, Follow, FollowReply, Refused, ReportReply};
use crate::routing::Routing;
use crate::shadow::Shadow;
use crate::table::Table;

pub(crate) use call::Publisher;
pub use call::PublisherError;
pub(crate) use file::follow_file;
pub use persist::PersistError;
pub(crate) use persist::{load, persist};

/// How long the publisher may wait for news.
const WAIT_MS: u64 = 1_000;
/// The same while a slot is draining: its last request is to be seen soon.
const DRAINING_WAIT_MS: u64 = 20;
const BACK_OFF_MIN: Duration = Duration::from_millis(20);
const BACK_OFF_MAX: Duration = Duration::from_millis(250);
const REPORT_EVERY_MS: u64 = 1_000;

/// One gateway process as its publisher knows it.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) gateway: String,
    pub(crate) incarnation: String,
    pub(crate) listening: Vec<std::net::SocketAddr>,
    pub(crate) publisher: Publisher,
    pub(crate) routing: Arc<Routing>,
    pub(crate) following: Arc<Following>,
    pub(crate) life: watch::Receiver<Life>,
    pub(crate) table_path: PathBuf,
    /// Held while a table is taken, so that a hand-over happens before or after it.
    pub(crate) table_file: Arc<Mutex<()>>,
    pub(crate) persist_micros: u64,
    /// Whether the publisher knows this process, and this process its newest table.
    pub(crate) registered: watch::Sender<bool>,
    /// The publisher asks who is on which version.
    pub(crate) tell_routes: bool,
}

impl Follower {
    /// Follows until the process is over; the last call says so. An unreachable publisher changes nothing for the requests.
    pub(crate) async fn run(mut self) {
        let mut life = self.life.clone();
        tokio::select! {
            () = self.follow_on() => {}
            () = reached(&mut life, Life::Over) => {}
        }
        let last = Follow {
            leaving: true,
            wait_ms: 0,
            ..self.follow()
        };
        if let Err(error) = self.publisher.call::<_, FollowReply>(FOLLOW_PATH, &last).await {
            tracing::debug!(
                error = &error as &dyn Error,
                "publisher does not know that this process leaves"
            );
        }
    }

    async fn follow_on(&mut self) {
        let mut back_off = BACK_OFF_MIN;
        loop {
            match self.publisher.call(FOLLOW_PATH, &self.follow()).await {
                Ok(FollowReply { table, tell_routes, .. }) => {
                    self.tell_routes = tell_routes;
                    if self.following.set_trouble(None) {
                        tracing::info!("publisher answers again");
                    }
                    back_off = BACK_OFF_MIN;
                    let is_taken = match table {
                        Some(table) => self.take(table).await,
                        None => true,
                    };
                    self.registered.send_replace(true);
                    if !is_taken {
                        // The publisher may offer the same again at once.
                        tokio::time::sleep(BACK_OFF_MAX).await;
                    }
                }
                Err(error) => {
                    let trouble = with_causes(&error);
                    if self.following.set_trouble(Some(trouble.clone())) {
                        tracing::warn!(trouble, "publisher cannot be followed; the table in use stays");
                    }
                    tokio::time::sleep(back_off).await;
                    back_off = (back_off * 2).min(BACK_OFF_MAX);
                }
            }
        }
    }

    fn follow(&self) -> Follow {
        let wait_ms = match (*self.registered.borrow(), self.routing.is_draining()) {
            // The first call is to tell soon whether the persisted table is still the newest.
            (false, _) => 0,
            (true, true) => DRAINING_WAIT_MS,
            (true, false) => WAIT_MS,
        };
        Follow {
            gateway: self.gateway.clone(),
            incarnation: self.incarnation.clone(),
            listening: self.listening.clone(),
            confirmed: self.routing.confirmed(),
            persist_micros: self.persist_micros,
            in_flight: self.routing.under_way(),
            refused: self.following.refused(),
            lingering: self.is_lingering(),
            leaving: false,
            wait_ms,
            routes: self.tell_routes.then(|| self.routing.routes()).flatten(),
        }
    }

    /// Checks, persists, then uses a table; the next call confirms it. False where it was refused.
    async fn take(&mut self, table: Table) -> bool {
        let offered = Confirmed {
            epoch: table.epoch.clone(),
            generation: table.generation,
        };
        if self.routing.confirmed().as_ref() == Some(&offered) {
            return true;
        }
        let _held = self.table_file.clone().lock_owned().await;
        // A lingering process never starts again, and must not overwrite the file of the one that took over.
        let path = (!self.is_lingering()).then(|| self.table_path.clone());
        let routing = self.routing.clone();
        let taken = tokio::task::spawn_blocking(move || -> Result<Duration, TakeError> {
            let snapshot = routing.prepare(table)?;
            let begun = Instant::now();
            if let Some(path) = path {
                persist(&path, &snapshot.table)?;
            }
            let persisted = begun.elapsed();
            routing.install(snapshot);
            Ok(persisted)
        });
        match taken.await.map_err(TakeError::from).and_then(|taken| taken) {
            Ok(persisted) => {
                self.persist_micros = u64::try_from(persisted.as_micros()).unwrap_or(u64::MAX);
                self.following.set_refused(None);
                tracing::info!(epoch = offered.epoch, generation = offered.generation, "table in use");
                true
            }
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::warn!(
                    error,
                    epoch = offered.epoch,
                    generation = offered.generation,
                    "table refused"
                );
                self.following.set_refused(Some(Refused {
                    epoch: offered.epoch,
                    generation: offered.generation,
                    reason: with_causes(error),
                }));
                false
            }
        }
    }

    fn is_lingering(&self) -> bool {
        *self.life.borrow() >= Life::Lingering
    }
}

/// Sends counters each second, soon after the second begins so that marks stand on their borders; and once more at the end. What is to be
/// mirrored comes with the answer; where there is none, it ends with its lease.
pub(crate) async fn report(
    publisher: Publisher,
    mut reporter: Reporter,
    (counters, shadow): (Arc<Counters>, Arc<Shadow>),
    mut life: watch::Receiver<Life>,
) {
    const _: () = assert!(BUCKET_MS.is_multiple_of(REPORT_EVERY_MS));
    let mut is_over = false;
    while !is_over {
        let wait_ms = REPORT_EVERY_MS - clock::unix_ms() % REPORT_EVERY_MS;
        is_over = tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => false,
            () = reached(&mut life, Life::Over) => true,
        };
        // With tens of thousands of series this takes long enough to be felt by requests.
        let of_now = counters.clone();
        let reported = tokio::task::spawn_blocking(move || {
            let report = reporter.report(&of_now, clock::unix_ms());
            (reporter, report)
        });
        let Ok((returned, mut report)) = reported.await else {
            return;
        };
        reporter = returned;
        report.taps = Some(shadow.held());
        match publisher.call::<_, ReportReply>(COUNTERS_PATH, &report).await {
            Ok(ReportReply { publisher, taps }) => {
                reporter.acknowledged(publisher);
                shadow.hold(taps);
            }
            Err(error) => tracing::debug!(error = &error as &dyn Error, "counters not delivered"),
        }
    }
}

/// Why an offered table is not in use.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error("table refused")]
    Refused(#[from] crate::table::Refusal),
    #[error("table could not be persisted")]
    Persist(#[from] PersistError),
    #[error("table could not be prepared")]
    Prepare(#[from] tokio::task::JoinError),
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
