//! Runs a gate: finds what it judges, and gives it what it needs of the server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tidegate_domain::effect::{Effect, EffectBody, EffectId};
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::files::{LabelName, Scalar};
use tidegate_domain::id::{CellName, TenantName, Version, WaveName};
use tidegate_domain::policy::GateUse;
use tidegate_domain::service::{Service, WaveRun};
use tidegate_effects::drivers::Driver;
use tidegate_effects::gates::tap::Taps;
use tidegate_effects::gates::{self, Built, Hands, Target, TargetSlot, TargetTenant, Unused};
use tidegate_engine::Done;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use tokio::time::timeout;

use super::error;
use crate::control::{Control, View};

/// How long an observation may take to reach the state.
const SETTLE: Duration = Duration::from_secs(5);

/// What gates need of where the server runs.
#[derive(Clone)]
pub struct GateGround {
    /// The project's folder.
    pub project: PathBuf,
    /// The folder for what gates leave, by release and wave.
    pub kept: PathBuf,
    /// What gateways may be asked to mirror.
    pub taps: Taps,
    /// The labels of the cells.
    pub labels: BTreeMap<CellName, BTreeMap<LabelName, Scalar>>,
    pub driver: Arc<dyn Driver>,
    pub turns: Turns,
}

/// The gates of a wave judge side by side, but for one that disturbs what the others judge: it has the wave to itself.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Mutex<OfWaves>>);

/// The lock of each wave that has a gate running.
type OfWaves = BTreeMap<(Version, WaveName), Weak<RwLock<()>>>;

/// Held while a gate runs.
enum Turn {
    Shared(#[expect(dead_code, reason = "it is held")] OwnedRwLockReadGuard<()>),
    Alone(#[expect(dead_code, reason = "it is held")] OwnedRwLockWriteGuard<()>),
}

impl Turns {
    async fn take(&self, version: &Version, wave: &WaveName, alone: bool) -> Turn {
        let turn = self.of(version, wave);
        if alone {
            Turn::Alone(turn.write_owned().await)
        } else {
            Turn::Shared(turn.read_owned().await)
        }
    }

    fn of(&self, version: &Version, wave: &WaveName) -> Arc<RwLock<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        let key = (version.clone(), wave.clone());
        if let Some(turn) = turns.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(key, Arc::downgrade(&turn));
        turn
    }
}

/// Runs the gate that an effect of the lane `gate` names.
pub async fn act_on_gate(control: &Control, ground: &GateGround, effect: &Effect) -> Done {
    let EffectBody::Gate { version, wave, gate } = &effect.body else {
        return Done::Dead(error(format!("effect {} is no gate", effect.id)));
    };
    let disturbs = gates::disturbs(&gate.uses);
    let _turn = ground.turns.take(version, wave, disturbs).await;
    let view = control.view();
    if is_overridden(&view.state, version, wave, &effect.id) {
        return Done::Over(Judgement::new(Verdict::NoData, "it was overridden before it was run"));
    }
    let before = on_before(&view.state, version, wave);
    let old: BTreeSet<&Version> = before.iter().map(|(_, before)| *before).collect();
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
        homes: homes(&view.state, version, wave),
        labels: ground.labels.clone(),
        kept: ground
            .kept
            .join(version.as_str())
            .join(effect.id.subject().unwrap_or("-")),
        artifacts: built(&view.state, version, &*ground.driver),
        old_artifacts: old
            .iter()
            .flat_map(|before| built(&view.state, before, &*ground.driver))
            .collect(),
        hands: Some(Hands::new(
            Arc::clone(&ground.driver),
            unused(&view.state, version, wave),
        )),
    };
    let judgement = run(gate, &target).await;
    if disturbs {
        settle(control, &*ground.driver, &unused(&view.state, version, wave)).await;
    }
    Done::Over(judgement)
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
    let cells = cells(state, version, wave);
    cells.iter().flat_map(|cell| slots_of(state, cell, version)).collect()
}

/// The artifacts of a version that the driver keeps.
fn built(state: &Service, version: &Version, driver: &dyn Driver) -> Vec<Built> {
    let components = state
        .pinned
        .get(version)
        .into_iter()
        .flat_map(|release| &release.components);
    let built = components.filter_map(|(component, part)| {
        Some(Built {
            component: component.clone(),
            version: version.clone(),
            path: driver.artifact(&part.artifact.digest)?,
        })
    });
    built.collect()
}

/// The new slots of a wave that serve no tenant: neither one of a version that has it too, nor one of a wave before.
fn unused(state: &Service, version: &Version, wave: &WaveName) -> Vec<Unused> {
    let mut used = BTreeSet::new();
    for seat in state.seats.values() {
        let on = seat.version.as_ref();
        let resolved = on.and_then(|on| state.cells.get(&seat.cell)?.resolved.get(on));
        used.extend(resolved.into_iter().flatten().map(|(_, slot)| (&seat.cell, slot)));
    }
    let mut unused = Vec::new();
    for cell in cells(state, version, wave) {
        let resolved = state.cells.get(&cell).and_then(|here| here.resolved.get(version));
        for (component, slot) in resolved.into_iter().flatten() {
            if !used.contains(&(&cell, slot)) {
                unused.push(Unused {
                    cell: cell.clone(),
                    component: component.clone(),
                    slot: slot.clone(),
                });
            }
        }
    }
    unused
}

/// Instances that came back have other addresses, and gates that follow are to ask those.
async fn settle(control: &Control, driver: &dyn Driver, slots: &[Unused]) {
    let mut changes = control.changes();
    let is_known = |view: &Arc<View>| {
        slots.iter().all(|one| {
            let seen = driver.observe(&one.cell).slots.remove(&one.slot).unwrap_or_default();
            let known = view
                .state
                .cells
                .get(&one.cell)
                .and_then(|cell| cell.slots.get(&one.slot));
            known.is_none_or(|known| known.state.instances() == seen.instances())
        })
    };
    // What is not known by then has not come back, and the verdict says so.
    let _ = timeout(SETTLE, changes.wait_for(is_known)).await;
}

/// Where the tenants of the cells of a wave live.
fn homes(state: &Service, version: &Version, wave: &WaveName) -> BTreeMap<TenantName, CellName> {
    let cells = cells(state, version, wave);
    let here = state.seats.iter().filter(|(_, seat)| cells.contains(&seat.cell));
    here.map(|(tenant, seat)| (tenant.clone(), seat.cell.clone())).collect()
}

fn cells(state: &Service, version: &Version, wave: &WaveName) -> BTreeSet<CellName> {
    let waves = waves(state, version, wave);
    waves.flat_map(|wave| wave.cells(&state.seats)).collect()
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
