//! Between what shall be and what is: hands the desired document to drivers and gateways, and tells the state machine what
//! they see when that is news to it.
//!
//! News is what the state does not say already: nothing is remembered here, so a server started anew goes on where the last
//! one was killed.

mod news;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tidegate_domain::desired::CellDesired;
use tidegate_domain::event::{Event, EventKind};
use tidegate_domain::id::{Actor, CellName, Digest, SlotId};
use tidegate_domain::observed::{CellReport, CellReports};
use tidegate_domain::service::Service;
use tidegate_effects::drivers::Driver;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::news::Urgency;
use crate::control::{Control, View, in_words};
use crate::gateways::{Gateways, Published};
use crate::incarnation::Incarnation;
use crate::restored::takeover;
use crate::table::Frame;

/// Words and numbers that only people read are told at most this often.
const WORDS_EVERY: Duration = Duration::from_secs(1);

/// A look without a cause: leases lapse in silence.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// After an observation could not be told.
const BACK_OFF: Duration = Duration::from_millis(250);

/// Keeps drivers and gateways in step with the desired document, for ever.
pub struct Reconciler {
    pub control: Control,
    pub driver: Arc<dyn Driver>,
    pub gateways: Gateways,
    pub tables: watch::Sender<Option<Published>>,
    pub frame: Frame,
    pub incarnation: Incarnation,
}

impl Reconciler {
    pub async fn run(self) {
        self.control.confirmed().await;
        let mut views = self.control.changes();
        let mut driver = self.driver.changes();
        let mut gateways = self.gateways.changes();
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut handed_out = HandedOut::default();
        let mut words_after = Instant::now();
        let mut confirmed_since = None;
        loop {
            let view = views.borrow_and_update().clone();
            driver.borrow_and_update();
            gateways.borrow_and_update();
            self.hand_out(&view, &mut handed_out);
            let wait = self.tell(&view.state, &mut words_after).await;
            if let Some(wait) = wait {
                sleep(wait).await;
            }
            tokio::select! {
                changed = views.changed() => if changed.is_err() { return },
                _ = driver.changed() => {}
                _ = gateways.changed() => {}
                _ = look.tick() => self.sweep(&mut confirmed_since).await,
            }
        }
    }

    /// Gives gateways and drivers the document, if they do not have this one.
    fn hand_out(&self, view: &View, before: &mut HandedOut) {
        let taken_over = self.control.mark().and_then(|mark| mark.confirmed);
        self.hand_to_drivers(view, taken_over, before);
        self.obtain_for_jobs(&view.state, before);
        let desired = &view.desired;
        let held = taken_over.is_some_and(|generation| !takeover::leads_to_what_runs(view, &*self.driver, generation));
        if held || before.published == Some(desired.generation) {
            return;
        }
        before.published = Some(desired.generation);
        let table = self.frame.table(desired);
        match table.validate() {
            Ok(()) => {
                self.tables.send_replace(Some(Published::new(table)));
            }
            Err(error) => tracing::error!(
                trouble = in_words(&error),
                generation = desired.generation,
                "the routing table is not valid; gateways keep the one before"
            ),
        }
    }

    fn hand_to_drivers(&self, view: &View, taken_over: Option<u64>, before: &mut HandedOut) {
        let desired = &view.desired;
        if before.generation == Some(desired.generation) && before.taken_over == taken_over {
            return;
        }
        self.driver.leave_unnamed(taken_over.is_some());
        let nothing = CellDesired::default();
        let mut gone: BTreeSet<CellName> = before.cells.clone();
        if before.taken_over.is_some() && taken_over.is_none() {
            // What runs where the restored state knows of no cell was left alone until now.
            gone.extend(self.driver.running().into_keys());
        }
        let gone = gone.iter().filter(|cell| !desired.cells.contains_key(*cell));
        let gone = gone.map(|cell| (cell, &nothing));
        for (name, cell) in desired.cells.iter().chain(gone) {
            if let Err(older) = self.driver.reconcile(name, desired.generation, cell) {
                tracing::error!(trouble = in_words(&older), "a driver is ahead of the state");
            }
        }
        if taken_over.is_none() {
            let mut keep = pinned(&view.state);
            keep.extend(self.control.keeping().digests());
            self.driver.keep_artifacts(&keep);
        }
        before.cells.extend(desired.cells.keys().cloned());
        before.generation = Some(desired.generation);
        before.taken_over = taken_over;
    }

    /// A job has no slot whose start copies its artifact: it is copied as soon as its release is known, for runs that begin when the
    /// file is long gone.
    fn obtain_for_jobs(&self, state: &Service, before: &mut HandedOut) {
        let releases = state.pinned.values();
        let jobs = releases.flat_map(|release| release.jobs().map(|(name, _)| &release.components[name].artifact));
        for artifact in jobs {
            if before.obtained.insert(artifact.digest.clone()) {
                let (driver, artifact) = (Arc::clone(&self.driver), artifact.clone());
                tokio::spawn(async move {
                    if let Err(error) = driver.obtain(&artifact).await {
                        tracing::warn!(
                            trouble = in_words(&error),
                            path = artifact.path,
                            "cannot copy the artifact of a job"
                        );
                    }
                });
            }
        }
    }

    /// Tells the state machine what it does not know yet. Answers for how long there is no use in trying again.
    async fn tell(&self, state: &Service, words_after: &mut Instant) -> Option<Duration> {
        let cells = self.observe(state);
        let slots = state.cells.values().flat_map(|cell| cell.slots.keys());
        let gateways = self.gateways.report(slots, Instant::now());
        let urgency = news::urgency(state, &cells, &gateways)?;
        if urgency == Urgency::Words && Instant::now() < *words_after {
            return None;
        }
        let cells = cells
            .into_iter()
            .filter(|(name, report)| news::of_cell(&state.cells[name], report).is_some())
            .collect();
        let event = Event {
            actor: Actor::system("observer"),
            reason: None,
            kind: EventKind::Observed { cells, gateways },
        };
        *words_after = Instant::now() + WORDS_EVERY;
        let told = self
            .control
            .submit(&event, &self.incarnation.next_key("observed"))
            .await;
        let error = told.err()?;
        tracing::warn!(trouble = in_words(&error), "cannot tell an observation");
        Some(BACK_OFF)
    }

    /// What the driver sees of every slot. A slot that it has not looked at yet is as it was: a driver made anew needs a
    /// moment to find what runs, and until then nothing may be taken out of the routing.
    fn observe(&self, state: &Service) -> CellReports {
        let mut reports = BTreeMap::new();
        for (name, cell) in &state.cells {
            let seen = self.driver.observe(name);
            let slots: BTreeMap<SlotId, _> = cell
                .slots
                .iter()
                .map(|(id, slot)| {
                    let looked = seen.slots.get(id).filter(|_| slot.since <= seen.generation);
                    (id.clone(), news::seen_or_known(looked, &slot.state).clone())
                })
                .collect();
            let report = CellReport {
                generation: seen.generation,
                slots,
                ownership: seen.ownership,
            };
            reports.insert(name.clone(), report);
        }
        reports
    }

    async fn sweep(&self, confirmed_since: &mut Option<Instant>) {
        if let Some(mark) = self.control.mark()
            && let Err(error) = takeover::end(&self.control, &self.gateways, &mark, confirmed_since).await
        {
            tracing::warn!(
                trouble = in_words(&error),
                "cannot end the take-over of a restored state"
            );
        }
        if let Err(error) = self.gateways.sweep(Instant::now()).await {
            tracing::warn!(trouble = in_words(&error), "cannot forget gateways that have ended");
        }
    }
}

/// What was handed out last.
#[derive(Debug, Default)]
struct HandedOut {
    generation: Option<u64>,
    cells: BTreeSet<CellName>,
    /// The generation of the table that gateways have.
    published: Option<u64>,
    /// Artifacts of jobs that were asked for.
    obtained: BTreeSet<Digest>,
    /// That of a restored state, as long as the world before it is still used.
    taken_over: Option<u64>,
}

/// The artifacts that a tenant may be taken back to.
fn pinned(state: &Service) -> BTreeSet<Digest> {
    let components = state.pinned.values().flat_map(|release| release.components.values());
    components.map(|component| component.artifact.digest.clone()).collect()
}

#[cfg(test)]
mod tests;
