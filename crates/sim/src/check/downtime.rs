//! Planned downtime: who is moved in it was told, it lasts no longer than was told, and what is not done in time is undone.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::id::{TenantName, WaveName};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::release::{AfterStep, DataStepKind, Reversible};
use tidegate_domain::service::{Run, Service};
use tidegate_domain::time::Timestamp;

use super::Checked;
use super::ledger::{Kept, Ledger};

/// What the journal says of who is out of service.
#[derive(Debug, Clone, Default)]
pub struct Downtimes {
    now: BTreeMap<WaveName, Closed>,
    /// Somebody was moved who had no version: there is no way back.
    pub from_nothing: bool,
}

#[derive(Debug, Clone)]
struct Closed {
    since: Timestamp,
    extended: bool,
    tenants: BTreeSet<TenantName>,
}

impl Downtimes {
    pub fn of(from_nothing: bool) -> Self {
        Self {
            now: BTreeMap::new(),
            from_nothing,
        }
    }

    pub fn follow(&mut self, entry: &Entry, at: Timestamp, served: &BTreeSet<TenantName>) {
        let Some(wave) = &entry.wave else { return };
        if entry.kind == EntryKind::DowntimeStarted {
            // Who comes meanwhile is closed with the others, until the same time.
            let closed = self.now.entry(wave.clone()).or_insert(Closed {
                since: at,
                extended: false,
                tenants: BTreeSet::new(),
            });
            closed.tenants.extend(entry.tenants.iter().cloned());
        } else if entry.kind == EntryKind::DowntimeExtended {
            let closed = self.now.get_mut(wave).into_iter();
            closed.for_each(|closed| closed.extended = true);
        } else if entry.kind == EntryKind::DowntimeEnded {
            self.now.remove(wave);
        } else if entry.kind == EntryKind::Moved {
            self.from_nothing |= entry.tenants.iter().any(|tenant| !served.contains(tenant));
        }
    }
}

/// Where a release plans downtime, who runs something is moved in it.
pub fn is_out_of_service(ledger: &Ledger, run: &Kept, entry: &Entry, tenant: &TenantName) -> Checked {
    let planned = run.promise.downtime();
    let closed = entry.wave.as_ref().and_then(|wave| run.downtime.now.get(wave));
    let is_closed = closed.is_some_and(|closed| closed.tenants.contains(tenant));
    if planned.is_none() || is_closed || !ledger.served.contains(tenant) {
        return Ok(());
    }
    let detail = format!("{tenant} moves to {}", run.promise.plan.release.version);
    Err(("no tenant moves outside its planned downtime", detail))
}

/// That it takes longer is told before the end that was promised.
pub fn is_told_in_time(run: &Kept, entry: &Entry, state: &Service, now: Timestamp) -> Checked {
    let closed = entry.wave.as_ref().and_then(|wave| run.downtime.now.get(wave));
    let (Some(planned), Some(closed)) = (run.promise.downtime(), closed) else {
        return Ok(());
    };
    let promised = closed.since + planned.longest;
    // What is undone is told of while it lasts.
    let back = state
        .run(&run.promise.plan.release.version)
        .is_some_and(Run::undoes_in_downtime);
    if now < promised || back || !comes_back(run) {
        return Ok(());
    }
    let detail = format!(
        "{}: it was to end at {promised}, that is told at {now}",
        run.promise.plan.release.version
    );
    Err(("nobody is out of service for longer than was told", detail))
}

/// After each turn.
pub fn ends_in_time(ledger: &Ledger, state: &Service, now: Timestamp) -> Checked {
    for run in ledger.runs.values().filter(|run| comes_back(run)) {
        let Some(planned) = run.promise.downtime() else {
            continue;
        };
        for (wave, closed) in &run.downtime.now {
            let says = |what: &str, at: Timestamp| {
                let release = &run.promise.plan.release.version;
                let since = closed.since;
                format!("wave {wave} of {release} is out of service since {since}, at {now}; {what} {at}")
            };
            let promised = closed.since + planned.longest;
            let very_end = promised + planned.overrun;
            let undone = Timestamp((very_end.0 - planned.undo.as_millis()).max(closed.since.0));
            // Data that are not whole forbid that anybody is served on them.
            let version = &run.promise.plan.release.version;
            let half_done = state.run(version).is_some_and(Run::undoes_in_downtime);
            if half_done {
                continue;
            }
            if undone <= now {
                let detail = says("it was to be undone at", undone);
                return Err(("what is not done in its downtime is undone", detail));
            }
            if promised <= now && !closed.extended {
                let detail = says("it was to end at", promised);
                return Err(("nobody is out of service for longer than was told", detail));
            }
        }
    }
    Ok(())
}

/// What cannot be taken back without a person is not undone either.
fn comes_back(run: &Kept) -> bool {
    let release = &run.promise.plan.release;
    let mut steps = release.steps.iter();
    let stays = steps.any(|step| match step.kind {
        DataStepKind::Contract => true,
        DataStepKind::DuringDowntime if step.undo.is_empty() => true,
        DataStepKind::Expand | DataStepKind::DuringDowntime | DataStepKind::Migrate => {
            step.rollback == AfterStep::LosesNewWrites
        }
    });
    release.reversible == Reversible::Always && !stays && !run.downtime.from_nothing
}
