//! The health of waves: who has moved, what gateways counted for them before and after, and what that says.
//!
//! What counted before a tenant's move is taken down when the move is seen and kept in the store, with where each gateway's
//! figures of the new version stood, so that the comparison outlives this process. Only who stays on the old version is counted anew.

mod rule;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tidegate_domain::event::{Event, EventKind, Judgement, Verdict};
use tidegate_domain::id::Actor;
use tidegate_domain::monitor::{Monitor, monitors};
use tidegate_domain::service::Service;
use tidegate_domain::time::Timestamp;
use tokio::time::{Instant, sleep_until};

pub use self::rule::{canary_rule, rule};
use self::watch::Watches;
use crate::clock;
use crate::control::{Control, View, in_words};
use crate::counters::Counters;
use crate::gateways::Gateways;
use crate::incarnation::Incarnation;

/// However often a playbook wants it.
const INTERVAL_MIN: Duration = Duration::from_millis(200);

/// Numbers alone, with the same verdict, are news only so often.
const NUMBERS_EVERY: Duration = Duration::from_secs(5);

/// Counters come every second; older ones are none.
const AGE_MAX_MS: u64 = 10_000;

/// Judges every wave that is to be watched, for ever.
#[derive(Debug)]
pub struct Health {
    control: Control,
    counters: Arc<Counters>,
    gateways: Gateways,
    incarnation: Incarnation,
    began: Instant,
    watches: Watches,
    judged: BTreeMap<watch::Key, Judged>,
}

/// When a wave was judged last, and when that was told.
#[derive(Debug, Clone, Copy)]
struct Judged {
    next: Instant,
    told: Option<Instant>,
}

impl Health {
    #[must_use]
    pub fn new(control: Control, counters: Arc<Counters>, gateways: Gateways, incarnation: Incarnation) -> Self {
        Self {
            watches: Watches::new(control.store().clone(), control.service().clone()),
            control,
            counters,
            gateways,
            incarnation,
            began: Instant::now(),
            judged: BTreeMap::new(),
        }
    }

    pub async fn run(mut self) {
        self.control.confirmed().await;
        let mut changes = self.control.changes();
        let mut tidy = Instant::now();
        loop {
            let view = changes.borrow_and_update().clone();
            let all = monitors(&view.state);
            let now = clock::now();
            let warm = all.iter().filter_map(|monitor| monitor.next_warm(now)).min();
            let monitors: Vec<Monitor> = all.into_iter().filter_map(|monitor| monitor.warmed_up(now)).collect();
            let counters = (&*self.counters, self.is_whole());
            if let Err(error) = self
                .watches
                .follow(&monitors, &view.state, counters, clock::now())
                .await
            {
                // What is in memory is right; only a restart would miss it.
                tracing::error!(trouble = in_words(&error), "cannot keep what was counted before a move");
            }
            self.judged
                .retain(|key, _| monitors.iter().any(|monitor| watch::Key::of(monitor) == *key));
            for monitor in &monitors {
                self.look(monitor, &view).await;
            }
            if let Err(error) = self.watches.keep(clock::now()).await {
                tracing::error!(
                    trouble = in_words(&error),
                    "cannot keep what the health of a wave has come to"
                );
            }
            if tidy.elapsed() > Duration::from_secs(60) {
                tidy = Instant::now();
                self.counters.tidy(&self.gateways.processes_known(), clock::now());
            }
            let next = self.judged.values().map(|judged| judged.next).min();
            let warm = warm.map(|warm| Instant::now() + (warm - clock::now()).to_std());
            let next = next.into_iter().chain(warm).min();
            let next = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = sleep_until(next) => {}
            }
        }
    }

    /// Judges one wave if it is time, and tells the state machine what is news to it.
    async fn look(&mut self, monitor: &Monitor, view: &View) {
        let key = watch::Key::of(monitor);
        let now = Instant::now();
        let next = now + monitor.policy.interval.to_std().max(INTERVAL_MIN);
        let (age_ms, is_whole) = (self.age_ms(clock::now()), self.is_whole());
        let Some(watch) = self.watches.get_mut(&key) else {
            return;
        };
        let begun = self.judged.get(&key).copied();
        if begun.is_some_and(|judged| judged.next > now) {
            return;
        }
        if is_whole {
            watch.look(monitor, &view.state, &self.counters);
        }
        // A wave that has just moved has nothing to be judged by: this look is what the next one is counted from.
        let Some(mut judged) = begun else {
            self.judged.insert(key, Judged { next, told: None });
            return;
        };
        judged.next = next;
        let judgement = watch.judge(monitor, age_ms);
        let known = known(monitor, &view.state);
        let told_lately = judged.told.is_some_and(|told| now - told < NUMBERS_EVERY);
        if monitor.hears(judgement.verdict) && is_news(&judgement, known, monitor.requests_min, told_lately) {
            judged.told = Some(now);
            self.tell(monitor, judgement).await;
        }
        self.judged.insert(key, judged);
    }

    async fn tell(&self, monitor: &Monitor, judgement: Judgement) {
        let event = Event {
            actor: Actor::system("health"),
            reason: None,
            kind: EventKind::Judged {
                version: monitor.version.clone(),
                wave: monitor.wave.clone(),
                attempt: monitor.attempt,
                judgement,
            },
        };
        if let Err(error) = self.control.submit(&event, &self.incarnation.next_key("judged")).await {
            tracing::warn!(trouble = in_words(&error), wave = %monitor.wave, "cannot tell a judgement");
        }
    }

    /// Of a gateway that this server has not heard yet nothing would be there that it has counted; but one that stays silent is not waited for.
    fn is_whole(&self) -> bool {
        let waited = self.began.elapsed().as_millis() > u128::from(AGE_MAX_MS);
        waited || self.counters.has_heard(&self.gateways.processes_known())
    }

    /// How old the newest counter is. While a gateway is silent, what the others tell is not the whole.
    fn age_ms(&self, now: Timestamp) -> Option<u64> {
        let newest = self.counters.newest()?;
        let age = (now - newest).as_millis().unsigned_abs();
        let silent = self.gateways.status().iter().any(|gateway| gateway.lapsed);
        Some(if silent { age.max(AGE_MAX_MS + 1) } else { age })
    }
}

/// What the state machine knows of this wave.
fn known<'a>(monitor: &Monitor, state: &'a Service) -> Option<&'a Judgement> {
    let run = state.run(&monitor.version)?;
    let wave = run.waves.iter().find(|wave| wave.name == monitor.wave)?;
    wave.health.as_ref()
}

/// A verdict is news when it changes, or when it begins to rest on as many requests as are asked for.
fn is_news(judgement: &Judgement, known: Option<&Judgement>, requests_min: u64, told_lately: bool) -> bool {
    let Some(known) = known else { return true };
    let enough = |judgement: &Judgement| judgement.verdict == Verdict::Pass && judgement.requests >= requests_min;
    known.verdict != judgement.verdict
        || known.culprits.keys().ne(judgement.culprits.keys())
        || enough(known) != enough(judgement)
        || (known != judgement && !told_lately)
}

#[cfg(test)]
mod tests;
