//! Several releases in flight: whom a later one leaves to an earlier one, and what it takes from it.

use std::collections::BTreeMap;

use super::turn::{Cause, Turn};
use crate::effect::Milestone;
use crate::id::{CellName, TenantName, Version};
use crate::journal::EntryKind;
use crate::plan::Plan;
use crate::policy::WhileInFlight;
use crate::service::{Place, Reservation, Run, RunPhase, Service, WaveRun, WaveState};

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

    pub fn in_cell(&self, cell: &CellName) -> bool {
        self.cells.contains_key(cell)
    }
}

impl Service {
    /// Whom the releases before a run keep from it. One that queues begins when they have ended.
    pub fn busy_before(&self, run: usize) -> Busy<'_> {
        let mut busy = Busy::default();
        let by_cell = match self.runs[run].policy.while_in_flight {
            WhileInFlight::Queue => return busy,
            WhileInFlight::Supersede => false,
            WhileInFlight::Parallel => true,
        };
        for earlier in self.runs[..run].iter().filter(|earlier| !earlier.phase.has_ended()) {
            for wave in &earlier.waves {
                for tenant in earlier.has_to_do_with(wave) {
                    let Some(seat) = self.seats.get(tenant) else { continue };
                    if by_cell {
                        busy.cells.entry(&seat.cell).or_insert(&earlier.version);
                    }
                    busy.tenants.entry(tenant).or_insert(&earlier.version);
                }
            }
        }
        busy
    }
}

impl Run {
    /// The members of a wave that it may still move, in whichever direction, or watches.
    fn has_to_do_with<'a>(&'a self, wave: &'a WaveRun) -> impl Iterator<Item = &'a TenantName> {
        let comes_again = matches!(wave.state, WaveState::RolledBack { .. }) && self.superseded_by.is_none();
        let open = move |place: &Place| match place {
            Place::Waiting => wave.is_open() || comes_again,
            Place::Moved { .. } => !matches!(wave.state, WaveState::Confirmed { .. }),
            Place::Returning { .. } => true,
            Place::Returned { .. } => comes_again,
            Place::Left { .. } | Place::Superseded { .. } => false,
        };
        let members = wave.members.iter().filter(move |(_, member)| open(&member.place));
        members.map(|(tenant, _)| tenant)
    }
}

impl Turn {
    /// The release that a run has to let begin, or end, before it begins.
    pub fn begins_after(&self, run: usize) -> Option<Version> {
        let policy = self.state.runs[run].policy.while_in_flight;
        let is_in_the_way = |earlier: &&Run| match policy {
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
            if earlier.phase.has_ended() || earlier.version == *own || earlier.superseded_by.is_some() {
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
                let cause = cause.actor_says(left_to.clone());
                self.write(EntryKind::LeftBehind, &version, Some(&name), &cause);
                if let Some(entry) = self.journal.last_mut() {
                    entry.tenants = taken;
                }
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

    /// A release whose rest another one has taken has ended once nothing of it is on its way.
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
