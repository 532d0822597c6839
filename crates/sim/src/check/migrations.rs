//! Nobody is broken who was not asked, and nobody who has migrated is forgotten: read from the files, the plan and the journal.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::change::{Change, Impact};
use tidegate_domain::id::{ChangeId, TenantName, Version};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::policy::OnUnmigrated;

use super::Checked;
use super::ledger::{Kept, Ledger};
use super::promise::Promise;

/// The tenants that are ready for each change.
#[derive(Debug, Clone, Default)]
pub struct Migrations(BTreeMap<ChangeId, BTreeSet<TenantName>>);

impl Migrations {
    /// `loud, migrated: why`
    pub fn set(&mut self, entry: &Entry) -> Option<()> {
        let (change, rest) = entry.reason.split_once(", ")?;
        let (state, _) = rest.split_once(": ")?;
        let ready = self.0.entry(change.parse().ok()?).or_default();
        match state {
            "migrated" | "not-affected" => ready.extend(entry.tenants.iter().cloned()),
            "contacted" | "acknowledged" => ready.retain(|name| !entry.tenants.contains(name)),
            _ => return None,
        }
        Some(())
    }

    pub fn forget(&mut self, entry: &Entry) {
        for ready in self.0.values_mut() {
            ready.retain(|name| !entry.tenants.contains(name));
        }
    }

    fn are_ready(&self, change: &ChangeId, tenant: &TenantName) -> bool {
        self.0.get(change).is_some_and(|ready| ready.contains(tenant))
    }
}

pub fn follow(run: &mut Kept, entry: &Entry) {
    let is_left = entry.kind == EntryKind::LeftBehind;
    if is_left && entry.actor.as_str() == "tidegate/migration" {
        run.unmigrated.extend(entry.tenants.iter().cloned());
    } else if is_left || entry.kind == EntryKind::TakenUp {
        run.unmigrated.retain(|name| !entry.tenants.contains(name));
    }
}

/// Who is moved to what would break it has migrated, or a person has waived that.
pub fn has_migrated(ledger: &Ledger, run: &Kept, tenant: &TenantName, waived: bool) -> Checked {
    let promise = &run.promise;
    if promise.on_unmigrated().is_none() || waived {
        return Ok(());
    }
    let planned = promise.plan.waves.iter().find_map(|wave| wave.tenants.get(tenant));
    let Some(planned) = planned.filter(|_| !ledger.came_later(run, tenant)) else {
        return Ok(());
    };
    let Some(from) = &planned.from else { return Ok(()) };
    let on = [Some(from), planned.replaces.as_ref()].into_iter().flatten();
    let on: Vec<&Kept> = on.filter_map(|version| ledger.runs.get(version)).collect();
    let has = |change: &Change| on.iter().any(|run| run.promise.plan.release.has(&change.id));
    for change in coming(promise, from).filter(|change| change.impact == Impact::Breaking && !has(change)) {
        if !ledger.migrations.are_ready(&change.id, tenant) {
            let release = &promise.plan.release.version;
            let detail = format!(
                "{tenant} moves to {release}, and has not migrated for change {}",
                change.id
            );
            return Err(("nobody is broken who has not migrated", detail));
        }
    }
    Ok(())
}

/// Who was left and has migrated since is on the release when it is completed.
pub fn nobody_is_forgotten(ledger: &Ledger, run: &Kept) -> Checked {
    let promise = &run.promise;
    if promise.on_unmigrated() != Some(OnUnmigrated::LeaveBehind) {
        return Ok(());
    }
    let ready = |tenant: &&TenantName| {
        let from = promise
            .plan
            .waves
            .iter()
            .find_map(|wave| wave.tenants.get(*tenant)?.from.as_ref());
        let Some(from) = from else { return false };
        let mut breaking = coming(promise, from).filter(|change| change.impact == Impact::Breaking);
        breaking.all(|change| ledger.migrations.are_ready(&change.id, tenant))
    };
    let mut left = run.unmigrated.iter().filter(|tenant| !ledger.stays(run, tenant));
    match left.find(ready) {
        None => Ok(()),
        Some(tenant) => {
            let release = &promise.plan.release.version;
            let detail = format!("{release} is completed, and {tenant} was left though it has migrated");
            Err(("who has migrated is moved", detail))
        }
    }
}

/// What is new to a tenant that comes from this version.
fn coming<'a>(promise: &'a Promise, from: &Version) -> impl Iterator<Item = &'a Change> {
    let skipped = promise.plan.skipped.get(from);
    let skipped = skipped.into_iter().flat_map(|skipped| &skipped.changes);
    promise.plan.release.changes.iter().chain(skipped)
}
