//! What drivers, gateways, monitors and gates report.

use super::turn::{Cause, Turn};
use crate::effect::EffectId;
use crate::event::{Judgement, Verdict};
use crate::id::{TenantName, Version, WaveName};
use crate::journal::EntryKind;
use crate::observed::{CellReports, GatewayReport, SlotState};
use crate::policy::OnFailure;
use crate::release::Stage;
use crate::service::{Place, RunPhase, WaveState};

impl Turn {
    /// A report replaces the one before: it is what was seen last.
    pub fn observe(&mut self, cells: &CellReports, gateways: &GatewayReport) {
        for (name, report) in cells {
            let Some(cell) = self.state.cells.get_mut(name) else {
                continue;
            };
            cell.ownership = cell.ownership.max(report.ownership);
            for (id, slot) in cell
                .slots
                .iter_mut()
                .filter(|(_, slot)| slot.since <= report.generation)
            {
                slot.state = report.slots.get(id).cloned().unwrap_or(SlotState::Unknown);
            }
        }
        let routing = &mut self.state.routing;
        routing.alone = gateways.confirmed.is_none();
        // A gateway that registers anew may name an older generation; what was confirmed has been served.
        routing.reported = gateways.confirmed.unwrap_or(0);
        routing.confirmed = routing.confirmed.max(routing.reported);
        routing.lapsed.clone_from(&gateways.lapsed);
        for cell in self.state.cells.values_mut() {
            for (id, slot) in &mut cell.slots {
                slot.in_flight = gateways.in_flight.get(id).copied().unwrap_or(0);
            }
        }
    }

    /// A judgement of an attempt that is over says nothing of the one that runs.
    pub fn judged(&mut self, version: &Version, wave: &WaveName, attempt: u32, judgement: &Judgement) {
        let Some(run) = self.state.runs.iter().rposition(|run| run.version == *version) else {
            return;
        };
        let Some(index) = self.state.runs[run].waves.iter().position(|w| w.name == *wave) else {
            return;
        };
        let watched = matches!(self.state.runs[run].phase, RunPhase::Moving);
        let current = &mut self.state.runs[run].waves[index];
        if current.attempt != attempt || current.health.as_ref() == Some(judgement) {
            return;
        }
        let in_canary = current.state.is_in(Stage::Canary) && current.canary.is_some();
        let in_bake = matches!(
            current.state,
            WaveState::Active {
                stage: Stage::Switch | Stage::Bake,
                ..
            }
        );
        if !watched || !(in_canary || in_bake || matches!(current.state, WaveState::Confirmed { .. })) {
            return;
        }
        if matches!(current.state, WaveState::Confirmed { .. }) && !judgement.verdict.is_clear() {
            return;
        }
        let same = current
            .health
            .as_ref()
            .is_some_and(|before| before.verdict == judgement.verdict);
        current.health = Some(judgement.clone());
        current.judged = Some(self.now);
        if !same {
            let cause = Cause::system(
                "health",
                format!("{}: {}", judgement.verdict.in_words(), judgement.reason),
            );
            self.write(EntryKind::Judged, version, Some(wave), &cause);
        }
        match judgement.verdict {
            Verdict::Fail if in_canary => self.fail_canary(run, index, judgement),
            Verdict::Fail => self.fail(run, index, judgement),
            Verdict::Pass | Verdict::Inconclusive | Verdict::NoData | Verdict::Error => {}
        }
    }

    /// A failed verdict brings back whom the playbook says, as far as the data allows.
    fn fail(&mut self, run: usize, wave: usize, judgement: &Judgement) {
        let cause = Cause::system("health", judgement.reason.clone());
        let impossible = |turn: &Self, wave| turn.comes_back_by_itself(run, wave).err();
        let mut refusal = None;
        match self.state.runs[run].policy.on_failure {
            OnFailure::Hold => {}
            // Whose data was worked on together goes back together.
            OnFailure::Tenant
                if !judgement.culprits.is_empty() && self.cells_with_downtime_work(run, wave).is_empty() =>
            {
                match impossible(self, wave) {
                    Some(refused) => refusal = Some(refused),
                    None => {
                        let culprits: Vec<TenantName> = judgement.culprits.keys().cloned().collect();
                        self.tenants_back(run, wave, &culprits, &cause);
                    }
                }
            }
            OnFailure::Tenant | OnFailure::Wave => match impossible(self, wave) {
                Some(refused) => refusal = Some(refused),
                None => self.wave_back(run, wave, &cause),
            },
            OnFailure::Release => {
                let started: Vec<usize> = (0..self.state.runs[run].waves.len())
                    .filter(|&w| self.state.runs[run].waves[w].holds_tenants())
                    .collect();
                for wave in started {
                    match impossible(self, wave) {
                        Some(refused) => refusal = Some(refused),
                        None => self.wave_back(run, wave, &cause),
                    }
                }
            }
        }
        let cause = match refusal {
            None => cause,
            Some(refused) => Cause::system(
                "health",
                format!("{}; not rolled back by itself: {refused}", cause.reason),
            ),
        };
        // The same trouble with other numbers is no news.
        let held = self.state.runs[run]
            .hold
            .as_ref()
            .is_some_and(|hold| hold.by == cause.actor);
        if !held {
            self.hold_run(run, None, &cause);
        }
    }

    /// The outcome of an effect. Of another attempt: ignored.
    pub fn performed(&mut self, effect: &EffectId, judgement: &Judgement) {
        self.step_performed(effect, judgement);
        self.job_performed(effect, judgement);
        for run in 0..self.state.runs.len() {
            for wave in 0..self.state.runs[run].waves.len() {
                let version = self.state.runs[run].version.clone();
                let current = &self.state.runs[run].waves[wave];
                let (name, attempt) = (current.name.clone(), current.attempt);
                let gate = (0..current.gates.len()).find(|&g| EffectId::gate(&version, &name, g, attempt) == *effect);
                let Some(gate) = gate else { continue };
                if current.gates[gate].is_none() {
                    self.gate_ended((run, wave, gate), judgement.clone());
                }
                return;
            }
        }
    }

    /// Some member is on its way between two versions and not confirmed yet.
    pub fn unconfirmed(&self, run: usize, wave: usize) -> Option<u64> {
        let confirmed = self.state.routing.confirmed;
        let members = self.state.runs[run].waves[wave].members.values();
        let generations = members.filter_map(|member| match member.place {
            Place::Moved { generation } => Some(generation),
            Place::Waiting
            | Place::Returning { .. }
            | Place::Returned { .. }
            | Place::Left { .. }
            | Place::Superseded { .. } => None,
        });
        generations.max().filter(|&generation| generation > confirmed)
    }
}

impl Verdict {
    /// It says that things are well, or that they are not.
    #[must_use]
    pub const fn is_clear(self) -> bool {
        match self {
            Self::Pass | Self::Fail => true,
            Self::Inconclusive | Self::NoData | Self::Error => false,
        }
    }

    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::NoData => "no data",
            Self::Error => "error",
        }
    }
}
