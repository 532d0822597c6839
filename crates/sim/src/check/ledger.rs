//! What people and time have done to releases, by the journal alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_domain::calendar::read_instant;
use tidegate_domain::id::{Actor, CustomerName, Digest, TenantName, Version, WaveName};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::policy::Before;
use tidegate_domain::service::{ReportOutcome, Selection, Service, Waived};
use tidegate_domain::time::Timestamp;

use super::Checked;
use super::downtime::Downtimes;
use super::gates::Gates;
use super::migrations::Migrations;
use super::patched::Patched;
use super::promise::{Asked, Promise};
use super::rows;
use crate::product::roles;

/// All that counts for moving tenants forward.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    promises: BTreeMap<Digest, Arc<Promise>>,
    pub runs: BTreeMap<Version, Kept>,
    /// When each notice was sent, by its key. What was sent for one run of a release was sent for the next.
    pub sent: BTreeMap<String, Timestamp>,
    pub freezes: BTreeMap<u32, Frozen>,
    /// How far each tenant is with what a change asks of it.
    pub migrations: Migrations,
    /// Since which row.
    opted_out: BTreeMap<TenantName, usize>,
    /// Who came or came back, and with which row.
    came: BTreeMap<TenantName, usize>,
    /// Who runs something.
    pub served: BTreeSet<TenantName>,
    rows: usize,
}

/// What is known of a run.
#[derive(Debug, Clone)]
pub struct Kept {
    pub promise: Arc<Promise>,
    applied_by: Actor,
    applied: usize,
    /// With which row a person last let it go on.
    resumed: usize,
    started: bool,
    said: Vec<Said>,
    pub waivers: Vec<Waiver>,
    pub waves: BTreeMap<WaveName, KeptWave>,
    /// Taken back, and not to be moved again before somebody resumes the release.
    pub returned: BTreeSet<TenantName>,
    pub ended: bool,
    pub patched: Patched,
    /// The last word of each customer.
    pub reports: BTreeMap<CustomerName, ReportOutcome>,
    /// When tenants have asked to be moved.
    pub reserved: BTreeMap<TenantName, Timestamp>,
    pub downtime: Downtimes,
    /// Whom it has left because it would break them.
    pub unmigrated: BTreeSet<TenantName>,
    pub gates: Gates,
}

#[derive(Debug, Clone, Default)]
pub struct KeptWave {
    pub begun: bool,
    pub confirmed: Option<Timestamp>,
    /// When it last moved somebody, and when it entered its bake.
    pub moved: Option<Timestamp>,
    pub baking: Option<Timestamp>,
    /// When its canary began, or was let begin anew.
    pub canary: Option<Timestamp>,
    pub promoted: bool,
    pub taken_back: bool,
    /// Whom it has moved.
    pub on: BTreeSet<TenantName>,
    /// Classes of tenants that began in a window which lets the wave finish.
    pub finishing: BTreeSet<u16>,
}

/// One person's word for an approval.
#[derive(Debug, Clone)]
struct Said {
    name: String,
    wave: Option<WaveName>,
    by: Actor,
    at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Waiver {
    pub of: Waived,
    pub whom: Selection,
    pub at: Timestamp,
    pub until: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Frozen {
    pub whom: Selection,
    pub at: Timestamp,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
}

/// A row of which the journal does not say enough.
struct Mute;

impl Ledger {
    pub fn promise(&mut self, applied: Digest, promise: Promise) {
        self.promises.insert(applied, Arc::new(promise));
    }

    /// Holds each row against all that was before it, and takes it over.
    pub fn follow(&mut self, rows: &[(Timestamp, Entry)], state: &Service) -> Checked {
        let mut checked = Ok(());
        for (at, entry) in rows {
            checked = checked.and(self.admits(entry, *at, state));
            let mute = |Mute| {
                (
                    "every exception is journalled",
                    format!("{}: {}", entry.kind.as_str(), entry.reason),
                )
            };
            self.rows += 1;
            let taken = self.take(entry, *at, state).map_err(mute);
            checked = checked.and(taken);
        }
        // By the server's clock, which may have jumped.
        let now = rows.last().map(|(at, _)| *at);
        checked.and(now.map_or(Ok(()), |now| super::downtime::ends_in_time(self, state, now)))
    }

    /// The world begins where a service is already.
    pub fn begin_with(&mut self, state: &Service) {
        let seats = state.seats.iter().filter(|(_, seat)| seat.version.is_some());
        self.served = seats.map(|(tenant, _)| tenant.clone()).collect();
    }

    fn take(&mut self, entry: &Entry, at: Timestamp, state: &Service) -> Result<(), Mute> {
        match entry.kind {
            EntryKind::Applied => self.applied(entry, state),
            EntryKind::OptedOut => self.opted_out(entry),
            EntryKind::OptedIn => self.opted_out.retain(|name, _| !entry.tenants.contains(name)),
            EntryKind::MigrationSet => self.migrations.set(entry).ok_or(Mute)?,
            EntryKind::TenantAdded => self.comes(entry),
            EntryKind::TenantRemoved => self.forget(entry),
            EntryKind::NoticeProven => self.proven(entry)?,
            EntryKind::Frozen => self.frozen(entry, at)?,
            EntryKind::Unfrozen => drop(self.freezes.remove(&rows::unfrozen(&entry.reason).ok_or(Mute)?)),
            EntryKind::Approved
            | EntryKind::Rejected
            | EntryKind::ApprovalExpired
            | EntryKind::Waived
            | EntryKind::NoticeDue
            | EntryKind::Started
            | EntryKind::Held
            | EntryKind::Resumed
            | EntryKind::Promoted
            | EntryKind::Aborted
            | EntryKind::StageEntered
            | EntryKind::Judged
            | EntryKind::GateEnded
            | EntryKind::GateAnswered
            | EntryKind::GateOverridden
            | EntryKind::CanaryStarted
            | EntryKind::CanaryEnded
            | EntryKind::Moved
            | EntryKind::Returned
            | EntryKind::LeftBehind
            | EntryKind::TakenUp
            | EntryKind::WaveConfirmed
            | EntryKind::WaveRolledBack
            | EntryKind::Completed
            | EntryKind::RolledBack
            | EntryKind::TakenOver
            | EntryKind::Superseded
            | EntryKind::CompanionSeen
            | EntryKind::CustomerReported
            | EntryKind::Reserved
            | EntryKind::DowntimeStarted
            | EntryKind::DowntimeExtended
            | EntryKind::DowntimeEnded
            | EntryKind::JobAsked
            | EntryKind::JobStarted
            | EntryKind::JobDone
            | EntryKind::JobFailed
            | EntryKind::JobDropped
            | EntryKind::StepStarted
            | EntryKind::StepDone
            | EntryKind::StepFailed
            | EntryKind::StepUndone
            | EntryKind::StepKept
            | EntryKind::TenantStarted
            | EntryKind::TenantMoveBegun
            | EntryKind::TenantClosed
            | EntryKind::TenantMoved
            | EntryKind::TenantOpened
            | EntryKind::TenantMoveEnded
            | EntryKind::TenantSuspended
            | EntryKind::TenantResumed
            | EntryKind::SlotLeft
            | EntryKind::SlotStopped
            | EntryKind::Announced
            | EntryKind::Refused => {
                self.of_run(entry, at)?;
                self.serves(entry);
            }
        }
        Ok(())
    }

    fn frozen(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Mute> {
        let (number, frozen) = rows::frozen(&entry.reason, at).ok_or(Mute)?;
        self.freezes.insert(number, frozen);
        Ok(())
    }

    fn comes(&mut self, entry: &Entry) {
        self.serves(entry);
        let rows = self.rows;
        self.came.extend(entry.tenants.iter().map(|name| (name.clone(), rows)));
        self.opted_out.retain(|name, _| !entry.tenants.contains(name));
    }

    fn forget(&mut self, entry: &Entry) {
        self.served.retain(|name| !entry.tenants.contains(name));
        self.migrations.forget(entry);
        self.runs.values_mut().for_each(|run| run.forget(entry));
    }

    fn serves(&mut self, entry: &Entry) {
        if entry.now_on.is_some() {
            self.served.extend(entry.tenants.iter().cloned());
        }
    }

    fn opted_out(&mut self, entry: &Entry) {
        self.opted_out
            .extend(entry.tenants.iter().map(|name| (name.clone(), self.rows)));
        for run in self.runs.values_mut().filter(|run| !run.ended) {
            run.reserved.retain(|name, _| !entry.tenants.contains(name));
        }
    }

    fn proven(&mut self, entry: &Entry) -> Result<(), Mute> {
        let (keys, sent) = entry.reason.split_once(" sent at ").ok_or(Mute)?;
        let (sent, _) = sent.split_once(": ").ok_or(Mute)?;
        let sent = read_instant(sent).map_err(|_| Mute)?;
        for key in keys.split(", ") {
            self.sent.entry(key.to_owned()).or_insert(sent);
        }
        Ok(())
    }

    fn applied(&mut self, entry: &Entry, state: &Service) {
        let Some(version) = &entry.release else { return };
        let plan = state.run(version).map(|run| &run.plan);
        let Some(promise) = plan.and_then(|plan| self.promises.get(plan)) else {
            // A plan that these rules never saw.
            self.runs.remove(version);
            return;
        };
        let patched = self.takes_over(promise);
        let kept = Kept {
            promise: Arc::clone(promise),
            applied_by: entry.actor.clone(),
            applied: self.rows,
            resumed: 0,
            started: false,
            said: Vec::new(),
            waivers: Vec::new(),
            waves: BTreeMap::new(),
            returned: BTreeSet::new(),
            ended: false,
            downtime: Downtimes::of(patched.from_nothing),
            patched,
            reports: BTreeMap::new(),
            reserved: BTreeMap::new(),
            unmigrated: BTreeSet::new(),
            gates: Gates::default(),
        };
        self.patched_by(&kept.promise);
        self.runs.insert(version.clone(), kept);
    }

    fn of_run(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Mute> {
        let row = self.rows;
        let Some(run) = entry.release.as_ref().and_then(|version| self.runs.get_mut(version)) else {
            return Ok(());
        };
        run.downtime.follow(entry, at, &self.served);
        super::migrations::follow(run, entry);
        run.gates.follow(entry).ok_or(Mute)?;
        match (entry.kind, &entry.wave) {
            (EntryKind::Started, _) => run.started = true,
            (EntryKind::Approved, wave) => {
                let (name, _) = entry.reason.split_once(": ").ok_or(Mute)?;
                run.said.push(Said {
                    name: name.to_owned(),
                    wave: wave.clone(),
                    by: entry.actor.clone(),
                    at,
                });
            }
            (EntryKind::Rejected, _) => run.rejected(&entry.actor, at),
            (EntryKind::Waived, _) => run.waivers.push(rows::waiver(&entry.reason, at).ok_or(Mute)?),
            (EntryKind::Resumed, _) => {
                run.returned.clear();
                run.resumed = row;
                // What is being baked is baked anew.
                for wave in run.waves.values_mut().filter(|wave| wave.confirmed.is_none()) {
                    wave.baking = wave.baking.map(|_| at);
                    wave.canary = wave.canary.map(|_| at);
                }
                for wave in run.waves.values_mut().filter(|wave| wave.taken_back) {
                    *wave = KeptWave::default();
                }
            }
            (EntryKind::RolledBack | EntryKind::Aborted, _) => {
                run.ended = true;
                run.patched.over = true;
            }
            (EntryKind::CustomerReported, _) => {
                let (customer, outcome) = rows::reported(&entry.reason).ok_or(Mute)?;
                run.reports.insert(customer, outcome);
            }
            (EntryKind::Reserved, _) => {
                let reserved = super::reserved::read(&entry.reason).ok_or(Mute)?;
                for tenant in &entry.tenants {
                    match reserved {
                        Some(at) => drop(run.reserved.insert(tenant.clone(), at)),
                        None => drop(run.reserved.remove(tenant)),
                    }
                }
            }
            (EntryKind::Superseded, _) => run.ended = true,
            (EntryKind::Completed, _) => run.patched.over = true,
            (EntryKind::Returned, _) => {
                run.returned.extend(entry.tenants.iter().cloned());
                for wave in run.waves.values_mut() {
                    wave.on.retain(|name| !entry.tenants.contains(name));
                }
            }
            (_, Some(wave)) => run.of_wave(entry, wave, at),
            (_, None) => {}
        }
        Ok(())
    }

    /// The tenant has said after the release was applied that it wants to stay where it is.
    pub fn stays(&self, run: &Kept, tenant: &TenantName) -> bool {
        self.opted_out.get(tenant).is_some_and(|row| *row > run.applied)
    }

    /// A person has let a release go on since another was applied.
    pub fn resumed_since(&self, run: &Kept, other: &Kept) -> bool {
        run.resumed > other.applied
    }

    /// It came, or came back, after the release was applied.
    pub fn came_later(&self, run: &Kept, tenant: &TenantName) -> bool {
        self.came.get(tenant).is_some_and(|row| *row > run.applied)
    }
}

impl Kept {
    /// Tenants that are gone.
    fn forget(&mut self, entry: &Entry) {
        self.patched.on.retain(|name, _| !entry.tenants.contains(name));
        self.reserved.retain(|name, _| !entry.tenants.contains(name));
        self.returned.retain(|name| !entry.tenants.contains(name));
        self.unmigrated.retain(|name| !entry.tenants.contains(name));
        for wave in self.waves.values_mut() {
            wave.on.retain(|name| !entry.tenants.contains(name));
        }
    }

    fn of_wave(&mut self, entry: &Entry, name: &WaveName, at: Timestamp) {
        let promise = Arc::clone(&self.promise);
        let wave = self.waves.entry(name.clone()).or_default();
        let is = |kind| entry.kind == kind;
        wave.begun |= is(EntryKind::StageEntered);
        wave.promoted |= is(EntryKind::Promoted);
        wave.taken_back |= is(EntryKind::WaveRolledBack);
        if is(EntryKind::StageEntered) && entry.reason.starts_with("bake:") {
            wave.baking = Some(at);
        } else if is(EntryKind::StageEntered) && entry.reason.starts_with("canary:") {
            wave.canary = Some(at);
        } else if is(EntryKind::CanaryStarted) {
            // One that begins anew begins by the clock of now, which may have been set back.
            wave.canary = wave.canary.map(|since| since.min(at));
        } else if is(EntryKind::StageEntered) && entry.reason.starts_with("switch:") {
            // A person's word about the canary says nothing of the bake.
            wave.promoted &= wave.canary.take().is_none();
        } else if is(EntryKind::WaveConfirmed) {
            wave.confirmed = Some(at);
        } else if is(EntryKind::Moved) {
            wave.moved = Some(at);
            wave.on.extend(entry.tenants.iter().cloned());
            let finishing = entry.tenants.iter().filter(|tenant| promise.lets_finish(tenant, at));
            wave.finishing
                .extend(finishing.map(|tenant| promise.class_index(tenant)));
        }
    }

    /// Who has agreed to it so far, and counts at this instant.
    pub fn agreed(&self, asked: &Asked<'_>, at: Timestamp) -> BTreeSet<&Actor> {
        let wave = match &asked.before {
            Before::Release => None,
            Before::Wave(wave) => Some(wave),
        };
        let counts = |said: &&Said| {
            said.name == asked.name.as_str()
                && said.wave.as_ref() == wave
                && asked.expires.is_none_or(|expires| at < said.at + expires)
        };
        let by = self.said.iter().filter(counts).map(|said| &said.by);
        by.filter(|by| self.may_agree(by, asked)).collect()
    }

    /// They are trusted with it, and somebody else made the plan.
    pub fn may_agree(&self, by: &Actor, asked: &Asked<'_>) -> bool {
        !self.is_by(by) && is_trusted(by, asked)
    }

    /// Who made or applied its plan.
    pub fn is_by(&self, by: &Actor) -> bool {
        self.applied_by == *by || self.promise.planned_by.as_ref() == Some(by)
    }

    /// Whoever is still asked for their word about something, by saying no, takes back what others had said about it.
    fn rejected(&mut self, by: &Actor, at: Timestamp) {
        let promise = Arc::clone(&self.promise);
        let mut about: BTreeSet<Option<WaveName>> = BTreeSet::new();
        for asked in promise.asked() {
            let (wave, begun) = match &asked.before {
                Before::Release => (None, self.started),
                Before::Wave(name) => {
                    let begun = self.waves.get(name).is_some_and(|wave| wave.begun && !wave.taken_back);
                    (Some(name.clone()), begun)
                }
            };
            let is_open = !begun && self.agreed(&asked, at).len() < asked.count as usize;
            if is_open && is_trusted(by, &asked) {
                about.insert(wave);
            }
        }
        self.said.retain(|said| !about.contains(&said.wave));
    }
}

/// Who comes from outside of a scenario is taken at their word.
fn is_trusted(person: &Actor, asked: &Asked<'_>) -> bool {
    roles(person.as_str()).is_none_or(|roles| !asked.roles.is_disjoint(&roles))
}
