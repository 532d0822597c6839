//! Tenants choose when they move: not before that, never earlier than planned, and few of them at one time.

use tidegate_domain::calendar::read_instant;
use tidegate_domain::id::TenantName;
use tidegate_domain::journal::Entry;
use tidegate_domain::time::Timestamp;

use super::Checked;
use super::clock::Covered;
use super::ledger::{Kept, Ledger};

/// `to be moved at INSTANT: why`, or `as planned`. `None`: it is neither.
pub fn read(text: &str) -> Option<Option<Timestamp>> {
    let (when, _) = text.strip_prefix("to be moved ")?.split_once(": ")?;
    if when == "as planned" {
        return Some(None);
    }
    read_instant(when.strip_prefix("at ")?).ok().map(Some)
}

/// The time that a tenant has reserved has come. The journal has whole seconds.
pub fn has_come(run: &Kept, tenant: &TenantName, now: Timestamp) -> Checked {
    match run.reserved.get(tenant).filter(|at| now < **at) {
        None => Ok(()),
        Some(at) => {
            let release = &run.promise.plan.release.version;
            let detail = format!("{tenant} moves to {release} at {now}, and has reserved {at}");
            Err(("no tenant moves before it has asked to", detail))
        }
    }
}

/// A time is reserved by those alone whom the playbook lets: as many as it says, when they may move.
pub fn has_room(ledger: &Ledger, run: &Kept, entry: &Entry) -> Checked {
    const RULE: &str = "no more tenants reserve one time than the playbook lets";
    let Some(at) = read(&entry.reason).flatten() else {
        return Ok(());
    };
    let promise = &run.promise;
    let (release, tenants) = (&promise.plan.release.version, &entry.tenants);
    let Some(rule) = promise.reservations() else {
        return Err((RULE, format!("{release}: the playbook lets nobody reserve")));
    };
    let stretch = rule.stretch.as_millis().max(1);
    let number = at.0.div_euclid(stretch);
    let others = run.reserved.iter().filter(|(name, _)| !tenants.contains(name));
    let taken = others.filter(|(_, at)| at.0.div_euclid(stretch) == number).count();
    if taken + tenants.len() > rule.capacity as usize {
        let detail = format!("{release}: {at} is reserved once more, by {taken} already");
        return Err((RULE, detail));
    }
    for tenant in tenants.iter().filter(|tenant| !ledger.came_later(run, tenant)) {
        let zone = promise.whose(tenant).zone;
        // A second that has begun may have been meant to its end.
        let early = promise.start(tenant, None).filter(|start| start.0 > at.0 + 999);
        let covered = Covered::of(&promise.windows(tenant), &zone, at).unwrap_or_default();
        let closed = covered.freeze.is_some() || (covered.needs && covered.allowing.is_empty());
        if early.is_some() || closed {
            let detail = format!("{release}: {tenant} reserves {at}, when it may not move");
            return Err(("nobody reserves a time at which it may not move", detail));
        }
    }
    Ok(())
}
