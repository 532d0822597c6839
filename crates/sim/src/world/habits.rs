//! What people do by themselves about what they see: approve what waits for it, send what is due, report of what they
//! have tried, resume what is held, lift what is frozen.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::event::{Event, EventKind, GateAsk, GateAsked};
use tidegate_domain::id::{Actor, CustomerName, TenantName, WaveName};
use tidegate_domain::plan::NoticeKey;
use tidegate_domain::policy::{GateOutcome, NoticeKind};
use tidegate_domain::release::Stage;
use tidegate_domain::service::{
    Member, MigrationState, Place, ReportOutcome, Run, RunPhase, Selection, Service, Waived, Waiver, WaveState,
};
use tidegate_domain::time::Duration;

use super::{Happening, World};
use crate::product::{self, PEOPLE, roles};

impl World {
    pub fn act_on_habits(&mut self, state: &Service) {
        let habits = self.habits;
        for run in &state.runs {
            if let Some(after) = habits.approve {
                self.approvals(run, after);
                self.answers(run, after);
            }
            if let Some(after) = habits.notify {
                self.sendings(run, after);
            }
            if let Some(after) = habits.report {
                self.reports(run, state, after);
            }
            if let Some(after) = habits.migrate {
                self.migrations(run, state, after);
            }
            let held = run
                .hold
                .as_ref()
                .filter(|hold| hold.until.is_none() && !run.phase.has_ended());
            if let (Some(after), Some(hold)) = (habits.resume, held) {
                let version = run.version.clone();
                let what = format!("resume {version} {}", hold.since);
                self.set_out(what, after, "ada", EventKind::Resume { version });
            }
        }
        if let Some(after) = habits.lift {
            for number in state.freezes.keys().copied() {
                self.set_out(format!("lift {number}"), after, "ada", EventKind::Unfreeze { number });
            }
        }
    }

    /// For each start the next person who is trusted with what misses somebody.
    fn approvals(&mut self, run: &Run, after: Duration) {
        let ended = run.phase.has_ended();
        for approval in run.approvals.iter().filter(|approval| approval.missing() > 0) {
            let waits = match (&approval.wave, approval.review_by) {
                (_, Some(_)) => ended,
                (None, None) => run.phase == RunPhase::Queued,
                (Some(_), None) => !ended,
            };
            let spoke = |person: &str| {
                let of_start = run.approvals.iter().filter(|other| other.wave == approval.wave);
                let by = Actor::principal(person);
                run.is_by(&by) || of_start.into_iter().any(|other| other.given.contains_key(&by))
            };
            let mut people = PEOPLE.iter().map(|(name, _)| *name);
            let next = people.find(|name| {
                let trusted = roles(name).is_some_and(|roles| !roles.is_disjoint(&approval.roles));
                trusted && !spoke(name)
            });
            let Some(person) = next.filter(|_| waits) else { continue };
            let kind = EventKind::Approve {
                version: run.version.clone(),
                plan: run.plan.clone(),
                roles: roles(person).unwrap_or_default(),
            };
            // Their word may have counted for another approval, and is asked for again.
            let by = Actor::principal(person);
            let words = run.approvals.iter().filter(|other| other.given.contains_key(&by));
            let (name, wave, words) = (&approval.name, &approval.wave, words.count());
            let what = format!("approve {} {name} {wave:?} {person} {words}", run.version);
            self.set_out(what, after, person, kind);
        }
    }

    /// Whoever is asked by a gate lets it go on.
    fn answers(&mut self, run: &Run, after: Duration) {
        for wave in &run.waves {
            let WaveState::Active {
                stage: Stage::Verify,
                since,
            } = wave.state
            else {
                continue;
            };
            for (place, name) in wave.gate_names().into_iter().enumerate() {
                let asked = wave.policy.gates[place].manual().and_then(Result::ok);
                let asked = asked.filter(|_| run.hold.is_none() && wave.gate_outcome(place) == GateOutcome::Open);
                let Some(manual) = asked else { continue };
                let may = |person: &str| {
                    let by = Actor::principal(person);
                    let roles = roles(person).unwrap_or_default();
                    !run.is_by(&by) && manual.who.may_answer(&by, &roles)
                };
                let mut people = PEOPLE.iter().map(|(name, _)| *name);
                let Some(person) = people.find(|person| may(person)) else {
                    continue;
                };
                let what = format!("answer {} {} {name} {since}", run.version, wave.name);
                let kind = EventKind::GateAsked(GateAsked {
                    version: run.version.clone(),
                    wave: wave.name.clone(),
                    gate: name,
                    ask: GateAsk::Answer {
                        yes: true,
                        roles: roles(person).unwrap_or_default(),
                    },
                });
                self.set_out(what, after, person, kind);
            }
        }
    }

    /// All notices of one kind and wave that are due are sent together.
    fn sendings(&mut self, run: &Run, after: Duration) {
        let mut due: BTreeMap<(&WaveName, NoticeKind), BTreeSet<NoticeKey>> = BTreeMap::new();
        for planned in &run.schedule.notices {
            let known = run.notices.get(&planned.key);
            if known.is_some_and(|notice| notice.asked.is_some() && notice.proof.is_none()) {
                let of = (&planned.wave, planned.kind);
                due.entry(of).or_default().insert(planned.key.clone());
            }
        }
        for ((wave, kind), keys) in due {
            let what = format!("notify {} {wave} {}", run.version, kind.as_str());
            let proven = EventKind::NoticesProven {
                version: run.version.clone(),
                keys,
                at: None,
            };
            self.set_out(what, after, "ada", proven);
        }
    }

    /// Customers who are asked find that it works, if only after trouble. Where one has nobody on the release to try it with,
    /// a person lets its tenants go.
    fn reports(&mut self, run: &Run, state: &Service, after: Duration) {
        let works = |customer: &CustomerName| {
            let report = run.reports.get(customer);
            report.is_some_and(|report| report.outcome == ReportOutcome::Works)
        };
        let open = run.schedule.validations.iter();
        for planned in open.filter(|planned| !run.phase.has_ended() && !works(&planned.customer)) {
            let (version, customer) = (run.version.clone(), &planned.customer);
            let is_on = |tenant: &TenantName| {
                let seat = state.seats.get(tenant);
                seat.is_some_and(|seat| seat.version.as_ref() == Some(&version))
            };
            let mut waves = run.waves.iter().filter(|wave| wave.name == planned.of);
            let tried = waves.any(|wave| matches!(wave.state, WaveState::Confirmed { .. }));
            let counts = |waiver: &Waiver| waiver.of == Waived::Validation && self.now() < waiver.until;
            if planned.tried_on.iter().any(is_on) {
                let kind = EventKind::Report {
                    version: version.clone(),
                    customer: customer.clone(),
                    outcome: ReportOutcome::Works,
                };
                self.set_out(format!("report {version} {customer}"), after, customer.as_str(), kind);
            } else if tried && !run.waivers.iter().any(counts) {
                let kind = EventKind::Waive {
                    version: version.clone(),
                    of: Waived::Validation,
                    tenants: Selection::Everybody,
                    until: self.now() + Duration::from_days(30),
                };
                self.set_out(format!("waive {version} reports"), after, "ada", kind);
            }
        }
    }

    /// Whoever waits, or was left, because it has not migrated does so.
    fn migrations(&mut self, run: &Run, state: &Service, after: Duration) {
        if run.schedule.migrations.is_empty() || run.phase.has_ended() {
            return;
        }
        let is_asked = |(tenant, member): &(&TenantName, &Member)| {
            let waits = member.place == Place::Waiting || run.unmigrated.contains(*tenant);
            waits && state.unmigrated(run, tenant).next().is_some()
        };
        let tenants: BTreeSet<TenantName> = run.members().filter(is_asked).map(|(name, _)| name.clone()).collect();
        if !tenants.is_empty() {
            let what = format!("migrate {}", run.version);
            let kind = EventKind::MigrationsSet(product::migrations(MigrationState::Migrated, tenants));
            self.set_out(what, after, "ada", kind);
        }
    }

    /// Who has set out to do something does not begin again because it is still to be done.
    fn set_out(&mut self, what: String, after: Duration, person: &str, kind: EventKind) {
        if self.set_out.get(&what).is_some_and(|at| *at >= self.at) {
            return;
        }
        self.serial += 1;
        let at = self.at + after.as_millis();
        let key = format!("{person}/{}", self.serial);
        let event = Event {
            actor: Actor::principal(person),
            reason: Some("as usual".to_owned()),
            kind,
        };
        self.set_out.insert(what, at);
        self.schedule_at(at, Happening::Command { key, event });
    }
}
