//! What is over is dropped when it is as old as `tidegate.yaml` says: rows of the journal once they are written elsewhere, and plans
//! that nobody applied, events that were taken and effects that have ended.
//!
//! Nothing that has come since the oldest release in flight was applied is dropped. Ids of effects end with a number that is never used
//! twice, so that none that is dropped can be wanted again; those of notices do not, and are kept. A look starts from the store alone
//! and can be killed anywhere: what it has dropped is gone, what it has exported the next one finds.

mod journal;
mod kept;

use std::io;
use std::time::{Duration as Wait, SystemTime};

use serde_json::json;
use tidegate_domain::effect::Lane;
use tidegate_domain::files::Retention;
use tidegate_domain::id::Actor;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_engine::drop_events;
use tidegate_store::{JournalEntry, Old, Record};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

pub use self::journal::drop_exported;
use crate::api::plans::drop_plans;
use crate::api::{AppState, Problem};
use crate::control::Control;
use crate::layout::gates_folder;
use crate::{clock, intake, project};

/// What is too old changes once a day; a look that failed is tried again sooner.
const LOOK_EVERY: Wait = Wait::from_secs(3_600);

/// Rows dropped in one transaction: turns wait for no more than these.
const BATCH: u32 = 1_000;

/// Drops what is old, for ever.
#[derive(Debug)]
pub struct Keeper {
    state: AppState,
}

/// How many rows a look has dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Dropped {
    plans: u64,
    events: u64,
    effects: u64,
}

impl Keeper {
    #[must_use]
    pub fn new(state: AppState) -> Self {
        Self { state }
    }

    pub async fn run(self) {
        self.control().confirmed().await;
        loop {
            let trouble = self.look(clock::now()).await.err();
            if let Some(problem) = &trouble {
                tracing::error!(trouble = problem.detail, help = problem.help, "cannot drop what is old");
            }
            let first_line = |problem: Problem| problem.detail.lines().next().unwrap_or_default().to_owned();
            self.state.cannot_drop(trouble.map(first_line));
            sleep(LOOK_EVERY).await;
        }
    }

    fn control(&self) -> &Control {
        self.state.control()
    }

    /// Drops all that is too old at `now`. The files are read anew: whoever has just written a longer time is heard.
    async fn look(&self, now: Timestamp) -> Result<(), Problem> {
        let retention = project::read(self.state.project())?.service.retention;
        let dropped = self.drop_rows(&retention, now).await?;
        if dropped != Dropped::default() {
            let record = Record {
                service: self.control().service().to_string(),
                journal: vec![row(dropped, &retention, now)],
                ..Record::default()
            };
            self.control().store().record(&record).await?;
        }
        let before = self.before(retention.effects, now);
        let before = SystemTime::UNIX_EPOCH + Wait::from_millis(before.try_into().unwrap_or(0));
        let gates = gates_folder(self.state.state_dir());
        let dropped = spawn_blocking(move || {
            kept::drop_kept(&gates, before).map_err(|error| {
                let place = gates.display();
                io::Error::new(
                    error.kind(),
                    format!("cannot drop what gates have left in `{place}`: {error}"),
                )
            })
        });
        dropped
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| Problem::unavailable(&error))?;
        // Last: a folder that is full or gone keeps nothing else.
        self.compact(&retention, now).await
    }

    async fn drop_rows(&self, retention: &Retention, now: Timestamp) -> Result<Dropped, Problem> {
        let (store, service) = (self.control().store(), self.control().service().as_str());
        let older = |kept: Duration| Old {
            service,
            before_ms: self.before(kept, now),
            limit: BATCH,
        };
        let mut dropped = Dropped::default();
        let old = older(retention.plans);
        while goes_on(&mut dropped.plans, self.drop_plans(&old).await?) {}
        let old = older(retention.events);
        while goes_on(&mut dropped.events, drop_events(store, &old).await?) {}
        let old = older(retention.effects);
        for lane in Lane::NUMBERED {
            while goes_on(&mut dropped.effects, store.drop_effects(&old, lane.as_str()).await?) {}
        }
        Ok(dropped)
    }

    async fn drop_plans(&self, old: &Old<'_>) -> Result<u64, Problem> {
        // A plan that is being applied at this moment is no release yet.
        let _nobody_applies = self.state.applying().await;
        let waiting = intake::waiting(self.control()).await?;
        let needed = waiting.iter().filter_map(|one| one.plan.as_ref());
        let needed: Vec<String> = needed.map(ToString::to_string).collect();
        drop_plans(&self.state, old, &needed).await
    }

    /// What has come before may go: by whole days, so that a look finds something once a day, and nothing since the oldest release in
    /// flight was applied.
    fn before(&self, kept: Duration, now: Timestamp) -> i64 {
        let day = Duration::from_days(1).as_millis();
        let before = now.0.saturating_sub(kept.as_millis()).div_euclid(day) * day;
        let since = self.control().view().state.in_flight_since();
        since.map_or(before, |since| since.0.min(before))
    }
}

/// Counts a batch, and says whether there may be another one.
fn goes_on(all: &mut u64, batch: u64) -> bool {
    *all += batch;
    batch == u64::from(BATCH)
}

fn actor() -> Actor {
    Actor::system("retention")
}

fn row(dropped: Dropped, retention: &Retention, now: Timestamp) -> JournalEntry {
    let Retention {
        plans, events, effects, ..
    } = retention;
    JournalEntry {
        at_ms: now.0,
        actor: actor().to_string(),
        reason: format!(
            "older than `retention` says, plans {plans}, events {events}, effects {effects}: {} plans, {} events, {} effects",
            dropped.plans, dropped.events, dropped.effects
        ),
        kind: "rows_dropped".to_owned(),
        release: None,
        subject: None,
        about: Vec::new(),
        body: json!({ "plans": dropped.plans, "events": dropped.events, "effects": dropped.effects }).to_string(),
    }
}

#[cfg(test)]
mod tests;
