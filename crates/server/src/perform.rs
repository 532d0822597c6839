//! The performers: take what is due in a lane, have it done, report.
//!
//! A lease is short and renewed while its effect is being done, so that what a killed server had begun is begun again soon.

pub mod gate;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tidegate_domain::effect::{Effect, EffectBody, Lane};
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::time::{Duration as Span, Timestamp};
use tidegate_effects::drivers::{Driver, Once};
use tidegate_engine::{Done, Lease, perform};
use tokio::sync::watch;
use tokio::time::{interval, sleep};

use crate::clock;
use crate::control::{Control, View, in_words};

const LEASE: Span = Span::from_secs(10);
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// After the store failed.
const BACK_OFF: Duration = Duration::from_secs(1);

/// Effects that become due without a turn, such as retries, are found at the latest after this.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Does one effect.
pub type Act = Arc<dyn Fn(Effect) -> Acting + Send + Sync>;
pub type Acting = Pin<Box<dyn Future<Output = Done> + Send>>;

/// Until the one who was faster has written its lease.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One performer of one lane.
#[derive(Clone)]
pub struct Performer {
    pub control: Control,
    pub lane: Lane,
    /// This performer in this life.
    pub owner: String,
    pub act: Act,
}

impl Performer {
    /// Performs for ever.
    pub async fn run(self) {
        self.control.confirmed().await;
        let mut changes = self.control.changes();
        let lease = Lease {
            owner: &self.owner,
            length: LEASE,
            limit: 1,
        };
        loop {
            changes.borrow_and_update();
            if !self.is_due().await {
                self.rest(&mut changes).await;
                continue;
            }
            let performer = self.clone();
            let act = move |effect: &Effect| performer.clone().act_under_lease(effect.clone());
            match perform(self.control.store(), self.lane, &lease, clock::now(), act).await {
                // Another performer was faster.
                Ok(0) => sleep(LOOK_AGAIN).await,
                Ok(_) => self.control.wake(),
                Err(error) => {
                    tracing::error!(trouble = in_words(&error), lane = self.lane.as_str(), "cannot perform");
                    sleep(BACK_OFF).await;
                }
            }
        }
    }

    fn act_under_lease(self, effect: Effect) -> Acting {
        Box::pin(async move {
            tokio::select! {
                done = (self.act)(effect.clone()) => done,
                never = self.renew(&effect) => match never {},
            }
        })
    }

    /// Asked before leasing, which is a transaction that others would wait for.
    async fn is_due(&self) -> bool {
        self.next_due().await.is_some_and(|due| due <= clock::now())
    }

    async fn next_due(&self) -> Option<Timestamp> {
        match self.control.store().next_due(self.lane.as_str()).await {
            Ok(due) => due.map(Timestamp),
            Err(error) => {
                tracing::error!(
                    trouble = in_words(&error),
                    lane = self.lane.as_str(),
                    "cannot see what is due"
                );
                None
            }
        }
    }

    /// Until a turn may have enqueued something, or something is due.
    async fn rest(&self, changes: &mut watch::Receiver<Arc<View>>) {
        let wait = self.next_due().await.map_or(LOOK_EVERY, clock::until);
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep(wait.min(LOOK_EVERY)) => {}
        }
    }

    async fn renew(&self, effect: &Effect) -> Infallible {
        let mut ticks = interval(RENEW_EVERY);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let until = clock::now() + LEASE;
            let ids = [effect.id.to_string()];
            if let Err(error) = self.control.store().renew(&self.owner, &ids, until.0).await {
                tracing::warn!(trouble = in_words(&error), effect = %effect.id, "cannot renew a lease");
            }
        }
    }
}

/// Runs the work on data, or the run of a job, that an effect of the lane `step` or `job` names.
pub async fn act_once(driver: &dyn Driver, effect: &Effect) -> Done {
    let task = match &effect.body {
        EffectBody::Step(task) => Once::Step(task),
        EffectBody::Job(task) => Once::Job(task),
        EffectBody::Gate { .. } | EffectBody::Announce(_) | EffectBody::Notice { .. } => {
            return Done::Dead(error(format!("effect {} is nothing to run", effect.id)));
        }
    };
    Done::Over(driver.run_once(&effect.id, task).await)
}

fn error(reason: String) -> Judgement {
    Judgement::new(Verdict::Error, reason)
}
