//! A world: one store, one server that can die at every boundary, and fakes with real semantics around it. Events happen
//! in the order of a virtual clock; nothing else decides what comes next.

mod act;
mod apply;
mod begin;
mod companions;
mod driver;
mod gateway;
mod habits;
mod jobs;
mod performer;
mod resource;
mod server;
mod stage;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_domain::effect::Lane;
use tidegate_domain::event::Event;
use tidegate_domain::id::{CellName, ServiceName, SlotId, Version};
use tidegate_domain::plan::Plan;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_store::{Memory, Store};

pub use self::begin::installed;
use self::driver::Driver;
pub use self::gateway::Gateways;
pub use self::performer::Performed;
use self::performer::SlowPerformers;
use self::server::Server;
use self::watch::Moods;
use crate::boundary::{Boundary, Hits, Kind, Moment};
use crate::check::{Checker, Seen, Violation};
use crate::product::{self, Filed};
use crate::script::{Habits, Planted, Script};

/// How long a world may go on after the last action: longer than every time of a plan together, and a clock that went back
/// a day.
const CALM_MS_MAX: i64 = 4 * 86_400_000;

/// The same where releases leave on days of their own, one after the other: weeks apart, told weeks ahead.
const CALM_OF_PLANS_MS_MAX: i64 = 500 * 86_400_000;

/// More happenings than any scenario needs: a world that does not come to rest has a defect.
const HAPPENINGS_MAX: usize = 60_000;

pub struct World {
    service: ServiceName,
    /// The instant at which the world begins.
    epoch: Timestamp,
    script: Script,
    /// Milliseconds since the start.
    at: i64,
    /// What the server's clock is off by.
    skew: i64,
    memory: Memory,
    agenda: BTreeMap<(i64, u64), Happening>,
    serial: u64,
    server: Server,
    driver: Driver,
    gateways: Gateways,
    moods: Moods,
    performed: Performed,
    slow: SlowPerformers,
    plans: BTreeMap<Version, Plan>,
    /// The project, where the scenario has files.
    filed: Option<Arc<Filed>>,
    planned: Planned,
    habits: Habits,
    /// What somebody has set out to do, and when it will be done.
    set_out: BTreeMap<String, i64>,
    planted: BTreeMap<Version, BTreeSet<Planted>>,
    armed: Vec<Boundary>,
    hits: Hits,
    checker: Checker,
    /// A copy in which something is tried out: people and faults rest.
    rehearsal: bool,
}

/// What comes next.
#[derive(Debug, Clone)]
enum Happening {
    Action(usize),
    Command {
        key: String,
        event: Event,
    },
    /// A message that a server sent long ago arrives now.
    Late(Event),
    Turn,
    Wake,
    Observe,
    Judge,
    Perform(Lane),
    /// A performer that was held up goes on.
    Unblock,
    Restart,
    Actuate,
    /// An old server's document arrives at the drivers.
    ActuateStale(u64),
    Offer,
    OfferStale(u64),
    SlotStarted {
        cell: CellName,
        slot: SlotId,
        start: u64,
    },
    TableTaken {
        gateway: String,
        generation: u64,
    },
    Lease(String),
    Reconnect(String),
    /// In-flight requests may have ended, frozen workers may be given up.
    Look,
}

/// How plans came out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planned {
    /// Checked, and applied.
    pub sound: u64,
    /// Not applied.
    pub blocked: u64,
}

/// How a world ended.
pub struct Ended {
    pub violation: Option<Violation>,
    pub hits: Hits,
    pub planned: Planned,
    pub waits: Seen,
    pub trace: Vec<String>,
}

/// Runs a scenario to its end.
#[must_use]
pub fn run(script: &Script) -> Ended {
    let mut world = World::new(script.clone());
    world.play();
    world.checker.describe_end(&world.script);
    Ended {
        violation: world.checker.violation.take(),
        hits: world.hits,
        planned: world.planned,
        waits: world.checker.waits,
        trace: world.checker.trace,
    }
}

impl World {
    fn new(script: Script) -> Self {
        let begins = script.begins;
        let mut world = Self::empty(product::service(), begins, script);
        match Filed::read(&world.script) {
            Ok(filed) => world.filed = filed.map(Arc::new),
            Err(mistakes) => world.checker.violate("the files of a scenario can be read", mistakes),
        }
        for index in 0..world.script.actions.len() {
            let at = world.script.actions[index].0.as_millis();
            world.schedule_at(at, Happening::Action(index));
        }
        world.schedule(0, Happening::Turn);
        world
    }

    fn empty(service: ServiceName, epoch: Timestamp, script: Script) -> Self {
        Self {
            checker: Checker::new(epoch, service.clone()),
            service,
            epoch,
            at: 0,
            skew: 0,
            memory: Memory::default(),
            agenda: BTreeMap::new(),
            serial: 0,
            server: Server::default(),
            driver: Driver::default(),
            gateways: Gateways::new(&script.gateways),
            moods: Moods::with_runs_taking(script.job.map_or(Duration::ZERO, |job| job.takes)),
            performed: Performed::default(),
            slow: SlowPerformers::default(),
            plans: BTreeMap::new(),
            filed: None,
            planned: Planned::default(),
            habits: script.habits,
            set_out: BTreeMap::new(),
            planted: BTreeMap::new(),
            armed: Vec::new(),
            hits: Hits::default(),
            rehearsal: false,
            script,
        }
    }

    fn store(&self) -> Store {
        Store::Memory(self.memory.clone())
    }

    /// What the server's clock shows.
    fn now(&self) -> Timestamp {
        Timestamp(self.epoch.0 + self.at + self.skew)
    }

    fn schedule_at(&mut self, at: i64, happening: Happening) {
        self.serial += 1;
        self.agenda.insert((at.max(self.at), self.serial), happening);
    }

    fn schedule(&mut self, in_ms: i64, happening: Happening) {
        self.schedule_at(self.at + in_ms, happening);
    }

    /// Everything of the scenario, and then what follows from it with the faults gone.
    fn play(&mut self) {
        let last = self.script.actions.last().map_or(0, |(at, _)| at.as_millis());
        while self.agenda.keys().next().is_some_and(|(at, _)| *at <= last) {
            if !self.advance() {
                return;
            }
        }
        self.settle();
    }

    /// Faults end; then every release has to.
    fn settle(&mut self) {
        self.calm();
        let longest = self.filed.as_ref().map_or(CALM_MS_MAX, |_| CALM_OF_PLANS_MS_MAX);
        let until = self.at + longest;
        let mut happenings = 0;
        while !self.at_rest() {
            happenings += 1;
            let next = self.agenda.keys().next().map(|(at, _)| *at);
            if next.is_none_or(|at| at > until) || happenings > HAPPENINGS_MAX {
                let waiting = self.checker.in_flight_in_words(&self.server.waiting);
                self.checker.violate(
                    "every release ends",
                    format!("long after the faults have stopped: {waiting}"),
                );
                return;
            }
            if !self.advance() {
                return;
            }
        }
        self.check_end();
    }

    /// One happening, and the checks after it; false where one failed.
    fn advance(&mut self) -> bool {
        let Some(((at, _), happening)) = self.agenda.pop_first() else {
            return false;
        };
        self.at = at;
        self.checker.at = at;
        self.happen(happening);
        self.gateways.end_requests(self.at);
        self.driver.work(&mut self.checker);
        self.gateways.check_traffic(&self.driver, &mut self.checker);
        self.checker.violation.is_none()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Action(_) if self.rehearsal => {}
            Happening::Action(index) => {
                let action = self.script.actions[index].1.clone();
                self.act(&action);
            }
            Happening::Command { key, event } => self.command(key, event),
            Happening::Late(event) => self.put_late(&event),
            Happening::Turn => self.turn(),
            Happening::Wake => self.wake(),
            Happening::Observe => self.observe(),
            Happening::Judge => {
                self.judge();
                self.ask_companions();
            }
            Happening::Perform(lane) => self.perform(lane),
            Happening::Unblock => self.unblock(),
            Happening::Restart => self.restart(),
            Happening::Actuate => self.actuate(),
            Happening::ActuateStale(generation) => self.actuate_stale(generation),
            Happening::Offer => self.offer(),
            Happening::OfferStale(generation) => self.offer_stale(generation),
            Happening::SlotStarted { cell, slot, start } => self.slot_started(&cell, &slot, start),
            Happening::TableTaken { gateway, generation } => self.table_taken(&gateway, generation),
            Happening::Lease(gateway) => self.lease_over(&gateway),
            Happening::Reconnect(gateway) => self.reconnect(&gateway),
            Happening::Look => {
                self.driver.give_up_frozen(self.at);
                self.observe_soon();
            }
        }
    }

    /// Takes a fault that waits for this boundary.
    fn fault(&mut self, kind: Kind) -> Option<Moment> {
        let place = self.armed.iter().position(|(armed, _)| *armed == kind)?;
        Some(self.armed.remove(place).1)
    }

    fn hit(&mut self, kind: Kind, moment: Moment) {
        self.hits.count((kind, moment));
        self.checker.say(&format!("fault: {kind} {moment}"));
    }

    /// A world of its own that goes on from here; who was held up there is gone.
    fn fork(&self) -> Self {
        Self {
            service: self.service.clone(),
            epoch: self.epoch,
            script: self.script.clone(),
            at: self.at,
            skew: self.skew,
            memory: self.memory.fork(),
            agenda: self.agenda.clone(),
            serial: self.serial,
            server: self.server.clone(),
            driver: self.driver.clone(),
            gateways: self.gateways.clone(),
            moods: self.moods.fork(),
            performed: self.performed.fork(),
            slow: SlowPerformers::default(),
            plans: self.plans.clone(),
            filed: self.filed.clone(),
            planned: self.planned,
            habits: self.habits,
            set_out: self.set_out.clone(),
            planted: self.planted.clone(),
            armed: Vec::new(),
            hits: Hits::default(),
            checker: self.checker.clone(),
            rehearsal: true,
        }
    }

    /// Nothing is left to do: every release has ended or waits for a person, and nothing is on its way.
    fn at_rest(&self) -> bool {
        let busy = |happening: &Happening| match happening {
            Happening::Action(_) => !self.rehearsal,
            // A job is run again and again, whatever else rests.
            Happening::Perform(Lane::Job) => false,
            Happening::Wake | Happening::Judge | Happening::Lease(_) | Happening::Look => false,
            Happening::Command { .. }
            | Happening::Late(_)
            | Happening::Turn
            | Happening::Observe
            | Happening::Perform(_)
            | Happening::Unblock
            | Happening::Restart
            | Happening::Actuate
            | Happening::ActuateStale(_)
            | Happening::Offer
            | Happening::OfferStale(_)
            | Happening::SlotStarted { .. }
            | Happening::TableTaken { .. }
            | Happening::Reconnect(_) => true,
        };
        self.server.is_up() && !self.agenda.values().any(busy) && self.checker.releases_rest(&self.server.waiting)
    }
}
