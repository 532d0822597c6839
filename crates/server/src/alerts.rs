//! Alerts per tenant and cell, day and night, releases or not.
//!
//! What gateways count is cut into buckets and judged against what is usual for each tenant and cell. What is not so is an alarm;
//! alarms that are one matter for the same people are one alert. Alerts, silences, messages on their way and what is usual are rows of
//! the store, written together before anything is sent, so that a restart loses none and tells nobody twice but under the same key. A
//! bucket of which not everything is known is no bucket: a server that was down is no silence of a tenant.

mod alert;
mod book;
mod eyes;
mod fleet;
mod meter;
mod post;
mod settings;
pub(crate) mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration as Wait;

use tidegate_domain::files::AlertKind;
use tidegate_domain::id::{Actor, CellName, TenantName};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_store::{Fact, FactChange, Record, StoreError};
use tokio::sync::{Mutex, Notify};
use tokio::time::sleep;

pub use self::alert::{Acknowledged, Alarm, Alert, Matcher, Silence, State, Subject, Symptom, Told};
pub use self::book::BookError;
pub use self::eyes::Eyes;
pub use self::settings::check_channel;

use self::book::Book;
use self::fleet::{Fleet, Found, Judged, Series};
use self::meter::Meter;
use self::settings::Settings;
use crate::clock;
use crate::control::{Control, View, in_words};
use crate::secret::Secret;

/// From one look at the gateways, the clock and the files to the next.
const LOOK_EVERY: Wait = Wait::from_secs(1);
const SERIES_KIND: &str = "alert-series";
/// Resolved alerts of whom everybody has heard.
const ENDED_KIND: &str = book::ENDED_KIND;
/// They are kept for so long.
const KEPT: Duration = Duration::from_days(90);
/// As often is looked for older ones.
const TIDY_EVERY: Duration = Duration::from_hours(1);

/// A handle on the alerts of one service. A clone is the same.
#[derive(Debug, Clone)]
pub struct Alerts {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    control: Control,
    project: PathBuf,
    desk: Mutex<Desk>,
    /// There may be something to send.
    news: Notify,
}

/// What whoever holds the lock works on.
#[derive(Debug)]
struct Desk {
    book: Book,
    fleet: Fleet,
    settings: Settings,
    meter: Meter,
    /// Since when each gateway has been silent.
    silent: BTreeMap<String, Timestamp>,
    /// Messages that are being sent.
    under_way: BTreeSet<String>,
    /// What was judged and is not written yet.
    unwritten: Judged,
    is_read: bool,
    /// When a look last went well to its end.
    looked: Option<Timestamp>,
    tidied: Option<Timestamp>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    #[error(transparent)]
    Book(#[from] BookError),
    #[error("cannot draw the id of a silence")]
    Random(#[source] std::io::Error),
    #[error("cannot read or write alerts")]
    Store(#[from] StoreError),
}

/// How it stands with what is watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// Tenants, each with its cell, and why its silence would not be found.
    pub tenants: BTreeMap<TenantName, (CellName, Option<String>)>,
    /// Why `alerts.yaml` as it is now is not used.
    pub trouble: Option<String>,
}

impl Alerts {
    #[must_use]
    pub fn new(control: Control, project: PathBuf) -> Self {
        let desk = Desk {
            book: Book::new(control.service().clone()),
            fleet: Fleet::default(),
            settings: Settings::new(),
            meter: Meter::default(),
            silent: BTreeMap::new(),
            under_way: BTreeSet::new(),
            unwritten: Judged::default(),
            is_read: false,
            looked: None,
            tidied: None,
        };
        Self {
            shared: Arc::new(Shared {
                control,
                project,
                desk: Mutex::new(desk),
                news: Notify::new(),
            }),
        }
    }

    /// Looks, tells and is heard, for ever.
    pub async fn run(self, eyes: Eyes) {
        self.shared.control.confirmed().await;
        tokio::join!(self.watch(eyes), self.send(), self.beat());
    }

    async fn watch(&self, eyes: Eyes) {
        loop {
            if let Err(error) = self.look(&eyes, clock::now()).await {
                tracing::error!(trouble = in_words(&error), "cannot look after alerts");
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Takes in what there is to see at `now`.
    pub async fn look(&self, eyes: &Eyes, now: Timestamp) -> Result<(), AlertError> {
        let view = self.shared.control.view();
        let mut desk = self.desk().await?;
        desk.settings.refresh(&self.shared.project);
        let interval = desk.settings.file().watch.interval;
        let sees_everything = eyes.see_everything();
        if !sees_everything {
            desk.meter.is_incomplete();
        }
        if desk.meter.is_due(interval, now)
            && let Some(bucket) = desk.meter.cut(eyes.totals(), interval, now)
        {
            desk.judge(&bucket, &view);
        }
        if !sees_everything {
            // What comes later was counted before.
            desk.meter.is_incomplete();
        }
        let mut found = std::mem::take(&mut desk.unwritten.found);
        found.extend(desk.watch_gateways(eyes, now));
        let mut book = desk.book.clone();
        book.take(found.clone(), desk.settings.situation(&view.state), now);
        book.reconcile(|subject, kind| desk.lasts(subject, kind), now);
        book.pass(desk.settings.situation(&view.state), now);
        let written = self.write(&mut desk, book).await;
        if written.is_err() {
            // What has begun is not known to anybody yet.
            found.append(&mut desk.unwritten.found);
            desk.unwritten.found = found;
        }
        written?;
        desk.looked = Some(now);
        self.tidy(&mut desk, now).await
    }

    /// What is open, and what was resolved of which not everybody has heard; with `all`, every one that is kept.
    pub async fn list(&self, all: bool) -> Result<Vec<Alert>, AlertError> {
        let mut alerts: Vec<Alert> = self.desk().await?.book.alerts.values().cloned().collect();
        if all {
            let control = &self.shared.control;
            let ended = book::read::<Alert>(control.store(), control.service(), ENDED_KIND).await?;
            alerts.extend(ended.into_iter().map(|(_, alert)| alert));
        }
        alerts.sort_by(|a, b| (b.raised, &b.id).cmp(&(a.raised, &a.id)));
        alerts.dedup_by(|a, b| a.id == b.id);
        Ok(alerts)
    }

    pub async fn silences(&self) -> Result<BTreeMap<String, Silence>, AlertError> {
        Ok(self.desk().await?.book.silences.clone())
    }

    pub async fn watched(&self) -> Result<Watched, AlertError> {
        let desk = self.desk().await?;
        let homes = homes(&self.shared.control.view());
        let of = |(tenant, cell): (TenantName, CellName)| {
            let why_not = desk.fleet.not_monitorable(&Subject::Tenant(tenant.clone()));
            (tenant, (cell, why_not))
        };
        Ok(Watched {
            tenants: homes.into_iter().map(of).collect(),
            trouble: desk.settings.trouble().map(ToOwned::to_owned),
        })
    }

    /// Says that somebody looks after an alert.
    pub async fn acknowledge(&self, id: &str, by: &Actor, reason: &str, now: Timestamp) -> Result<Alert, AlertError> {
        let mut desk = self.desk().await?;
        let mut book = desk.book.clone();
        if let Err(error) = book.acknowledge(id, by, reason, now) {
            return Err(self.explain(error).await?);
        }
        self.write(&mut desk, book).await?;
        let missing = || BookError::NoSuchAlert { id: id.to_owned() };
        Ok(desk.book.alerts.get(id).cloned().ok_or_else(missing)?)
    }

    /// Keeps what fits from being told until then; answers the id of the silence.
    pub async fn silence(
        &self,
        of: Matcher,
        until: Timestamp,
        by: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<String, AlertError> {
        let drawn = Secret::make("").map_err(AlertError::Random)?;
        let id: String = drawn.reveal().chars().take(12).collect();
        let view = self.shared.control.view();
        let mut desk = self.desk().await?;
        let mut book = desk.book.clone();
        book.silence(&id, (of, until), by, reason, desk.settings.situation(&view.state), now)?;
        self.write(&mut desk, book).await?;
        Ok(id)
    }

    /// Ends a silence before its time.
    pub async fn lift(&self, id: &str, by: &Actor, reason: &str, now: Timestamp) -> Result<(), AlertError> {
        let mut desk = self.desk().await?;
        let mut book = desk.book.clone();
        book.lift(id, by, reason, now)?;
        self.write(&mut desk, book).await?;
        Ok(())
    }

    /// An alert that is not in the book may be one that was resolved.
    async fn explain(&self, error: BookError) -> Result<AlertError, AlertError> {
        let BookError::NoSuchAlert { id } = &error else {
            return Ok(error.into());
        };
        let control = &self.shared.control;
        let ended = control.store().fact(control.service().as_str(), ENDED_KIND, id).await?;
        let ended = ended.and_then(|body| serde_json::from_str::<Alert>(&body).ok());
        let Some(at) = ended.and_then(|alert| alert.resolved) else {
            return Ok(error.into());
        };
        Ok(BookError::Resolved { id: id.clone(), at }.into())
    }

    /// The desk, with what an earlier process has left on it.
    async fn desk(&self) -> Result<tokio::sync::MutexGuard<'_, Desk>, StoreError> {
        let mut desk = self.shared.desk.lock().await;
        if !desk.is_read {
            let control = &self.shared.control;
            desk.book = Book::load(control.store(), control.service()).await?;
            let series: Vec<(String, Series)> = book::read(control.store(), control.service(), SERIES_KIND).await?;
            let named = series.into_iter();
            let named = named.filter_map(|(key, series)| Some((Subject::try_from(key).ok()?, series)));
            desk.fleet.series = named.collect();
            desk.settings.refresh(&self.shared.project);
            desk.is_read = true;
        }
        Ok(desk)
    }

    /// Writes down what has changed, all of it or nothing; only then does the book count.
    async fn write(&self, desk: &mut Desk, mut book: Book) -> Result<(), StoreError> {
        let (mut facts, journal) = book.take_changes();
        facts.extend(desk.unwritten.removed.iter().map(|subject| FactChange::Delete {
            kind: SERIES_KIND.to_owned(),
            key: subject.to_string(),
        }));
        let changed = desk.unwritten.changed.iter();
        facts.extend(changed.filter_map(|subject| Some(kept(subject, desk.fleet.series.get(subject)?))));
        if !facts.is_empty() || !journal.is_empty() {
            let record = Record {
                service: self.shared.control.service().to_string(),
                facts,
                journal,
                ..Record::default()
            };
            self.shared.control.store().record(&record).await?;
        }
        desk.unwritten.changed.clear();
        desk.unwritten.removed.clear();
        desk.book = book;
        self.shared.news.notify_one();
        Ok(())
    }

    /// Forgets what was resolved long ago.
    async fn tidy(&self, desk: &mut Desk, now: Timestamp) -> Result<(), AlertError> {
        if desk.tidied.is_some_and(|at| now - at < TIDY_EVERY) {
            return Ok(());
        }
        desk.tidied = Some(now);
        let control = &self.shared.control;
        let ended = book::read::<Alert>(control.store(), control.service(), ENDED_KIND).await?;
        let is_old = |alert: &Alert| alert.resolved.is_some_and(|at| at + KEPT < now);
        let old = ended.into_iter().filter(|(_, alert)| is_old(alert));
        let old: Vec<FactChange> = old
            .map(|(key, _)| FactChange::Delete {
                kind: ENDED_KIND.to_owned(),
                key,
            })
            .collect();
        if !old.is_empty() {
            control.store().change_facts(control.service().as_str(), &old).await?;
        }
        Ok(())
    }
}

impl Desk {
    fn judge(&mut self, bucket: &meter::Bucket, view: &View) {
        let known: BTreeSet<Subject> = view
            .state
            .seats
            .iter()
            .fold(BTreeSet::new(), |mut known, (tenant, seat)| {
                known.insert(Subject::Tenant(tenant.clone()));
                known.insert(Subject::Cell(seat.cell.clone()));
                known
            });
        let watch = &self.settings.file().watch;
        let judged = self.fleet.judge(bucket, &homes(view), &known, watch);
        self.unwritten.found.extend(judged.found);
        self.unwritten.changed.extend(judged.changed);
        self.unwritten.removed.extend(judged.removed);
    }

    /// What has begun and ended with the gateways themselves.
    fn watch_gateways(&mut self, eyes: &Eyes, now: Timestamp) -> Vec<Found> {
        let watch = &self.settings.file().watch;
        let lapsed = eyes.silent();
        self.silent.retain(|gateway, _| lapsed.contains(gateway));
        let told = self.book.lasting(AlertKind::Watcher);
        let mut found = Vec::new();
        for gateway in lapsed {
            let since = *self.silent.entry(gateway.clone()).or_insert(now);
            let subject = Subject::Gateway(gateway);
            let is_news = now - since >= watch.gateway_silent && !told.contains(&subject);
            if is_news && watch.kinds.contains(&AlertKind::Watcher) {
                found.push(Found::Began(words::silent_gateway(subject, since)));
            }
        }
        found
    }

    fn lasts(&self, subject: &Subject, kind: AlertKind) -> bool {
        let is_watched = self.settings.file().watch.kinds.contains(&kind);
        is_watched
            && match subject {
                Subject::Gateway(gateway) => self.silent.contains_key(gateway),
                Subject::Cell(_) | Subject::Tenant(_) => self.fleet.has_alarm(subject, kind),
            }
    }
}

/// Who is served now, and in which cell.
fn homes(view: &View) -> BTreeMap<TenantName, CellName> {
    let cells = view.desired.cells.iter();
    let routes =
        cells.flat_map(|(cell, of_cell)| of_cell.routes.iter().map(move |(tenant, route)| (tenant, route, cell)));
    let served = routes.filter(|(_, route, _)| route.closed.is_none() && route.maintenance.is_none());
    served.map(|(tenant, _, cell)| (tenant.clone(), cell.clone())).collect()
}

fn kept(subject: &Subject, series: &Series) -> FactChange {
    FactChange::Put(Fact {
        kind: SERIES_KIND.to_owned(),
        key: subject.to_string(),
        body: serde_json::to_string(series).expect("it has text keys only"),
    })
}

#[cfg(test)]
mod tests;
