//! Several releases in flight: whom a later one leaves to an earlier one, and what it takes from it.

use std::collections::BTreeMap;

use super::turn::{Cause, Turn};
use crate::effect::Milestone;
use crate::id::{CellName, TenantName, Version};
use crate::journal::EntryKind;
use crate::plan::Plan;
use crate::policy::WhileInFlight;
use crate::release::Release;
use crate::service::{Member, Place, Reservation, Run, RunPhase, Service, StepRun, WaveRun, WaveState};

/// What earlier releases in flight still have to do with: tenants, and by them cells.
#[derive(Debug, Default)]
pub struct Busy<'a> {
    tenants: BTreeMap<&'a TenantName, &'a Version>,
    cells: BTreeMap<&'a CellName, &'a Version>,
}

impl Busy<'_> {
    /// The release that a later one leaves the tenant to.
    pub fn with(&self, tenant: &TenantName, cell: &CellName) -> Option<&Version> {
        let found = self.tenants.get(tenant).or_else(|| self.cells.get(cell));
        found.copied()
    }

    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty() && self.cells.is_empty()
    }

    pub fn in_cell(&self, cell: &CellName) -> bool {
        self.cells.contains_key(cell)
    }
}

impl Service {
    /// Whom the releases before a run keep from it. One that queues begins when they have ended.
    pub fn busy_before(&self, run: usize) -> Busy<'_> {
        let mut busy = Busy::default();
        let own = &self.runs[run];
        let others = self.runs.iter().enumerate().filter(|(index, _)| *index != run);
        for (index, other) in others {
            let cells = self.kept_from(&own.version, index);
            busy.cells.extend(cells.map(|cell| (cell, &other.version)));
        }
        for (index, other) in self.runs.iter().enumerate() {
            if index == run || other.phase.has_ended() || !own.leaves_to(other, index < run) {
                continue;
            }
            let by_cell =
                own.hotfix.is_none() && other.hotfix.is_none() && own.policy.while_in_flight == WhileInFlight::Parallel;
            for wave in &other.waves {
                for tenant in other.has_to_do_with(wave, own) {
                    let Some(seat) = self.seats.get(tenant) else { continue };
                    let waits = wave
                        .members
                        .get(tenant)
                        .is_some_and(|member| member.place == Place::Waiting);
                    if waits
                        && other.hotfix.is_some()
                        && self.kept_from(&other.version, run).any(|cell| *cell == seat.cell)
                    {
                        continue;
                    }
                    if by_cell {
                        busy.cells.entry(&seat.cell).or_insert(&other.version);
                    }
                    busy.tenants.entry(tenant).or_insert(&other.version);
                }
            }
        }
        busy
    }

    /// The waves of earlier releases that have moved tenants of a hot-fix past what that repairs for good: those that are confirmed, and
    /// those that wait for tenants which the hot-fix has moved, so that each would wait for the other.
    pub fn settled_before(&self, run: usize, wave: usize) -> Vec<(&Version, &WaveRun)> {
        let own = &self.runs[run];
        if own.hotfix.is_none() {
            return Vec::new();
        }
        let has_moved = |tenant: &TenantName| {
            let member = own.waves[wave].members.get(tenant);
            member.is_some_and(|member| matches!(member.place, Place::Moved { .. }))
        };
        let settled = |other: &WaveRun| match other.state {
            WaveState::Confirmed { .. } => true,
            WaveState::Active { .. } => {
                let mut members = other.members.iter();
                members.any(|(tenant, member)| member.place == Place::Waiting && has_moved(tenant))
            }
            WaveState::Waiting | WaveState::RolledBack { .. } | WaveState::Dropped | WaveState::Superseded { .. } => {
                false
            }
        };
        let earlier = self.runs[..run].iter();
        let waves = earlier.flat_map(|other| other.waves.iter().map(|wave| (&other.version, wave)));
        waves.filter(|(_, wave)| settled(wave)).collect()
    }

    /// The cells that the work of a run on their data keeps a version from.
    fn kept_from(&self, version: &Version, run: usize) -> impl Iterator<Item = &CellName> {
        let other = &self.runs[run];
        // Tenants of the cell are served on nothing from before it, even while the other has not moved them yet.
        let is_past = !other.phase.has_ended() && self.is_before(version, run);
        let works =
            move |step: &&StepRun| step.holds_data() && (!step.is_done() || other.undoes_in_downtime() || is_past);
        other.steps.iter().filter(works).map(|step| &step.cell)
    }
}

impl Run {
    /// Whether there are tenants that this one leaves to another in flight. One that queues has begun when the others had ended.
    fn leaves_to(&self, other: &Self, is_earlier: bool) -> bool {
        match (&self.hotfix, &other.hotfix) {
            (Some(_), _) => is_earlier,
            (None, Some(_)) => true,
            (None, None) => is_earlier && self.policy.while_in_flight != WhileInFlight::Queue,
        }
    }

    /// The members of a wave that it may still move, in whichever direction, or watches. Whom it has not moved yet, it leaves to
    /// a hot-fix.
    fn has_to_do_with<'a>(&'a self, wave: &'a WaveRun, asks: &Self) -> impl Iterator<Item = &'a TenantName> {
        let gives_way = asks.hotfix.is_some() && self.hotfix.is_none();
        let comes_again = matches!(wave.state, WaveState::RolledBack { .. }) && self.superseded_by.is_none();
        let open = move |place: &Place| match place {
            Place::Waiting => !gives_way && (wave.is_open() || comes_again),
            Place::Moved { .. } => !matches!(wave.state, WaveState::Confirmed { .. }),
            Place::Returning { .. } => true,
            Place::Returned { .. } => !gives_way && comes_again,
            Place::Left { .. } | Place::Superseded { .. } => false,
        };
        let members = wave.members.iter().filter(move |(_, member)| open(&member.place));
        members.map(|(tenant, _)| tenant)
    }
}

impl Turn {
    /// The release that a run has to let begin, or end, before it begins.
    pub fn begins_after(&self, run: usize) -> Option<Version> {
        let own = &self.state.runs[run];
        let is_in_the_way = |earlier: &&Run| match own.policy.while_in_flight {
            _ if own.hotfix.is_some() => earlier.hotfix == own.hotfix && earlier.in_flight(),
            // Tenant by tenant.
            _ if earlier.hotfix.is_some() => false,
            WhileInFlight::Queue => earlier.in_flight(),
            WhileInFlight::Supersede | WhileInFlight::Parallel => earlier.phase == RunPhase::Queued,
        };
        let earlier = self.state.runs[..run].iter().find(is_in_the_way);
        earlier.map(|earlier| earlier.version.clone())
    }

    /// A release that supersedes takes whom the earlier ones have not moved. What these have moved, they watch to the end. Answers
    /// the times that tenants had reserved of them.
    pub fn take_from_earlier(&mut self, plan: &Plan, cause: &Cause) -> BTreeMap<TenantName, Reservation> {
        let mut reserved = BTreeMap::new();
        if plan.policy.while_in_flight != WhileInFlight::Supersede {
            return reserved;
        }
        let own = &plan.release.version;
        for run in 0..self.state.runs.len() {
            let earlier = &self.state.runs[run];
            let is_other = earlier.version != *own && earlier.hotfix.is_none() && plan.release.hotfix.is_none();
            if earlier.phase.has_ended() || !is_other || earlier.superseded_by.is_some() {
                continue;
            }
            reserved.extend(self.take_from(run, own, cause));
        }
        reserved
    }

    fn take_from(&mut self, index: usize, by: &Version, cause: &Cause) -> BTreeMap<TenantName, Reservation> {
        let reason = format!("release {by} takes over: {}", cause.reason);
        let left_to = format!("release {by} moves it");
        for wave in 0..self.state.runs[index].waves.len() {
            self.end_downtime(index, wave, &reason);
            let taken = self.state.runs[index].waves[wave].give_up(&left_to);
            let run = &self.state.runs[index];
            let (version, name) = (run.version.clone(), run.waves[wave].name.clone());
            if !taken.is_empty() {
                self.write_left(&version, &name, taken, &cause.actor_says(left_to.clone()));
            }
        }
        let version = self.state.runs[index].version.clone();
        self.write(EntryKind::TakenOver, &version, None, &cause.actor_says(reason.clone()));
        let run = &mut self.state.runs[index];
        run.superseded_by = Some(by.clone());
        let reserved = std::mem::take(&mut run.reservations);
        if run.current().is_none() {
            self.end_superseded(index, &cause.actor_says(reason));
        }
        reserved
    }

    /// A release whose place another one has taken moves nobody any more.
    pub fn end_superseded(&mut self, index: usize, cause: &Cause) {
        let now = self.now;
        let run = &mut self.state.runs[index];
        run.phase = RunPhase::Superseded { at: now };
        run.hold = None;
        let version = run.version.clone();
        self.withdraw_notices(index);
        self.write(EntryKind::Superseded, &version, None, cause);
        self.announce(index, None, Milestone::ReleaseSuperseded, Some(&cause.reason));
    }

    /// A release in flight that would take the fix away from tenants again moves nobody until a person says so.
    pub fn hold_what_lacks(&mut self, plan: &Plan) {
        let fix = &plan.release;
        let Some(fixed) = &fix.hotfix else { return };
        for run in 0..self.state.runs.len() {
            let Some(commit) = self.would_lose(run, fix, fixed) else {
                continue;
            };
            let reason = format!(
                "it lacks commit {commit}, which hot-fix {} brings to those on {fixed}: repair it with a release that `patches` it",
                fix.version
            );
            self.hold_run(run, None, &Cause::system("hotfix", reason));
        }
    }

    /// A commit of a hot-fix that a run in flight, which nobody holds, would take away from tenants.
    fn would_lose(&self, run: usize, fix: &Release, fixed: &Version) -> Option<String> {
        let run = &self.state.runs[run];
        let is_moved = |member: &Member| member.place == Place::Waiting && member.from.as_ref() == Some(fixed);
        let goes_on = !run.phase.has_ended() && run.hotfix.is_none() && run.hold.is_none();
        if !goes_on || !run.members().any(|(_, member)| is_moved(member)) {
            return None;
        }
        self.state.pinned.get(&run.version)?.lacks(fix).map(str::to_owned)
    }

    /// Those that other releases have still to move are moved from the fixed version, or from the one before it again.
    pub fn moves_from(&mut self, run: usize, tenants: &[TenantName], now_on: &Version) {
        if self.state.runs[run].hotfix.is_none() {
            return;
        }
        let fix = self.state.runs[run].version.clone();
        let before = self.state.runs[run].hotfix.clone();
        let others = self
            .state
            .runs
            .iter_mut()
            .enumerate()
            .filter(|(index, _)| *index != run);
        for wave in others.flat_map(|(_, run)| &mut run.waves) {
            for tenant in tenants {
                let waits = wave
                    .members
                    .get_mut(tenant)
                    .filter(|member| member.place == Place::Waiting);
                if let Some(member) = waits.filter(|it| it.from == before || it.from.as_ref() == Some(&fix)) {
                    member.from = Some(now_on.clone());
                }
            }
        }
    }

    /// A tenant that a later release moves on is no longer watched for an earlier one that is still in flight.
    pub fn moves_on(&mut self, run: usize, tenant: &TenantName) {
        let generation = self.next_generation;
        let earlier = self.state.runs[..run].iter_mut().filter(|run| !run.phase.has_ended());
        let members = earlier
            .flat_map(|run| &mut run.waves)
            .filter_map(|wave| wave.members.get_mut(tenant));
        for member in members.filter(|member| matches!(member.place, Place::Moved { .. })) {
            member.place = Place::Superseded { generation };
        }
    }
}

impl WaveRun {
    /// Its members that wait are another release's now. Answers who that was.
    fn give_up(&mut self, reason: &str) -> Vec<TenantName> {
        let gone = match self.state {
            WaveState::Waiting => true,
            WaveState::Active { .. } => !self.holds_tenants(),
            WaveState::RolledBack { .. } => false,
            WaveState::Confirmed { .. } | WaveState::Dropped | WaveState::Superseded { .. } => return Vec::new(),
        };
        if gone {
            self.state = WaveState::Dropped;
        }
        let mut taken = Vec::new();
        for (tenant, member) in &mut self.members {
            if member.place == Place::Waiting {
                member.place = Place::Left {
                    reason: reason.to_owned(),
                };
                taken.push(tenant.clone());
            }
        }
        taken
    }
}
