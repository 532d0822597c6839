//! The journal alone tells where every tenant is and what every release went through.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::id::{TenantName, Version, WaveName};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::service::{Run, Service, WaveRun};
use tidegate_domain::time::Timestamp;
use tidegate_store::JournalRow;

use super::{Checked, Versions};

/// The world as the journal has it.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    pub seq: i64,
    seats: Versions,
    held: BTreeSet<Version>,
    /// Whose clients the canary of a wave splits.
    splits: BTreeMap<(Version, WaveName), BTreeSet<TenantName>>,
    /// Since the state was compared last, each with the time of its turn.
    fresh: Vec<(Timestamp, Entry)>,
}

impl Replay {
    /// What an earlier journal has led to.
    pub fn of(state: &Service) -> Self {
        let seats = state.seats.iter();
        let held = state.runs.iter().filter(|run| run.hold.is_some());
        Self {
            seats: seats.map(|(name, seat)| (name.clone(), seat.version.clone())).collect(),
            held: held.map(|run| run.version.clone()).collect(),
            ..Self::default()
        }
    }

    /// Follows the rows that were added; a line for each, and what is wrong with them.
    pub fn follow(&mut self, rows: &[JournalRow]) -> (Vec<String>, Checked) {
        self.fresh.clear();
        let mut lines = Vec::new();
        let mut checked = Ok(());
        for row in rows {
            self.seq = row.seq;
            let Ok(entry) = serde_json::from_str::<Entry>(&row.body) else {
                return (lines, Err(("the journal can be read", format!("row {}", row.seq))));
            };
            lines.push(line(&entry));
            checked = checked.and(self.take(&entry));
            self.fresh.push((Timestamp(row.at_ms), entry));
        }
        (lines, checked)
    }

    fn take(&mut self, entry: &Entry) -> Checked {
        self.may_be(entry)?;
        self.remember(entry);
        Ok(())
    }

    fn may_be(&self, entry: &Entry) -> Checked {
        if entry.actor.as_str().is_empty() || entry.reason.trim().is_empty() {
            return Err(("every change has an actor and a reason", line(entry)));
        }
        let release = entry.release.as_ref();
        let held = release.is_some_and(|release| self.held.contains(release));
        let moves = matches!(
            entry.kind,
            EntryKind::Moved | EntryKind::StageEntered | EntryKind::WaveConfirmed
        );
        if held && moves {
            return Err(("a held release does not move", line(entry)));
        }
        Ok(())
    }

    fn remember(&mut self, entry: &Entry) {
        match entry.kind {
            EntryKind::Moved | EntryKind::Returned | EntryKind::TenantAdded | EntryKind::TenantStarted => {
                for tenant in &entry.tenants {
                    self.seats.insert(tenant.clone(), entry.now_on.clone());
                }
            }
            EntryKind::TenantRemoved => self.seats.retain(|tenant, _| !entry.tenants.contains(tenant)),
            EntryKind::CanaryStarted | EntryKind::CanaryEnded | EntryKind::StageEntered => self.remember_split(entry),
            EntryKind::Held => self.held.extend(entry.release.clone()),
            EntryKind::Resumed
            | EntryKind::Completed
            | EntryKind::RolledBack
            | EntryKind::Aborted
            | EntryKind::Superseded
            | EntryKind::Applied => self.held.retain(|release| Some(release) != entry.release.as_ref()),
            EntryKind::Started
            | EntryKind::TakenOver
            | EntryKind::Approved
            | EntryKind::Rejected
            | EntryKind::ApprovalExpired
            | EntryKind::Waived
            | EntryKind::Frozen
            | EntryKind::Unfrozen
            | EntryKind::OptedIn
            | EntryKind::OptedOut
            | EntryKind::NoticeDue
            | EntryKind::NoticeProven
            | EntryKind::CompanionSeen
            | EntryKind::CustomerReported
            | EntryKind::Reserved
            | EntryKind::DowntimeStarted
            | EntryKind::DowntimeExtended
            | EntryKind::DowntimeEnded
            | EntryKind::Promoted
            | EntryKind::Judged
            | EntryKind::GateEnded
            | EntryKind::GateAnswered
            | EntryKind::GateOverridden
            | EntryKind::LeftBehind
            | EntryKind::MigrationSet
            | EntryKind::TakenUp
            | EntryKind::WaveConfirmed
            | EntryKind::WaveRolledBack
            | EntryKind::JobAsked
            | EntryKind::JobStarted
            | EntryKind::JobDone
            | EntryKind::JobFailed
            | EntryKind::JobDropped
            | EntryKind::StepStarted
            | EntryKind::StepDone
            | EntryKind::StepFailed
            | EntryKind::StepUndone
            | EntryKind::StepKept
            | EntryKind::TenantMoveBegun
            | EntryKind::TenantClosed
            | EntryKind::TenantMoved
            | EntryKind::TenantOpened
            | EntryKind::TenantMoveEnded
            | EntryKind::TenantSuspended
            | EntryKind::TenantResumed
            | EntryKind::SlotLeft
            | EntryKind::SlotStopped
            | EntryKind::Announced
            | EntryKind::Refused => {}
        }
    }

    /// A canary ends where its wave goes on.
    fn remember_split(&mut self, entry: &Entry) {
        let (Some(release), Some(wave)) = (&entry.release, &entry.wave) else {
            return;
        };
        let split = self.splits.entry((release.clone(), wave.clone())).or_default();
        if entry.kind == EntryKind::CanaryStarted {
            split.extend(entry.tenants.iter().cloned());
        } else if entry.kind == EntryKind::CanaryEnded {
            split.retain(|tenant| !entry.tenants.contains(tenant));
        } else {
            split.clear();
        }
    }

    /// The state says what the journal says, and nothing changed without a row.
    pub fn compare(&self, state: &Service, before: Option<&Service>) -> Checked {
        const RULE: &str = "every change is in the journal";
        for (tenant, seat) in &state.seats {
            let told = self.seats.get(tenant);
            if told != Some(&seat.version) {
                let detail = format!("tenant {tenant} is on {:?}, by the journal {told:?}", seat.version);
                return Err((RULE, detail));
            }
        }
        if let Some(tenant) = self.seats.keys().find(|tenant| !state.seats.contains_key(*tenant)) {
            return Err((RULE, format!("tenant {tenant} is gone without a row")));
        }
        for run in &state.runs {
            let last = before.and_then(|before| before.run(&run.version));
            if run.hold.is_some() != self.held.contains(&run.version) {
                return Err((
                    RULE,
                    format!("the hold of release {} changed without a row", run.version),
                ));
            }
            self.compare_run(run, last).map_err(|detail| (RULE, detail))?;
        }
        for (name, cell) in before.iter().flat_map(|before| &before.cells) {
            let stopped = cell.slots.keys().find(|id| !state.cells[name].slots.contains_key(*id));
            let told = |id: &str| {
                let mut rows = self.fresh.iter().map(|(_, entry)| entry);
                rows.any(|entry| entry.kind == EntryKind::SlotStopped && entry.reason.contains(id))
            };
            if let Some(id) = stopped.filter(|id| !told(id.as_str())) {
                return Err((RULE, format!("slot {id} of cell {name} was stopped without a row")));
            }
        }
        Ok(())
    }

    fn compare_run(&self, run: &Run, before: Option<&Run>) -> Result<(), String> {
        use EntryKind::{
            Aborted, Applied, Completed, Resumed, RolledBack, StageEntered, Started, Superseded, TakenOver,
            WaveConfirmed, WaveRolledBack,
        };
        let told = |wave: Option<&WaveName>, kinds: &[EntryKind]| {
            let of_run = |entry: &&Entry| entry.release.as_ref() == Some(&run.version) && entry.wave.as_ref() == wave;
            self.fresh
                .iter()
                .map(|(_, entry)| entry)
                .filter(of_run)
                .any(|entry| kinds.contains(&entry.kind))
        };
        let for_all = [
            Applied, Started, Completed, RolledBack, Aborted, TakenOver, Superseded, Resumed,
        ];
        if before.map(|before| before.phase) != Some(run.phase) && !told(None, &for_all) {
            return Err(format!(
                "release {} became {} without a row",
                run.version,
                run.phase.in_words()
            ));
        }
        for wave in &run.waves {
            let split = wave.canary.iter().flat_map(|canary| canary.tenants.keys());
            let replayed = self.splits.get(&(run.version.clone(), wave.name.clone()));
            if !split.eq(replayed.into_iter().flatten()) {
                return Err(format!(
                    "the canary of wave {} of release {} changed without a row",
                    wave.name, run.version
                ));
            }
            let last = before.and_then(|before| before.waves.iter().find(|last| last.name == wave.name));
            let same = last.is_some_and(|last: &WaveRun| last.state == wave.state);
            let told =
                || told(Some(&wave.name), &[StageEntered, WaveConfirmed, WaveRolledBack]) || told(None, &for_all);
            if !same && !told() {
                let detail = format!(
                    "wave {} of release {} became {:?} without a row",
                    wave.name, run.version, wave.state
                );
                return Err(detail);
            }
        }
        Ok(())
    }
}

impl Replay {
    /// The rows that were added last, and when.
    pub fn fresh(&self) -> &[(Timestamp, Entry)] {
        &self.fresh
    }
}

fn line(entry: &Entry) -> String {
    let mut line = format!("{} {}", entry.actor, entry.kind.as_str());
    for word in [
        entry.release.as_ref().map(ToString::to_string),
        entry.wave.as_ref().map(ToString::to_string),
    ] {
        line.extend(word.map(|word| format!(" {word}")));
    }
    if !entry.tenants.is_empty() {
        let names: Vec<&str> = entry.tenants.iter().map(TenantName::as_str).collect();
        line.push_str(&format!(" [{}]", names.join(" ")));
    }
    if let Some(now_on) = &entry.now_on {
        line.push_str(&format!(" on {now_on}"));
    }
    line.push_str(&format!(": {}", entry.reason));
    line
}
