//! Disturbs instances one after another, and follows how they come back.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tidegate_domain::observed::Instance;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::Target;
use super::super::hands::{Hands, Unused};
use super::super::pool::Pool;
use super::dependency::Away;
use super::with::{Act, Dependency, With};
use crate::drivers::Disturbance;

pub(super) struct Course<'c> {
    pub with: &'c With,
    pub target: &'c Target,
    pub hands: &'c Hands,
    pub slots: &'c [Unused],
    /// A group for each slot.
    pub pool: &'c Pool,
    pub begin: Instant,
    /// An instance that gets no new requests, by the place of its slot: as the routing leaves out what is about to stop.
    pub aside: Mutex<Option<(usize, String)>>,
}

/// One disturbance, and what became of it.
#[derive(Debug)]
pub(super) struct Happening {
    /// In words: who was disturbed, and how.
    pub what: String,
    pub from: Duration,
    pub until: Duration,
    /// How long it took to be ready again, or why it is not.
    pub ready: Result<Duration, String>,
}

impl Course<'_> {
    /// The same for ever.
    pub async fn follow(&self) {
        let mut changes = self.hands.changes();
        loop {
            self.refresh();
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Sends requests to whoever is ready now.
    pub fn refresh(&self) {
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, slot) in self.slots.iter().enumerate() {
            let state = self.hands.state(slot);
            let is_aside = |instance: &&Instance| {
                let of = aside.as_ref();
                of.is_some_and(|(slot, id)| *slot == index && *id == instance.id)
            };
            let ready = state.instances().iter().filter(|instance| !is_aside(instance));
            self.pool
                .set(index, &ready.map(|instance| instance.address).collect::<Vec<_>>());
        }
    }

    fn set_aside(&self, aside: Option<(usize, String)>) {
        *self.aside.lock().unwrap_or_else(PoisonError::into_inner) = aside;
        self.refresh();
    }

    /// All that is to be done. It ends with the first that does not come back: what would be disturbed after it is not as it should be.
    pub async fn run(&self) -> Result<Vec<Happening>, String> {
        let mut happened = Vec::new();
        sleep(self.with.pause.to_std()).await;
        for (turn, act) in self.with.acts().into_iter().enumerate() {
            let happening = match act {
                Act::Instance { how, ready_within } => self.end_one(turn, how, ready_within.to_std()).await?,
                Act::Dependency(dependency) => self.take_away(dependency).await?,
            };
            let is_back = happening.ready.is_ok();
            happened.push(happening);
            if !is_back {
                break;
            }
            sleep(self.with.pause.to_std()).await;
        }
        Ok(happened)
    }

    /// Each instance in its turn.
    async fn end_one(&self, turn: usize, how: Disturbance, within: Duration) -> Result<Happening, String> {
        let mut ready = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            let state = self.hands.state(slot);
            ready.extend(state.instances().iter().map(|instance| (index, slot, instance.clone())));
        }
        let (index, slot, instance) = ready
            .get(turn % ready.len().max(1))
            .ok_or_else(|| format!("no instance of `{}` is ready", self.with.component))?;
        let done = match how {
            Disturbance::Restart => "restarted",
            Disturbance::Kill => "killed",
        };
        let from = self.begin.elapsed();
        if how == Disturbance::Restart {
            self.set_aside(Some((*index, instance.id.clone())));
        }
        let since = Instant::now();
        let disturbed = self.hands.disturb(slot, instance, how).await;
        let what = format!("instance {} in {} was {done}", instance.id, slot.cell);
        disturbed.map_err(|reason| format!("instance {} in {} cannot be {done}: {reason}", instance.id, slot.cell))?;
        let is_back = self.comes_back(slot, instance, since + within);
        let ready = match is_back.await {
            true => Ok(since.elapsed()),
            false => Err(self.hands.state(slot).in_words()),
        };
        self.set_aside(None);
        Ok(Happening {
            what,
            from,
            until: self.begin.elapsed(),
            ready,
        })
    }

    /// Whether the instance has gone, and was ready once more by then.
    async fn comes_back(&self, slot: &Unused, before: &Instance, deadline: Instant) -> bool {
        let mut has_gone = false;
        self.is_by(deadline, || {
            let state = self.hands.state(slot);
            let now = state.instances().iter().find(|instance| instance.id == before.id);
            has_gone |= now != Some(before);
            has_gone && now.is_some()
        })
        .await
    }

    async fn take_away(&self, dependency: &Dependency) -> Result<Happening, String> {
        let from = self.begin.elapsed();
        let away = Away::lose(dependency, self.target).await?;
        sleep(dependency.away.to_std()).await;
        away.back().await?;
        let since = Instant::now();
        let unready = || {
            self.slots
                .iter()
                .map(|slot| self.hands.state(slot))
                .find(|state| !state.is_ready())
        };
        let is_back = self
            .is_by(since + dependency.ready_within.to_std(), || unready().is_none())
            .await;
        let ready = match (is_back, unready()) {
            (true, _) => Ok(since.elapsed()),
            (false, state) => Err(state.unwrap_or_default().in_words()),
        };
        Ok(Happening {
            what: format!("`{}` was away for {}", dependency.name, dependency.away),
            from,
            until: self.begin.elapsed(),
            ready,
        })
    }

    /// Whether `is` holds before the deadline.
    async fn is_by(&self, deadline: Instant, mut is: impl FnMut() -> bool) -> bool {
        let mut changes = self.hands.changes();
        loop {
            changes.borrow_and_update();
            if is() {
                return true;
            }
            match timeout_at(deadline, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return is(),
            }
        }
    }
}
