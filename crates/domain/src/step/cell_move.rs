//! Tenants move between cells while releases move, whatever stage these are in.
//!
//! The new cell gets what the tenant runs, and what it may go back to or is about to get; then the tenant is closed until no
//! gateway serves it, no worker works for it and nothing of it is in flight; then it is in the new cell, by the table that opens
//! it. Its place in releases stays as it was: they ask its seat for the cell.

use std::collections::BTreeSet;

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::{CellName, TenantName, Version};
use crate::journal::EntryKind;
use crate::release::{ComponentKind, Ownership};
use crate::service::{CellMove, Member, MoveStage, Place, Run, Seat, WaveRun, WaveState};
use crate::time::{Duration, Timestamp};
use crate::waiting::Waiting;

/// How long a tenant is closed at most, counted from when what was in flight had its time to end. Then it is served again where
/// it was, and a person may ask again.
const CLOSED_MAX: Duration = Duration::from_secs(300);

/// What a person asks for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub cell: &'a CellName,
    pub keep_closed: bool,
    /// The service file has the cell.
    pub declared: bool,
}

impl Turn {
    /// Begins a move. The cell that the tenant is in takes back one that has not left it yet.
    pub fn move_to_cell(&mut self, tenant: &TenantName, ask: &Ask<'_>, cause: &Cause) -> Result<(), Refused> {
        let seat = self.state.seats.get(tenant);
        let seat = seat.ok_or_else(|| Refused::NoSuchTenant { tenant: tenant.clone() })?;
        let (from, stays) = (seat.cell.clone(), seat.cell == *ask.cell);
        if let Some(moving) = &seat.moving {
            if moving.stage.is_leaving() && stays {
                self.end_move(
                    tenant,
                    &cause.actor_says(format!("it stays in cell {from}: {}", cause.reason)),
                );
                return Ok(());
            }
            if moving.to == *ask.cell {
                return Ok(());
            }
            return Err(Refused::MovesAlready {
                tenant: tenant.clone(),
                to: moving.to.clone(),
                remedy: match moving.stage {
                    MoveStage::Preparing | MoveStage::Closed { .. } => {
                        format!("`tidegate tenants move {tenant} --cell {from}` takes that back first")
                    }
                    MoveStage::Arrived { .. } => format!("`tidegate tenants open {tenant}` ends that first"),
                },
            });
        }
        if stays {
            return Ok(());
        }
        self.check_cell(tenant, ask)?;
        let moving = CellMove {
            to: ask.cell.clone(),
            stage: MoveStage::Preparing,
            since: self.now,
            by: cause.actor.clone(),
            reason: cause.reason.clone(),
            keep_closed: ask.keep_closed,
        };
        if let Some(seat) = self.state.seats.get_mut(tenant) {
            seat.moving = Some(moving);
        }
        if !self.state.cells.contains_key(ask.cell) {
            self.state.cells.entry(ask.cell.clone()).or_default();
            self.state.resolve();
        }
        let reason = format!("from cell {from} to cell {}: {}", ask.cell, cause.reason);
        self.write_tenant(EntryKind::TenantMoveBegun, tenant, None, &cause.actor_says(reason));
        Ok(())
    }

    fn check_cell(&self, tenant: &TenantName, ask: &Ask<'_>) -> Result<(), Refused> {
        let cell = ask.cell;
        if !self.state.cells.contains_key(cell) && !ask.declared {
            return Err(Refused::UnknownCell { cell: cell.clone() });
        }
        if let Some(ends) = self.state.out_of_service().get(tenant) {
            return Err(Refused::InDowntime {
                tenant: tenant.clone(),
                ends: *ends,
            });
        }
        match self.contracted_there(tenant, cell) {
            Some((version, contracted)) => Err(Refused::ContractedThere {
                tenant: tenant.clone(),
                cell: cell.clone(),
                version,
                contracted,
            }),
            None => Ok(()),
        }
    }

    /// A version that the tenant is on, or may be taken back to, and the release that has taken away what it needs there.
    fn contracted_there(&self, tenant: &TenantName, cell: &CellName) -> Option<(Version, Version)> {
        let seat = self.state.seats.get(tenant)?;
        let versions = self.comes_with(tenant, seat).into_iter().chain(seat.version.clone());
        let mut past = versions.filter_map(|version| {
            let contracted = self.state.contracted_past(cell, &version);
            let past = contracted
                .or_else(|| self.state.unfit(cell, &version).map(|(run, _)| &run.version))?
                .clone();
            Some((version, past))
        });
        past.next()
    }

    /// What the new cell runs before a tenant comes: what it is on, what it may be taken back to, and what it is about to get.
    fn comes_with(&self, tenant: &TenantName, seat: &Seat) -> BTreeSet<Version> {
        let mut versions = BTreeSet::new();
        let mut returns = false;
        for run in &self.state.runs {
            let warm = run.warm_until().is_none_or(|until| self.now < until);
            let goes_on = run.hold.is_none() && !run.phase.has_ended() && !run.returning();
            for wave in &run.waves {
                let Some(member) = wave.members.get(tenant) else {
                    continue;
                };
                let active = matches!(wave.state, WaveState::Active { .. });
                returns |= matches!(member.place, Place::Returning { .. });
                versions.extend(match member.place {
                    Place::Moved { .. } if warm => member.from.clone(),
                    Place::Returning { .. } => member.from.clone(),
                    Place::Waiting if active && goes_on => Some(run.version.clone()),
                    Place::Waiting
                    | Place::Moved { .. }
                    | Place::Returned { .. }
                    | Place::Left { .. }
                    | Place::Superseded { .. } => None,
                });
            }
        }
        if !returns {
            versions.extend(seat.version.clone());
        }
        versions
    }

    /// What cells run for tenants that are on their way to them, once their data is ready for it.
    pub fn needed_on_the_way(&self) -> Vec<(CellName, Version)> {
        let mut needed = self.needed_to_start();
        for (tenant, seat) in &self.state.seats {
            let Some(to) = seat.leaves_for() else { continue };
            let versions = self.comes_with(tenant, seat).into_iter();
            needed.extend(
                versions
                    .filter(|v| self.is_expanded_for(v, to))
                    .map(|v| (to.clone(), v)),
            );
        }
        needed
    }

    /// Who is on a version came by a run of it, which knows what was done to data.
    pub fn is_expanded_for(&self, version: &Version, cell: &CellName) -> bool {
        let run = self.state.run(version);
        run.is_none_or(|run: &Run| self.is_expanded(run, cell))
    }

    /// True where something changed.
    pub fn advance_moves(&mut self) -> bool {
        let moving = self.state.seats.iter().filter(|(_, seat)| seat.moving.is_some());
        let moving: Vec<TenantName> = moving.map(|(tenant, _)| tenant.clone()).collect();
        moving
            .iter()
            .fold(false, |changed, tenant| changed | self.advance_move(tenant))
    }

    fn advance_move(&mut self, tenant: &TenantName) -> bool {
        let Some((seat, moving)) = self
            .state
            .seats
            .get(tenant)
            .and_then(|seat| Some((seat.clone(), seat.moving.clone()?)))
        else {
            return false;
        };
        if !moving.stage.is_leaving() {
            let reason = format!("a person to open it: `tidegate tenants open {tenant}`");
            self.wait_to_move(tenant, &moving, reason);
            return false;
        }
        if let Some((version, contracted)) = self.contracted_there(tenant, &moving.to) {
            let reason = format!(
                "it stays in cell {}: release {contracted} has taken away from the data of cell {} what {version} needs",
                seat.cell, moving.to
            );
            self.end_move(tenant, &Cause::system("tenants", reason));
            return true;
        }
        if seat.version.is_none() {
            // One of its name was removed under a run, which goes on.
            if let Some(reason) = self.run_to_end(tenant) {
                self.wait_to_move(tenant, &moving, reason);
                return false;
            }
            self.change_cell(tenant);
            return true;
        }
        let (changed, unready) = self.unready_there(tenant, &seat, &moving.to);
        let unready = unready.or_else(|| self.not_now(tenant));
        match (&moving.stage, unready) {
            (MoveStage::Preparing, Some(reason)) => {
                self.wait_to_move(tenant, &moving, reason);
                changed
            }
            (MoveStage::Preparing, None) => {
                self.close_to_move(tenant);
                true
            }
            (MoveStage::Closed { .. }, Some(reason)) => {
                self.set_stage(tenant, MoveStage::Preparing);
                let reason = format!("served in cell {} until the move can go on: {reason}", seat.cell);
                self.write_tenant(EntryKind::TenantOpened, tenant, None, &Cause::system("tenants", reason));
                true
            }
            (MoveStage::Closed { generation, since }, None) => {
                self.change_cell_if_quiet(tenant, &seat, &moving, (*generation, *since))
            }
            (MoveStage::Arrived { .. }, _) => changed,
        }
    }

    fn waits_for(&self, tenant: &TenantName, version: &Version) -> bool {
        let mut members = self.state.run(version).into_iter().flat_map(Run::members);
        members.any(|(name, member)| name == tenant && member.place == Place::Waiting)
    }

    /// What is missing in the new cell, and whether work on its data was begun for it.
    fn unready_there(&mut self, tenant: &TenantName, seat: &Seat, to: &CellName) -> (bool, Option<String>) {
        let mut missing = None;
        let mut changed = false;
        for version in self.comes_with(tenant, seat) {
            let moved_there = self.waits_for(tenant, &version);
            let (expands, unexpanded) = self.expand_for(&version, to, moved_there);
            changed |= expands;
            let unready = || self.ready_in(to, &version).err();
            let unready = || unready().map(|reason| format!("release {version} in cell {to}: {reason}"));
            missing = missing.or_else(|| unexpanded.or_else(unready));
        }
        (changed, missing)
    }

    /// Why a tenant is not closed now whose new cell is ready.
    fn not_now(&self, tenant: &TenantName) -> Option<String> {
        if let Some(ends) = self.state.out_of_service().get(tenant) {
            return Some(format!("its planned downtime to end, by {ends}"));
        }
        if let Some(reason) = self.run_to_end(tenant) {
            return Some(reason);
        }
        let returning = |member: &Member| matches!(member.place, Place::Returning { .. });
        let mut members = self.state.runs.iter().flat_map(Run::members);
        if members.any(|(name, member)| name == tenant && returning(member)) {
            return Some("its way back from a release to end".to_owned());
        }
        let routing = &self.state.routing;
        (routing.alone || !routing.lapsed.is_empty()).then(|| format!("every gateway: {}", self.gateways_in_words()))
    }

    /// The data of a tenant is not copied under a run.
    fn run_to_end(&self, tenant: &TenantName) -> Option<String> {
        let job = self.state.job_running_for(tenant)?;
        Some(format!("the run of {} to end", job.in_words()))
    }

    fn close_to_move(&mut self, tenant: &TenantName) {
        let (generation, since) = (self.next_generation, self.now);
        self.set_stage(tenant, MoveStage::Closed { generation, since });
        let reason = "its new cell is ready; it is closed until nothing of it is in flight";
        self.write_tenant(EntryKind::TenantClosed, tenant, None, &Cause::system("tenants", reason));
    }

    fn change_cell_if_quiet(
        &mut self,
        tenant: &TenantName,
        seat: &Seat,
        moving: &CellMove,
        (generation, since): (u64, Timestamp),
    ) -> bool {
        let (in_flight, drained) = self.in_flight_of(std::slice::from_ref(tenant), since);
        let until = drained.max(since) + CLOSED_MAX;
        let routing = &self.state.routing;
        let worked_on = self.has_workers(seat)
            && (self.state.cells.get(&seat.cell)).is_some_and(|cell| cell.ownership < generation);
        let reason = if routing.reported < generation.max(seat.epoch) {
            self.wake_at(until);
            format!("every gateway to close it: {}", self.gateways_in_words())
        } else if worked_on {
            self.wake_at(until);
            format!("the workers of cell {} to leave it", seat.cell)
        } else if in_flight > 0 && self.now < drained {
            self.wake_at(drained);
            format!(
                "{in_flight} in flight in cell {}, until {drained} at the latest",
                seat.cell
            )
        } else {
            self.change_cell(tenant);
            return true;
        };
        if until <= self.now {
            let reason = format!(
                "it stays in cell {}: it was closed until {until} and waited for {reason}",
                seat.cell
            );
            self.end_move(tenant, &Cause::system("tenants", reason));
            return true;
        }
        self.wait_to_move(tenant, moving, reason);
        false
    }

    /// Workers that own single tenants.
    fn has_workers(&self, seat: &Seat) -> bool {
        let release = seat.version.as_ref().and_then(|version| self.state.pinned.get(version));
        let owns_tenants = ComponentKind::Worker {
            ownership: Ownership::Tenant,
        };
        release.is_some_and(|release| {
            release
                .components
                .values()
                .any(|part| part.definition.kind == owns_tenants)
        })
    }

    /// The only place where a tenant changes its cell. Its epoch fences the workers of the one before.
    fn change_cell(&mut self, tenant: &TenantName) {
        let (generation, now) = (self.next_generation, self.now);
        let Some(seat) = self.state.seats.get_mut(tenant) else {
            return;
        };
        let Some(mut moving) = seat.moving.take() else { return };
        let from = std::mem::replace(&mut seat.cell, moving.to.clone());
        seat.epoch = generation;
        let (to, version) = (seat.cell.clone(), seat.version.clone());
        if version.is_some() {
            self.left.insert(from.clone());
        }
        let cause = Cause {
            actor: moving.by.clone(),
            reason: format!("from cell {from} to cell {to}: {}", moving.reason),
        };
        if moving.keep_closed && version.is_some() {
            moving.stage = MoveStage::Arrived { since: now };
            seat.moving = Some(moving);
        }
        match &version {
            Some(version) => self.own_where_nobody_does(&to, version),
            None => self.start_later(tenant),
        }
        self.go_back_with_others(tenant, &to);
        self.write_tenant(EntryKind::TenantMoved, tenant, None, &cause);
    }

    /// All of a cell whose data were worked on together go back together: who comes to it counts to the wave of those who are there,
    /// and goes back where they do.
    fn go_back_with_others(&mut self, tenant: &TenantName, cell: &CellName) {
        let seats = &self.state.seats;
        let here = |name: &TenantName| name != tenant && seats.get(name).is_some_and(|seat| seat.cell == *cell);
        let of_cell = |(name, member): &(&TenantName, &Member)| member.place.is_on() && here(name);
        let is_on = |wave: &WaveRun| wave.members.get(tenant).is_some_and(|member| member.place.is_on());
        let worked = self.state.runs.iter_mut();
        for run in worked.filter(|run| run.downtime_work_in(cell).is_some()) {
            let own = run.waves.iter().position(is_on);
            let mut waves = run.waves.iter().enumerate();
            let theirs = waves.find_map(|(wave, it)| Some((wave, it.members.iter().find(of_cell)?.1.clone())));
            let (Some(own), Some((theirs, other))) = (own, theirs) else {
                continue;
            };
            let Some(mut member) = run.waves[own].members.remove(tenant) else {
                continue;
            };
            if matches!(other.place, Place::Returning { .. }) {
                member.from = member.from.or(other.from);
                member.place = other.place;
            }
            run.waves[theirs].members.insert(tenant.clone(), member);
        }
    }

    /// Workers that own a whole cell have no owner yet where nobody has run anything.
    pub fn own_where_nobody_does(&mut self, cell: &CellName, version: &Version) {
        let mut here = self.state.seats.values().filter(|seat| seat.cell == *cell);
        if here.all(|seat| seat.version.as_ref().is_none_or(|on| on == version)) {
            self.set_owner(cell, version);
        }
    }

    /// Served in the new cell from now on; one that has not left yet is not kept closed there.
    pub fn open_tenant(&mut self, tenant: &TenantName, cause: &Cause) -> Result<(), Refused> {
        let seat = self.state.seats.get_mut(tenant);
        let seat = seat.ok_or_else(|| Refused::NoSuchTenant { tenant: tenant.clone() })?;
        match &mut seat.moving {
            Some(moving) if moving.stage.is_leaving() && moving.keep_closed => moving.keep_closed = false,
            Some(moving) if !moving.stage.is_leaving() => seat.moving = None,
            Some(_) | None => return Err(Refused::NotKeptClosed { tenant: tenant.clone() }),
        }
        self.write_tenant(EntryKind::TenantOpened, tenant, None, cause);
        Ok(())
    }

    /// It is served where it is.
    fn end_move(&mut self, tenant: &TenantName, cause: &Cause) {
        if let Some(seat) = self.state.seats.get_mut(tenant) {
            seat.moving = None;
        }
        self.write_tenant(EntryKind::TenantMoveEnded, tenant, None, cause);
    }

    fn set_stage(&mut self, tenant: &TenantName, stage: MoveStage) {
        let moving = self.state.seats.get_mut(tenant).and_then(|seat| seat.moving.as_mut());
        if let Some(moving) = moving {
            moving.stage = stage;
        }
    }

    fn wait_to_move(&mut self, tenant: &TenantName, moving: &CellMove, reason: String) {
        self.waiting.push(Waiting::CellMove {
            tenant: tenant.clone(),
            to: moving.to.clone(),
            reason,
        });
    }
}
