//! The stages of one wave: prepare, verify, switch, bake, confirm. The canary between two of them has a file of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::gate::Gates;
use super::turn::{Cause, Turn};
use crate::calendar::next_peak;
use crate::effect::Milestone;
use crate::id::{CellName, SlotId, TenantName, Version};
use crate::journal::EntryKind;
use crate::observed::SlotState;
use crate::policy::{OnInconclusive, Through};
use crate::release::Stage;
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

    pub fn wait_for_slots(
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

    /// The wave goes on when every gate lets it.
    pub fn verify(&mut self, run: usize, wave: usize, since: Timestamp) -> bool {
        match self.ask_gates(run, wave, since) {
            Gates::Waiting => false,
            Gates::News => true,
            Gates::Stop(reason) => {
                self.hold_run(run, None, &Cause::system("gate", reason));
                true
            }
            Gates::Passed(reason) => {
                self.leave_verify(run, wave, &reason);
                true
            }
        }
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
            return self.leave_bake(run, wave, reason);
        }
        if let Some((tenants, until)) = self.peaks_ahead(run, wave) {
            let release = self.state.runs[run].version.clone();
            self.waiting.push(Waiting::Peak {
                release,
                wave: name,
                tenants,
                until,
            });
            self.wake_at(until);
            return false;
        }
        let enough = current.has_passed(bake.requests);
        if enough && least <= self.now {
            let reason = current
                .health
                .as_ref()
                .map_or(String::new(), |health| health.reason.clone());
            return self.leave_bake(run, wave, &reason);
        }
        let reason = current.evidence_in_words(enough, bake.requests);
        if longest <= self.now && !enough {
            return self.bake_without_verdict(run, wave, &reason);
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

    /// The moved tenants that have not had their next peak on the new version, and when the last of them will have.
    fn peaks_ahead(&self, run: usize, wave: usize) -> Option<(Vec<TenantName>, Timestamp)> {
        let schedule = &self.state.runs[run].schedule;
        let current = &self.state.runs[run].waves[wave];
        let moved = current
            .moved
            .filter(|_| current.policy.bake.through == Some(Through::Peak))?;
        let mut ends: BTreeMap<(u16, &BTreeSet<u8>), Option<Timestamp>> = BTreeMap::new();
        let mut waiting = Vec::new();
        let mut last = None;
        for (tenant, member) in &current.members {
            let (Place::Moved { .. }, Some(hours)) = (&member.place, schedule.peaks.get(tenant)) else {
                continue;
            };
            let class = schedule.class_of(tenant).unwrap_or(&schedule.base);
            let index = schedule.class_index(tenant);
            let ends = ends
                .entry((index, hours))
                .or_insert_with(|| next_peak(hours, class, moved).map(|peak| peak.ends));
            if let Some(ends) = ends.filter(|ends| *ends > self.now) {
                waiting.push(tenant.clone());
                last = last.max(Some(ends));
            }
        }
        Some((waiting, last?))
    }

    /// Members that are frozen where they are move with the last wave, which waits for them.
    fn leave_bake(&mut self, run: usize, wave: usize, reason: &str) -> bool {
        let admission = self.admission(run, wave);
        if !admission.is_free() && !self.put_off(run, wave, &admission) {
            return false;
        }
        self.enter(run, wave, Stage::Confirm, reason);
        true
    }

    fn bake_without_verdict(&mut self, run: usize, wave: usize, reason: &str) -> bool {
        let name = &self.state.runs[run].waves[wave].name;
        let of_wave = self.state.runs[run].waves[wave].policy.bake.on_inconclusive;
        match of_wave.unwrap_or(self.state.runs[run].policy.on_inconclusive) {
            OnInconclusive::Hold => {
                let reason = format!("wave {name} has baked its longest without a clear verdict: {reason}");
                self.hold_run(run, None, &Cause::system("bake", reason));
                true
            }
            OnInconclusive::Pass => {
                let reason = format!("the playbook lets it pass: {reason}");
                self.leave_bake(run, wave, &reason)
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

    pub fn evidence_in_words(&self, enough: bool, requests: u64) -> String {
        match &self.health {
            None => "nothing has been judged yet".to_owned(),
            Some(health) if enough => health.reason.clone(),
            Some(health) => {
                let needs = health.needs.as_ref().map(|needs| format!("; to decide: {needs}"));
                format!(
                    "{}, {} of {} requests: {}{}",
                    health.verdict.in_words(),
                    health.requests,
                    requests,
                    health.reason,
                    needs.unwrap_or_default()
                )
            }
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
        self.canary = None;
        self.canaries_cut_short = 0;
        self.health = None;
        self.judged = None;
        self.switched = None;
        self.moved = None;
        self.admitted = None;
        self.handed_over = None;
        self.finishing.clear();
        self.maintenance = None;
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
