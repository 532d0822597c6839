//! The fake judge of health and the fake gates: they say what the scenario makes of a release.

use std::collections::BTreeMap;

use tidegate_domain::effect::{Effect, EffectBody};
use tidegate_domain::event::{Event, EventKind, Judgement, Verdict};
use tidegate_domain::id::{Actor, ServiceName, StepName, TenantName, Version, WaveName};
use tidegate_domain::monitor::{Monitor, monitors};
use tidegate_domain::release::DataStepKind;
use tidegate_domain::service::CompanionPhase;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_engine::Done;

use super::World;
use super::jobs::Runs;
use crate::boundary::Kind;
use crate::product::JUDGED_EVERY;
use crate::script::GateMood;

/// A release, or one wave of it alone, which then counts more than the release.
type Of = (Version, Option<WaveName>);

#[derive(Debug, Clone, Default)]
pub struct Moods {
    health: BTreeMap<Of, (Verdict, Vec<TenantName>)>,
    gates: BTreeMap<Of, GateMood>,
    steps: BTreeMap<(Version, StepName), GateMood>,
    pub companions: BTreeMap<(Version, ServiceName), CompanionPhase>,
    jobs: Runs,
}

/// How gates and steps answer now.
#[derive(Debug, Clone)]
pub struct Answers {
    gates: BTreeMap<Of, GateMood>,
    steps: BTreeMap<(Version, StepName), GateMood>,
    jobs: Runs,
}

fn mood<'a, T>(all: &'a BTreeMap<Of, T>, version: &Version, wave: &WaveName) -> Option<&'a T> {
    let of_wave = all.get(&(version.clone(), Some(wave.clone())));
    of_wave.or_else(|| all.get(&(version.clone(), None)))
}

impl Moods {
    pub fn with_runs_taking(takes: Duration) -> Self {
        Self {
            jobs: Runs::taking(takes),
            ..Self::default()
        }
    }

    /// A copy that goes its own way.
    pub fn fork(&self) -> Self {
        Self {
            jobs: self.jobs.fork(),
            ..self.clone()
        }
    }

    pub fn health(&mut self, version: &Version, wave: Option<&WaveName>, verdict: Verdict, culprits: &[TenantName]) {
        self.health
            .insert((version.clone(), wave.cloned()), (verdict, culprits.to_vec()));
    }

    pub fn gate(&mut self, version: &Version, wave: Option<&WaveName>, mood: GateMood) {
        self.gates.insert((version.clone(), wave.cloned()), mood);
    }

    pub fn step(&mut self, version: &Version, kind: DataStepKind, mood: GateMood) {
        let name = StepName::new(kind.as_str()).expect("a name");
        self.steps.insert((version.clone(), name), mood);
    }

    pub fn companion(&mut self, version: &Version, service: &ServiceName, phase: CompanionPhase) {
        self.companions.insert((version.clone(), service.clone()), phase);
    }

    /// All of them end well from now on.
    pub fn heal_steps(&mut self) {
        self.steps.clear();
    }

    pub fn answers(&self) -> Answers {
        Answers {
            gates: self.gates.clone(),
            steps: self.steps.clone(),
            jobs: self.jobs.clone(),
        }
    }

    /// Two requests a tenant and second, told in two figures, so that a judgement does not change with every one.
    fn judge(&self, monitor: &Monitor, now: Timestamp) -> Judgement {
        let seconds = u64::try_from((now - monitor.since).as_millis() / 1_000).unwrap_or(0);
        let count = seconds * 2 * monitor.tenants.len() as u64;
        let requests = if count >= monitor.requests_min {
            monitor.requests_min
        } else {
            0
        };
        let (verdict, named) = mood(&self.health, &monitor.version, &monitor.wave)
            .cloned()
            .unwrap_or((Verdict::Pass, Vec::new()));
        let hurt: Vec<TenantName> = named
            .iter()
            .filter(|name| monitor.tenants.contains_key(*name))
            .cloned()
            .collect();
        let verdict = match verdict {
            Verdict::Fail if !named.is_empty() && hurt.is_empty() => Verdict::Pass,
            Verdict::Pass if count == 0 => Verdict::NoData,
            Verdict::Pass | Verdict::Fail | Verdict::Inconclusive | Verdict::NoData | Verdict::Error => verdict,
        };
        Judgement {
            verdict,
            reason: format!("{} as simulated", verdict.in_words()),
            needs: None,
            requests,
            culprits: hurt.into_iter().map(|name| (name, "it is slow".to_owned())).collect(),
        }
    }
}

impl Answers {
    pub fn answer(&self, effect: &Effect, now: Timestamp) -> Done {
        let mood = match &effect.body {
            EffectBody::Gate { version, wave, .. } => mood(&self.gates, version, wave),
            EffectBody::Job(_) => return self.jobs.answer(&effect.id, now),
            EffectBody::Step(task) => self.steps.get(&(task.version.clone(), task.step.clone())),
            EffectBody::Announce(_) | EffectBody::Notice { .. } => {
                return Done::Over(Judgement::new(Verdict::Pass, "it was told"));
            }
        };
        match mood {
            None => Done::Over(Judgement::new(Verdict::Pass, "all is well")),
            Some(GateMood::Ends(verdict)) => Done::Over(Judgement::new(*verdict, "as simulated")),
            Some(GateMood::Dead) => Done::Dead(Judgement::new(Verdict::Error, "it cannot be run")),
            Some(GateMood::Retried) => {
                // Every other half minute of the clock, whoever asks.
                let half_minutes = now.0 / 30_000;
                if half_minutes % 2 == 0 {
                    Done::Over(Judgement::new(Verdict::Pass, "at last"))
                } else {
                    let at = now + Duration::from_secs(30);
                    let why = "it is busy".to_owned();
                    Done::Again { at, why }
                }
            }
        }
    }
}

impl World {
    /// Puts every judgement that has changed.
    pub fn judge(&mut self) {
        self.judge_begins();
        if !self.server.is_up() {
            return;
        }
        let Some(state) = self.server.state.as_ref() else {
            return;
        };
        let now = self.now();
        let all = monitors(state);
        let warms_up = all.iter().any(|monitor| monitor.next_warm(now).is_some());
        let monitors: Vec<Monitor> = all.into_iter().filter_map(|monitor| monitor.warmed_up(now)).collect();
        let judged: Vec<_> = monitors
            .iter()
            .map(|monitor| (monitor, self.moods.judge(monitor, now)))
            .collect();
        let rising = judged.iter().any(|(monitor, judgement)| {
            judgement.requests < monitor.requests_min || (now <= monitor.since && judgement.verdict == Verdict::NoData)
        });
        let mut changed = Vec::new();
        for (monitor, judgement) in judged {
            let key = (monitor.version.clone(), monitor.wave.clone(), monitor.attempt);
            if self.server.judged.get(&key) != Some(&judgement) {
                changed.push((key, judgement));
            }
        }
        for ((version, wave, attempt), judgement) in changed {
            let key = (version.clone(), wave.clone(), attempt);
            if judgement.verdict == Verdict::Pass {
                self.checker.passed(&version, &wave, attempt);
            }
            let event = Event {
                actor: Actor::system("health"),
                reason: None,
                kind: EventKind::Judged {
                    version,
                    wave,
                    attempt,
                    judgement: judgement.clone(),
                },
            };
            if !self.put_own(&event, Kind::Judgement) {
                return;
            }
            self.server.judged.insert(key, judgement);
        }
        if rising || warms_up {
            self.judge_in(JUDGED_EVERY.as_millis());
        }
    }
}
