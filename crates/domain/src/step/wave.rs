//! The stages of one wave: prepare, verify, switch, bake, confirm.

use std::collections::{BTreeMap, BTreeSet};

use super::turn::{Cause, Turn};
use crate::effect::{Effect, EffectBody, EffectId, Milestone};
use crate::event::Verdict;
use crate::id::{CellName, SlotId, TenantName, Version};
use crate::journal::EntryKind;
use crate::observed::SlotState;
use crate::policy::OnInconclusive;
use crate::release::{ComponentKind, Stage};
use crate::service::{Member, Place, WaveRun, WaveState};
use crate::time::Timestamp;
use crate::waiting::Waiting;

impl Turn {
    /// Every component of the release is ready in every cell of the wave.
    pub fn prepare(&mut self, run: usize, wave: usize, since: Timestamp) -> bool {
        let version = self.state.runs[run].version.clone();
        let until = since + self.state.runs[run].policy.prepare_within;
        let current = &self.state.runs[run].waves[wave];
        let (name, resumed) = (current.name.clone(), current.resumed);
        let unready: Vec<(CellName, SlotId, SlotState)> = current
            .cells(&self.state.seats)
            .into_iter()
            .flat_map(|cell| {
                let unready = self.unready(&cell, &version).into_iter();
                unready.map(move |(slot, state)| (cell.clone(), slot, state))
            })
            .collect();
        if unready.is_empty() {
            self.enter(run, wave, Stage::Verify, "every slot is ready");
            return true;
        }
        let failed = unready.iter().find(|(_, _, state)| state.is_failed() && !resumed);
        let reason = match failed {
            Some((cell, slot, state)) => Some(format!("slot {slot} in cell {cell}: {}", state.in_words())),
            None => (until <= self.now).then(|| format!("wave {name} was not ready within its time, until {until}")),
        };
        if let Some(reason) = reason {
            self.hold_run(run, None, &Cause::system("prepare", reason));
            return true;
        }
        self.wait_for_slots(run, wave, unready, until);
        false
    }

    fn wait_for_slots(
        &mut self,
        run: usize,
        wave: usize,
        unready: Vec<(CellName, SlotId, SlotState)>,
        until: Timestamp,
    ) {
        let release = &self.state.runs[run].version;
        let wave = &self.state.runs[run].waves[wave].name;
        let waits = unready.into_iter().map(|(cell, slot, state)| Waiting::Slot {
            release: release.clone(),
            wave: wave.clone(),
            cell,
            slot,
            reason: state.in_words(),
            until,
        });
        self.waiting.extend(waits);
        self.wake_at(until);
    }

    /// Every gate must pass. Each is enqueued once for an attempt: the id is the same however often this is asked.
    pub fn verify(&mut self, run: usize, wave: usize) -> bool {
        let version = self.state.runs[run].version.clone();
        let current = &self.state.runs[run].waves[wave];
        let (name, attempt) = (current.name.clone(), current.attempt);
        let gates: Vec<_> = current
            .policy
            .gates
            .iter()
            .cloned()
            .zip(current.gates.clone())
            .collect();
        let mut open = false;
        for (index, (gate, outcome)) in gates.into_iter().enumerate() {
            let id = EffectId::gate(&version, &name, index, attempt);
            match outcome {
                None => {
                    open = true;
                    self.waiting.push(Waiting::Gate {
                        release: version.clone(),
                        wave: name.clone(),
                        effect: id.clone(),
                    });
                    if self.effects.iter().all(|effect| effect.id != id) {
                        let body = EffectBody::Gate {
                            version: version.clone(),
                            wave: name.clone(),
                            gate,
                        };
                        self.effects.push(Effect { id, body });
                    }
                }
                Some(judgement) if judgement.verdict == Verdict::Pass => {}
                Some(judgement) => {
                    let verdict = judgement.verdict.in_words();
                    let reason = format!("gate {} of wave {name}: {verdict}: {}", gate.uses, judgement.reason);
                    self.hold_run(run, None, &Cause::system("gate", reason));
                    return true;
                }
            }
        }
        if open {
            return false;
        }
        self.enter(run, wave, Stage::Switch, "every gate passed");
        true
    }

    /// Moves batch after batch; the next one when the last is confirmed by every gateway and every worker.
    pub fn switch(&mut self, run: usize, wave: usize, since: Timestamp) -> bool {
        let until = since + self.state.runs[run].policy.switch_within;
        if let Some(changed) = self.move_rest(run, wave, until) {
            return changed;
        }
        self.hand_over_cells(run);
        if self.wait_for_confirmation(run, wave, until).is_some() {
            return false;
        }
        self.announce(run, Some(wave), Milestone::WaveSwitched, None);
        self.enter(run, wave, Stage::Bake, "every gateway has confirmed");
        true
    }

    /// `None` when every member has moved and nothing is unconfirmed, else whether something changed.
    fn move_rest(&mut self, run: usize, wave: usize, until: Timestamp) -> Option<bool> {
        if let Some(changed) = self.wait_for_confirmation(run, wave, until) {
            return Some(changed);
        }
        self.leave_those_elsewhere(run, wave);
        if self.move_batch(run, wave) {
            return Some(true);
        }
        let version = &self.state.runs[run].version;
        let current = &self.state.runs[run].waves[wave];
        let left = current
            .members
            .iter()
            .filter(|(_, member)| member.place == Place::Waiting);
        let cells: BTreeSet<&CellName> = left
            .filter_map(|(name, _)| Some(&self.state.seats.get(name)?.cell))
            .collect();
        let unready: Vec<(CellName, SlotId, SlotState)> = cells
            .into_iter()
            .flat_map(|cell| {
                self.unready(cell, version)
                    .into_iter()
                    .map(|(slot, state)| (cell.clone(), slot, state))
            })
            .collect();
        let (cell, slot, state) = unready.first()?;
        if until <= self.now {
            let reason = format!(
                "slot {slot} in cell {cell} is not ready to take its tenants: {}",
                state.in_words()
            );
            self.hold_run(run, None, &Cause::system("switch", reason));
            return Some(true);
        }
        self.wait_for_slots(run, wave, unready, until);
        Some(false)
    }

    /// `None` when nothing is unconfirmed, else whether something changed.
    fn wait_for_confirmation(&mut self, run: usize, wave: usize, until: Timestamp) -> Option<bool> {
        let version = self.state.runs[run].version.clone();
        let name = self.state.runs[run].waves[wave].name.clone();
        let mut waits = Vec::new();
        if let Some(generation) = self.unconfirmed(run, wave) {
            let reason = self.gateways_in_words();
            let (release, wave) = (version.clone(), name.clone());
            waits.push(Waiting::Gateways {
                release,
                wave,
                generation,
                reason,
                until,
            });
        }
        for (cell, generation) in self.workers_behind(run, wave) {
            waits.push(Waiting::Workers {
                release: version.clone(),
                wave: name.clone(),
                cell,
                generation,
                until,
            });
        }
        let reason = waits.first()?.to_string();
        self.waiting.extend(waits);
        if until <= self.now {
            self.hold_run(
                run,
                None,
                &Cause::system("switch", format!("wave {name} still waits for {reason}")),
            );
            return Some(true);
        }
        self.wake_at(until);
        Some(false)
    }

    fn gateways_in_words(&self) -> String {
        let routing = &self.state.routing;
        if routing.alone {
            return "no gateway is registered".to_owned();
        }
        let lapsed = if routing.lapsed.is_empty() {
            String::new()
        } else {
            format!(", not heard: {}", routing.lapsed.join(", "))
        };
        format!("confirmed is {}{lapsed}", routing.confirmed)
    }

    /// Cells of moved members whose workers have not been told yet.
    fn workers_behind(&self, run: usize, wave: usize) -> Vec<(CellName, u64)> {
        let Some(release) = self.state.pinned.get(&self.state.runs[run].version) else {
            return Vec::new();
        };
        let worker = |kind: &ComponentKind| matches!(kind, ComponentKind::Worker { .. });
        if !release
            .components
            .values()
            .any(|component| worker(&component.definition.kind))
        {
            return Vec::new();
        }
        let mut behind: BTreeMap<CellName, u64> = BTreeMap::new();
        for (tenant, member) in &self.state.runs[run].waves[wave].members {
            let (Place::Moved { generation }, Some(seat)) = (&member.place, self.state.seats.get(tenant)) else {
                continue;
            };
            let Some(cell) = self.state.cells.get(&seat.cell) else {
                continue;
            };
            let handed_over = cell.owners.values().map(|owner| owner.generation).max().unwrap_or(0);
            let generation = handed_over.max(*generation);
            if generation > cell.ownership {
                let highest = behind.entry(seat.cell.clone()).or_default();
                *highest = (*highest).max(generation);
            }
        }
        behind.into_iter().collect()
    }

    /// As many members as the playbook lets be between two versions, of cells whose slots are ready.
    fn move_batch(&mut self, run: usize, wave: usize) -> bool {
        let generation = self.next_generation;
        let version = self.state.runs[run].version.clone();
        let current = &self.state.runs[run].waves[wave];
        let tenants_max = current.policy.max_parallel.tenants.map_or(usize::MAX, |n| n as usize);
        let cells_max = current.policy.max_parallel.cells.map_or(usize::MAX, |n| n as usize);
        let mut cells: BTreeSet<CellName> = BTreeSet::new();
        let mut ready: BTreeMap<CellName, bool> = BTreeMap::new();
        let mut batch: Vec<TenantName> = Vec::new();
        for (tenant, member) in &current.members {
            let (Place::Waiting, Some(seat)) = (&member.place, self.state.seats.get(tenant)) else {
                continue;
            };
            let is_ready = *ready
                .entry(seat.cell.clone())
                .or_insert_with(|| self.ready_in(&seat.cell, &version).is_ok());
            if !is_ready || (!cells.contains(&seat.cell) && cells.len() == cells_max) {
                continue;
            }
            cells.insert(seat.cell.clone());
            batch.push(tenant.clone());
            if batch.len() == tenants_max {
                break;
            }
        }
        for tenant in &batch {
            self.reseat(tenant, &version);
            if let Some(member) = self.state.runs[run].waves[wave].members.get_mut(tenant) {
                member.place = Place::Moved { generation };
            }
        }
        let moved = !batch.is_empty();
        if moved {
            self.state.runs[run].waves[wave].switched.get_or_insert(self.now);
            let name = self.state.runs[run].waves[wave].name.clone();
            let cause = Cause::system("release", format!("wave {name} switches"));
            self.write_moves(
                EntryKind::Moved,
                &version,
                &name,
                BTreeMap::from([(version.clone(), batch)]),
                &cause,
            );
        }
        moved
    }

    /// Until the evidence is good, long enough and about enough requests.
    pub fn bake(&mut self, run: usize, wave: usize, since: Timestamp) -> bool {
        let current = &self.state.runs[run].waves[wave];
        let (bake, name) = (current.policy.bake, current.name.clone());
        let (least, longest) = (since + bake.least, since + bake.longest);
        // Tenants that were created meanwhile follow without starting the bake anew.
        let late = longest.max(since + self.state.runs[run].policy.prepare_within);
        if let Some(changed) = self.move_rest(run, wave, late) {
            return changed;
        }
        let current = &self.state.runs[run].waves[wave];
        if current.was_taken_back() && !current.promoted && !bake.longest.is_zero() {
            let reason = format!("every tenant that wave {name} had moved was taken back");
            self.hold_run(run, None, &Cause::system("bake", reason));
            return true;
        }
        if bake.longest.is_zero() || current.promoted || !current.holds_tenants() {
            let reason = if current.promoted {
                "promoted"
            } else {
                "there is nothing to watch"
            };
            self.enter(run, wave, Stage::Confirm, reason);
            return true;
        }
        let requests = current.health.as_ref().map_or(0, |health| health.requests);
        let verdict = current.health.as_ref().map(|health| health.verdict);
        let enough = verdict == Some(Verdict::Pass) && requests >= bake.requests;
        if enough && least <= self.now {
            let reason = current
                .health
                .as_ref()
                .map_or(String::new(), |health| health.reason.clone());
            self.enter(run, wave, Stage::Confirm, &reason);
            return true;
        }
        let reason = current.evidence_in_words(enough);
        if longest <= self.now && !enough {
            self.bake_without_verdict(run, wave, &reason);
            return true;
        }
        self.wake_at(if enough { least } else { longest });
        let release = self.state.runs[run].version.clone();
        self.waiting.push(Waiting::Bake {
            release,
            wave: name,
            least,
            longest,
            reason,
        });
        false
    }

    fn bake_without_verdict(&mut self, run: usize, wave: usize, reason: &str) {
        let name = &self.state.runs[run].waves[wave].name;
        match self.state.runs[run].policy.on_inconclusive {
            OnInconclusive::Hold => {
                let reason = format!("wave {name} has baked its longest without a clear verdict: {reason}");
                self.hold_run(run, None, &Cause::system("bake", reason));
            }
            OnInconclusive::Pass => {
                let reason = format!("the playbook lets it pass: {reason}");
                self.enter(run, wave, Stage::Confirm, &reason);
            }
        }
    }

    pub fn confirm(&mut self, run: usize, wave: usize) -> bool {
        let (now, version) = (self.now, self.state.runs[run].version.clone());
        let current = &mut self.state.runs[run].waves[wave];
        current.state = WaveState::Confirmed { at: now };
        let name = current.name.clone();
        self.write(
            EntryKind::WaveConfirmed,
            &version,
            Some(&name),
            &Cause::system("release", "the wave is done"),
        );
        self.announce(run, Some(wave), Milestone::WaveConfirmed, None);
        true
    }
}

impl WaveRun {
    /// Some tenant is on the release through this wave.
    #[must_use]
    pub fn holds_tenants(&self) -> bool {
        self.members.values().any(|member| member.place.is_on())
    }

    fn evidence_in_words(&self, enough: bool) -> String {
        match &self.health {
            None => "nothing has been judged yet".to_owned(),
            Some(health) if enough => health.reason.clone(),
            Some(health) => format!(
                "{}, {} of {} requests: {}",
                health.verdict.in_words(),
                health.requests,
                self.policy.bake.requests,
                health.reason
            ),
        }
    }

    /// Nobody is left on the release who had come to it through this wave.
    fn was_taken_back(&self) -> bool {
        let returned = |member: &Member| matches!(member.place, Place::Returned { .. });
        !self.holds_tenants() && self.members.values().any(returned)
    }

    /// Everything that an attempt found out is forgotten; the tenants that came back wait again.
    pub fn restart(&mut self, attempt: u32) {
        self.attempt = attempt;
        self.gates = vec![None; self.policy.gates.len()];
        self.health = None;
        self.judged = None;
        self.switched = None;
        self.promoted = false;
        for member in self.members.values_mut() {
            if matches!(member.place, Place::Returned { .. }) {
                member.place = Place::Waiting;
            }
        }
    }

    /// The version that most of its members come from: what the new one is compared with.
    #[must_use]
    pub fn comes_from(&self) -> Option<&Version> {
        let mut counts: BTreeMap<&Version, usize> = BTreeMap::new();
        for from in self.members.values().filter_map(|member| member.from.as_ref()) {
            *counts.entry(from).or_default() += 1;
        }
        counts
            .into_iter()
            .max_by_key(|(_, count)| *count)
            .map(|(version, _)| version)
    }
}
