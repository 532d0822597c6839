//! The turn loop: takes what has happened, has the state machine decide, and shows everybody what it decided.
//!
//! There is one loop for a service. It is woken by events, by the time a step asked for, and by nothing else. Whoever sends a
//! command waits for the turn that took it, so that a refusal is the answer to the command and not a surprise later.

mod waiters;

use std::sync::Arc;
use std::time::Duration;

use tidegate_domain::desired::{Desired, desired};
use tidegate_domain::event::Event;
use tidegate_domain::id::ServiceName;
use tidegate_domain::service::Service;
use tidegate_domain::step::Refused;
use tidegate_domain::time::Timestamp;
use tidegate_domain::waiting::Waiting;
pub(crate) use tidegate_effects::wire::in_words;
use tidegate_engine::{TurnError, Turned, first_answer, load, put_event, turn};
use tidegate_store::{Store, StoreError};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use self::waiters::{Answer, Waiters};
use crate::clock;
use crate::intake::Keeping;
use crate::restored::{self, Mark};

/// Pauses after a turn that the store did not let through, doubled each time.
const BACK_OFF_MIN: Duration = Duration::from_millis(50);
const BACK_OFF_MAX: Duration = Duration::from_secs(5);

/// The wall clock may jump, so that a long wait is cut into such pieces.
const SLEEP_MAX: Duration = Duration::from_secs(10);

/// A handle on the turn loop of one service. A clone is the same loop.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    service: ServiceName,
    view: watch::Sender<Arc<View>>,
    waiters: Waiters,
    news: Notify,
    /// Of a restored state.
    mark: watch::Sender<Option<Mark>>,
    keeping: Keeping,
}

/// What the last turn led to.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub state: Service,
    pub waiting: Vec<Waiting>,
    pub desired: Arc<Desired>,
    /// Why no turn is possible now, in words: the disk is full, say. What is shown is then as it was before.
    pub trouble: Option<String>,
}

/// Why a command had no effect, or why that is not known.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the state was restored from a backup, and nothing is done before a person has compared it with what runs")]
    Restored,
    #[error("the key `{key}` was used before for another command")]
    KeyUsed { key: String },
    #[error("cannot write the command down")]
    NotWritten(#[source] TurnError),
    #[error("the command was taken before, and what came of it cannot be read")]
    NotRead(#[source] TurnError),
    #[error("the command is written down and will be taken as soon as the store works again: {trouble}")]
    Postponed { trouble: String },
    #[error("the server is stopping; the command is written down and will be taken by the next one")]
    Stopping,
}

impl Control {
    /// Takes the first turn, which finds everything as the last process left it. A restored state that nobody has confirmed
    /// is only read.
    ///
    /// # Errors
    /// Whatever keeps the state from being read: nothing can be served then.
    pub async fn start(store: Store, service: ServiceName) -> Result<Self, TurnError> {
        let mark = restored::mark(&store, &service).await?;
        let turned = match mark.as_ref().is_some_and(Mark::is_unconfirmed) {
            true => stand_still(&store, &service).await?,
            false => turn(&store, &service, clock::now()).await?,
        };
        let keeping = match Keeping::load(&store, &service).await {
            Ok(keeping) => keeping,
            Err(source) => return Err(TurnError::Store { service, source }),
        };
        let shared = Shared {
            keeping,
            store,
            service,
            view: watch::Sender::new(Arc::new(View::of(turned, None))),
            waiters: Waiters::default(),
            news: Notify::new(),
            mark: watch::Sender::new(mark),
        };
        // What the first turn asked for, the loop finds out by itself.
        shared.news.notify_one();
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    #[must_use]
    pub fn service(&self) -> &ServiceName {
        &self.shared.service
    }

    /// The artifacts of releases that were handed in and wait.
    pub(crate) fn keeping(&self) -> &Keeping {
        &self.shared.keeping
    }

    /// What the last turn led to.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.shared.view.borrow().clone()
    }

    /// Tells of every turn that changed what is shown.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Arc<View>> {
        self.shared.view.subscribe()
    }

    /// What is known of a restored state; `None` for any other.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        self.shared.mark.borrow().clone()
    }

    /// What the store says of it now.
    pub(crate) fn remark(&self, mark: Option<Mark>) {
        self.shared.mark.send_replace(mark);
        // Whoever hands out looks again.
        self.shared.view.send_modify(|_| {});
    }

    /// Waits for as long as the state is a restored one that nobody has confirmed: every loop that decides, hands out, judges
    /// or sends begins with it.
    pub async fn confirmed(&self) {
        let mut marks = self.shared.mark.subscribe();
        let is_confirmed = |mark: &Option<Mark>| !mark.as_ref().is_some_and(Mark::is_unconfirmed);
        // Fails only where this handle is gone.
        let _ = marks.wait_for(is_confirmed).await;
    }

    /// Says that events may wait in the store.
    pub fn wake(&self) {
        self.shared.news.notify_one();
    }

    /// Writes an event down and waits for the turn that takes it. The same `key` twice is the same event, and is answered the same.
    pub async fn submit(&self, event: &Event, key: &str) -> Result<(), SubmitError> {
        let shared = &self.shared;
        if self.mark().as_ref().is_some_and(Mark::is_unconfirmed) {
            return Err(SubmitError::Restored);
        }
        let mut answer = shared.waiters.register(key);
        if let Err(error) = put_event(&shared.store, &shared.service, key, event, clock::now()).await {
            if let TurnError::Store {
                source: StoreError::EventDiffers { key, .. },
                ..
            } = error
            {
                return Err(SubmitError::KeyUsed { key });
            }
            return Err(SubmitError::NotWritten(error));
        }
        answer.is_written();
        self.wake();
        match answer.wait().await {
            Some(Answer::Taken(None)) => Ok(()),
            Some(Answer::Taken(Some(refused))) => Err(refused.into()),
            Some(Answer::NotThere) => match first_answer(&shared.store, &shared.service, key).await {
                Ok(None) => Ok(()),
                Ok(Some(refused)) => Err(refused.into()),
                Err(error) => Err(SubmitError::NotRead(error)),
            },
            Some(Answer::Postponed(trouble)) => Err(SubmitError::Postponed { trouble }),
            None => Err(SubmitError::Stopping),
        }
    }

    /// Turns for ever: at every event, and when a step asked to be woken.
    pub async fn run(&self) {
        self.confirmed().await;
        let _open = self.shared.waiters.open();
        let mut back_off = BACK_OFF_MIN;
        loop {
            let written = self.shared.waiters.written();
            match turn(&self.shared.store, &self.shared.service, clock::now()).await {
                Ok(turned) => {
                    back_off = BACK_OFF_MIN;
                    let (more, wake, taken) = (turned.more, turned.wake, turned.taken.clone());
                    // Shown first: whoever gets an answer finds its effect.
                    self.show(turned);
                    for taken in &taken {
                        self.shared.waiters.taken(&taken.key, taken.refused.as_ref());
                    }
                    if !more {
                        self.shared.waiters.not_there(&written);
                        self.rest(wake).await;
                    }
                }
                Err(error) => {
                    let trouble = in_words(&error);
                    tracing::error!(trouble, "no turn is possible");
                    self.shared.waiters.postponed(&written, &trouble);
                    let mut view = View::clone(&self.view());
                    view.trouble = Some(trouble);
                    self.shared.view.send_replace(Arc::new(view));
                    sleep(back_off).await;
                    back_off = (back_off * 2).min(BACK_OFF_MAX);
                }
            }
        }
    }

    fn show(&self, turned: Turned) {
        let before = self.view();
        let next = View::of(turned, Some(&before));
        if *before != next {
            self.shared.view.send_replace(Arc::new(next));
        }
    }

    /// Until there is news, or it is time.
    async fn rest(&self, wake: Option<Timestamp>) {
        loop {
            let left = wake.map_or(SLEEP_MAX, clock::until);
            tokio::select! {
                () = self.shared.news.notified() => return,
                () = sleep(left.min(SLEEP_MAX)) => {}
            }
            if wake.is_some_and(|wake| wake <= clock::now()) {
                return;
            }
        }
    }
}

impl View {
    /// The desired document is made anew only where its generation says that it is another.
    fn of(turned: Turned, before: Option<&Arc<Self>>) -> Self {
        let same = |view: &&Arc<Self>| view.desired.generation == turned.state.routing.generation;
        let document = match before.filter(same) {
            Some(view) => Arc::clone(&view.desired),
            None => Arc::new(desired(&turned.state)),
        };
        Self {
            state: turned.state,
            waiting: turned.waiting,
            desired: document,
            trouble: None,
        }
    }
}

/// The state as it is kept, without a turn.
async fn stand_still(store: &Store, service: &ServiceName) -> Result<Turned, TurnError> {
    let (_, state) = load(store, service).await?;
    Ok(Turned {
        state,
        wake: None,
        waiting: Vec::new(),
        taken: Vec::new(),
        changed: false,
        more: false,
    })
}

#[cfg(test)]
mod tests;
