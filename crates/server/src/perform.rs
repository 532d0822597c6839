//! The performers: take what is due in a lane, have it done, report.
//!
//! A lease is short and renewed while its effect is being done, so that what a killed server had begun is begun again soon.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tidegate_domain::effect::{Effect, EffectBody, EffectId, Lane};
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::files::{LabelName, Scalar};
use tidegate_domain::id::{CellName, Version, WaveName};
use tidegate_domain::policy::GateUse;
use tidegate_domain::service::{Service, WaveRun};
use tidegate_domain::time::{Duration as Span, Timestamp};
use tidegate_effects::drivers::{Driver, Once};
use tidegate_effects::gates::tap::Taps;
use tidegate_effects::gates::{self, Target, TargetSlot, TargetTenant};
use tidegate_engine::{Done, Lease, perform};
use tokio::sync::watch;
use tokio::time::{interval, sleep};

use crate::clock;
use crate::control::{Control, View, in_words};

const LEASE: Span = Span::from_secs(10);
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// After the store failed.
const BACK_OFF: Duration = Duration::from_secs(1);

/// Effects that become due without a turn, such as retries, are found at the latest after this.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Does one effect.
pub type Act = Arc<dyn Fn(Effect) -> Acting + Send + Sync>;
pub type Acting = Pin<Box<dyn Future<Output = Done> + Send>>;

/// Until the one who was faster has written its lease.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One performer of one lane.
#[derive(Clone)]
pub struct Performer {
    pub control: Control,
    pub lane: Lane,
    /// This performer in this life.
    pub owner: String,
    pub act: Act,
}

impl Performer {
    /// Performs for ever.
    pub async fn run(self) {
        self.control.confirmed().await;
        let mut changes = self.control.changes();
        let lease = Lease {
            owner: &self.owner,
            length: LEASE,
            limit: 1,
        };
        loop {
            changes.borrow_and_update();
            if !self.is_due().await {
                self.rest(&mut changes).await;
                continue;
            }
            let performer = self.clone();
            let act = move |effect: &Effect| performer.clone().act_under_lease(effect.clone());
            match perform(self.control.store(), self.lane, &lease, clock::now(), act).await {
                // Another performer was faster.
                Ok(0) => sleep(LOOK_AGAIN).await,
                Ok(_) => self.control.wake(),
                Err(error) => {
                    tracing::error!(trouble = in_words(&error), lane = self.lane.as_str(), "cannot perform");
                    sleep(BACK_OFF).await;
                }
            }
        }
    }

    fn act_under_lease(self, effect: Effect) -> Acting {
        Box::pin(async move {
            tokio::select! {
                done = (self.act)(effect.clone()) => done,
                never = self.renew(&effect) => match never {},
            }
        })
    }

    /// Asked before leasing, which is a transaction that others would wait for.
    async fn is_due(&self) -> bool {
        self.next_due().await.is_some_and(|due| due <= clock::now())
    }

    async fn next_due(&self) -> Option<Timestamp> {
        match self.control.store().next_due(self.lane.as_str()).await {
            Ok(due) => due.map(Timestamp),
            Err(error) => {
                tracing::error!(
                    trouble = in_words(&error),
                    lane = self.lane.as_str(),
                    "cannot see what is due"
                );
                None
            }
        }
    }

    /// Until a turn may have enqueued something, or something is due.
    async fn rest(&self, changes: &mut watch::Receiver<Arc<View>>) {
        let wait = self.next_due().await.map_or(LOOK_EVERY, clock::until);
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep(wait.min(LOOK_EVERY)) => {}
        }
    }

    async fn renew(&self, effect: &Effect) -> Infallible {
        let mut ticks = interval(RENEW_EVERY);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let until = clock::now() + LEASE;
            let ids = [effect.id.to_string()];
            if let Err(error) = self.control.store().renew(&self.owner, &ids, until.0).await {
                tracing::warn!(trouble = in_words(&error), effect = %effect.id, "cannot renew a lease");
            }
        }
    }
}

/// What gates need of where the server runs.
#[derive(Debug, Clone)]
pub struct GateGround {
    /// The project's folder.
    pub project: PathBuf,
    /// The folder for what gates leave, by release and wave.
    pub kept: PathBuf,
    /// What gateways may be asked to mirror.
    pub taps: Taps,
    /// The labels of the cells.
    pub labels: BTreeMap<CellName, BTreeMap<LabelName, Scalar>>,
}

/// Runs the gate that an effect of the lane `gate` names.
pub async fn act_on_gate(control: &Control, ground: &GateGround, effect: &Effect) -> Done {
    let EffectBody::Gate { version, wave, gate } = &effect.body else {
        return Done::Dead(error(format!("effect {} is no gate", effect.id)));
    };
    let view = control.view();
    if is_overridden(&view.state, version, wave, &effect.id) {
        return Done::Over(Judgement::new(Verdict::NoData, "it was overridden before it was run"));
    }
    let before = on_before(&view.state, version, wave);
    let target = Target {
        version: version.clone(),
        wave: wave.clone(),
        directory: ground.project.clone(),
        slots: slots(&view.state, version, wave),
        old: before
            .iter()
            .flat_map(|(cell, before)| slots_of(&view.state, cell, before))
            .collect(),
        has_old: !before.is_empty(),
        tenants: tenants(&view.state, version, wave),
        taps: ground.taps.clone(),
        labels: ground.labels.clone(),
        kept: ground
            .kept
            .join(version.as_str())
            .join(effect.id.subject().unwrap_or("-")),
    };
    Done::Over(run(gate, &target).await)
}

/// Runs the work on data, or the run of a job, that an effect of the lane `step` or `job` names.
pub async fn act_once(driver: &dyn Driver, effect: &Effect) -> Done {
    let task = match &effect.body {
        EffectBody::Step(task) => Once::Step(task),
        EffectBody::Job(task) => Once::Job(task),
        EffectBody::Gate { .. } | EffectBody::Announce(_) | EffectBody::Notice { .. } => {
            return Done::Dead(error(format!("effect {} is nothing to run", effect.id)));
        }
    };
    Done::Over(driver.run_once(&effect.id, task).await)
}

async fn run(gate: &GateUse, target: &Target) -> Judgement {
    match gates::find(&gate.uses) {
        Some(kind) => (kind.run)(gate.with.clone(), target.clone()).await,
        None => error(format!(
            "there is no gate `{}`; known are: {}",
            gate.uses,
            gates::names()
        )),
    }
}

/// A person has let the wave go past it meanwhile: tenants may be on what it would be run against.
fn is_overridden(state: &Service, version: &Version, wave: &WaveName, effect: &EffectId) -> bool {
    let mut waves = waves(state, version, wave);
    waves.any(|run| {
        let mut overridden = run.overridden.keys();
        overridden.any(|gate| EffectId::gate(version, wave, *gate, run.attempt) == *effect)
    })
}

/// The new slots of a wave, with where their instances are.
fn slots(state: &Service, version: &Version, wave: &WaveName) -> Vec<TargetSlot> {
    let cells: BTreeSet<CellName> = waves(state, version, wave)
        .flat_map(|wave| wave.cells(&state.seats))
        .collect();
    cells.iter().flat_map(|cell| slots_of(state, cell, version)).collect()
}

/// The versions that the tenants of a wave are on, with their cells.
fn on_before<'s>(state: &'s Service, version: &Version, wave: &WaveName) -> BTreeSet<(&'s CellName, &'s Version)> {
    let members = waves(state, version, wave).flat_map(|wave| wave.members.keys());
    let seats = members.filter_map(|tenant| state.seats.get(tenant));
    let on = seats.filter_map(|seat| Some((&seat.cell, seat.version.as_ref()?)));
    on.filter(|(_, before)| *before != version).collect()
}

/// The tenants of a wave that are on a version already.
fn tenants(state: &Service, version: &Version, wave: &WaveName) -> Vec<TargetTenant> {
    let members = waves(state, version, wave).flat_map(|wave| wave.members.keys());
    let seated = members.filter_map(|tenant| {
        let seat = state.seats.get(tenant)?;
        Some(TargetTenant {
            tenant: tenant.clone(),
            cell: seat.cell.clone(),
            version: seat.version.clone()?,
        })
    });
    seated.collect()
}

fn waves<'s>(state: &'s Service, version: &Version, wave: &WaveName) -> impl Iterator<Item = &'s WaveRun> {
    let waves = state.run(version).into_iter().flat_map(|run| &run.waves);
    waves.filter(move |run| run.name == *wave)
}

/// What a version runs in a cell.
fn slots_of(state: &Service, cell: &CellName, version: &Version) -> Vec<TargetSlot> {
    let Some(here) = state.cells.get(cell) else {
        return Vec::new();
    };
    let resolved = here.resolved.get(version).into_iter().flatten();
    resolved
        .map(|(component, id)| TargetSlot {
            cell: cell.clone(),
            component: component.clone(),
            addresses: here
                .slots
                .get(id)
                .iter()
                .flat_map(|slot| slot.state.instances())
                .map(|instance| instance.address)
                .collect(),
        })
        .collect()
}

fn error(reason: String) -> Judgement {
    Judgement::new(Verdict::Error, reason)
}
