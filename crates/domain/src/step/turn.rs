//! The working state of one step.

use std::collections::{BTreeMap, BTreeSet};

use super::approval::Word;
use super::cell_move::Ask;
use super::{Refused, Step};
use crate::desired::desired;
use crate::effect::{Announcement, Effect, EffectBody, EffectId, Milestone, Settled};
use crate::event::{Event, EventKind, TenantAsk};
use crate::id::{Actor, CellName, TenantName, Version, WaveName};
use crate::journal::{Entry, EntryKind};
use crate::service::Service;
use crate::time::Timestamp;
use crate::waiting::Waiting;

/// More rounds than stages of all waves of a sane release: a step that is not done by then has a defect, and goes on at
/// the next turn instead of for ever.
const ROUNDS_MAX: usize = 10_000;

pub struct Turn {
    pub state: Service,
    pub now: Timestamp,
    pub effects: Vec<Effect>,
    pub settled: Vec<Settled>,
    pub journal: Vec<Entry>,
    pub wake: Option<Timestamp>,
    pub waiting: Vec<Waiting>,
    /// The generation that the changes of this step will have.
    pub next_generation: u64,
    /// What new tenants of a cell start on. Asked once a step: no event of a batch changes it for the others.
    pub newest: BTreeMap<CellName, Option<Version>>,
    /// What the others of a cell, who are on a version, came from: asked once a step too.
    pub before: BTreeMap<(CellName, Version), Option<Version>>,
    /// Cells that somebody leaves who was served there, which no table says yet.
    pub left: BTreeSet<CellName>,
}

/// Who acts and why, for the journal.
#[derive(Debug, Clone)]
pub struct Cause {
    pub actor: Actor,
    pub reason: String,
}

impl Cause {
    /// Tidegate acts by itself.
    pub fn system(part: &str, reason: impl Into<String>) -> Self {
        Self {
            actor: Actor::system(part),
            reason: reason.into(),
        }
    }

    /// The same person, in other words.
    pub fn actor_says(&self, reason: String) -> Self {
        Self {
            actor: self.actor.clone(),
            reason,
        }
    }
}

impl Turn {
    pub fn new(state: Service, now: Timestamp) -> Self {
        let next_generation = state.routing.generation + 1;
        Self {
            state,
            now,
            effects: Vec::new(),
            settled: Vec::new(),
            journal: Vec::new(),
            wake: None,
            waiting: Vec::new(),
            next_generation,
            newest: BTreeMap::new(),
            before: BTreeMap::new(),
            left: BTreeSet::new(),
        }
    }

    /// Takes one event, or refuses it without a change.
    pub fn take(&mut self, event: &Event) -> Result<(), Refused> {
        let cause = |fallback: &str| Cause {
            actor: event.actor.clone(),
            reason: event.reason.clone().unwrap_or_else(|| fallback.to_owned()),
        };
        match &event.kind {
            EventKind::Apply { plan, author } => self.apply(plan, author.as_ref(), &cause("a plan was applied")),
            EventKind::Approve { version, plan, roles } => {
                self.approve(&Word { version, plan, roles }, &cause("approved"))
            }
            EventKind::Reject { version, plan, roles } => {
                self.reject(&Word { version, plan, roles }, &required(event)?)
            }
            EventKind::Waive {
                version,
                of,
                tenants,
                until,
            } => self.waive(version, (*of, tenants), *until, &required(event)?),
            EventKind::Freeze { of, from, until } => self.freeze(of, *from, *until, &required(event)?),
            EventKind::Unfreeze { number } => self.unfreeze(*number, &cause("lifted")),
            EventKind::OptIn { tenant } => self.opt_in(tenant, &cause("opted in")),
            EventKind::OptOut { tenant } => self.opt_out(tenant, &cause("opted out")),
            EventKind::NoticesProven { version, keys, at } => {
                self.notices_proven(version, keys, *at, &required(event)?)
            }
            EventKind::Report {
                version,
                customer,
                outcome,
            } => self.report(version, customer, *outcome, &required(event)?),
            EventKind::MigrationsSet(set) => self.set_migrations(set, &required(event)?),
            EventKind::Reserve { version, tenant, at } => self.reserve(version, tenant, *at, &cause("reserved")),
            EventKind::Hold { version, until } => self.hold(version, *until, &required(event)?),
            EventKind::Resume { version } => self.resume(version, &cause("resumed")),
            EventKind::Promote { version } => self.promote(version, &required(event)?),
            EventKind::Abort { version } => self.abort(version, &required(event)?),
            EventKind::GateAsked(asked) => self.take_of_gate(asked, &required(event)?),
            EventKind::RollBack { version, scope } => self.roll_back(version, scope, &required(event)?),
            EventKind::TenantAdded { tenant, cell } => self.add_tenant(tenant, cell, &cause("a tenant was created")),
            EventKind::TenantRemoved { tenant } => self.remove_tenant(tenant, &cause("a tenant was removed")),
            EventKind::TenantAsked { tenant, ask } => self.take_of_tenant(tenant, ask, event),
            EventKind::JobAsked { job } => self.ask_for_run(job, &required(event)?),
            EventKind::TenantsSynced(roster) => self.sync_tenants(roster, &cause("the list of tenants was applied")),
            EventKind::Observed { cells, gateways } => {
                self.observe(cells, gateways);
                Ok(())
            }
            EventKind::Judged {
                version,
                wave,
                attempt,
                judgement,
            } => {
                self.judged(version, wave, *attempt, judgement);
                Ok(())
            }
            EventKind::CompanionSeen {
                version,
                companion,
                phase,
            } => {
                self.companion_seen(version, companion, phase);
                Ok(())
            }
            EventKind::Performed { effect, judgement } => {
                self.performed(effect, judgement);
                Ok(())
            }
        }
    }

    fn take_of_tenant(&mut self, tenant: &TenantName, ask: &TenantAsk, event: &Event) -> Result<(), Refused> {
        let cause = |fallback: &str| Cause {
            actor: event.actor.clone(),
            reason: event.reason.clone().unwrap_or_else(|| fallback.to_owned()),
        };
        match ask {
            TenantAsk::Move {
                cell,
                keep_closed,
                declared,
            } => {
                let ask = Ask {
                    cell,
                    keep_closed: *keep_closed,
                    declared: *declared,
                };
                self.move_to_cell(tenant, &ask, &required(event)?)
            }
            TenantAsk::Open => self.open_tenant(tenant, &cause("opened")),
            TenantAsk::Suspend => self.suspend(tenant, &required(event)?),
            TenantAsk::Resume => self.resume_tenant(tenant, &cause("resumed")),
        }
    }

    /// Does all that the state allows.
    pub fn advance(&mut self) {
        self.state.resolve();
        for _ in 0..ROUNDS_MAX {
            self.waiting.clear();
            self.wake = None;
            self.expire_approvals();
            self.end_freezes();
            let undone = self.advance_downtimes();
            let back = self.go_back_together() | self.advance_returns();
            let forward = self.advance_runs();
            let worked = self.advance_data();
            let told = self.advance_notices();
            let settled = self.advance_starts() | self.advance_moves();
            if !undone && !back && !forward && !worked && !told && !settled {
                return;
            }
        }
    }

    /// Brings slots in line with what tenants need, and raises the generation if the desired document has changed.
    pub fn settle(&mut self, before: &Service) {
        self.settle_canaries();
        self.settle_slots();
        self.advance_jobs();
        self.clean_data();
        self.settle_pins();
        if desired(&self.state).cells != desired(before).cells {
            self.state.routing.generation = self.next_generation;
        }
    }

    pub fn finish(self, refused: Vec<Option<Refused>>) -> Step {
        let Self {
            state,
            effects,
            settled,
            journal,
            wake,
            waiting,
            ..
        } = self;
        Step {
            state,
            effects,
            settled,
            journal,
            wake,
            waiting,
            refused,
        }
    }

    /// The earliest of what was asked for.
    pub fn wake_at(&mut self, at: Timestamp) {
        if at > self.now {
            self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
        }
    }

    pub fn write(&mut self, kind: EntryKind, release: &Version, wave: Option<&WaveName>, cause: &Cause) {
        self.journal.push(Entry {
            actor: cause.actor.clone(),
            kind,
            release: Some(release.clone()),
            wave: wave.cloned(),
            reason: cause.reason.clone(),
            tenants: Vec::new(),
            now_on: None,
        });
    }

    /// The same about tenants that stay on the version they are on.
    pub fn write_about(
        &mut self,
        kind: EntryKind,
        (release, wave): (&Version, Option<&WaveName>),
        tenants: Vec<TenantName>,
        cause: &Cause,
    ) {
        self.write(kind, release, wave, cause);
        if let Some(entry) = self.journal.last_mut() {
            entry.tenants = tenants;
        }
    }

    /// Tenants that the release moves no more.
    pub fn write_left(&mut self, release: &Version, wave: &WaveName, tenants: Vec<TenantName>, cause: &Cause) {
        self.write_about(EntryKind::LeftBehind, (release, Some(wave)), tenants, cause);
    }

    /// One row for each version that tenants are on from now.
    pub fn write_moves(
        &mut self,
        kind: EntryKind,
        release: &Version,
        wave: &WaveName,
        moves: BTreeMap<Version, Vec<TenantName>>,
        cause: &Cause,
    ) {
        for (now_on, tenants) in moves {
            self.journal.push(Entry {
                actor: cause.actor.clone(),
                kind,
                release: Some(release.clone()),
                wave: Some(wave.clone()),
                reason: cause.reason.clone(),
                tenants,
                now_on: Some(now_on),
            });
        }
    }

    /// Enqueues the announcement of a milestone; a second one of the same kind is another attempt.
    pub fn announce(&mut self, run: usize, wave: Option<usize>, milestone: Milestone, reason: Option<&str>) {
        let service = self.state.name.clone();
        let attempt = self.state.next_attempt();
        let Some(run) = self.state.runs.get(run) else {
            return;
        };
        let wave = wave
            .and_then(|index| run.waves.get(index))
            .map(|wave| wave.name.clone());
        let id = EffectId::announce(&run.version, wave.as_ref(), milestone, attempt);
        let announcement = Announcement {
            service,
            release: run.version.clone(),
            wave,
            milestone,
            at: self.now,
            reason: reason.map(str::to_owned),
        };
        self.effects.push(Effect {
            id,
            body: EffectBody::Announce(announcement),
        });
    }
}

/// The cause of a command that must not be given without a reason.
fn required(event: &Event) -> Result<Cause, Refused> {
    match event.reason.as_deref().map(str::trim) {
        Some(reason) if !reason.is_empty() => Ok(Cause {
            actor: event.actor.clone(),
            reason: reason.to_owned(),
        }),
        Some(_) | None => Err(Refused::NoReason),
    }
}
