//! One run: starts the parts, makes switches, and between them everything that can go wrong around a switch.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tidegate_gateway::table::{Phase, SlotId};

use super::TortureError;
use super::gateways::Gateways;
use super::generator::Generator;
use super::order::Edit;
use super::process::{Processes, free_address};
use super::report::{Observed, Report};
use super::steering::Steering;
use super::switches::{Moves, Switches};
use super::upstream::{PlannedSlot, RunningSlot};
use super::world::{self, CELLS, MORTAL_CELL, SAFE_CELLS, VERSIONS};
use super::{Fault, Plan};
use crate::traffic::config::Rates;

/// Until every class of traffic is under way.
const WARM_UP: Duration = Duration::from_millis(1_500);
/// Longer than what is under way takes, and so never reached where nothing is wrong.
const DRAIN: Duration = Duration::from_secs(20);
/// For how long a killed instance stays in the table, as it does until a health check has failed.
const UNNOTICED: Duration = Duration::from_millis(60);
/// How much too late the instances of a slot start with [`Fault::SwapBeforeReady`].
const TOO_LATE: Duration = Duration::from_secs(1);

pub struct Conductor {
    plan: Plan,
    processes: Processes,
    switches: Switches,
    steering: Steering,
    gateways: Gateways,
    slots: BTreeMap<(&'static str, &'static str), RunningSlot>,
    draining: Vec<Draining>,
    safe: Generator,
    mortal: Generator,
    observed: Observed,
    /// Makes names of slots and instances new.
    turn: usize,
}

/// A slot that no version has any more.
struct Draining {
    slot: RunningSlot,
    since: Instant,
    /// The generation that took it away.
    generation: u64,
}

impl Conductor {
    /// Starts everything and sends until every class is under way.
    pub async fn start(plan: Plan, processes: &Processes) -> Result<Self, TortureError> {
        let mut slots = BTreeMap::new();
        let mut first = BTreeMap::new();
        for cell in CELLS {
            std::fs::create_dir_all(processes.folder().join(cell)).map_err(TortureError::io("cannot make a folder"))?;
            for version in VERSIONS {
                let planned = PlannedSlot::new(cell, version, 0)?;
                first.insert(planned.id.clone(), planned.slot());
                slots.insert((cell, version), planned.start(processes).await?);
            }
        }
        let switches = Switches::new(world::tenants(), plan.tenants, plan.seed);
        let table = world::table(first, &switches.tenants, switches.idle());
        let publisher = free_address()?;
        let mut steering = Steering::start(processes, table, publisher).await?;
        let gateways = Gateways::start(processes, publisher, plan.fault.and_then(Fault::of_gateway)).await?;
        steering.confirmed().await?;
        let load = |cells: &'static [&'static str], share: f64| {
            let rates = rates(plan.load * share);
            Generator::start(processes, gateways.listen, &switches.tenants, cells, rates)
        };
        let safe = load(&SAFE_CELLS, 1.0).await?;
        let mortal = load(&[MORTAL_CELL], 0.3).await?;
        tokio::time::sleep(WARM_UP).await;
        Ok(Self {
            plan,
            processes: processes.clone(),
            switches,
            steering,
            gateways,
            slots,
            draining: Vec::new(),
            safe,
            mortal,
            observed: Observed::default(),
            turn: 0,
        })
    }

    pub async fn run(mut self) -> Result<Report, TortureError> {
        let begun = Instant::now();
        let settled = self.plan.switches / 2;
        for place in 0..self.plan.switches {
            let pause = self.switches.pause();
            tokio::time::sleep(pause).await;
            self.tidy().await?;
            if place == settled {
                self.settle().await?;
            }
            // A process that has just started still fills its pools.
            if place == settled + self.plan.switches / 8 {
                self.observed.before = self.gateways.holdings()?;
            }
            if is_due(self.plan.handovers(), place, settled) && !self.gateways.are_handing_over() {
                self.gateways.start_next()?;
                self.observed.handovers += 1;
            }
            self.switch(is_due(self.plan.publisher_kills(), place, self.plan.switches))
                .await?;
            if is_due(self.plan.deaths(), place, self.plan.switches) {
                self.kill_candidate().await?;
            }
            if is_due(self.plan.renewals(), place, self.plan.switches) {
                self.renew().await?;
            }
        }
        self.observed.after = self.gateways.holdings()?;
        self.settle().await?;
        while !self.draining.is_empty() {
            self.tidy().await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let safe = self.safe.close().await?;
        let mortal = self.mortal.close().await?;
        let mut report = Report::new(&self.observed, &safe, &mortal);
        report.tenants = self.plan.tenants;
        report.seconds = seconds;
        Ok(report)
    }

    async fn switch(&mut self, is_publisher_killed: bool) -> Result<(), TortureError> {
        let moves = self.switches.next();
        let after = is_publisher_killed.then(|| Duration::from_millis(self.switches.below(12) as u64));
        self.observed.publisher_kills += usize::from(is_publisher_killed);
        self.carry_out(moves, after).await
    }

    /// Publishes a switch; the generators are told of it before and after.
    async fn carry_out(&mut self, moves: Moves, kill_after: Option<Duration>) -> Result<(), TortureError> {
        for generator in [&mut self.safe, &mut self.mortal] {
            generator.switching(&moves.sending).await?;
        }
        let edit = Edit::Route(moves.groups);
        let confirmation = match kill_after {
            None => self.steering.publish(edit).await?,
            Some(after) => self.steering.publish_through_kill(edit, after).await?,
        };
        for generator in [&mut self.safe, &mut self.mortal] {
            generator
                .confirmed(&moves.sending, confirmation.confirmed_micros)
                .await?;
        }
        self.observed.switches += 1;
        if kill_after.is_none() {
            self.observed.confirmations.push(confirmation);
        }
        Ok(())
    }

    /// Kills an instance of the version that a cell has just been switched to; it leaves the table a moment later, and another one comes.
    async fn kill_candidate(&mut self) -> Result<(), TortureError> {
        let version = VERSIONS[self.switches.below(VERSIONS.len())];
        let moves = self.switches.all_of(MORTAL_CELL, version);
        self.carry_out(moves, None).await?;
        self.turn += 1;
        let Some(slot) = self.slots.get_mut(&(MORTAL_CELL, version)) else {
            return Ok(());
        };
        slot.kill_one().await?;
        self.observed.deaths += 1;
        tokio::time::sleep(UNNOTICED).await;
        let edit = |slot: &RunningSlot| Edit::Instances {
            id: slot.id.clone(),
            instances: slot.instances(),
        };
        self.steering.publish(edit(slot)).await?;
        slot.replace(&self.processes, &format!("after-{}", self.turn)).await?;
        self.steering.publish(edit(slot)).await?;
        Ok(())
    }

    /// Replaces a slot that serves by another one of the same version.
    async fn renew(&mut self) -> Result<(), TortureError> {
        let (cell, version) = self.switches.in_use();
        self.turn += 1;
        let planned = PlannedSlot::new(cell, version, self.turn)?;
        let edit = Edit::Renew {
            version: world::key(cell, version),
            id: planned.id.clone(),
            slot: planned.slot(),
            before: draining(),
        };
        let (started, generation) = if self.plan.fault == Some(Fault::SwapBeforeReady) {
            let generation = self.steering.publish(edit).await?.generation;
            tokio::time::sleep(TOO_LATE).await;
            (planned.start(&self.processes).await?, generation)
        } else {
            let started = planned.start(&self.processes).await?;
            (started, self.steering.publish(edit).await?.generation)
        };
        if let Some(slot) = self.slots.insert((cell, version), started) {
            self.draining.push(Draining {
                slot,
                since: Instant::now(),
                generation,
            });
        }
        self.observed.slots_renewed += 1;
        Ok(())
    }

    /// Stops the slots that every gateway says are empty, and takes note of the gateways that have ended.
    async fn tidy(&mut self) -> Result<(), TortureError> {
        for pid in self.gateways.reap()? {
            self.steering.ended(pid).await?;
        }
        let status = self.steering.status();
        let is_empty =
            |one: &Draining| status.confirmed >= one.generation && !status.in_flight.contains_key(&one.slot.id);
        let (empty, full): (Vec<_>, Vec<_>) = std::mem::take(&mut self.draining).into_iter().partition(is_empty);
        self.draining = full;
        if self.draining.iter().any(|one| one.since.elapsed() > DRAIN) {
            return Err(TortureError::Late {
                what: "the drain of a slot",
                limit: DRAIN,
            });
        }
        for Draining { slot, .. } in empty {
            let id: SlotId = slot.id.clone();
            slot.stop().await?;
            self.steering.publish(Edit::Remove(id)).await?;
        }
        Ok(())
    }

    /// Waits until one gateway process is left.
    async fn settle(&mut self) -> Result<(), TortureError> {
        for pid in self.gateways.settle().await? {
            self.steering.ended(pid).await?;
        }
        self.steering.confirmed().await?;
        Ok(())
    }
}

/// Whether one of `count` things spread evenly over `places` is due at this one.
fn is_due(count: usize, place: usize, places: usize) -> bool {
    place < places && place * count / places != (place + 1) * count / places
}

fn rates(factor: f64) -> Rates {
    let demo = Rates::demo();
    Rates {
        get: demo.get * factor,
        post: demo.post * factor,
        slow_get: demo.slow_get * factor,
        feed: demo.feed * factor,
        live: demo.live * factor,
        upload: demo.upload * factor,
        http2: demo.http2 * factor,
        reuse: demo.reuse * factor,
    }
}

fn draining() -> Phase {
    let until = std::time::SystemTime::now() + DRAIN;
    let until = until.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let until_ms = u64::try_from(until.as_millis()).ok();
    Phase::Draining {
        requests_until_ms: until_ms,
        streams_until_ms: until_ms,
    }
}

#[cfg(test)]
mod tests;
