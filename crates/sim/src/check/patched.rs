//! A release that patches another takes its place: that one moves nobody any more, and nobody goes back to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::journal::Entry;

use super::Checked;
use super::ledger::{Kept, Ledger};
use super::promise::Promise;

/// What patches have to do with a run.
#[derive(Debug, Clone, Default)]
pub struct Patched {
    /// It was completed, rolled back or aborted: who is on it then, is there to stay.
    pub over: bool,
    /// The release that patches it, and was applied since.
    by: Option<Version>,
    /// Whom this one moves from what it patches, and from which.
    pub on: BTreeMap<TenantName, Version>,
    /// It was the first that somebody of them had: there is nothing to go back to.
    pub from_nothing: bool,
}

impl Ledger {
    /// Whom a release that is applied now finds on what it patches.
    pub fn takes_over(&self, promise: &Arc<Promise>) -> Patched {
        let patched = promise.plan.release.patches.as_ref();
        let patched = patched.and_then(|version| self.runs.get_key_value(version));
        let Some((version, run)) = patched.filter(|(_, run)| !run.patched.over) else {
            return Patched::default();
        };
        // Whom that one has not reached is still on what it patches itself.
        let mut on = run.patched.on.clone();
        for tenant in run.waves.values().flat_map(|wave| &wave.on) {
            on.insert(tenant.clone(), version.clone());
        }
        Patched {
            on,
            from_nothing: run.downtime.from_nothing,
            ..Patched::default()
        }
    }

    pub fn patched_by(&mut self, promise: &Arc<Promise>) {
        let release = &promise.plan.release;
        let patched = release.patches.as_ref().and_then(|version| self.runs.get_mut(version));
        if let Some(run) = patched {
            run.patched.by = Some(release.version.clone());
        }
    }
}

/// Only the patch's own waves move those that the patched release was to move.
pub fn is_not_over(run: &Kept, entry: &Entry) -> Checked {
    let Some(by) = &run.patched.by else { return Ok(()) };
    let names: Vec<&str> = entry.tenants.iter().map(TenantName::as_str).collect();
    let detail = format!(
        "{} moves to {}, which {by} patches",
        names.join(", "),
        run.promise.plan.release.version
    );
    Err(("what is patched moves nobody any more", detail))
}

/// Who is taken back from a patch goes where it was before the patched release.
pub fn goes_back_before_both(run: &Kept, entry: &Entry) -> Checked {
    let to_patched =
        |tenant: &&TenantName| entry.now_on.is_some() && run.patched.on.get(*tenant) == entry.now_on.as_ref();
    let Some(tenant) = entry.tenants.iter().find(to_patched) else {
        return Ok(());
    };
    let release = &run.promise.plan.release;
    let detail = format!(
        "{tenant} goes back from {} to {}, which that patches",
        release.version, run.patched.on[tenant]
    );
    Err(("nobody goes back to what was patched", detail))
}
