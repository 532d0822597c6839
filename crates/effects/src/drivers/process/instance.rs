//! One instance of a slot, kept running for as long as it is wanted: life after life in the same directory.

use std::sync::Arc;
use std::time::Duration;

use tidegate_domain::id::SlotId;
use tidegate_domain::observed::Instance;
use tidegate_domain::release::{ReadinessCheck, SlotSpec};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::life::{Life, StartError};
use super::memory::Promise;
use super::ports::{self, address_of};
use super::record::{self, Exit, InstanceDirectory, Outcome};
use super::{Shared, in_words, life, listener, readiness, shim};

/// What an instance is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Go on if it runs; do not start yet, for this reason.
    Wait(String),
    Run,
    /// For good.
    Stop,
}

/// How an instance is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum View {
    /// Nobody has looked yet.
    Unknown,
    /// Not ready, or not ready any more; with the reason.
    Starting(String),
    Ready(Ready),
    /// It cannot come up, or keeps dying. It is tried again all the same.
    Failed(String),
    Stopping,
    /// Nothing runs in its directory, and nothing will.
    Gone,
}

/// An instance that takes work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ready {
    pub instance: Instance,
    /// Tells this life from the one before: milliseconds since 1970 when it began.
    pub life: i64,
}

/// Keeps one instance running, and tells its view.
pub(super) struct Supervisor {
    pub shared: Arc<Shared>,
    pub slot: SlotId,
    pub spec: Arc<SlotSpec>,
    pub index: u16,
    pub directory: InstanceDirectory,
    pub order: watch::Receiver<Order>,
    pub teller: Teller,
    /// Of the cell: how many may be starting at the same time.
    pub turns: Arc<Semaphore>,
    /// Of the slot: one instance is replaced at a time.
    pub replacing: Arc<Semaphore>,
    pub course: Course,
}

/// Tells how an instance is doing.
#[derive(Debug)]
pub(super) struct Teller {
    pub view: watch::Sender<View>,
    /// Wakes who reads the views of a cell.
    pub news: Arc<Notify>,
}

/// Held while an instance is starting.
struct Permit {
    _turn: OwnedSemaphorePermit,
    _memory: Promise,
}

/// Why a life is over, or has to be.
enum Ending {
    /// The process ended by itself.
    Exited,
    NotReady(String),
    Unhealthy(String),
}

/// How it has gone with an instance so far.
#[derive(Debug, Default)]
pub(super) struct Course {
    trouble: Trouble,
    /// Since when the life in hand has been ready.
    ready_since: Option<Instant>,
    /// The slot's turn to replace an instance, until this one is ready again.
    replacing: Option<OwnedSemaphorePermit>,
}

/// Lives in a row that ended badly.
#[derive(Debug, Default)]
struct Trouble {
    lives: u32,
    /// What a person needs to know of the last one.
    reason: String,
    /// It makes no sense to wait for another life before saying so.
    certain: bool,
}

/// The pauses between looks at an instance that is starting: short at first, for most are quick.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LOOK_MAX: Duration = Duration::from_millis(100);
const MEMORY_LOOK: Duration = Duration::from_millis(500);
/// Output shown with a failure.
const LAST_LINES: usize = 5;

impl Supervisor {
    /// Returns when the instance was told to stop, and has.
    pub async fn run(mut self) {
        let mut order = self.order.clone();
        tokio::select! {
            // Whatever was going on is dropped where it stood: stopping begins with looking at what runs.
            () = stop_ordered(&mut order) => {}
            () = self.keep_running() => {}
        }
        dismiss(&self.directory, &self.teller).await;
    }

    /// Never returns.
    async fn keep_running(&mut self) {
        loop {
            self.course.ready_since = None;
            let Some(last) = self.live().await else { continue };
            tracing::warn!(slot = %self.slot, instance = self.index, reason = last.reason, "a life has ended");
            let stable = |since: Instant| since.elapsed() >= self.shared.options.stable_after;
            let past_starting = self.course.ready_since.is_some_and(stable);
            let before = std::mem::take(&mut self.course.trouble);
            self.course.trouble = if past_starting { last } else { last.after(&before) };
            // At once: nobody shall be sent to an instance that is not there any more.
            self.say(&self.course.trouble.reason);
        }
    }

    /// One life, found or begun. `None` where it ended as it should.
    async fn live(&mut self) -> Option<Trouble> {
        let (life, permit) = match self.find_or_begin().await {
            Ok(found) => found,
            Err(reason) => return Some(Trouble::certain(reason)),
        };
        let ending = tokio::select! {
            () = life.shim.ended() => Ending::Exited,
            ending = self.watch(&life, permit) => ending,
        };
        match ending {
            Ending::Exited => self.exited(&life),
            Ending::NotReady(reason) => {
                let reason = self.with_last_lines(reason);
                life::stop(&self.directory).await;
                Some(Trouble::certain(reason))
            }
            Ending::Unhealthy(reason) => {
                life::stop(&self.directory).await;
                Some(Trouble::of(reason))
            }
        }
    }

    /// What runs in the directory already, or else a life that is begun as soon as it may be.
    async fn find_or_begin(&self) -> Result<(Life, Option<Permit>), String> {
        loop {
            if let Some(life) = life::find(&self.directory).await.map_err(|error| in_words(&error))? {
                return Ok((life, None));
            }
            let permit = self.permission().await;
            match self.begin().await {
                Ok(life) => return Ok((life, Some(permit))),
                // Somebody has it after all: look again who it is.
                Err(StartError::Locked) => {}
                Err(error) => return Err(in_words(&error)),
            }
        }
    }

    /// Waits until the instance may start: the pause after a bad life, the components before it, its turn, the memory.
    async fn permission(&self) -> Permit {
        let options = &self.shared.options;
        let trouble = &self.course.trouble;
        if let Some(pause) = trouble.pause(options.back_off.start(), options.back_off.end()) {
            self.say(&format!("{}; starts again in {pause:?}", trouble.reason));
            sleep(pause).await;
        }
        self.may_start().await;
        let at_once = options.starting_max_in(&self.spec.cell);
        self.say(&format!("waits for its turn: {at_once} start at the same time"));
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let memory = loop {
            match self
                .shared
                .memory
                .promise(self.spec.definition.memory_bytes.unwrap_or(0))
            {
                Ok(promise) => break promise,
                Err(reason) => self.say(&reason),
            }
            sleep(MEMORY_LOOK).await;
        };
        Permit {
            _turn: turn.expect("the semaphore is never closed"),
            _memory: memory,
        }
    }

    async fn may_start(&self) {
        let mut order = self.order.clone();
        loop {
            match &*order.borrow_and_update() {
                Order::Run => return,
                Order::Wait(reason) => self.say(reason),
                // Whoever waits here is about to be dropped.
                Order::Stop => {}
            }
            if order.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    async fn begin(&self) -> Result<Life, StartError> {
        self.say("its artifact is being copied");
        let artifact = self.shared.artifacts.obtain(&self.spec.artifact).await?;
        self.say("its process is being started");
        life::begin(self, &artifact)
    }

    /// Looks at the instance until something is wrong with it.
    async fn watch(&mut self, life: &Life, permit: Option<Permit>) -> Ending {
        let within = self.spec.definition.ready.within;
        let deadline = Instant::now() + within.to_std();
        let mut pause = FIRST_LOOK;
        while let Err(reason) = self.check().await {
            if Instant::now() + pause > deadline {
                return Ending::NotReady(format!("not ready within {within}: {reason}"));
            }
            self.say(&format!("not ready yet: {reason}"));
            sleep(pause).await;
            pause = (pause * 2).min(LOOK_MAX);
        }
        let by_path = matches!(self.spec.definition.ready.check, ReadinessCheck::Path(_));
        if by_path && listener::is_strangers(life.port, &self.directory) {
            return Ending::Unhealthy(port_taken(life.port));
        }
        drop(permit);
        self.course.ready_since = Some(Instant::now());
        self.course.replacing = None;
        let ready = View::Ready(Ready {
            instance: Instance {
                id: self.index.to_string(),
                address: address_of(life.port),
            },
            life: life.started_at.0,
        });
        self.keep_looking(&ready).await
    }

    /// Returns when a ready instance has to be replaced.
    async fn keep_looking(&mut self, ready: &View) -> Ending {
        let shared = Arc::clone(&self.shared);
        let options = &shared.options;
        let mut failures = 0;
        let mut next = Instant::now();
        loop {
            if failures == 0 {
                self.teller.tell(ready.clone());
            }
            next += options.probe_interval;
            sleep_until(next).await;
            match self.check().await {
                Ok(()) => failures = 0,
                Err(reason) => {
                    failures += 1;
                    if failures >= options.probe_failures_unready {
                        self.teller
                            .tell(View::Starting(format!("does not answer any more: {reason}")));
                    }
                    if failures >= options.probe_failures_replace
                        && let Ok(turn) = Arc::clone(&self.replacing).try_acquire_owned()
                    {
                        self.course.replacing = Some(turn);
                        return Ending::Unhealthy(format!("replaced, for it did not answer any more: {reason}"));
                    }
                }
            }
            next = next.max(Instant::now());
        }
    }

    async fn check(&self) -> Result<(), String> {
        readiness::check(&self.spec, &self.directory, self.shared.options.probe_timeout).await
    }

    /// What the end of a life says; `None` where it is as it should be.
    fn exited(&self, life: &Life) -> Option<Trouble> {
        let Some(exit) = record::read::<Exit>(&self.directory.exit()) else {
            return Some(Trouble::of("its shim was killed".to_owned()));
        };
        if self.course.ready_since.is_none() && !ports::is_free(life.port) {
            return Some(Trouble::of(port_taken(life.port)));
        }
        let lived = Duration::from_millis(exit.lived_ms);
        let reason = match exit.outcome {
            Outcome::Code(code) => format!("ended with code {code} after {lived:?}"),
            Outcome::Signal(signal) => format!("ended by signal {signal} after {lived:?}"),
            Outcome::NotStarted { reason } => return Some(Trouble::certain(reason)),
            Outcome::ArtifactChanged { found } => {
                let expected = &self.spec.artifact.digest;
                self.shared.artifacts.discard(expected);
                let reason = format!("the kept copy of artifact {expected} was changed to {found}, and is made anew");
                return Some(Trouble::of(reason));
            }
        };
        Some(Trouble::of(self.with_last_lines(reason)))
    }

    fn with_last_lines(&self, reason: String) -> String {
        match shim::log::last_lines(&self.directory.log(), LAST_LINES) {
            Ok(lines) if !lines.is_empty() => format!("{reason}; its last lines: {}", lines.join(" | ")),
            Ok(_) | Err(_) => reason,
        }
    }

    /// Tells what is waited for, or, after too many bad lives, why none of them held.
    fn say(&self, now: &str) {
        let trouble = &self.course.trouble;
        let failed = trouble.certain || trouble.lives >= self.shared.options.bad_lives_max;
        self.teller.tell(match (failed, trouble.lives) {
            (true, 0 | 1) => View::Failed(trouble.reason.clone()),
            (true, lives) => View::Failed(format!("{}; it has failed {lives} times in a row", trouble.reason)),
            (false, _) => View::Starting(now.to_owned()),
        });
    }
}

/// Stops what runs in `directory`, if anything does.
pub(super) async fn dismiss(directory: &InstanceDirectory, teller: &Teller) {
    teller.tell(View::Stopping);
    life::stop(directory).await;
    teller.tell(View::Gone);
}

fn port_taken(port: u16) -> String {
    format!("port {port} was taken by another process; another port is next")
}

/// Returns when `order` says so; never where nobody gives orders any more.
pub(super) async fn stop_ordered(order: &mut watch::Receiver<Order>) {
    if order.wait_for(|order| *order == Order::Stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl Teller {
    fn tell(&self, view: View) {
        let told = self.view.send_if_modified(|held| {
            let new = *held != view;
            *held = view;
            new
        });
        if told {
            self.news.notify_one();
        }
    }
}

impl Trouble {
    fn of(reason: String) -> Self {
        Self {
            lives: 1,
            reason,
            certain: false,
        }
    }

    fn certain(reason: String) -> Self {
        Self {
            certain: true,
            ..Self::of(reason)
        }
    }

    /// In a row with the lives before.
    fn after(self, before: &Self) -> Self {
        Self {
            lives: before.lives.saturating_add(self.lives),
            certain: self.certain || before.certain,
            ..self
        }
    }

    /// The pause before the next life; none where there was no bad one.
    fn pause(&self, shortest: &Duration, longest: &Duration) -> Option<Duration> {
        let doubled = self.lives.checked_sub(1)?;
        let pause = shortest.saturating_mul(2_u32.saturating_pow(doubled));
        Some(pause.min(*longest))
    }
}

#[cfg(test)]
mod tests;
