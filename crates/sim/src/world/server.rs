//! The server as it will be: it turns when something happened, publishes what shall be, performs, observes, and judges. All
//! it keeps in memory is lost when it dies.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_domain::desired::{Desired, desired};
use tidegate_domain::effect::Lane;
use tidegate_domain::event::{Event, EventKind, Judgement};
use tidegate_domain::files::Retention;
use tidegate_domain::id::{Actor, CellName, ServiceName, SlotId, Version, WaveName};
use tidegate_domain::observed::SlotState;
use tidegate_domain::service::{Cell, Service, Slot};
use tidegate_domain::time::Timestamp;
use tidegate_domain::waiting::Waiting;
use tidegate_engine::{TurnError, Turned, drop_events, load, put_event, turn};
use tidegate_store::{Commit, Fault, Memory, Old, Store, complete_now};

use super::{Happening, World};
use crate::boundary::{Kind, Moment};

/// From death to life.
const RESTART_MS: i64 = 1_000;

#[derive(Debug, Clone, Default)]
pub struct Server {
    down: bool,
    boot: u32,
    puts: u64,
    /// As the last turn of this life left it.
    pub state: Option<Service>,
    pub waiting: Vec<Waiting>,
    /// What drivers and gateways are told.
    pub published: Option<Arc<Desired>>,
    turn_due: bool,
    observe_due: bool,
    judge_due: bool,
    perform_at: BTreeMap<Lane, i64>,
    /// The last judgement of each wave's attempt that was put.
    pub judged: BTreeMap<(Version, WaveName, u32), Judgement>,
}

impl Server {
    pub fn is_up(&self) -> bool {
        !self.down
    }

    pub fn owner(&self) -> String {
        format!("server-{}", self.boot)
    }
}

impl World {
    pub fn crash(&mut self) {
        let (boot, puts) = (self.server.boot + 1, self.server.puts);
        self.server = Server {
            down: true,
            boot,
            puts,
            ..Server::default()
        };
        self.schedule(RESTART_MS, Happening::Restart);
    }

    /// Going on after a crash is the normal path: the tables, and what drivers and gateways say.
    pub fn restart(&mut self) {
        self.server.down = false;
        self.turn_soon();
    }

    /// The performer hangs; another takes its place under a name of its own.
    pub fn another_performer(&mut self) {
        self.server.boot += 1;
        self.perform_soon();
    }

    pub fn turn_soon(&mut self) {
        if self.server.is_up() && !std::mem::replace(&mut self.server.turn_due, true) {
            self.schedule(0, Happening::Turn);
        }
    }

    pub fn observe_soon(&mut self) {
        if self.server.is_up() && !std::mem::replace(&mut self.server.observe_due, true) {
            self.schedule(200, Happening::Observe);
        }
    }

    pub fn judge_in(&mut self, in_ms: i64) {
        if self.server.is_up() && !std::mem::replace(&mut self.server.judge_due, true) {
            self.schedule(in_ms, Happening::Judge);
        }
    }

    pub fn judge_begins(&mut self) {
        self.server.judge_due = false;
    }

    pub fn wake(&mut self) {
        self.turn_soon();
    }

    pub fn turn(&mut self) {
        self.server.turn_due = false;
        if !self.server.is_up() {
            return;
        }
        let fault = self.commit_fault();
        let outcome = complete_now(turn(&self.store(), &self.service, self.now()));
        self.memory.fail_next_write(None);
        let met_rival = !self.memory.without_rival();
        match (outcome, fault) {
            (Ok(turned), fault) => {
                match fault {
                    Some((Kind::Rival, moment)) if met_rival => self.hit(Kind::Rival, moment),
                    unused => self.armed.extend(unused),
                }
                self.checker.after_commit(&turned.state, &self.store(), &self.performed);
                self.checker.explained(&turned, self.now());
                self.checker.settled(&turned, self.now());
                self.checker.served(&turned.state, &self.gateways, &self.performed);
                self.checker.tenants(&turned.state, &self.gateways);
                self.drop_old(&turned.state);
                self.after_turn(turned);
                self.forget();
            }
            (Err(error), None) => self.checker.violate("a turn succeeds", chain(&error)),
            (Err(_), Some((kind, moment))) => {
                self.hit(kind, moment);
                if let Ok(state) = self.stored() {
                    self.checker.after_commit(&state, &self.store(), &self.performed);
                }
                if moment == Moment::Twice {
                    self.turn_soon();
                } else {
                    self.crash();
                }
            }
        }
    }

    /// What is over is kept for the shortest time that can be declared, and effects for none: whatever may be dropped is. Nobody who
    /// hangs between doing and reporting does so for that time: as long as somebody does, all is kept.
    fn drop_old(&mut self, state: &Service) {
        if self.slow.are_any() {
            return;
        }
        let (store, now) = (self.store(), self.now());
        let since = state.in_flight_since().unwrap_or(now);
        let old = |before: i64| Old {
            service: self.service.as_str(),
            before_ms: before.min(since.0),
            limit: u32::MAX,
        };
        let events = old(now.0 - Retention::SHORTEST.as_millis());
        let dropped = complete_now(async {
            for lane in Lane::NUMBERED {
                store.drop_effects(&old(now.0), lane.as_str()).await?;
            }
            drop_events(&store, &events).await
        });
        if let Err(error) = dropped {
            self.checker.violate("what is old can be dropped", chain(&error));
        }
    }

    /// Planted defects spoil what the turn has kept.
    fn forget(&mut self) {
        if self.planted.is_empty() {
            return;
        }
        let Ok((generation, mut state)) = complete_now(load(&self.store(), &self.service)) else {
            return;
        };
        for (version, all) in &self.planted {
            all.iter().for_each(|planted| planted.forget(version, &mut state));
        }
        let commit = Commit {
            service: self.service.to_string(),
            expected_generation: generation,
            state: serde_json::to_string(&state).ok(),
            ..Commit::default()
        };
        if let Err(error) = complete_now(self.store().apply(&commit)) {
            self.checker.violate("a state can be kept", chain(&error));
        }
    }

    /// What befalls the commit of this turn.
    fn commit_fault(&mut self) -> Option<(Kind, Moment)> {
        if let Some(moment) = self.fault(Kind::Commit) {
            self.memory.fail_next_write(Some(store_fault(moment)));
            return Some((Kind::Commit, moment));
        }
        let moment = self.fault(Kind::Rival)?;
        let (memory, service, now) = (self.memory.clone(), self.service.clone(), self.now());
        let late = self.observation();
        self.memory.before_next_write(move || {
            rival_turn(&memory, &service, now);
            match moment {
                Moment::Before => {}
                Moment::After => memory.fail_next_write(Some(Fault::Busy)),
                // What comes in meanwhile has the loser write something, so that it can lose again.
                Moment::Twice => {
                    let (store, key) = (Store::Memory(memory.clone()), format!("rival/{}", now.0));
                    let put = put_event(&store, &service, &key, &late, now);
                    complete_now(put).expect("no fault waits for the rival");
                    let again = memory.clone();
                    memory.before_next_write(move || rival_turn(&again, &service, now));
                }
            }
        });
        Some((Kind::Rival, moment))
    }

    fn after_turn(&mut self, turned: Turned) {
        if let Some(wake) = turned.wake {
            let in_ms = wake.0 - self.now().0;
            self.schedule(in_ms.max(1), Happening::Wake);
        }
        if turned.more {
            self.turn_soon();
        }
        let generation = turned.state.routing.generation;
        let known = self.server.published.as_ref().map(|document| document.generation);
        if known != Some(generation) {
            let document = Arc::new(desired(&turned.state));
            self.server.published = Some(document);
            self.schedule(20, Happening::Actuate);
            self.schedule(30, Happening::Offer);
        }
        self.act_on_habits(&turned.state);
        self.server.state = Some(turned.state);
        self.server.waiting = turned.waiting;
        self.perform_soon();
        self.judge_in(1_000);
        if self.is_news() {
            self.observe_soon();
        }
    }

    /// Plans the next look at every lane.
    pub fn perform_soon(&mut self) {
        for lane in Lane::PERFORMED {
            let due = complete_now(self.store().next_due(lane.as_str())).ok().flatten();
            let Some(due) = due else { continue };
            let at = (self.at + due - self.now().0).max(self.at + 10);
            let planned = self.server.perform_at.get(&lane).copied();
            if planned.is_none_or(|planned| planned > at || planned <= self.at) {
                self.server.perform_at.insert(lane, at);
                self.schedule_at(at, Happening::Perform(lane));
            }
        }
    }

    /// A command of a person, who asks again with the same key until there is an answer.
    pub fn command(&mut self, key: String, event: Event) {
        if !self.server.is_up() {
            self.schedule(500, Happening::Command { key, event });
            return;
        }
        let fault = self.fault(Kind::Command);
        if self.put(&key, &event, Kind::Command, fault).is_none() {
            self.schedule(500, Happening::Command { key, event });
            return;
        }
        if fault == Some(Moment::Twice) {
            let again = complete_now(put_event(&self.store(), &self.service, &key, &event, self.now()));
            if let Err(error) = again {
                self.checker.violate("a command may come twice", chain(&error));
            }
        }
        self.turn_soon();
    }

    /// Puts an event under a key of its own; true where the server still lives.
    pub fn put_own(&mut self, event: &Event, kind: Kind) -> bool {
        self.server.puts += 1;
        let key = format!("{kind}/{}/{}", self.server.boot, self.server.puts);
        let fault = self.fault(kind);
        let put = self.put(&key, event, kind, fault);
        if fault == Some(Moment::Twice) && put.is_some() {
            self.schedule(20_000, Happening::Late(event.clone()));
        }
        self.turn_soon();
        put.is_some()
    }

    fn put(&mut self, key: &str, event: &Event, kind: Kind, fault: Option<Moment>) -> Option<i64> {
        self.memory
            .fail_next_write(fault.filter(|moment| *moment != Moment::Twice).map(store_fault));
        let put = complete_now(put_event(&self.store(), &self.service, key, event, self.now()));
        self.memory.fail_next_write(None);
        if let Some(moment) = fault {
            self.hit(kind, moment);
        }
        match (put, fault) {
            (Ok(seq), _) => Some(seq),
            (Err(_), Some(_)) => {
                self.crash();
                None
            }
            (Err(error), None) => {
                self.checker.violate("an event can be put", chain(&error));
                None
            }
        }
    }

    /// What an old server, or a slow network, brings in long after.
    pub fn put_late(&mut self, event: &Event) {
        self.serial += 1;
        let key = format!("late/{}", self.serial);
        if let Err(error) = complete_now(put_event(&self.store(), &self.service, &key, event, self.now())) {
            self.checker.violate("an event can be put", chain(&error));
        }
        self.turn_soon();
    }

    /// Reports what drivers and gateways see where the state knows otherwise.
    pub fn observe(&mut self) {
        self.server.observe_due = false;
        if !self.server.is_up() {
            return;
        }
        if self.is_news() {
            self.put_own(&self.observation(), Kind::Observation);
        }
    }

    /// What drivers and gateways see.
    fn observation(&self) -> Event {
        let (cells, gateways) = (self.driver.report(), self.gateways.report());
        Event {
            actor: Actor::system("observer"),
            reason: None,
            kind: EventKind::Observed { cells, gateways },
        }
    }

    /// What is seen is not what the state says.
    fn is_news(&self) -> bool {
        let Some(state) = &self.server.state else { return false };
        let (cells, gateways) = (self.driver.report(), self.gateways.report());
        let cell_differs = |name: &CellName, cell: &Cell| {
            let report = cells.get(name);
            let slot_differs = |(id, slot): (&SlotId, &Slot)| {
                let seen = report
                    .and_then(|report| report.slots.get(id))
                    .unwrap_or(&SlotState::Unknown);
                let in_flight = gateways.in_flight.get(id).copied().unwrap_or(0);
                let looked = report.is_some_and(|report| slot.since <= report.generation);
                (looked && *seen != slot.state) || in_flight != slot.in_flight
            };
            report.map_or(0, |report| report.ownership) > cell.ownership || cell.slots.iter().any(slot_differs)
        };
        let routing = &state.routing;
        gateways.lapsed != routing.lapsed
            || gateways.confirmed.is_none() != routing.alone
            || gateways.confirmed.unwrap_or(0) != routing.reported
            || state.cells.iter().any(|(name, cell)| cell_differs(name, cell))
    }

    /// The state as the tables have it.
    pub fn stored(&self) -> Result<Service, TurnError> {
        complete_now(load(&self.store(), &self.service)).map(|(_, state)| state)
    }
}

/// A turn of another server on the same tables.
fn rival_turn(memory: &Memory, service: &ServiceName, now: Timestamp) {
    let store = Store::Memory(memory.clone());
    complete_now(turn(&store, service, now)).expect("no fault waits for the rival");
}

fn store_fault(moment: Moment) -> Fault {
    match moment {
        Moment::Before => Fault::Busy,
        Moment::After | Moment::Twice => Fault::AnswerLost,
    }
}

/// An error with all its causes, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(&format!(": {source}"));
        cause = source.source();
    }
    text
}
