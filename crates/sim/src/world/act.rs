//! What a line of the scenario does to the world.

use std::collections::BTreeSet;

use tidegate_domain::event::{Event, EventKind, GateAsk, GateAsked, Scope, TenantAsk};
use tidegate_domain::id::{Actor, CellName, RoleName, TenantName, Version};
use tidegate_domain::release::{Release, Reversible};
use tidegate_domain::service::{Member, Place, RunPhase, Service, StepRun, WaveState};
use tidegate_domain::step::{Refused, step};
use tidegate_domain::time::Timestamp;
use tidegate_engine::{put_event, turn};
use tidegate_store::complete_now;

use super::World;
use crate::product;
use crate::script::{Action, Command, Habits, Planted};

impl World {
    pub fn act(&mut self, action: &Action) {
        if !matches!(action, Action::Fault(_)) {
            self.checker.say(&format!("> {action}"));
        }
        match action {
            Action::Person(command) => self.person(command),
            Action::ApplyAgain(version) => self.apply_again(version),
            Action::TryRollBack(version) => self.try_roll_back(version),
            Action::Health(version, verdict, tenants) => {
                self.moods.health(version, None, *verdict, tenants);
                self.judge_in(1_000);
            }
            Action::Gate(version, mood) => self.moods.gate(version, None, *mood),
            Action::Step(version, kind, mood) => self.moods.step(version, *kind, *mood),
            Action::Companion(version, service, phase) => {
                self.moods.companion(version, service, phase.clone());
                self.judge_in(1_000);
            }
            Action::Slots(version, cell, mood) => self.slots_mood(version, cell, *mood),
            Action::Gateway(name, mood) => self.gateway_mood(name, *mood),
            Action::Long(tenant, length) => self.long_request(tenant, length.as_millis()),
            Action::Freeze(version, cell) => self.driver.freeze(version, cell, true),
            Action::Thaw(version, cell) => {
                self.driver.freeze(version, cell, false);
                self.observe_soon();
            }
            Action::Clock(millis) => {
                self.skew += millis;
                self.turn_soon();
                self.perform_soon();
            }
            Action::Fault(boundary) => self.armed.push(*boundary),
            Action::Plant(version, planted) => {
                self.planted.entry(version.clone()).or_default().insert(*planted);
            }
        }
    }

    fn person(&mut self, command: &Command) {
        if *command == Command::Unfreeze {
            return self.unfreeze();
        }
        let Some(kind) = self.event_kind(command) else { return };
        let person = match command {
            Command::Approve(_, person) | Command::Reject(_, person) | Command::Answer { person, .. } => person,
            Command::Report(_, customer, _) => customer.as_str(),
            Command::Apply(_)
            | Command::Hold(..)
            | Command::Resume(_)
            | Command::Promote(_)
            | Command::Abort(_)
            | Command::RollBack(..)
            | Command::Add(..)
            | Command::Remove(_)
            | Command::MoveTo(..)
            | Command::Suspend(_)
            | Command::ResumeTenant(_)
            | Command::Override { .. }
            | Command::Notify(..)
            | Command::Waive(..)
            | Command::Freeze { .. }
            | Command::Unfreeze
            | Command::Migrate(..)
            | Command::Reserve(..)
            | Command::OptIn(_)
            | Command::OptOut(_) => "ada",
        };
        let event = Event {
            actor: Actor::principal(person),
            reason: Some("as planned".to_owned()),
            kind,
        };
        self.serial += 1;
        let key = format!("ada/{}", self.serial);
        self.command(key, event);
    }

    fn event_kind(&mut self, command: &Command) -> Option<EventKind> {
        Some(match command.clone() {
            Command::Apply(version) => self.apply(version)?,
            Command::Hold(version, length) => EventKind::Hold {
                version,
                until: length.map(|length| self.now() + length),
            },
            Command::Resume(version) => EventKind::Resume { version },
            Command::Promote(version) => EventKind::Promote { version },
            Command::Abort(version) => EventKind::Abort { version },
            Command::RollBack(version, scope) => EventKind::RollBack { version, scope },
            Command::Approve(version, person) => EventKind::Approve {
                plan: self.stored().ok()?.run(&version)?.plan.clone(),
                roles: self.taken_for(&version, &person),
                version,
            },
            Command::Reject(version, person) => EventKind::Reject {
                plan: self.stored().ok()?.run(&version)?.plan.clone(),
                roles: self.taken_for(&version, &person),
                version,
            },
            Command::Override { .. } | Command::Answer { .. } => self.said_of_gate(command)?,
            Command::Notify(version, ago) => EventKind::NoticesProven {
                keys: self
                    .stored()
                    .ok()?
                    .run(&version)?
                    .schedule
                    .notices
                    .iter()
                    .map(|n| n.key.clone())
                    .collect(),
                version,
                at: (!ago.is_zero()).then(|| Timestamp(self.now().0 - ago.as_millis())),
            },
            Command::Waive(version, of, length, tenants) => EventKind::Waive {
                version,
                of,
                tenants,
                until: self.now() + length,
            },
            Command::Freeze { of, after, length } => {
                let from = self.now() + after;
                EventKind::Freeze {
                    of,
                    from: (!after.is_zero()).then_some(from),
                    until: length.map(|length| from + length),
                }
            }
            Command::Unfreeze => return None,
            Command::Report(version, customer, outcome) => EventKind::Report {
                version,
                customer,
                outcome,
            },
            Command::Migrate(state, tenants) => EventKind::MigrationsSet(product::migrations(state, tenants)),
            Command::Reserve(version, tenant, after) => EventKind::Reserve {
                version,
                tenant,
                at: after.map(|after| self.now() + after),
            },
            Command::OptIn(tenant) => EventKind::OptIn { tenant },
            Command::OptOut(tenant) => EventKind::OptOut { tenant },
            Command::Add(tenant, cell) => EventKind::TenantAdded { tenant, cell },
            Command::Remove(tenant) => EventKind::TenantRemoved { tenant },
            Command::MoveTo(tenant, cell) => asked(tenant, to_cell(cell)),
            Command::Suspend(tenant) => asked(tenant, TenantAsk::Suspend),
            Command::ResumeTenant(tenant) => asked(tenant, TenantAsk::Resume),
        })
    }

    /// What a person says of a gate.
    fn said_of_gate(&self, command: &Command) -> Option<EventKind> {
        let (version, wave, gate, ask) = if let Command::Override { version, wave, gate } = command {
            (version, wave, gate, GateAsk::Override)
        } else {
            let Command::Answer {
                version,
                wave,
                gate,
                yes,
                person,
            } = command
            else {
                return None;
            };
            let roles = self.taken_for(version, person);
            (version, wave, gate, GateAsk::Answer { yes: *yes, roles })
        };
        Some(EventKind::GateAsked(GateAsked {
            version: version.clone(),
            wave: wave.clone(),
            gate: gate.clone(),
            ask,
        }))
    }

    /// What the server takes a person for.
    fn taken_for(&self, version: &Version, person: &str) -> BTreeSet<RoleName> {
        let fooled = self
            .planted
            .get(version)
            .is_some_and(|all| all.contains(&Planted::AnybodyApproves));
        let known = |name: &&str| fooled || *name == person;
        let people = product::PEOPLE.iter().map(|(name, _)| *name).filter(known);
        people.filter_map(product::roles).flatten().collect()
    }

    /// Lifts every freeze.
    fn unfreeze(&mut self) {
        let Ok(state) = self.stored() else { return };
        for number in state.freezes.keys().copied() {
            self.ask("ada", "it is over", EventKind::Unfreeze { number });
        }
    }

    /// The same plan again changes nothing that would not have changed without it.
    fn apply_again(&mut self, version: &Version) {
        let (Some(plan), Ok(state)) = (self.plans.get(version).cloned(), self.stored()) else {
            return;
        };
        let counts = |state: &Service| {
            state.run(version).is_some_and(|run| {
                run.plan == plan.digest() && (run.in_flight() || matches!(run.phase, RunPhase::Completed { .. }))
            })
        };
        if !counts(&state) {
            return;
        }
        let without = self.fork();
        let with = self.fork();
        let now = self.now();
        let event = Event {
            actor: Actor::principal("bob"),
            reason: None,
            kind: EventKind::Apply {
                plan: Box::new(plan.clone()),
                author: None,
            },
        };
        let outcome = complete_now(async {
            let expected = turn(&without.store(), &self.service, now).await?;
            put_event(&with.store(), &self.service, "again", &event, now).await?;
            let found = turn(&with.store(), &self.service, now).await?;
            Ok::<_, tidegate_engine::TurnError>((expected, found))
        });
        match outcome {
            Ok((expected, _)) if !counts(&expected.state) => {}
            Ok((expected, found)) if expected.state == found.state => {}
            Ok(_) => self
                .checker
                .violate("apply again has no effect", format!("release {version}")),
            Err(error) => self.checker.violate("a turn succeeds", super::server::chain(&error)),
        }
    }

    /// Wherever a rollback is possible it is one command away, and it ends with every tenant where it came from.
    fn try_roll_back(&mut self, version: &Version) {
        let Ok(state) = self.stored() else { return };
        let event = Event {
            actor: Actor::principal("ada"),
            reason: Some("a rehearsal".to_owned()),
            kind: EventKind::RollBack {
                version: version.clone(),
                scope: Scope::Everything,
            },
        };
        let tried = step(&state, std::slice::from_ref(&event), self.now());
        let possible = can_go_back(&state, version);
        match (&tried.refused[0], possible) {
            (None, _) => {}
            (Some(refused), true) => {
                let detail = format!("release {version} is refused: {refused}");
                return self.checker.violate("a rollback is one command away", detail);
            }
            (Some(refused), false) => return self.check_refused(version, refused),
        }
        let mut rehearsal = self.fork();
        rehearsal.checker.hush();
        rehearsal.calm();
        rehearsal.command("rehearsal".to_owned(), event);
        rehearsal.settle();
        if let Some(violation) = rehearsal.checker.violation.take() {
            let detail = format!("in a rehearsal of the rollback of {version}: {}", violation.detail);
            return self.checker.violate(violation.invariant, detail);
        }
        let Ok(end) = rehearsal.stored() else { return };
        let Some(run) = end.run(version) else { return };
        // The last moment may pass while the server is down: then it refuses what was possible when it was asked for.
        let for_good = |step: &StepRun| step.holds_data() && step.step.undo.is_empty();
        let closed = run.steps.iter().any(for_good)
            || end
                .pinned
                .get(version)
                .is_some_and(|release| release.reversible != Reversible::Always);
        let went = run
            .waves
            .iter()
            .any(|wave| matches!(wave.state, WaveState::RolledBack { .. }));
        let stays = run.members().find(|(_, member)| member.place.is_on());
        if let Some((tenant, _)) = stays.filter(|_| went || !closed) {
            let detail = format!("release {version} was rolled back, and tenant {tenant} is still on it");
            self.checker.violate("a rollback brings everybody back", detail);
        }
    }

    fn check_refused(&mut self, version: &Version, refused: &Refused) {
        let legitimate = matches!(
            refused,
            Refused::NoSuchRelease { .. }
                | Refused::NothingToRollBack { .. }
                | Refused::NothingBefore { .. }
                | Refused::Irreversible { .. }
                | Refused::MovedOn { .. }
                | Refused::Contracted { .. }
                | Refused::ContractedPast { .. }
                | Refused::NoUndo { .. }
                | Refused::WorkedOnSince { .. }
        );
        if !legitimate {
            let detail = format!("release {version} is refused: {refused}");
            self.checker.violate("a rollback is one command away", detail);
        }
    }

    /// The faults end: gateways return, slots come up, nothing is armed any more.
    pub fn calm(&mut self) {
        self.armed.clear();
        self.checker.say("the faults end");
        self.calm_gateways();
        self.heal_slots();
        self.moods.heal_steps();
        self.companions_end();
        self.people_do_their_part();
        if self.server.is_up() {
            self.turn_soon();
            self.judge_in(1_000);
        }
        self.observe_soon();
    }

    /// Whoever is waited for agrees, tells the customers, and lifts what is frozen, also what is frozen only now: a freeze may
    /// have been held up on its way.
    fn people_do_their_part(&mut self) {
        self.habits = Habits::CALM;
        self.set_out.clear();
    }

    pub fn check_end(&mut self) {
        if let Some(problem) = self.performed.problem() {
            self.checker.violate("an effect is done once", problem);
        }
        if let Some(problem) = self.driver.starved() {
            self.checker.violate("every tenant has a worker", problem);
        }
        let (store, at_end, now) = (self.store(), self.stored(), self.now());
        match at_end {
            Ok(state) => self
                .checker
                .check_end(&store, (&state, now), &self.gateways, &self.performed),
            Err(error) => self.checker.violate("a turn succeeds", super::server::chain(&error)),
        }
    }
}

fn asked(tenant: TenantName, ask: TenantAsk) -> EventKind {
    EventKind::TenantAsked { tenant, ask }
}

fn to_cell(cell: CellName) -> TenantAsk {
    TenantAsk::Move {
        cell,
        keep_closed: false,
        declared: true,
    }
}

/// Some tenants on the release came from somewhere, none has moved on, and the data allow it.
fn can_go_back(state: &Service, version: &Version) -> bool {
    let Some(run) = state.run(version) else { return false };
    let reversible = |release: &Release| release.reversible == Reversible::Always;
    let moved = || {
        run.members()
            .filter(|(_, member)| matches!(member.place, Place::Moved { .. }))
    };
    let on_it = |tenant: &TenantName| {
        let seat = state.seats.get(tenant);
        seat.is_some_and(|seat| seat.version.as_ref() == Some(version))
    };
    let contracted = |(tenant, member): (&TenantName, &Member)| {
        let seat = state.seats.get(tenant);
        seat.is_some_and(|seat| {
            let past = |from| state.contracted_past(&seat.cell, from).is_some();
            let of_another = |from| state.worked_on_by_another(&seat.cell, from, version).is_some();
            let for_good = |step: &StepRun| step.cell == seat.cell && step.holds_data() && step.step.undo.is_empty();
            run.steps.iter().any(for_good)
                || member.from.as_ref().is_some_and(of_another)
                || run.contracted_in(&seat.cell).is_some()
                || member.from.as_ref().is_some_and(past)
        })
    };
    state.pinned.get(version).is_some_and(reversible)
        && !moved().any(contracted)
        && moved().any(|(_, member)| member.from.is_some())
        && moved().all(|(tenant, _)| on_it(tenant))
}
