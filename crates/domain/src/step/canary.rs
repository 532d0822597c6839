//! The canary: a share of the requests of those who may move goes to the new version before anybody is moved, and is judged against the
//! other requests of the same tenants. Everything else sees these tenants where they are, on the earlier version.

use std::collections::{BTreeMap, BTreeSet};

use super::admission::Admission;
use super::turn::{Cause, Turn};
use crate::event::{Judgement, Verdict};
use crate::id::{CellName, SlotId, TenantName};
use crate::journal::EntryKind;
use crate::observed::SlotState;
use crate::policy::{Canary, OnInconclusive};
use crate::release::Stage;
use crate::service::{CanaryRun, Closed, Place, RunPhase, WaveRun, WaveState};
use crate::time::Timestamp;
use crate::waiting::Waiting;

/// One that was cut short so often by windows and freezes is a matter for a person.
const BEGUN_MAX: u8 = 3;

/// Who takes part in a canary now.
struct Part {
    /// Those who may be moved, and are served on an earlier version.
    admitted: BTreeSet<TenantName>,
    /// Those of them who are open and in whose cells the new version takes work.
    ready: BTreeSet<TenantName>,
}

impl Turn {
    /// Where a wave goes whose gates have passed.
    pub fn leave_verify(&mut self, run: usize, wave: usize, reason: &str) {
        let stage = match self.state.runs[run].waves[wave].policy.canary {
            Some(_) => Stage::Canary,
            None => Stage::Switch,
        };
        self.enter(run, wave, stage, reason);
    }

    /// Until the evidence is good, long enough and about enough requests.
    pub fn canary(&mut self, run: usize, wave: usize) -> bool {
        self.leave_those_elsewhere(run, wave);
        self.leave_unmigrated(run, wave);
        let current = &self.state.runs[run].waves[wave];
        let Some(policy) = current.policy.canary else {
            return self.leave_canary(run, wave, "the wave has no canary");
        };
        if current.promoted {
            return self.leave_canary(run, wave, "promoted");
        }
        if !self.has_candidates(run, wave) {
            return self.leave_canary(run, wave, "no tenant that waits is served on an earlier version");
        }
        let admission = self.admission(run, wave);
        let part = self.part(run, wave, &admission);
        if self.narrow(run, wave, Some(&part)) {
            return true;
        }
        if let Some(reason) = self.cut_short(run, wave, policy) {
            self.hold_run(run, None, &Cause::system("canary", reason));
            return true;
        }
        if !admission.is_free() {
            self.wait_for_admission(run, wave, &admission);
        }
        if part.admitted.is_empty() {
            return false;
        }
        self.wake_at_edges(run, &part.admitted);
        if let Some(reason) = self.slot_failed(run, wave, &part) {
            self.hold_run(run, None, &Cause::system("canary", reason));
            return true;
        }
        if self.widen(run, wave, &part, policy) {
            return true;
        }
        self.judge_canary(run, wave, policy)
    }

    /// A canary that does not fit into the time in which tenants may be moved would begin anew for ever.
    fn cut_short(&self, run: usize, wave: usize, policy: Canary) -> Option<String> {
        let current = &self.state.runs[run].waves[wave];
        (current.canaries_cut_short >= BEGUN_MAX).then(|| {
            format!(
                "the canary of wave {} has begun {BEGUN_MAX} times, and each time its tenants might not be moved any more before it was over: it needs an \
                 open window of {} at least",
                current.name, policy.least
            )
        })
    }

    /// A tenant that waits and has something to be compared with.
    fn has_candidates(&self, run: usize, wave: usize) -> bool {
        let mut members = self.state.runs[run].waves[wave].members.iter();
        members.any(|(tenant, member)| matches!(member.place, Place::Waiting) && self.is_candidate(tenant))
    }

    /// Whoever is suspended has no requests to split; who is on its way to another cell will have some.
    fn is_candidate(&self, tenant: &TenantName) -> bool {
        let seat = self.state.seats.get(tenant);
        seat.is_some_and(|seat| seat.version.is_some() && seat.closed() != Some(Closed::Suspended))
    }

    fn part(&self, run: usize, wave: usize, admission: &Admission) -> Part {
        let version = &self.state.runs[run].version;
        let members = &self.state.runs[run].waves[wave].members;
        let mut cells: BTreeMap<&CellName, bool> = BTreeMap::new();
        let mut part = Part {
            admitted: BTreeSet::new(),
            ready: BTreeSet::new(),
        };
        for tenant in admission.may_move.iter().filter(|tenant| self.is_candidate(tenant)) {
            let (Some(member), Some(seat)) = (members.get(tenant), self.state.seats.get(tenant)) else {
                continue;
            };
            if !member.is_moved_from(seat.version.as_ref()) {
                continue;
            }
            part.admitted.insert(tenant.clone());
            let is_ready = cells
                .entry(&seat.cell)
                .or_insert_with(|| self.ready_in(&seat.cell, version).is_ok());
            if *is_ready && seat.closed().is_none() {
                part.ready.insert(tenant.clone());
            }
        }
        part
    }

    /// What would take somebody out of the canary by itself.
    fn wake_at_edges(&mut self, run: usize, admitted: &BTreeSet<TenantName>) {
        let now = self.now;
        let current = &self.state.runs[run];
        let schedule = &current.schedule;
        let classes: BTreeSet<u16> = admitted.iter().map(|tenant| schedule.class_index(tenant)).collect();
        let closes = classes.iter().filter_map(|class| {
            let class = schedule.classes.get(usize::from(*class))?;
            schedule.calendars.next_close(class, now)
        });
        let freezes = self.state.freezes.values().map(|freeze| freeze.from);
        let waivers = current.waivers.iter().map(|waiver| waiver.until);
        let edges: Vec<Timestamp> = closes.chain(freezes).chain(waivers).collect();
        edges.into_iter().for_each(|at| self.wake_at(at));
    }

    /// A slot that fails under a few requests is no slot to move tenants to.
    fn slot_failed(&self, run: usize, wave: usize, part: &Part) -> Option<String> {
        if self.state.runs[run].waves[wave].resumed {
            return None;
        }
        self.unready_for(run, part)
            .into_iter()
            .find(|(_, _, state)| state.is_failed())
            .map(|(cell, slot, state)| format!("slot {slot} in cell {cell}: {}", state.in_words()))
    }

    /// The slots that those wait for who may take part and do not yet.
    fn unready_for(&self, run: usize, part: &Part) -> Vec<(CellName, SlotId, SlotState)> {
        let version = &self.state.runs[run].version;
        let waiting = part.admitted.difference(&part.ready);
        let cells: BTreeSet<&CellName> = waiting
            .filter_map(|tenant| Some(&self.state.seats.get(tenant)?.cell))
            .collect();
        let unready = cells.into_iter().flat_map(|cell| {
            let unready = self.unready(cell, version).into_iter();
            unready.map(|(slot, state)| (cell.clone(), slot, state))
        });
        unready.collect()
    }

    /// Splits the requests of those who may take part from now on.
    fn widen(&mut self, run: usize, wave: usize, part: &Part, policy: Canary) -> bool {
        let now = self.now;
        let current = &mut self.state.runs[run].waves[wave];
        let begins = current.canary.is_none();
        let canary = current.canary.get_or_insert_with(|| CanaryRun {
            since: now,
            tenants: BTreeMap::new(),
        });
        let joining: Vec<TenantName> = part
            .ready
            .iter()
            .filter(|tenant| !canary.tenants.contains_key(*tenant))
            .cloned()
            .collect();
        canary
            .tenants
            .extend(joining.iter().map(|tenant| (tenant.clone(), now)));
        let name = current.name.clone();
        if !joining.is_empty() {
            let version = self.state.runs[run].version.clone();
            let reason = format!("{} % of their clients go to {version} first", policy.share);
            let about = (&version, Some(&name));
            self.write_about(
                EntryKind::CanaryStarted,
                about,
                joining,
                &Cause::system("canary", reason),
            );
            return true;
        }
        begins
    }

    /// Takes those out who may not take part now, asking nobody; true where that is news.
    fn narrow(&mut self, run: usize, wave: usize, part: Option<&Part>) -> bool {
        let Some(canary) = &self.state.runs[run].waves[wave].canary else {
            return false;
        };
        let stays = |tenant: &TenantName| part.is_some_and(|part| part.ready.contains(tenant));
        let gone: Vec<TenantName> = canary.tenants.keys().filter(|tenant| !stays(tenant)).cloned().collect();
        let over = part.is_none_or(|part| part.admitted.is_empty());
        if gone.is_empty() && !over {
            return false;
        }
        let reason = self.why_narrowed(run, wave, part.is_some());
        let attempt = self.state.next_attempt();
        let current = &mut self.state.runs[run].waves[wave];
        if let Some(canary) = &mut current.canary {
            canary.tenants.retain(|tenant, _| stays(tenant));
        }
        if over {
            current.canary = None;
        }
        // Whoever may go on later is judged by what comes then.
        if over && part.is_some() {
            current.canaries_cut_short = current.canaries_cut_short.saturating_add(1);
            current.attempt = attempt;
            current.health = None;
            current.judged = None;
        }
        let (version, name) = (
            self.state.runs[run].version.clone(),
            self.state.runs[run].waves[wave].name.clone(),
        );
        if !gone.is_empty() {
            let about = (&version, Some(&name));
            self.write_about(EntryKind::CanaryEnded, about, gone, &Cause::system("canary", reason));
        }
        true
    }

    fn why_narrowed(&self, run: usize, wave: usize, goes_on: bool) -> String {
        let run = &self.state.runs[run];
        let stage = run.waves[wave].stage();
        match &run.hold {
            _ if goes_on => "they may not be moved now, or the new version takes no work where they are".to_owned(),
            Some(hold) if stage == Some(Stage::Canary) => format!("the release is held: {}", hold.reason),
            Some(_) | None => match &run.waves[wave].state {
                WaveState::RolledBack { reason, .. } => format!("the wave is rolled back: {reason}"),
                WaveState::Waiting
                | WaveState::Active { .. }
                | WaveState::Confirmed { .. }
                | WaveState::Dropped
                | WaveState::Superseded { .. } => "the release does not move them now".to_owned(),
            },
        }
    }

    /// No request is split any more that must not be, whatever has led there.
    pub fn settle_canaries(&mut self) {
        for run in 0..self.state.runs.len() {
            for wave in 0..self.state.runs[run].waves.len() {
                if self.state.runs[run].waves[wave].canary.is_none() {
                    continue;
                }
                let part = self.is_canary(run, wave).then(|| {
                    let admission = self.admission(run, wave);
                    self.part(run, wave, &admission)
                });
                self.narrow(run, wave, part.as_ref());
            }
        }
    }

    /// The wave is in its canary, and nothing stops the release.
    fn is_canary(&self, run: usize, wave: usize) -> bool {
        let run = &self.state.runs[run];
        run.phase == RunPhase::Moving
            && run.hold.is_none()
            && !run.goes_back()
            && run.waves[wave].state.is_in(Stage::Canary)
    }

    fn judge_canary(&mut self, run: usize, wave: usize, policy: Canary) -> bool {
        let (now, version) = (self.now, self.state.runs[run].version.clone());
        let current = &self.state.runs[run].waves[wave];
        let name = current.name.clone();
        let since = current.canary.as_ref().map_or(now, |canary| canary.since);
        let (least, longest) = (since + policy.least, since + policy.longest);
        let enough = current.has_passed(policy.requests);
        let reason = current.evidence_in_words(enough, policy.requests);
        if enough && least <= now {
            return self.leave_canary(run, wave, &reason);
        }
        if longest <= now && !enough {
            return self.canary_without_verdict(run, wave, policy, &reason);
        }
        self.wake_at(if enough { least } else { longest });
        self.waiting.push(Waiting::Canary {
            release: version,
            wave: name,
            least,
            longest,
            reason,
        });
        false
    }

    fn canary_without_verdict(&mut self, run: usize, wave: usize, policy: Canary, reason: &str) -> bool {
        let name = &self.state.runs[run].waves[wave].name;
        match policy
            .on_inconclusive
            .unwrap_or(self.state.runs[run].policy.on_inconclusive)
        {
            OnInconclusive::Hold => {
                let reason =
                    format!("the canary of wave {name} has lasted its longest without a clear verdict: {reason}");
                self.hold_run(run, None, &Cause::system("canary", reason));
                true
            }
            OnInconclusive::Pass => {
                let reason = format!("the playbook lets it pass: {reason}");
                self.leave_canary(run, wave, &reason)
            }
        }
    }

    /// What was judged of the share says nothing of the tenants once they are moved.
    fn leave_canary(&mut self, run: usize, wave: usize, reason: &str) -> bool {
        let attempt = self.state.next_attempt();
        let current = &mut self.state.runs[run].waves[wave];
        current.attempt = attempt;
        current.canary = None;
        current.health = None;
        current.judged = None;
        current.promoted = false;
        self.enter(run, wave, Stage::Switch, reason);
        true
    }

    /// Nobody was moved, so nobody has to come back: that the release is held takes the split away in this step.
    pub fn fail_canary(&mut self, run: usize, wave: usize, judgement: &Judgement) {
        let name = &self.state.runs[run].waves[wave].name;
        let reason = format!("the canary of wave {name}: {}", judgement.reason);
        self.hold_run(run, None, &Cause::system("health", reason));
    }
}

impl WaveRun {
    /// The last judgement lets it go on, and is about so many requests.
    pub fn has_passed(&self, requests: u64) -> bool {
        let health = self.health.as_ref();
        health.is_some_and(|health| health.verdict == Verdict::Pass && health.requests >= requests)
    }
}

impl WaveState {
    #[must_use]
    pub fn is_in(&self, wanted: Stage) -> bool {
        matches!(self, Self::Active { stage, .. } if *stage == wanted)
    }
}
